//! Records and valid queries over them, made at random.

mod changes;
mod draw;
mod filters;
mod grouped;
mod raw;
mod records;
mod times;

pub(crate) use changes::{Change, change, changed_records};
pub(crate) use draw::Draw;
pub(crate) use records::records;

use crate::reference::{Query, Record};

/// A query under construction, over the records of its data set.
struct Draft<'a> {
    draw: &'a mut Draw,
    records: &'a [Record],
    parameters: Vec<(String, String)>,
}

impl Draft<'_> {
    fn add(&mut self, name: &str, value: impl ToString) {
        self.parameters.push((name.to_owned(), value.to_string()));
    }
}

/// A query over the records, which it mostly finds.
pub(crate) fn query(draw: &mut Draw, records: &[Record]) -> Query {
    let mut draft = Draft { draw, records, parameters: Vec::new() };
    draft.add_filters();
    match draft.draw.number(0..100) {
        0..38 => draft.list_records(),
        38..52 => draft.group(),
        _ => draft.divide_by_time(),
    }
    if draft.draw.chance(12) {
        let format = draft.draw.one(&["json", "ndjson"]);
        draft.add("format", format);
    }
    // The order of parameters must not matter, but for that of a repeated one.
    let Draft { draw, mut parameters, .. } = draft;
    let turn = draw.number(0..parameters.len() + 1);
    parameters.rotate_left(turn);
    Query(parameters)
}
