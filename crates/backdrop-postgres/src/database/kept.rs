//! A connection that is kept between pieces of work that follow close upon each other: to hand it out, to take it back
//! and to ask it for signs of life takes as many round trips as half the work.

use super::Database;
use super::connections::FRESH_FOR;
use crate::StoreError;
use sqlx::Postgres;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgConnection;
use std::future::Future;
use std::time::Instant;

/// A connection that is kept, if it is.
#[derive(Debug, Default)]
pub(crate) struct Kept(Option<(InUse, Instant)>);

/// A connection of the pool.
#[derive(Debug)]
pub(crate) struct InUse {
    connection: PoolConnection<Postgres>,
    taken: Instant,
}

impl InUse {
    pub(crate) fn get(&mut self) -> &mut PgConnection {
        &mut self.connection
    }
}

impl Database {
    /// The connection that was kept, if it has shown a sign of life just now; or else one of the pool.
    pub(crate) fn take(
        &self,
        kept: &mut Kept,
    ) -> impl Future<Output = Result<InUse, StoreError>> + Send + use<> {
        let is_good = |(connection, used): &(InUse, Instant)| {
            used.elapsed() < FRESH_FOR && !self.retired.concerns(connection.taken.elapsed())
        };
        let fresh = kept.0.take().filter(is_good);
        let pool = self.pool.clone();
        async move {
            match fresh {
                Some((connection, _)) => Ok(connection),
                None => Ok(InUse { connection: pool.acquire().await?, taken: Instant::now() }),
            }
        }
    }

    /// Keeps a connection that has just answered, unless others may be waiting for one.
    pub(crate) fn keep(&self, connection: InUse, kept: &mut Kept) {
        let has_more =
            self.pool.num_idle() > 0 || self.pool.size() < self.pool.options().get_max_connections();
        kept.0 = has_more.then(|| (connection, Instant::now()));
    }
}
