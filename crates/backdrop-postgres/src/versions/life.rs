//! Lives of the store: for how long what was seen of it belongs to one history.
//!
//! A store that is restored, or another one in its place, may show any version for another content. Neither happens
//! behind an open connection, so a life ends whenever a connection is lost, at whichever desk; and a server that was
//! started at another time is another one.

use sqlx::postgres::types::Oid;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// As long as this stays the same, versions of a data set are those of one history: of one table of one server, over
/// connections of which none was lost. A database that was restored shows another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Life {
    number: u64,
    server: ServerStart,
    table: Oid,
}

impl Life {
    /// Whether it began when the other one had ended.
    pub const fn is_after(self, other: Self) -> bool {
        self.number > other.number
    }
}

/// When a server was started, in microseconds of Unix time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct ServerStart(pub(super) i64);

/// Counts lives. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub(super) struct Lives(Arc<AtomicU64>);

/// A life that went on at some moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment(u64);

/// Held by a connection. The life ends with the first connection of it that is lost.
#[derive(Debug)]
pub(super) struct Membership {
    lives: Lives,
    number: u64,
}

impl Lives {
    pub(super) fn now(&self) -> Moment {
        Moment(self.0.load(Ordering::Acquire))
    }

    /// The part of a connection in the life that went on before it was opened. One that could not be opened has none:
    /// nothing was lost with it.
    pub(super) fn join(&self, Moment(number): Moment) -> Membership {
        Membership { lives: self.clone(), number }
    }
}

impl Membership {
    /// Whether the life goes on.
    pub(super) fn is_current(&self) -> bool {
        self.lives.0.load(Ordering::Acquire) == self.number
    }

    /// The life of what is read from that table of that server.
    pub(super) const fn life(&self, server: ServerStart, table: Oid) -> Life {
        Life { number: self.number, server, table }
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        // Connections of one life may all be lost together, and end it once.
        let (number, next) = (self.number, self.number + 1);
        let _ = self.lives.0.compare_exchange(number, next, Ordering::AcqRel, Ordering::Acquire);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVER: ServerStart = ServerStart(1);

    #[test]
    fn a_life_ends_with_the_first_connection_that_is_lost_and_once() {
        let lives = Lives::default();
        let (one, other) = (lives.join(lives.now()), lives.join(lives.now()));
        let first = one.life(SERVER, Oid(7));
        assert_eq!(other.life(SERVER, Oid(7)), first);
        drop(one);
        assert!(!other.is_current(), "the other one is not used in the next life");
        let next = lives.join(lives.now());
        drop(other);
        assert!(next.is_current());
        let second = next.life(SERVER, Oid(7));
        assert!(second.is_after(first) && !first.is_after(second));
    }

    #[test]
    fn another_server_or_table_is_another_life_and_none_is_later() {
        let lives = Lives::default();
        let part = lives.join(lives.now());
        let life = part.life(SERVER, Oid(1));
        for other in [part.life(ServerStart(2), Oid(1)), part.life(SERVER, Oid(2))] {
            assert_ne!(life, other);
            assert!(!life.is_after(other) && !other.is_after(life));
        }
    }
}
