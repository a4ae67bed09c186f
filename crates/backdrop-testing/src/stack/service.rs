//! The services of a stack, and what each is told by its environment.

use crate::pairs::{Pair, Proxies};
use crate::users::Users;
use anyhow::Context;
use backdrop_cli::private::PrivateRedis;
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::PgConnectOptions;
use std::net::SocketAddr;
use std::str::FromStr;

/// One of the services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// The ingest service.
    Write,
    /// The query service.
    Read,
    /// The worker.
    Worker,
}

impl Service {
    /// Its name, as its role has it.
    const fn name(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Worker => "worker",
        }
    }

    /// Its program.
    pub(crate) const fn program(self) -> &'static str {
        match self {
            Self::Write => "backdrop-write",
            Self::Read => "backdrop-read",
            Self::Worker => "backdrop-worker",
        }
    }

    /// The setting that says where it listens.
    pub(crate) const fn listen_variable(self) -> &'static str {
        match self {
            Self::Write => "BACKDROP_WRITE_LISTEN",
            Self::Read => "BACKDROP_READ_LISTEN",
            Self::Worker => "BACKDROP_WORKER_LISTEN",
        }
    }

    /// Whom it talks with: the store, and the queue. The query service never talks with the queue: a pair without a
    /// proxy of its own keeps the queue's address.
    const fn pairs(self) -> (Pair, Pair) {
        match self {
            Self::Write => (Pair::WritePostgres, Pair::WriteRedis),
            Self::Read => (Pair::ReadPostgres, Pair::WriteRedis),
            Self::Worker => (Pair::WorkerPostgres, Pair::WorkerRedis),
        }
    }

    /// What it is told: where the store and the queue are for it, and what all are told, which wins.
    pub(super) fn environment(
        self,
        told: &[(String, String)],
        proxies: &Proxies,
        users: &Users,
        redis: &PrivateRedis,
    ) -> anyhow::Result<Vec<(String, String)>> {
        let (with_store, with_queue) = self.pairs();
        let (store, queue) = (SecretString::from(users.url(self.name())), redis.url());
        let store = proxies.url(with_store, store.expose_secret(), address_of(&store)?);
        let queue = proxies.url(with_queue, queue.expose_secret(), loopback(redis.port()));
        let mut environment = vec![("DATABASE_URL".to_owned(), store), ("REDIS_URL".to_owned(), queue)];
        environment.extend_from_slice(told);
        Ok(environment)
    }
}

/// Where the server of a URL of Postgres listens.
pub(super) fn address_of(url: &SecretString) -> anyhow::Result<SocketAddr> {
    let options = PgConnectOptions::from_str(url.expose_secret())?;
    let host = options.get_host().parse().context("the address of Postgres")?;
    Ok(SocketAddr::new(host, options.get_port()))
}

/// An address of this machine that nobody else reaches.
pub(super) fn loopback(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}
