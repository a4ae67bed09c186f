//! One server's process: started, waited for, stopped within bounds.

use super::spawner;
use anyhow::{Context, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long a server may take until it answers. A server that cannot start ends by itself much sooner;
/// after a crash it may have to read its whole log.
const READY_WITHIN: Duration = Duration::from_secs(120);
const POLL_EVERY: Duration = Duration::from_millis(10);
/// How much of a server's log is shown when it does not start.
const LOG_TAIL_LINES: usize = 20;
/// Lines by which a server says that a start fails only for now: another took the port since we looked, or
/// processes of a killed server are not all gone yet.
const TRANSIENT: [&str; 3] = [
    "Address already in use",
    "pre-existing shared memory block",
    "lock file \"postmaster.pid\" already exists",
];

/// A running server.
#[derive(Debug)]
pub(super) struct Server {
    name: &'static str,
    child: Child,
    log: PathBuf,
}

impl Server {
    /// Starts a server and waits until `is_ready`. `command` makes its command line anew for each try,
    /// so that it can choose another port.
    pub(super) fn start(
        name: &'static str,
        log: &Path,
        mut command: impl FnMut() -> anyhow::Result<(Command, u16)>,
        is_ready: impl Fn(u16) -> bool,
    ) -> anyhow::Result<(Self, u16)> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let (command, port) = command()?;
            let log_start = std::fs::metadata(log).map_or(0, |metadata| metadata.len());
            let mut server = Self::spawn(name, log, command)?;
            if server.wait_until(deadline, || is_ready(port))? {
                return Ok((server, port));
            }
            let tail = log_tail(log, log_start);
            let is_transient = TRANSIENT.iter().any(|line| tail.contains(line));
            if !is_transient || Instant::now() >= deadline {
                drop(server);
                bail!("{name} did not start; its log {} ends with:\n{tail}", log.display());
            }
            std::thread::sleep(POLL_EVERY * 10);
        }
    }

    fn spawn(name: &'static str, log: &Path, mut command: Command) -> anyhow::Result<Self> {
        let output = OpenOptions::new().create(true).append(true).open(log);
        let output = output.with_context(|| format!("cannot write {}", log.display()))?;
        let errors = output.try_clone().context("cannot share a log file")?;
        command.stdin(Stdio::null()).stdout(output).stderr(errors);
        let child = spawner::spawn(command).with_context(|| format!("cannot start {name}"))?;
        Ok(Self { name, child, log: log.to_owned() })
    }

    /// Waits until a condition holds; `false` if the server ended or the deadline passed before.
    fn wait_until(&mut self, deadline: Instant, is_ready: impl Fn() -> bool) -> anyhow::Result<bool> {
        while Instant::now() < deadline {
            if self.has_ended()? {
                return Ok(false);
            }
            if is_ready() {
                return Ok(true);
            }
            std::thread::sleep(POLL_EVERY);
        }
        Ok(false)
    }

    /// The server's process.
    pub(super) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Whether the process is gone.
    pub(super) fn has_ended(&mut self) -> anyhow::Result<bool> {
        let status = self.child.try_wait().with_context(|| format!("cannot wait for {}", self.name))?;
        Ok(status.is_some())
    }

    /// Sends each signal in turn and waits as long as it says, until the process is gone. The last
    /// one should be `KILL`, after which it is waited for without bound.
    pub(super) fn stop(&mut self, signals: &[(Signal, Duration)]) -> anyhow::Result<()> {
        for (signal, patience) in signals {
            if self.has_ended()? {
                return Ok(());
            }
            // Fails only if the process is gone, and its number is kept until we have waited for it.
            let _ = kill_process(Pid::from_child(&self.child), *signal);
            let deadline = Instant::now() + *patience;
            while Instant::now() < deadline && !self.has_ended()? {
                std::thread::sleep(POLL_EVERY);
            }
        }
        self.child.wait().with_context(|| format!("cannot wait for {}", self.name))?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // The orderly end is the owner's; here it is only made sure that nothing stays behind.
        if let Err(error) = self.stop(&[(Signal::KILL, Duration::ZERO)]) {
            tracing::warn!(%error, log = %self.log.display(), "a server could not be stopped");
        }
    }
}

fn log_tail(log: &Path, start: u64) -> String {
    let read = || -> std::io::Result<String> {
        let mut file = File::open(log)?;
        let len = file.metadata()?.len();
        // A server that fails in a loop may have written much; the last lines are in the last 64 KiB.
        file.seek(SeekFrom::Start(start.max(len.saturating_sub(64 * 1024))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    };
    let text = read().unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n")
}
