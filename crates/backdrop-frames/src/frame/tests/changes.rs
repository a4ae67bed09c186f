//! Where rows go, and when a merge is due.

use super::super::changes::MERGE_ROWS_MIN;
use super::{Frame, FrameError, Kind, ROOMY, builder, frame, row};

/// The rows of the base and the tail, those that are gone, and those that are live.
fn counts(frame: &Frame) -> [usize; 4] {
    let gone = frame.base.gone.ones() + frame.tail.gone.ones();
    [frame.base.len(), frame.tail.len(), gone, frame.rows()]
}

/// A frame of as many rows, one for each microsecond, all of one value.
fn rows(count: usize) -> Frame {
    let mut builder = builder(&["field"], ROOMY);
    for time in 0..count {
        builder.push(row(&time.to_string(), time as i64, &[Some("\"text\"")])).unwrap();
    }
    builder.build().unwrap()
}

#[test]
fn a_row_in_the_order_of_time_extends_the_base_and_a_late_one_the_tail() {
    let mut frame = frame(&[("a", 10, "1"), ("b", 20, "2")]);
    frame.upsert(row("c", 20, &[Some("3")])).unwrap();
    assert_eq!(counts(&frame), [3, 0, 0, 3]);
    for (id, time) in [("d", 19), ("e", 5), ("f", 19)] {
        frame.upsert(row(id, time, &[Some("4")])).unwrap();
    }
    assert_eq!(counts(&frame), [3, 3, 0, 6]);
    assert_eq!(frame.tail_order, [1, 0, 2]);
}

#[test]
fn a_row_of_the_same_time_is_replaced_where_it_is() {
    let mut frame = frame(&[("a", 10, "1"), ("b", 20, "2")]);
    frame.upsert(row("a", 10, &[Some("7")])).unwrap();
    assert_eq!(counts(&frame), [2, 0, 0, 2]);
    frame.upsert(row("a", 11, &[Some("8")])).unwrap();
    frame.upsert(row("a", 11, &[Some("9")])).unwrap();
    assert_eq!(counts(&frame), [2, 1, 1, 2]);
}

#[test]
fn what_is_deleted_can_come_back() {
    let mut frame = frame(&[("a", 10, "1"), ("b", 20, "2")]);
    frame.delete("a");
    frame.delete("a");
    frame.delete("unknown");
    assert_eq!(counts(&frame), [2, 0, 1, 1]);
    frame.upsert(row("a", 30, &[None])).unwrap();
    assert_eq!(counts(&frame), [3, 0, 1, 2]);
}

#[test]
fn a_frame_can_be_empty() {
    let mut frame = frame(&[]);
    assert_eq!(counts(&frame.merged()), [0; 4]);
    frame.upsert(row("a", 10, &[Some("1")])).unwrap();
    frame.delete("a");
    assert_eq!(counts(&frame), [1, 0, 1, 0]);
    assert_eq!(counts(&frame.merged()), [0; 4]);
}

#[test]
fn two_rows_of_one_hash_make_no_frame() {
    let mut builder = builder(&["field"], ROOMY);
    builder.push(row("a", 1, &[None])).unwrap();
    builder.push(row("a", 2, &[None])).unwrap();
    assert!(matches!(builder.build(), Err(FrameError::SameHash)));
}

#[test]
fn a_long_tail_is_merged() {
    let mut frame = rows(2);
    for late in 0..MERGE_ROWS_MIN {
        frame.upsert(row(&format!("late {late}"), 0, &[None])).unwrap();
    }
    assert!(!frame.wants_merge());
    frame.upsert(row("one more", 0, &[None])).unwrap();
    assert!(frame.wants_merge());
    assert_eq!(counts(&frame.merged()), [MERGE_ROWS_MIN + 3, 0, 0, MERGE_ROWS_MIN + 3]);
}

#[test]
fn many_rows_that_are_gone_are_merged_away() {
    let mut frame = rows(5_000);
    for time in 0..MERGE_ROWS_MIN {
        frame.delete(&time.to_string());
    }
    assert!(!frame.wants_merge());
    frame.delete("4999");
    assert!(frame.wants_merge());
    assert_eq!(counts(&frame.merged()), [903, 0, 0, 903]);
}

#[test]
fn texts_that_rows_gave_up_are_merged_away() {
    let mut frame = rows(1);
    let texts = |frame: &Frame| match &frame.fields[0].kind {
        Kind::Texts(dictionary) => dictionary.texts.len(),
        kind => panic!("{kind:?}"),
    };
    for text in 0..=MERGE_ROWS_MIN {
        frame.upsert(row("0", 0, &[Some(&format!("\"{text}\""))])).unwrap();
    }
    assert!(!frame.wants_merge());
    frame.upsert(row("0", 0, &[Some("\"one more\"")])).unwrap();
    assert!(frame.wants_merge());
    assert_eq!((texts(&frame), texts(&frame.merged())), (MERGE_ROWS_MIN + 3, 1));
}

#[test]
#[should_panic(expected = "a value, or none, for each field")]
fn a_row_of_other_fields_is_a_mistake() {
    let _ = rows(1).upsert(row("a", 0, &[]));
}
