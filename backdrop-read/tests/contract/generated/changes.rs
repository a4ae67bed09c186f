//! Changes of a data set, of all kinds that there are.

use super::draw::Draw;
use super::records;
use crate::reference::{Moment, Record};
use serde_json::{Map, Value, json};

/// What is done to a data set.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Records are stored, new ones and in place of others.
    Store(Vec<Value>),
    /// Fields of a record are merged into it.
    Patch(String, Value),
    /// A record is deleted.
    Delete(String),
    /// All are.
    Empty,
}

/// A change of a data set that has these records.
pub(crate) fn change(draw: &mut Draw, stored: &[Record], now: Moment) -> Change {
    let made = changed_records(draw, stored, now);
    match (draw.number(0..100), stored) {
        (0..4, _) => Change::Empty,
        (4..30, [_, ..]) => Change::Delete(one_of(draw, stored)),
        (30..50, [_, ..]) => {
            let mut fields: Map<String, Value> = made[0].as_object().expect("an object").clone();
            fields.remove("_id");
            if draw.chance(60) {
                fields.remove("_timestamp");
                fields.insert("fee".into(), json!(draw.number(0..9)));
            }
            Change::Patch(one_of(draw, stored), fields.into())
        }
        _ => Change::Store(made),
    }
}

/// A few records, some with the ids of others, all with a time: what counts as theirs else only the service knows.
pub(crate) fn changed_records(draw: &mut Draw, stored: &[Record], now: Moment) -> Vec<Value> {
    let mut made = loop {
        let made = records(draw, now);
        if !made.is_empty() {
            break made;
        }
    };
    made.truncate(1 + draw.number(0..5));
    for record in &mut made {
        if !stored.is_empty() && draw.chance(40) {
            record["_id"] = one_of(draw, stored).into();
        }
        if record["_timestamp"].is_null() {
            record["_timestamp"] = json!("2014-03-01T00:00:00Z");
        }
    }
    made
}

fn one_of(draw: &mut Draw, stored: &[Record]) -> String {
    stored[draw.number(0..stored.len())].id().to_owned()
}
