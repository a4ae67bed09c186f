//! The log of writes in Redis.
//!
//! Each partition is one stream. Its entries have ids `<epoch>-<n>`, given by Redis; beside it stands a
//! marker that says which epoch is open, and for which life of the server. One script appends, and only
//! if the caller knows marker and server as they are, so that nothing is ever appended to a log that has
//! forgotten what it held. Workers read in order from the cursor that Postgres keeps; there is no
//! consumer group and nothing is acknowledged here. What is applied stays for a while, in case Postgres
//! is restored from a backup, and is then trimmed.
//!
//! **Invariant.** No other crate speaks to Redis. **Invariant.** Nothing here decides what is applied:
//! announcements are hints, and the cursor is the store's.

mod announcements;
mod append;
mod connection;
mod epoch;
mod error;
mod keys;
mod primary;
mod reader;
mod status;
mod trim;
mod waiting;

pub use announcements::{Announcement, AnnouncementListener, Announcer};
pub use append::{Accepted, AppendRequest, Appender};
pub use connection::{Queue, QueueSettings};
pub use error::{AppendError, QueueError};
pub use reader::{PartitionReader, ReadBounds, ReadResult};
pub use status::{Durability, MemoryUse};
pub use waiting::Waiting;
