//! How much memory a frame takes, and what happens when there is no more.

use super::{Frame, FrameError, FrameFull, Kind, ROOMY, builder, row};
use std::time::Instant;

const FIELDS: [&str; 5] = ["channel", "device", "region", "visits", "seconds"];

/// What a record may take at most, in bytes: a time, three texts of few values, an integer, a number with two decimal
/// places, and its id.
const RECORD_BYTES_MAX: usize = 64;

/// The values of a record: as many combinations as there are in a data set of page views.
fn values(number: usize) -> [String; 5] {
    let mixed = number.wrapping_mul(2_654_435_761) >> 7;
    [
        format!("\"channel {}\"", mixed % 7),
        format!("\"device {}\"", mixed % 5),
        format!("\"region {}\"", mixed % 200),
        (mixed % 100_000).to_string(),
        format!("{}.{:02}", mixed % 3_000, mixed % 100),
    ]
}

/// The first rows of a data set, backwards in every other hundred.
fn page_views(count: usize) -> Frame {
    let mut builder = builder(&FIELDS, ROOMY);
    for number in 0..count {
        push(number, |row| builder.push(row));
    }
    builder.build().unwrap()
}

fn push<T>(number: usize, take: impl FnOnce(super::RowRef<'_>) -> Result<T, FrameFull>) -> T {
    let values = values(number);
    let values = values.each_ref().map(|value| Some(&**value));
    let time = (number as i64 / 100) * 200 + if number % 200 < 100 { 0 } else { 100 - number as i64 % 100 };
    take(row(&format!("record-{number}"), time, &values)).unwrap()
}

#[test]
fn a_record_takes_no_more_than_it_may() {
    // Just above seven eighths of a power of two the index has twice the slots, and the first row after a build makes
    // all arrays grow: the worst case.
    let worst = (1 << 17) / 8 * 7;
    let mut frame = page_views(worst);
    let before = frame.bytes() / worst;
    push(2 * worst, |row| frame.upsert(row));
    let after = frame.bytes() / (worst + 1);
    let merged = frame.merged().bytes() / (worst + 1);
    assert!(
        before < after && merged < after && after <= RECORD_BYTES_MAX,
        "bytes per record: {before} when built, {after} with one more, {merged} merged"
    );
    assert!(after > 30, "time, hash, codes and numbers alone take 27 bytes, found {after}");
}

/// Not a test of right and wrong: it prints what the docs say.
#[test]
#[ignore = "measures; run it in release"]
fn a_million_records_are_built_in_a_moment() {
    let rows: Vec<_> = (0..1_000_000).map(|number| (format!("record-{number}"), values(number))).collect();
    let mut builder = builder(&FIELDS, ROOMY);
    let begin = Instant::now();
    for (number, (id, values)) in rows.iter().enumerate() {
        let values = values.each_ref().map(|value| Some(&**value));
        builder.push(row(id, number.wrapping_mul(2_654_435_761) as i64 % 1_000_000, &values)).unwrap();
    }
    let pushed = begin.elapsed();
    let mut frame = builder.build().unwrap();
    let built = begin.elapsed();
    println!("pushed {pushed:?}, built {built:?}, {} bytes a record", frame.bytes() / rows.len());
    let begin = Instant::now();
    (0..100_000).for_each(|number| push(number * 10, |row| frame.upsert(row)));
    println!("100,000 changes {:?}, {} bytes a record", begin.elapsed(), frame.bytes() / rows.len());
    let begin = Instant::now();
    let merged = frame.merged();
    println!("merged {:?}, {} bytes a record", begin.elapsed(), merged.bytes() / rows.len());
    assert!(merged.bytes() / rows.len() <= RECORD_BYTES_MAX);
}

#[test]
fn building_ends_when_there_is_no_room() {
    let mut builder = builder(&["field"], 10_000);
    let mut push = |number: i32| builder.push(row(&number.to_string(), 0, &[Some("1")]));
    let rows =
        (0..1_000).find(|number| push(*number).is_err()).expect("1,000 rows take more than 10,000 bytes");
    assert!(rows > 300, "{rows} rows of 20 bytes");
    assert_eq!(builder.build().unwrap_err(), FrameError::Full(FrameFull));
}

#[test]
fn following_ends_when_there_is_no_room() {
    let mut builder = builder(&["field"], 10_000);
    builder.push(row("first", 0, &[Some("1")])).unwrap();
    let mut frame = builder.build().unwrap();
    let full = (0..1_000).find(|number| frame.upsert(row(&number.to_string(), 0, &[None])).is_err());
    assert!(full.is_some_and(|rows| rows > 200), "{full:?}");
    assert!(frame.bytes() > 10_000);
}

#[test]
fn a_column_of_long_texts_becomes_unfit_before_the_frame_is_full() {
    let mut builder = builder(&["long", "short"], 40_000);
    for number in 0..100 {
        let long = format!("\"{number}{}\"", "é".repeat(500));
        builder.push(row(&number.to_string(), 0, &[Some(&long), Some("\"a\"")])).unwrap();
    }
    let frame = builder.build().unwrap();
    assert!(matches!(frame.fields[0].kind, Kind::Unfit));
    assert!(matches!(frame.fields[1].kind, Kind::Texts(_)));
    assert!(frame.bytes() < 10_000, "what it held is given back, but it takes {}", frame.bytes());
}
