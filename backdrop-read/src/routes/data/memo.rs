//! Questions as they were read before: dashboards ask the same ones again and again, and an hourly query over some
//! years takes a millisecond to read.
//!
//! **Invariant.** A question is given again only if it would be read the same: under the same configuration, and if the
//! present moment has no part in it.

use crate::bodies::Question;
use actix_web::HttpRequest;
use actix_web::http::header::ACCEPT;
use backdrop_core::query::Answer;
use backdrop_postgres::KnownDataSet;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Memory that the questions take together, in bytes: some thousands of common ones.
const BYTES_MAX: u64 = 16 * 1024 * 1024;
/// What a question takes besides what follows from its text, in bytes.
const OVERHEAD_BYTES: usize = 1024;
/// What a question takes for each byte of its text: names and values are kept as values of their own.
const BYTES_PER_BYTE: usize = 8;
/// What a question takes for each of its periods, in bytes.
const BYTES_PER_PERIOD: usize = 16;

/// The hash of all that decides how a request is read, but for the configuration.
type Key = [u8; 32];

/// Questions that were read.
#[derive(Debug)]
pub(crate) struct Memo(Cache<Key, Remembered, ByBytes>);

#[derive(Clone, Debug)]
struct Remembered {
    question: Arc<Question>,
    bytes: u64,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Remembered> for ByBytes {
    fn weight(&self, _: &Key, remembered: &Remembered) -> u64 {
        remembered.bytes
    }
}

impl Memo {
    pub(crate) fn new() -> Self {
        let options = OptionsBuilder::new()
            .estimated_items_capacity(BYTES_MAX as usize / (2 * OVERHEAD_BYTES))
            .weight_capacity(BYTES_MAX)
            .build()
            .expect("all that is needed is given");
        Self(Cache::with_options(
            options,
            ByBytes,
            DefaultHashBuilder::default(),
            DefaultLifecycle::default(),
        ))
    }

    /// The question of the request about the data set: as it was read before, or else as it is read now.
    pub(super) fn question<E>(
        &self,
        request: &HttpRequest,
        known: &Arc<KnownDataSet>,
        read: impl FnOnce() -> Result<Question, E>,
    ) -> Result<Arc<Question>, E> {
        let key = key(request, known);
        if let Some(remembered) = self.0.get(&key)
            && Arc::ptr_eq(&remembered.question.known, known)
        {
            return Ok(remembered.question);
        }
        let question = Arc::new(read()?);
        if !question.query.follows_the_clock() {
            let bytes = bytes(&question, request.query_string());
            self.0.insert(key, Remembered { question: Arc::clone(&question), bytes });
        }
        Ok(question)
    }
}

fn key(request: &HttpRequest, known: &KnownDataSet) -> Key {
    let mut hash = Sha256::new();
    hash.update(known.data_set.id.0.to_be_bytes());
    // The form may depend on what the client accepts.
    for accepted in request.headers().get_all(ACCEPT) {
        hash.update((accepted.len() as u64).to_be_bytes());
        hash.update(accepted.as_bytes());
    }
    hash.update(u64::MAX.to_be_bytes());
    hash.update(request.query_string());
    hash.finalize().into()
}

fn bytes(question: &Question, text: &str) -> u64 {
    let periods = match question.query.answer() {
        Answer::Groups(grouping) => grouping.periods().map_or(0, |periods| periods.len()),
        Answer::Rows(_) => 0,
    };
    (OVERHEAD_BYTES + text.len() * BYTES_PER_BYTE + periods * BYTES_PER_PERIOD) as u64
}
