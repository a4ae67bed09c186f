//! Servers that an earlier life of ours left running: without `setpriv` nothing stops them when we are
//! killed. Whoever holds the lock of a home may stop what still runs there.

use rustix::process::{Pid, Signal, kill_process};
use std::path::Path;
use std::time::{Duration, Instant};

/// How long an orphan may take to stop by itself before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(30);
/// How long the system may take to end a process that was killed.
const KILL_WITHIN: Duration = Duration::from_secs(5);
const POLL_EVERY: Duration = Duration::from_millis(20);

/// Stops the process that a pid file names, if it really is the server that was started with `argument`
/// in its command line; removes the pid file of one that is not, since the number may have gone to
/// another process since, and Postgres would then refuse to start.
pub(super) fn end(pid_file: &Path, argument: &Path, signal: Signal) {
    let Some(pid) = first_line(pid_file).and_then(|line| Pid::from_raw(line.parse().ok()?)) else { return };
    match runs_with(pid, argument) {
        None => {}
        Some(false) => drop(std::fs::remove_file(pid_file)),
        Some(true) => stop(pid, argument, signal),
    }
}

fn stop(pid: Pid, argument: &Path, signal: Signal) {
    tracing::warn!(pid = pid.as_raw_nonzero().get(), "stopping a server that an earlier run left behind");
    for (signal, patience) in [(signal, STOP_WITHIN), (Signal::KILL, KILL_WITHIN)] {
        // Fails once the process is gone, which is what we want.
        let _ = kill_process(pid, signal);
        let deadline = Instant::now() + patience;
        // A process that is gone and that nobody has waited for yet has no command line any more.
        while Instant::now() < deadline {
            if runs_with(pid, argument) != Some(true) {
                return;
            }
            std::thread::sleep(POLL_EVERY);
        }
    }
}

/// Whether a process has an argument; `None` where the system does not tell.
fn runs_with(pid: Pid, argument: &Path) -> Option<bool> {
    if !Path::new("/proc/self/cmdline").exists() {
        return None;
    }
    let words = std::fs::read(format!("/proc/{}/cmdline", pid.as_raw_nonzero())).unwrap_or_default();
    let argument = argument.as_os_str().as_encoded_bytes();
    Some(words.split(|byte| *byte == 0).any(|word| word == argument))
}

fn first_line(file: &Path) -> Option<String> {
    std::fs::read_to_string(file).ok()?.lines().next().map(|line| line.trim().to_owned())
}
