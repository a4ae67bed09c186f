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
    /// Stores the same, sent as a table (CSV).
    Table,
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
            (3, _) => Self::Table,
            (5, _) => Self::Bad,
            (9, Some(earlier)) => Self::Patch(earlier),
            (13, Some(earlier)) => Self::Delete(earlier),
            _ => Self::Append,
        }
    }

    /// Whether it stores records of its own.
    pub(super) const fn is_whole(self) -> bool {
        matches!(self, Self::Append | Self::Table)
    }

    /// How its body is written.
    pub(super) const fn content_type(self) -> &'static str {
        match self {
            Self::Table => "text/csv",
            Self::Append | Self::Bad | Self::Patch(_) | Self::Delete(_) => "application/json",
        }
    }

    /// The method, what follows the data set in the path, and the body.
    pub(super) fn request(self, number: usize) -> (&'static str, String, Vec<u8>) {
        match self {
            Self::Append | Self::Bad => {
                ("POST", String::new(), self.records(number).to_string().into_bytes())
            }
            Self::Table => {
                let rows = ids(number).map(|id| format!("{id},{number}\n"));
                let table = std::iter::once("_id,batch\n".to_owned()).chain(rows).collect::<String>();
                ("POST", String::new(), table.into_bytes())
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
        let mut records: Vec<Value> = ids(number).map(|id| json!({"_id": id, "batch": number})).collect();
        if self == Self::Bad {
            records.push(json!({"_id": "white space is not allowed", "batch": number}));
        }
        Value::Array(records)
    }

    /// What it does to the records of its data set, one after the other: id and new value of `batch`, none if it
    /// is deleted.
    pub(super) fn effects(self, number: usize) -> Vec<(String, Option<usize>)> {
        match self {
            Self::Append | Self::Table => ids(number).map(|id| (id, Some(number))).collect(),
            Self::Bad => Vec::new(),
            Self::Patch(earlier) => vec![(own_id(earlier, 0), Some(number))],
            Self::Delete(earlier) => vec![(own_id(earlier, 0), None)],
        }
    }
}

/// The ids of the records of an act that stores some, in their order.
fn ids(number: usize) -> impl Iterator<Item = String> {
    std::iter::once(SHARED_ID.to_owned()).chain((0..OWN_RECORDS).map(move |index| own_id(number, index)))
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
