//! Answers as they were given, to be given again.
//!
//! An answer is kept under its tag, which names the state of the data set it was made from. So nothing is removed when
//! data changes: the new state has other tags, and answers that nobody asks for any more make room for others.
//!
//! **Invariant.** An answer is being made once at a time: who asks for it meanwhile waits, and gets the same, be it an
//! error. Errors are not kept.

mod flights;

pub(crate) use flights::Landed;

use crate::answers::Engine;
use crate::identity::Tag;
use actix_web::web::Bytes;
use backdrop_core::error::ApiError;
use flights::Flights;
use quick_cache::sync::{Cache, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, Weighter};
use std::future::Future;
use std::sync::Arc;

/// An answer that takes more than this part of the memory is not kept: it would push out dozens of others.
const LARGEST_PART: u64 = 16;
/// What an answer takes besides its body and its cursor: itself, its place in the table, and what allocations add.
const OVERHEAD_BYTES: u64 = 256;
/// How many parts the table has, each with a lock and an equal share of the memory, which is more than the largest answer.
const SHARDS: usize = 8;
/// How large an answer is, about: by this the table is made. It grows if they are smaller.
const TYPICAL_BYTES: u64 = 4 * 1024;

/// An answer, ready to be sent.
#[derive(Debug)]
pub struct Stored {
    /// The name of its bytes.
    pub tag: Tag,
    /// Its bytes.
    pub body: Bytes,
    /// The cursor of the next page, if there is one.
    pub next: Option<String>,
    /// Who made it.
    pub engine: Engine,
}

impl Stored {
    fn bytes(&self) -> u64 {
        let bytes = self.body.len() + self.next.as_ref().map_or(0, String::len);
        OVERHEAD_BYTES + bytes as u64
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Tag, Arc<Stored>> for ByBytes {
    fn weight(&self, _: &Tag, stored: &Arc<Stored>) -> u64 {
        stored.bytes()
    }
}

/// The answers that are kept, and those that are being made.
#[derive(Debug)]
pub struct AnswerCache {
    kept: Arc<Kept>,
    flights: Flights,
}

#[derive(Debug)]
struct Kept {
    /// Bytes that an answer may take; 0: none is kept.
    largest: u64,
    answers: Cache<Tag, Arc<Stored>, ByBytes>,
}

impl Kept {
    fn insert(&self, stored: &Arc<Stored>) {
        if stored.bytes() <= self.largest {
            self.answers.insert(stored.tag, Arc::clone(stored));
        }
    }
}

impl AnswerCache {
    /// One that takes at most that many bytes.
    pub fn new(bytes_max: u64) -> Self {
        let options = OptionsBuilder::new()
            .shards(SHARDS)
            .estimated_items_capacity(usize::try_from(bytes_max / TYPICAL_BYTES).unwrap_or(usize::MAX))
            .weight_capacity(bytes_max)
            .build()
            .expect("all that is needed is given");
        let answers =
            Cache::with_options(options, ByBytes, DefaultHashBuilder::default(), DefaultLifecycle::default());
        let kept = Arc::new(Kept { largest: bytes_max / LARGEST_PART, answers });
        Self { kept, flights: Flights::default() }
    }

    /// The answer of that tag, if it is kept.
    pub fn get(&self, tag: &Tag) -> Option<Arc<Stored>> {
        self.kept.answers.get(tag)
    }

    /// The answer of that tag: the one that is being made, or else the one that `make` makes. It may be of a newer
    /// state, and has a tag of its own then, under which it is kept.
    ///
    /// # Errors
    /// Those of who makes it.
    pub(crate) async fn share<F>(&self, tag: Tag, make: impl FnOnce() -> F) -> Result<Landed, ApiError>
    where
        F: Future<Output = Result<Stored, ApiError>> + Send + 'static,
    {
        let kept = Arc::clone(&self.kept);
        let made = |make: F| async move {
            let stored = Arc::new(make.await?);
            kept.insert(&stored);
            Ok(stored)
        };
        self.flights.share(tag, || self.get(&tag), || made(make())).await
    }

    /// How many bytes the answers take that are kept.
    pub fn bytes(&self) -> u64 {
        self.kept.answers.weight()
    }

    /// How many answers are kept.
    pub fn entries(&self) -> u64 {
        self.kept.answers.len() as u64
    }
}
