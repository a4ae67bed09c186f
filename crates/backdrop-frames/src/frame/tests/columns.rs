//! What columns become.

use super::{Frame, Kind, Values, frame, row};

/// The mantissa of each row of the base.
fn mantissas(frame: &Frame) -> Vec<i64> {
    let Values::Numbers(numbers) = &frame.base.columns[0] else { panic!("numbers, not {:?}", frame.base) };
    (0..frame.base.len()).map(|row| numbers.mantissas.get(row)).collect()
}

#[test]
fn more_decimal_places_change_all_numbers_of_both_runs() {
    let mut frame = frame(&[("a", 10, "1"), ("b", 20, "2.5")]);
    frame.upsert(row("late", 5, &[Some("3.25")])).unwrap();
    assert!(matches!(frame.fields[0].kind, Kind::Numbers { scale: 2 }));
    assert_eq!(mantissas(&frame), [100, 250]);
    assert_eq!(mantissas(&frame.merged()), [325, 100, 250]);
}

#[test]
fn a_number_that_is_replaced_or_deleted_stands_in_no_ones_way() {
    let great = "9223372036854775807";
    let mut frame = frame(&[("a", 10, great), ("b", 20, great), ("c", 30, "7")]);
    frame.upsert(row("a", 10, &[Some("3")])).unwrap();
    frame.delete("b");
    frame.upsert(row("c", 30, &[Some(great)])).unwrap();
    frame.upsert(row("c", 30, &[Some("0.5")])).unwrap();
    assert_eq!(mantissas(&frame), [30, 0, 5]);
}

#[test]
fn a_number_that_does_not_fit_beside_others_makes_the_column_unfit() {
    for (first, second) in [("9223372036854775807", "0.5"), ("0.5", "9223372036854775807"), ("1", "1e400")] {
        let mut frame = frame(&[("a", 10, first)]);
        frame.upsert(row("b", 5, &[Some(second)])).unwrap();
        for frame in [frame.merged(), frame] {
            assert!(matches!(frame.fields[0].kind, Kind::Unfit), "{first} and {second}");
            assert!(matches!(
                [&frame.base, &frame.tail].map(|run| &run.columns[0]),
                [Values::None, Values::None]
            ));
        }
    }
}

#[test]
fn what_is_unfit_stays_so() {
    let mut frame = frame(&[("a", 10, "1"), ("b", 20, "true")]);
    frame.delete("b");
    frame.upsert(row("a", 10, &[Some("2")])).unwrap();
    assert!(matches!(frame.merged().fields[0].kind, Kind::Unfit));
}
