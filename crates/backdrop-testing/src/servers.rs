//! The Postgres that the tests of a run share.

use backdrop_cli::private::{PostgresOptions, PrivatePostgres};
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

    /// The server, to be killed and started again.
    pub fn server(&mut self) -> &mut PrivatePostgres {
        &mut self.postgres
    }
}
