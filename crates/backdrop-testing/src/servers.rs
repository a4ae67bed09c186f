//! The Postgres that the tests of a run share.

use crate::process::signal;
use backdrop_cli::private::{PostgresOptions, PrivatePostgres};
use rustix::process::Signal;
use secrecy::SecretString;
use tempfile::TempDir;

/// The environment variable that names the shared server.
pub const SHARED_POSTGRES: &str = "BACKDROP_TEST_POSTGRES_URL";

/// A private Postgres in a temporary folder, without fsync: tests kill processes, not the machine.
#[derive(Debug)]
pub struct SharedPostgres {
    // Stopped before its folder is removed.
    postgres: PrivatePostgres,
    /// Those that are frozen, the first process of the server first.
    frozen: Vec<u32>,
    _folder: TempDir,
}

impl SharedPostgres {
    /// Starts the server.
    ///
    /// # Errors
    /// If Postgres is not installed or does not start.
    pub fn start() -> anyhow::Result<Self> {
        let mut options = PostgresOptions::without_fsync();
        // Several stacks at once, each with the pools of three services or more.
        options.settings.push(("max_connections".into(), "300".into()));
        Self::start_with(options)
    }

    /// Starts the server with other options: with fsync, say.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub fn start_with(options: PostgresOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("backdrop-postgres-").tempdir()?;
        let postgres = PrivatePostgres::start_with(folder.path(), options)?;
        Ok(Self { postgres, frozen: Vec::new(), _folder: folder })
    }

    /// Starts a standby of this server, which follows it.
    ///
    /// # Errors
    /// If this server cannot be copied, or the standby does not start.
    pub fn start_standby(&self) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("backdrop-standby-").tempdir()?;
        let postgres = self.postgres.start_standby(folder.path())?;
        Ok(Self { postgres, frozen: Vec::new(), _folder: folder })
    }

    /// The URL of its first database.
    pub fn url(&self) -> SecretString {
        self.postgres.url()
    }

    /// The server, to be killed and started again.
    pub fn server(&mut self) -> &mut PrivatePostgres {
        &mut self.postgres
    }

    /// Stops all processes of the server in their tracks (`SIGSTOP`); gives how many there are.
    ///
    /// # Errors
    /// If the system does not tell which there are.
    pub fn freeze(&mut self) -> anyhow::Result<usize> {
        let first = self.postgres.pid();
        // The first one first: from then on there are no new ones.
        signal(first, Signal::STOP);
        self.frozen.push(first);
        let children = std::fs::read_to_string(format!("/proc/{first}/task/{first}/children"))?;
        self.frozen.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        self.frozen.iter().skip(1).for_each(|pid| signal(*pid, Signal::STOP));
        Ok(self.frozen.len())
    }

    /// Lets all processes go on (`SIGCONT`).
    pub fn thaw(&mut self) {
        self.frozen.drain(..).for_each(|pid| signal(pid, Signal::CONT));
    }
}

impl Drop for SharedPostgres {
    fn drop(&mut self) {
        // Who is frozen does not notice that the server ends, and would stay behind.
        self.thaw();
    }
}
