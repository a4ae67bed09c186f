//! Receipts: the name by which a client asks after a write it has sent.
//!
//! A receipt carries the place of its batch in the log, so that its state follows from two facts,
//! the batch's row and the partition's cursor, and needs no store of its own.

use crate::batch::Outcome;
use crate::data_set::DataSetId;
use crate::log::{Cursor, EntryId, Partition};
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

/// Names one write: `{batch}.{data set}.{partition}.{epoch}-{n}`; without the last part if the
/// queue's answer was lost. Clients take it as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReceiptId {
    /// The batch.
    pub batch_id: Uuid,
    /// Its data set.
    pub data_set_id: DataSetId,
    /// The partition of the log it was appended to.
    pub partition: Partition,
    /// Its place there, if the queue's answer told it.
    pub entry: Option<EntryId>,
}

/// The text is not a receipt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a receipt")]
pub struct NotAReceipt;

/// What is known of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiptState {
    /// It waits in the queue.
    Queued,
    /// It ended, as its row says.
    Ended(Outcome),
    /// The queue lost it before it was stored.
    Lost,
    /// Its acceptance was never confirmed, and it is not in the queue: it was not accepted.
    NotAccepted,
}

impl ReceiptState {
    /// The state as clients see it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Ended(outcome) => outcome.as_str(),
            Self::Lost => "lost",
            Self::NotAccepted => "not_accepted",
        }
    }
}

impl ReceiptId {
    /// What is known of the write, given its row's outcome and the partition's cursor, both read in
    /// this order or at once, and whether the queue still holds entries above the cursor.
    ///
    /// Never `stored` without a row: a batch without one is queued above the cursor and lost at or
    /// below it.
    pub fn state(&self, outcome: Option<Outcome>, cursor: Cursor, has_backlog: bool) -> ReceiptState {
        match (outcome, self.entry) {
            (Some(outcome), _) => ReceiptState::Ended(outcome),
            (None, Some(entry)) if cursor.is_before(entry) => ReceiptState::Queued,
            (None, Some(_)) => ReceiptState::Lost,
            (None, None) if has_backlog => ReceiptState::Queued,
            (None, None) => ReceiptState::NotAccepted,
        }
    }
}

impl fmt::Display for ReceiptId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.batch_id, self.data_set_id.0, self.partition)?;
        self.entry.map_or(Ok(()), |entry| write!(f, ".{entry}"))
    }
}

impl FromStr for ReceiptId {
    type Err = NotAReceipt;

    fn from_str(text: &str) -> Result<Self, NotAReceipt> {
        let mut parts = text.split('.');
        let mut next = || parts.next().ok_or(NotAReceipt);
        let batch_id = next()?.parse().map_err(|_| NotAReceipt)?;
        let data_set_id = DataSetId(next()?.parse().map_err(|_| NotAReceipt)?);
        // The store numbers partitions with 15 bits.
        let number: u16 = next()?.parse().map_err(|_| NotAReceipt)?;
        let partition = Partition(i16::try_from(number).map(|_| number).map_err(|_| NotAReceipt)?);
        let entry = parts.next().map(str::parse).transpose().map_err(|_| NotAReceipt)?;
        if parts.next().is_some() {
            return Err(NotAReceipt);
        }
        Ok(Self { batch_id, data_set_id, partition, entry })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn receipt(entry: Option<EntryId>) -> ReceiptId {
        let batch_id = Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0001);
        ReceiptId { batch_id, data_set_id: DataSetId(42), partition: Partition(7), entry }
    }

    #[test]
    fn receipts_outlive_the_process_that_gave_them() {
        let golden = "01900000-0000-7000-8000-000000000001.42.7.3-1041";
        let placed = receipt(Some(EntryId { epoch: 3, n: 1041 }));
        assert_eq!(placed.to_string(), golden);
        assert_eq!(golden.parse(), Ok(placed));
        assert_eq!(receipt(None).to_string().parse(), Ok(receipt(None)));
        let no_partition = "01900000-0000-7000-8000-000000000001.42.32768";
        for bad in
            ["", "x", no_partition, "01900000-0000-7000-8000-000000000001", "a.b.c.d", &format!("{golden}.1")]
        {
            assert_eq!(bad.parse::<ReceiptId>(), Err(NotAReceipt), "{bad}");
        }
    }

    #[test]
    fn a_write_without_a_row_is_never_called_stored() {
        let entry = EntryId { epoch: 3, n: 5 };
        let placed = receipt(Some(entry));
        let before = Cursor::at(EntryId { epoch: 3, n: 4 });
        assert_eq!(placed.state(None, before, false), ReceiptState::Queued);
        assert_eq!(placed.state(None, Cursor::at(entry), true), ReceiptState::Lost);
        assert_eq!(placed.state(None, Cursor::start_of(4), true), ReceiptState::Lost);
        let stored = ReceiptState::Ended(Outcome::Stored);
        assert_eq!(placed.state(Some(Outcome::Stored), before, false), stored);
        assert_eq!(receipt(None).state(None, before, true), ReceiptState::Queued);
        assert_eq!(receipt(None).state(None, before, false), ReceiptState::NotAccepted);
    }
}
