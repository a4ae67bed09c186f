//! The way of an entry through the worker, as types: received, decoded, decided. Only a decided entry
//! can be persisted, and only records that were validated can be in one.

use crate::batch::{Envelope, Outcome};
use crate::log::EntryId;
use crate::record::{ValidRecord, Violations};
use crate::time::Timestamp;

/// An entry as it stands in the log; nothing in it has been looked at.
#[derive(Clone, Debug)]
pub struct ReceivedEntry {
    /// Its place in the log.
    pub id: EntryId,
    /// When the queue accepted it, by the queue's clock. It orders nothing.
    pub accepted_at: Timestamp,
    /// The envelope.
    pub envelope: Vec<u8>,
    /// The JSON array of records.
    pub records: Vec<u8>,
    /// How many bytes the log had taken with this entry, by the queue's own count.
    pub log_bytes: Option<u64>,
}

/// An entry whose envelope was read.
#[derive(Clone, Debug)]
pub struct DecodedEntry {
    /// Its place in the log.
    pub id: EntryId,
    /// When the queue accepted it, by the queue's clock. It orders nothing.
    pub accepted_at: Timestamp,
    /// Its envelope.
    pub envelope: Envelope,
    /// The JSON array of records.
    pub records: Vec<u8>,
}

/// An entry of which is known what it does.
#[derive(Clone, Debug)]
pub struct DecidedEntry {
    /// The entry.
    pub entry: DecodedEntry,
    /// What it does, unless it turns out to be a repetition or its data set to be gone.
    pub effect: Effect,
}

/// What an entry does.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Stores records.
    Store(Storing),
    /// Replaces a record, if it is still the one that was read.
    Replace {
        /// The record as it is to be.
        record: ValidRecord,
        /// The place in the order of changes of the record that was read.
        seq: i64,
    },
    /// Deletes a record, if it is still the one that was read.
    DeleteRecord {
        /// Its `_id`.
        id: String,
        /// Its place in the order of changes.
        seq: i64,
    },
    /// Nothing: records broke rules. The batch is kept with its errors.
    Reject(Violations),
    /// Nothing: it could not be processed time and again. The batch is kept.
    SetAside(Violations),
    /// Removes all records of the data set.
    Empty,
    /// Deletes the data set.
    DeleteDataSet,
}

/// Records to store, and which of the same batch are not.
#[derive(Clone, Debug, Default)]
pub struct Storing {
    /// The good ones, in order.
    pub records: Vec<ValidRecord>,
    /// The numbers of the faulty ones, counted from 1, ascending: only in lenient handling are there any.
    pub faulty: Vec<usize>,
    /// What is wrong with them.
    pub violations: Violations,
}

/// How an entry ended, to be announced to whoever waits for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryResult {
    /// The batch.
    pub batch_id: uuid::Uuid,
    /// How it ended.
    pub outcome: Outcome,
}
