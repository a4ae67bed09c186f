//! The private Postgres and Redis of `backdrop up`.

use super::access::Access;
use crate::private::{PrivatePostgres, PrivateRedis};
use anyhow::{Context, anyhow};
use std::path::Path;
use std::time::Duration;
use tokio::task::spawn_blocking;

/// How often it is looked whether a server still runs. A server that is gone shows in every answer anyway.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// The servers that are ours; none of those that were given.
#[derive(Debug)]
pub(super) struct Servers {
    postgres: Option<PrivatePostgres>,
    redis: Option<PrivateRedis>,
}

impl Servers {
    /// Starts what was not given, both at once, and completes the access.
    pub(super) async fn start(home: &Path, mut access: Access) -> anyhow::Result<(Self, Access)> {
        let (for_postgres, for_redis) = (home.to_owned(), home.to_owned());
        let wants_postgres = access.database_url.is_none();
        let postgres =
            spawn_blocking(move || wants_postgres.then(|| PrivatePostgres::start(&for_postgres)).transpose());
        let wants_redis = access.redis_url.is_none();
        let redis = spawn_blocking(move || wants_redis.then(|| PrivateRedis::start(&for_redis)).transpose());
        // Both are waited for before either is looked at: one that has started is stopped when dropped.
        let (postgres, redis) = (postgres.await, redis.await);
        let postgres = postgres.context("the start of Postgres was lost")??;
        let redis = redis.context("the start of Redis was lost")??;
        if let Some(postgres) = &postgres {
            access.database_url = Some(postgres.url());
        }
        if let Some(redis) = &redis {
            access.redis_url = Some(redis.url());
        }
        Ok((Self { postgres, redis }, access))
    }

    /// Waits until one of them ends by itself.
    pub(super) async fn end_of_any(&mut self) -> anyhow::Error {
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let postgres = self.postgres.as_mut().is_some_and(|server| server.has_ended().unwrap_or(true));
            let redis = self.redis.as_mut().is_some_and(|server| server.has_ended().unwrap_or(true));
            for (name, has_ended) in [("postgres", postgres), ("redis", redis)] {
                if has_ended {
                    return anyhow!(
                        "the private {name} has ended by itself; its log is {name}/log in the home"
                    );
                }
            }
        }
    }

    /// Stops them, Redis first: then nothing more can come for Postgres.
    pub(super) async fn stop(mut self) -> anyhow::Result<()> {
        let stop = move || {
            let redis = self.redis.as_mut().map_or(Ok(()), PrivateRedis::stop);
            let postgres = self.postgres.as_mut().map_or(Ok(()), PrivatePostgres::stop);
            redis.and(postgres)
        };
        spawn_blocking(stop).await.context("the end of the servers was lost")?
    }
}
