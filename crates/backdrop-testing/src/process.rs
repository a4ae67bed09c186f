//! A service as a process: started, stopped, continued, killed.

use crate::port::Port;
use anyhow::{Context, ensure};
use backdrop_cli::private::spawn_bound;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::fs::File;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// The environment variable that names the folder of the programs, if they are not where this one is: those of another
/// build, say.
pub const PROGRAMS: &str = "BACKDROP_TEST_PROGRAMS";
/// How long an orderly stop may take before the test is told that it hangs.
const STOP_WITHIN: Duration = Duration::from_secs(20);

/// A running program of this workspace.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    log: PathBuf,
    port: Port,
    /// What it is told by its environment, its listening address included.
    environment: Vec<(String, String)>,
    /// The command it runs behind.
    prefix: Vec<String>,
}

impl Process {
    /// Starts a program of the workspace, by its name, with its log in the folder, as text unless the environment says
    /// otherwise. Its listening address is a free one, told to it by `listen_variable`.
    ///
    /// # Errors
    /// If the program was not built or cannot be started.
    pub fn start(
        name: &str,
        folder: &Path,
        listen_variable: &str,
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        Self::start_behind(&[], name, folder, listen_variable, environment)
    }

    /// Like [`start`](Self::start), behind a command that becomes the program: `["prlimit", "--data=…"]`, say.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_behind(
        prefix: &[String],
        name: &str,
        folder: &Path,
        listen_variable: &str,
        environment: &[(String, String)],
    ) -> anyhow::Result<Self> {
        let port = Port::take()?;
        let log = folder.join(format!("{name}-{}.log", port.address().port()));
        let mut own = vec![("BACKDROP_LOG_FORMAT".to_owned(), "text".to_owned())];
        own.extend_from_slice(environment);
        own.push((listen_variable.to_owned(), port.address().to_string()));
        let environment = own;
        let child = spawn(prefix, name, &log, &environment)?;
        Ok(Self { name: name.to_owned(), child, log, port, environment, prefix: prefix.to_vec() })
    }

    /// Starts it again after it has ended, with the same settings at the same address; its log goes on.
    ///
    /// # Errors
    /// If it still runs, or cannot be started.
    pub fn restart(&mut self) -> anyhow::Result<()> {
        ensure!(!self.is_running(), "{} still runs", self.name);
        self.child = spawn(&self.prefix, &self.name, &self.log, &self.environment)?;
        Ok(())
    }

    /// Its number, which changes with every start.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// What it has logged.
    pub fn log(&self) -> String {
        match std::fs::read(&self.log) {
            Ok(log) => String::from_utf8_lossy(&log).into_owned(),
            Err(error) => format!("the log cannot be read: {error}"),
        }
    }

    /// Whether it runs, sleeps, is stopped or has ended, for messages.
    fn state(&mut self) -> String {
        if let Ok(Some(status)) = self.child.try_wait() {
            return status.to_string();
        }
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let state = status.lines().find_map(|line| line.strip_prefix("State:"));
        state.unwrap_or("unknown").trim().to_owned()
    }

    /// Kills it (`SIGKILL`), as a crash would.
    pub fn kill(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Stops it in its tracks (`SIGSTOP`), as a machine that hangs would.
    pub fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (`SIGCONT`).
    pub fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    /// Asks it to stop (`SIGTERM`).
    pub fn ask_to_stop(&self) {
        self.signal(Signal::TERM);
    }

    /// Asks it to stop (`SIGTERM`) and waits until it has.
    ///
    /// # Errors
    /// If it does not stop in time.
    pub fn terminate(&mut self) -> anyhow::Result<ExitStatus> {
        self.signal(Signal::TERM);
        let began = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            ensure!(began.elapsed() < STOP_WITHIN, "{} does not stop", self.name);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The most memory it ever held, in KiB.
    ///
    /// # Panics
    /// If the system does not tell.
    pub fn peak_memory_kib(&self) -> u64 {
        let path = format!("/proc/{}/status", self.child.id());
        let status = std::fs::read_to_string(path).expect("the process runs");
        let line = status.lines().find(|line| line.starts_with("VmHWM:")).expect("the peak");
        line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.ended().is_none()
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    fn signal(&self, what: Signal) {
        signal(self.child.id(), what);
    }
}

/// Sends a signal to a process, which may have ended by itself.
pub(crate) fn signal(pid: u32, what: Signal) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, what);
    }
}

/// Lets all that we have started go on (`SIGCONT`): what the kernel tells them when we end, they cannot hear while they
/// are frozen.
pub fn wake_children() {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    for pid in children.flat_map(|pids| pids.split_whitespace().map(str::to_owned).collect::<Vec<_>>()) {
        if let Some(pid) = pid.parse().ok().and_then(Pid::from_raw) {
            // Each leads a group of its own; one that has ended needs nothing.
            let _ = kill_process_group(pid, Signal::CONT);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let state = self.state();
        self.kill();
        if std::thread::panicking() {
            let log = self.log();
            let tail: Vec<&str> = log.lines().rev().take(60).collect();
            eprintln!("--- end of the log of {} ({state}) ---", self.name);
            tail.iter().rev().for_each(|line| eprintln!("{line}"));
        }
    }
}

fn spawn(
    prefix: &[String],
    name: &str,
    log: &Path,
    environment: &[(String, String)],
) -> anyhow::Result<Child> {
    let log = File::options().create(true).append(true).open(log)?;
    spawn_bound(&program(name)?, prefix, |command| {
        command.envs(environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    })
    .with_context(|| format!("cannot start {name}"))
}

/// The program: where [`PROGRAMS`] says, or else beside this one, or, if this is a test, one folder up.
fn program(name: &str) -> anyhow::Result<PathBuf> {
    let this = std::env::current_exe()?;
    let told = std::env::var_os(PROGRAMS).map(PathBuf::from);
    let folders = told.as_deref().into_iter().chain(this.ancestors().skip(1).take(2));
    let found = folders.map(|folder| folder.join(name)).find(|program| program.is_file());
    found.with_context(|| format!("{name} is not built; run `cargo build --workspace --bins`"))
}
