//! Any history of a data set leaves its rows in the frame, each once, as they were written.

use super::model::{Model, Record, check_compact};
use super::{Frame, ROOMY, builder};
use proptest::prelude::*;
use proptest::sample::select;

pub(super) const FIELDS: [&str; 4] = ["texts", "numbers", "booleans", "mixed"];

/// What happens to a data set.
#[derive(Clone, Debug)]
enum Change {
    Upsert(String, Record),
    Delete(String),
    Merge,
}

fn texts() -> impl Strategy<Value = String> {
    let text = select(vec!["", "a", "b", "null", "é日本🦀", "a \"quote\"", "back\\slash", "\n\u{1}\t", "1"]);
    text.prop_map(|text| serde_json::to_string(text).unwrap())
}

/// Numbers of few digits, as most are.
fn small_numbers() -> impl Strategy<Value = String> {
    (-9_999..9_999_i32, 0..4_usize)
        .prop_map(|(number, places)| format!("{:.places$}", f64::from(number) / 100.0))
        .prop_map(|text| {
            if text.trim_start_matches(['-', '0', '.']).is_empty() { text.replace('-', "") } else { text }
        })
}

/// Numbers at the bounds of what a column can hold.
fn great_numbers() -> impl Strategy<Value = String> {
    select(vec![
        "2147483647",
        "-2147483649",
        "21474836.47",
        "9007199254740993",
        "9223372036854775807",
        "-9223372036854775808",
        "92233720368547758.07",
        "9223372036854775808",
        "100000000000000000000",
        "0.1234567890123456",
        "1.000000000000000001",
        "0.0000000000000000001",
    ])
    .prop_map(str::to_owned)
}

fn booleans() -> impl Strategy<Value = String> {
    select(vec!["true", "false"]).prop_map(str::to_owned)
}

fn others() -> impl Strategy<Value = String> {
    select(vec!["[]", "[1, 2]", "{}", "{\"a\": \"b\"}"]).prop_map(str::to_owned)
}

/// A value, none, or null.
fn maybe(values: impl Strategy<Value = String>) -> impl Strategy<Value = Option<String>> {
    prop_oneof![8 => values.prop_map(Some), 1 => Just(None), 1 => Just(Some("null".to_owned()))]
}

fn records() -> impl Strategy<Value = Record> {
    let any = || prop_oneof![texts(), small_numbers(), great_numbers(), booleans(), others()];
    let values = (
        maybe(prop_oneof![400 => texts(), 1 => any()]),
        maybe(prop_oneof![400 => small_numbers(), 10 => great_numbers(), 1 => any()]),
        maybe(prop_oneof![400 => booleans(), 1 => any()]),
        maybe(prop_oneof![1 => small_numbers(), 1 => great_numbers(), 1 => any()]),
    );
    let values = values.prop_map(|(texts, numbers, booleans, mixed)| vec![texts, numbers, booleans, mixed]);
    (-3..6_i64, values).prop_map(|(time, values)| Record { time, values })
}

fn ids() -> impl Strategy<Value = String> {
    (0..14_u8).prop_map(|id| format!("id-{id}"))
}

fn changes() -> impl Strategy<Value = Change> {
    prop_oneof![
        8 => (ids(), records()).prop_map(|(id, record)| Change::Upsert(id, record)),
        3 => ids().prop_map(Change::Delete),
        1 => Just(Change::Merge),
    ]
}

/// Builds a frame from the rows, the first of each id.
fn build(rows: &[(String, Record)]) -> (Frame, Model) {
    let (mut builder, mut model) = (builder(&FIELDS, ROOMY), Model::new(FIELDS.len()));
    for (id, record) in rows {
        if !model.rows.contains_key(id) {
            record.give(id, |row| builder.push(row)).unwrap();
            model.upsert(id, record);
        }
    }
    (builder.build().unwrap(), model)
}

proptest! {
    #[test]
    fn a_frame_holds_what_the_data_set_holds(
        rows in prop::collection::vec((ids(), records()), 0..20),
        changes in prop::collection::vec(changes(), 0..40),
    ) {
        let (mut frame, mut model) = build(&rows);
        model.check(&frame);
        check_compact(&frame);
        for change in &changes {
            match change {
                Change::Upsert(id, record) => {
                    record.give(id, |row| frame.upsert(row)).unwrap();
                    model.upsert(id, record);
                }
                Change::Delete(id) => {
                    frame.delete(id);
                    model.rows.remove(id);
                }
                Change::Merge => {
                    frame = frame.merged();
                    check_compact(&frame);
                }
            }
            model.check(&frame);
        }
        let merged = frame.merged();
        check_compact(&merged);
        model.check(&merged);
        model.check(&frame);
    }

    #[test]
    fn rows_of_one_time_stay_in_the_order_in_which_they_came(times in prop::collection::vec(0..5_i64, 0..60)) {
        let ids: Vec<_> = (0..times.len()).map(|id| id.to_string()).collect();
        let rows: Vec<_> = ids.iter().zip(&times).map(|(id, time)| (&**id, *time, &**id)).collect();
        let frame = super::frame(&rows);
        let mut expected: Vec<_> = ids.iter().zip(&times).map(|(id, time)| (*time, id.parse::<i64>().unwrap())).collect();
        expected.sort_unstable();
        let super::Values::Numbers(numbers) = &frame.base.columns[0] else {
            prop_assert!(times.is_empty());
            return Ok(());
        };
        let found = frame.base.times.iter().zip(0..).map(|(time, row)| (*time, numbers.mantissas.get(row)));
        prop_assert_eq!(found.collect::<Vec<_>>(), expected);
    }
}
