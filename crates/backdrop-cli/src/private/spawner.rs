//! Starts the servers' processes, from one thread that never ends.
//!
//! **Why a thread.** The signal that the kernel sends to a child when its parent ends (`PR_SET_PDEATHSIG`) is
//! tied to the *thread* that started it. Started from a pool or a test's thread, a server would be
//! stopped as soon as that thread ends.

use super::installed;
use super::user::User;
use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::LazyLock;
use std::sync::mpsc::{Sender, channel};

struct Request {
    command: Command,
    reply: Sender<io::Result<Child>>,
}

static SPAWNER: LazyLock<Sender<Request>> = LazyLock::new(|| {
    let (requests, queue) = channel::<Request>();
    std::thread::Builder::new()
        .name("spawner".into())
        .spawn(move || {
            // The other end is a static, so this loop ends with the process.
            for Request { mut command, reply } in queue {
                // A caller that is gone has no use for the child; there is none, since `spawn` waits.
                let _ = reply.send(command.spawn());
            }
        })
        .expect("the first threads of a process can be started");
    requests
});

/// A command that runs `program` until we end, behind `prefix` (such as `env NAME=value`), as `user`.
///
/// The child has its own process group: Ctrl-C in a terminal reaches only us, and we stop the servers in
/// the right order. `signal` is what the kernel sends it if we are killed; without `setpriv` nothing is sent.
pub(super) fn command(program: &Path, prefix: &[String], user: Option<User>, signal: &str) -> Command {
    let mut words: Vec<&OsStr> = prefix.iter().map(OsStr::new).collect();
    words.push(program.as_os_str());
    let mut command = match installed::on_path("setpriv") {
        Some(setpriv) => {
            let mut command = Command::new(setpriv);
            command.args(["--pdeathsig", signal, "--"]).args(words);
            command
        }
        None => {
            let mut command = Command::new(words[0]);
            command.args(&words[1..]);
            command
        }
    };
    if let Some(user) = user {
        user.applies_to(&mut command);
    }
    command.process_group(0);
    command
}

/// Starts a command's process from the thread that never ends.
pub(super) fn spawn(command: Command) -> io::Result<Child> {
    let (reply, answer) = channel();
    let request = Request { command, reply };
    SPAWNER.send(request).map_err(|_| io::Error::other("the thread that starts processes is gone"))?;
    answer.recv().map_err(|_| io::Error::other("the thread that starts processes is gone"))?
}
