//! Copies of a server: a base backup to go back to, and a standby that follows.

use super::{NAME, PrivatePostgres, run, run_to_end};
use crate::private::directory::Directory;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::Command;

impl PrivatePostgres {
    /// Takes a base backup of the server as it is, to [go back to](Self::go_back).
    ///
    /// # Errors
    /// If `pg_basebackup` fails.
    pub fn back_up(&self) -> anyhow::Result<()> {
        let backup = self.backup();
        if backup.exists() {
            std::fs::remove_dir_all(&backup)
                .with_context(|| format!("cannot remove {}", backup.display()))?;
        }
        self.copy_to(&self.directory, &backup, &[])
    }

    /// Kills the server, destroys its data, and starts it from the backup, which is used up by that.
    ///
    /// # Errors
    /// If there is no backup, or the server does not start from it.
    pub fn go_back(&mut self) -> anyhow::Result<()> {
        self.kill()?;
        let (data, backup) = (self.directory.join("data"), self.backup());
        std::fs::rename(&data, self.directory.join("data.lost")).context("cannot put the data aside")?;
        std::fs::rename(&backup, &data).context("cannot take the backup")?;
        std::fs::remove_dir_all(self.directory.join("data.lost")).context("cannot remove the data")?;
        self.restart()
    }

    /// Starts a standby with its data in `postgres` below another home, which follows this server.
    ///
    /// # Errors
    /// As [`start`](Self::start); or if this server cannot be copied.
    pub fn start_standby(&self, home: &Path) -> anyhow::Result<Self> {
        let directory = Directory::of_postgres(home)?;
        directory.write_private("password", &self.password)?;
        let (programs, options) = (self.programs.clone(), self.options.clone());
        self.copy_to(&directory, &directory.join("data"), &["--write-recovery-conf"])?;
        let (server, port) = run(&directory, &programs, &options, None)?;
        Ok(Self { server, directory, programs, options, password: self.password.clone(), port })
    }

    /// Makes a standby the primary, and waits until it is.
    ///
    /// # Errors
    /// If it does not follow anybody.
    pub fn promote(&self) -> anyhow::Result<()> {
        let mut promote = Command::new(self.program("pg_ctl")?);
        promote.args(["promote", "--wait", "--pgdata"]).arg(self.directory.join("data"));
        run_to_end(promote, &self.directory, "")
    }

    /// Makes the server a standby of another, which it need not reach: it answers, and takes no writes.
    ///
    /// # Errors
    /// If the server does not stop or start.
    pub fn demote(&mut self) -> anyhow::Result<()> {
        self.stop()?;
        self.directory.write_private("data/standby.signal", "")?;
        self.restart()
    }

    /// A program that lies beside the server's; if that is a link, beside what it leads to.
    fn program(&self, name: &str) -> anyhow::Result<PathBuf> {
        let server = self.programs.join("postgres");
        let real = server.canonicalize().with_context(|| format!("cannot find {}", server.display()))?;
        Ok(real.with_file_name(name))
    }

    fn backup(&self) -> PathBuf {
        self.directory.join("backup")
    }

    fn copy_to(&self, owner: &Directory, copy: &Path, arguments: &[&str]) -> anyhow::Result<()> {
        let mut backup = Command::new(self.program("pg_basebackup")?);
        backup.args(["--host", "127.0.0.1", "--username", NAME, "--checkpoint", "fast"]);
        backup.arg("--port").arg(self.port.to_string()).arg("--pgdata").arg(copy).args(arguments);
        backup.env("PGPASSWORD", &self.password);
        if !self.options.is_durable() {
            backup.arg("--no-sync");
        }
        run_to_end(backup, owner, "")
    }
}
