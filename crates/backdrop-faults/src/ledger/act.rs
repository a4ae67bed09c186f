//! What clients send. Everything follows from the number of the act, so that it need not be remembered.

use serde_json::{Value, json};

/// The group of the ledger's data sets.
pub(super) const GROUP: &str = "ledger";
/// A record that every batch writes: the last accepted one must win.
pub(super) const SHARED_ID: &str = "shared";
/// Records of its own that each batch writes.
pub(super) const OWN_RECORDS: usize = 3;

/// What one request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Act {
    /// Stores records: some of its own, and the shared one.
    Append,
    /// Stores records one of which is bad, so that all are rejected.
    Bad,
    /// Changes a field of a record of an earlier act.
    Patch(usize),
    /// Deletes a record of an earlier act.
    Delete(usize),
}

impl Act {
    /// The act of that number; `earlier` is one whose records are stored and not touched since, if there is one.
    pub(super) fn of(number: usize, earlier: Option<usize>) -> Self {
        match (number % 16, earlier) {
            (5, _) => Self::Bad,
            (9, Some(earlier)) => Self::Patch(earlier),
            (13, Some(earlier)) => Self::Delete(earlier),
            _ => Self::Append,
        }
    }

    /// The method, what follows the data set in the path, and the body.
    pub(super) fn request(self, number: usize) -> (&'static str, String, Vec<u8>) {
        match self {
            Self::Append | Self::Bad => {
                ("POST", String::new(), self.records(number).to_string().into_bytes())
            }
            Self::Patch(earlier) => (
                "PATCH",
                format!("/{}", own_id(earlier, 0)),
                json!({"batch": number}).to_string().into_bytes(),
            ),
            Self::Delete(earlier) => ("DELETE", format!("/{}", own_id(earlier, 0)), Vec::new()),
        }
    }

    fn records(self, number: usize) -> Value {
        let mut records = vec![json!({"_id": SHARED_ID, "batch": number})];
        records.extend((0..OWN_RECORDS).map(|index| json!({"_id": own_id(number, index), "batch": number})));
        if self == Self::Bad {
            records.push(json!({"_id": "white space is not allowed", "batch": number}));
        }
        Value::Array(records)
    }

    /// What it does to the records of its data set, one after the other: id and new value of `batch`, none if it
    /// is deleted.
    pub(super) fn effects(self, number: usize) -> Vec<(String, Option<usize>)> {
        match self {
            Self::Append => std::iter::once(SHARED_ID.to_owned())
                .chain((0..OWN_RECORDS).map(|index| own_id(number, index)))
                .map(|id| (id, Some(number)))
                .collect(),
            Self::Bad => Vec::new(),
            Self::Patch(earlier) => vec![(own_id(earlier, 0), Some(number))],
            Self::Delete(earlier) => vec![(own_id(earlier, 0), None)],
        }
    }
}

/// The id of a record that only that act stores.
pub(super) fn own_id(number: usize, index: usize) -> String {
    format!("{number}-{index}")
}

/// How requests are known behind the services.
pub(super) fn request_id(number: usize) -> String {
    format!("ledger-{number}")
}

/// The act of a request of the ledger.
pub(super) fn number_of(request_id: &str) -> Option<usize> {
    request_id.strip_prefix("ledger-")?.parse().ok()
}
