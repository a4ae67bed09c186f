//! Private servers: a Postgres and a Redis of our own, as child processes, with nothing to configure.
//!
//! `backdrop up` keeps them below `BACKDROP_HOME`; tests keep them in a temporary directory and use
//! them up. All calls block; an async caller wraps them in `spawn_blocking`.
//!
//! **Invariant.** A server listens on 127.0.0.1 only, on a port the system chose, and asks for a random
//! password that stands in no command line.
//!
//! **Invariant.** No server outlives us: it is stopped when its handle is dropped, and where `setpriv` is
//! installed (util-linux) the kernel stops it when we are killed. What an earlier life left behind all
//! the same is stopped at the next start.
//!
//! **Invariant.** One process uses a home at a time; a lock held for life says so.

mod directory;
mod installed;
mod orphan;
mod postgres;
mod redis;
mod server;
mod spawner;
mod user;

pub use postgres::{PostgresOptions, PrivatePostgres};
pub use redis::{PrivateRedis, RedisOptions};

pub(crate) use directory::write_private;

use anyhow::Context;
use std::io;
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command};

/// Starts another program that must not outlive us, behind a command such as `["prlimit", "--data=…"]`, which must
/// become the program (`exec`). `set` may give it an environment, files and arguments.
///
/// # Errors
/// If it cannot be started.
pub fn spawn_bound(program: &Path, prefix: &[String], set: impl FnOnce(&mut Command)) -> io::Result<Child> {
    let mut command = spawner::command(program, prefix, None, "KILL");
    set(&mut command);
    spawner::spawn(command)
}

/// What the installed servers say of themselves, Postgres first.
///
/// # Errors
/// If one is not installed.
pub fn versions() -> anyhow::Result<[String; 2]> {
    let postgres = installed::postgres_programs(None)?.join("postgres");
    let redis = installed::on_path("redis-server").context("redis-server is not installed")?;
    let asked = |program: &Path| -> anyhow::Result<String> {
        let output = Command::new(program).arg("--version").output()?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    Ok([asked(&postgres)?, asked(&redis)?])
}

/// A port that nothing listens on just now. Somebody may take it before the server does; then the
/// start is tried again with another.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no free port on 127.0.0.1")?;
    Ok(listener.local_addr().context("a bound socket has no address")?.port())
}

/// A password that nobody guesses: 244 random bits.
pub(crate) fn random_password() -> String {
    format!("{}{}", uuid::Uuid::new_v4().simple(), uuid::Uuid::new_v4().simple())
}
