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
    _folder: TempDir,
}

impl SharedPostgres {
    /// Starts the server.
    ///
    /// # Errors
    /// If Postgres is not installed or does not start.
    pub fn start() -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("backdrop-postgres-").tempdir()?;
        let mut options = PostgresOptions::without_fsync();
        // Several stacks at once, each with the pools of three services or more.
        options.settings.push(("max_connections".into(), "300".into()));
        let postgres = PrivatePostgres::start_with(folder.path(), options)?;
        Ok(Self { postgres, _folder: folder })
    }

    /// The URL of its first database.
    pub fn url(&self) -> SecretString {
        self.postgres.url()
    }

    /// Stops all of the server's processes in their tracks (`SIGSTOP`).
    pub fn freeze(&self) {
        self.processes().for_each(|pid| signal(pid, Signal::STOP));
    }

    /// Lets them go on (`SIGCONT`).
    pub fn thaw(&self) {
        self.processes().for_each(|pid| signal(pid, Signal::CONT));
    }

    /// The server's first process, and those it has made.
    fn processes(&self) -> impl Iterator<Item = u32> {
        let first = self.postgres.pid();
        let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
        let all = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let is_child = move |pid: &u32| {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            // The name of a program, in parentheses, may hold anything.
            let parent =
                stat.rsplit(')').next().and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
            parent == Some(first)
        };
        // The first one first, so that it makes no more.
        std::iter::once(first).chain(all.filter(is_child))
    }

    /// The server, to be killed and started again.
    pub fn server(&mut self) -> &mut PrivatePostgres {
        &mut self.postgres
    }
}
