//! What frames hold, whatever happened to them.

mod bounds;
mod changes;
mod model;
mod property;

use super::{Frame, FrameBuilder, FrameError, FrameFull, RowRef};
use crate::column::{Kind, Values};
use backdrop_core::query::{Answer, FieldName, Query};
use backdrop_core::time;

/// More than any of the frames here takes.
const ROOMY: usize = 1 << 30;

/// Fields of these names; queries are where names of fields come from.
fn fields(names: &[&str]) -> Vec<FieldName> {
    let pairs: Vec<_> = names.iter().map(|name| ("group_by".to_owned(), (*name).to_owned())).collect();
    let query = Query::parse(&pairs, time::parse("2026-01-01T00:00:00Z").unwrap()).unwrap();
    let Answer::Groups(grouping) = query.answer() else { panic!("a query that groups gives groups") };
    grouping.keys().to_vec()
}

fn builder(names: &[&str], bytes_max: usize) -> FrameBuilder {
    FrameBuilder::new(fields(names), [1, 2], bytes_max)
}

const fn row<'r>(id: &'r str, time: i64, values: &'r [Option<&'r str>]) -> RowRef<'r> {
    RowRef { id, time, values }
}

/// A frame of one field and rows of an id, a time and a value.
fn frame(rows: &[(&str, i64, &str)]) -> Frame {
    let mut builder = builder(&["field"], ROOMY);
    for (id, time, value) in rows {
        builder.push(row(id, *time, &[Some(value)])).unwrap();
    }
    builder.build().unwrap()
}
