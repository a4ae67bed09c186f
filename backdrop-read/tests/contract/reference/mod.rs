//! The reference: what the section "Reading" of `docs/http-api.md` says, done the slow and obvious way over
//! a list of records. It is the judge of whatever answers queries, and so shares no code with it.
//!
//! It takes valid queries only. Of the answers with 400 it knows those that depend on the records: `sum`
//! and the like over values that are not numbers.

mod calendar;
mod collect;
mod groups;
mod listing;
mod query;
mod record;
mod selection;
mod value;
mod window;

#[cfg(test)]
mod examples;

pub(crate) use calendar::Moment;
pub(crate) use query::Query;
pub(crate) use record::{Record, TIMES, moment};
pub(crate) use value::Number;

use serde_json::{Map, Value};

/// A row of an answer.
pub(crate) type Row = Map<String, Value>;

/// The answer is 400; why, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused(pub(crate) String);

/// What the service must answer. `now` matters to a `duration` without ends.
pub(crate) fn answer(records: &[Record], query: &Query, now: Moment) -> Result<Vec<Value>, Refused> {
    let records: Vec<&Record> = records.iter().filter(|record| selection::matches(record, query)).collect();
    let rows = if query.has("group_by") || query.has("period") {
        groups::rows(&records, query, now)?
    } else {
        listing::rows(&records, query)
    };
    Ok(rows.into_iter().map(Value::Object).collect())
}
