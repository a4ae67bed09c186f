//! When tokens were used last: remembered here, and written from time to time, all in one statement.
//!
//! **Invariant.** No request waits for it: a use is noted in memory. A process that dies loses what it noted since it
//! last wrote; one that stops writes it before.

use crate::quota::Quotas;
use backdrop_core::error::chain;
use backdrop_core::time::Timestamp;
use backdrop_core::token::TokenId;
use backdrop_postgres::Database;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How often what was noted is written.
const WRITE_INTERVAL: Duration = Duration::from_secs(10);

/// The uses that were not written yet: at most one for each token.
#[derive(Debug, Default)]
pub(crate) struct LastUses(Mutex<HashMap<TokenId, Timestamp>>);

impl LastUses {
    /// Notes that a token is used.
    pub(crate) fn note(&self, token: TokenId, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(token, now);
    }

    /// Writes what was noted. What cannot be written is noted again, unless the token was used meanwhile.
    pub(crate) async fn write(&self, database: &Database) {
        let noted = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        if noted.is_empty() {
            return;
        }
        let uses = noted.iter().map(|(token, at)| (*token, *at)).collect();
        if let Err(error) = database.note_token_use(uses).await {
            warn!(error = chain(&error), "use of tokens not written, trying again");
            let mut uses = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            for (token, at) in noted {
                uses.entry(token).or_insert(at);
            }
        }
    }
}

/// Writes uses and forgets quotas that are whole again, until the service is told to stop.
pub(crate) async fn keep(uses: &LastUses, quotas: &Quotas, database: &Database, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(WRITE_INTERVAL) => {
                uses.write(database).await;
                quotas.forget_unused();
            }
        }
    }
}
