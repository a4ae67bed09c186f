//! Whether frames answer what a plain evaluation of the same records answers, record by record.

mod frames;
mod oracle;
mod queries;

use super::Unanswerable;
use crate::column::Kind;
use crate::{FrameBuilder, RowRef};
use backdrop_core::query::{Answer, Grouping, Query, Selection};
use backdrop_core::shape::{Cell, Collected, Scalar};
use frames::{FIELDS, Layout, Place, Record, any_layout, any_records};
use proptest::prelude::*;
use queries::any_query;

fn parse(pairs: &[(String, String)]) -> Option<(Selection, Grouping)> {
    let now = backdrop_core::time::parse("2024-03-01T12:34:56Z").expect("a time");
    let query = Query::parse(pairs, now).ok()?;
    match query.answer() {
        Answer::Groups(grouping) => Some((query.selection().clone(), grouping.clone())),
        Answer::Rows(_) => None,
    }
}

/// Cells in an order of their own, and numbers by how they are written. Of keys it is open.
fn sorted(mut cells: Vec<Cell>) -> Vec<(Vec<Scalar>, Option<usize>, u64, String)> {
    cells.sort_by(|one, other| one.keys.cmp(&other.keys).then(one.period.cmp(&other.period)));
    let collected = |cell: &Cell| format!("{:?}", cell.collected.iter().map(whole_set).collect::<Vec<_>>());
    cells.into_iter().map(|cell| (cell.keys.clone(), cell.period, cell.count, collected(&cell))).collect()
}

/// A set in the form that the oracle has it in.
fn whole_set(collected: &Collected) -> Collected {
    match collected {
        Collected::Subset(subset) => {
            assert!(subset.iter().is_sorted_by(|one, next| one < next), "{subset:?}");
            Collected::Set(subset.iter().cloned().collect())
        }
        other => other.clone(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_500, ..ProptestConfig::default() })]

    #[test]
    fn frames_answer_what_the_records_say(
        records in any_records(),
        layout in any_layout(),
        pairs in any_query(),
    ) {
        let (selection, grouping) = parse(&pairs).expect("a good query");
        let frame = frames::frame(&records, layout);
        let live: Vec<Record> = records.into_iter().filter(|record| record.place.is_live()).collect();
        let expected = oracle::cells(&live, &selection, &grouping);
        let found = frame.cells(&selection, &grouping);
        prop_assert_eq!(found.map(sorted), expected.map(sorted), "{:?}", pairs);
    }
}

fn ask(frame: &crate::Frame, query: &str) -> Result<Vec<Cell>, Unanswerable> {
    let pair = |pair: &str| pair.split_once('=').map(|(name, value)| (name.to_owned(), value.to_owned()));
    let pairs: Vec<(String, String)> = query.split('&').filter_map(pair).collect();
    let (selection, grouping) = parse(&pairs).expect("a good query");
    frame.cells(&selection, &grouping)
}

fn record(time: i64, values: &[(&str, &str)]) -> Record {
    let text = |field: &&str| values.iter().find(|(name, _)| name == field).map(|(_, text)| text.to_string());
    Record { time, values: FIELDS.iter().map(text).collect(), place: Place::Base }
}

#[test]
fn what_a_frame_does_not_hold_it_does_not_answer() {
    let mut frame = frames::frame(&[record(0, &[("kind", "\"a\"")])], Layout::default());
    assert_eq!(ask(&frame, "group_by=other"), Err(Unanswerable::NotLoaded));
    assert_eq!(ask(&frame, "group_by=kind&collect=other:sum"), Err(Unanswerable::NotLoaded));
    assert_eq!(ask(&frame, "group_by=kind&filter_by=other:1"), Err(Unanswerable::NotLoaded));
    for filter in ["_id:a", "_updated_at:2024-01-01", "_timestamp:2024-01-01"] {
        let query = format!("group_by=kind&filter_by={filter}");
        assert_eq!(ask(&frame, &query), Err(Unanswerable::Unfit), "{filter}");
    }
    frame.fields[1].kind = Kind::Unfit;
    assert_eq!(ask(&frame, "group_by=kind&group_by=other&collect=region"), Err(Unanswerable::Unfit));
}

#[test]
fn more_groups_than_an_answer_may_have_are_not_answered() {
    let records = |count: i64| -> Vec<Record> {
        (0..count).map(|n| record(n, &[("count", &(n * 1_000).to_string())])).collect()
    };
    let frame = frames::frame(&records(100_000), Layout::default());
    assert_eq!(ask(&frame, "group_by=count").map(|cells| cells.len()), Ok(100_000));
    let frame = frames::frame(&records(100_001), Layout::default());
    assert_eq!(ask(&frame, "group_by=count"), Err(Unanswerable::TooLarge));
}

#[test]
fn sets_beyond_the_size_of_an_answer_are_not_answered() {
    let text = |n: i64| format!("\"{n}{}\"", "x".repeat(1 << 20));
    let records: Vec<Record> = (0..70).map(|n| record(n, &[("kind", &text(n)), ("paid", "true")])).collect();
    let frame = frames::frame(&records, Layout::default());
    assert_eq!(ask(&frame, "group_by=paid&collect=kind:set"), Err(Unanswerable::TooLarge));
    assert!(ask(&frame, "group_by=paid&collect=kind:count").is_ok());
    assert!(ask(&frame, "group_by=paid&collect=kind:set&filter_by_prefix=kind:6").is_ok());
}

/// More different values than a table is worth for the few rows of a day, though not for those of all days.
#[test]
fn sets_over_all_periods_hold_those_of_each() {
    let pairs = [
        ("start_at", "2024-01-01T00:00:00Z"),
        ("end_at", "2024-04-01T00:00:00Z"),
        ("period", "day"),
        ("group_by", "channel"),
        ("collect", "user"),
    ];
    let pairs: Vec<_> = pairs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let (selection, grouping) = parse(&pairs).expect("a good query");
    let fields = vec![grouping.keys()[0].clone(), grouping.collect()[0].field().clone()];
    let mut builder = FrameBuilder::new(fields, [1, 2], usize::MAX);
    let start = selection.range().expect("a range").start().timestamp_micros();
    for number in 0..400_i64 {
        let (id, user) = (number.to_string(), format!("\"user-{number}\""));
        let values = [Some(if number % 2 == 0 { "\"web\"" } else { "\"phone\"" }), Some(user.as_str())];
        let time = start + number * 4 * 3_600_000_000;
        builder.push(RowRef { id: &id, time, values: &values }).expect("room");
    }
    let cells = builder.build().expect("a frame").cells(&selection, &grouping).expect("an answer");
    let size = |cell: &Cell| match &cell.collected[0] {
        Collected::Set(values) => values.len(),
        Collected::Subset(values) => values.iter().len(),
        other => panic!("{other:?}"),
    };
    let (whole, of_days): (Vec<&Cell>, Vec<&Cell>) = cells.iter().partition(|cell| cell.period.is_none());
    assert_eq!(whole.iter().map(|cell| size(cell)).collect::<Vec<_>>(), [200, 200]);
    assert_eq!(of_days.iter().map(|cell| size(cell)).sum::<usize>(), 400);
}
