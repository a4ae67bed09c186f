use super::*;
use crate::query::tests::{at, grouping};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A cell with the sum of `count` as its only collected value.
fn cell(keys: &[&str], period_start: Option<&str>, count: u64, sum: i128) -> Cell {
    Cell {
        keys: keys.iter().map(|key| Scalar(json!(key))).collect(),
        period_start: period_start.map(at),
        count,
        collected: vec![Partial::Sum(Some(Number::Integer(sum)))],
    }
}

fn shaped(query: &str, cells: Vec<Cell>) -> Value {
    let rows = rows(&grouping(query), cells).expect("few rows");
    rows.into_iter().map(Value::Object).collect()
}

/// The given columns of all rows.
fn columns(rows: &Value, names: &[&str]) -> Value {
    let row = |row: &Value| names.iter().map(|name| row[name].clone()).collect::<Value>();
    rows.as_array().expect("a list").iter().map(row).collect()
}

const TWO_WEEKS: &str =
    "period=week&start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z&collect=count:sum";
const FIRST: Option<&str> = Some("2013-03-11");
const SECOND: Option<&str> = Some("2013-03-18");

#[test]
fn groups_are_rows_sorted_by_their_keys() {
    let cells = vec![cell(&["Westminster"], None, 4, 10), cell(&["Camden"], None, 2, 3)];
    assert_eq!(
        shaped("group_by=authority&collect=count:sum", cells),
        json!([
            {"authority": "Camden", "_count": 2, "count:sum": 3},
            {"authority": "Westminster", "_count": 4, "count:sum": 10},
        ])
    );
    assert_eq!(shaped("group_by=authority", vec![]), json!([]));
}

#[test]
fn several_keys_make_one_row_per_combination() {
    let cells =
        vec![cell(&["b", "x"], None, 1, 1), cell(&["a", "y"], None, 1, 1), cell(&["a", "x"], None, 1, 1)];
    let rows = shaped("group_by=first&group_by=second&flatten=true", cells);
    assert_eq!(columns(&rows, &["first", "second"]), json!([["a", "x"], ["a", "y"], ["b", "x"]]));
}

#[test]
fn periods_are_complete_and_empty_ones_show_null() {
    assert_eq!(
        shaped(TWO_WEEKS, vec![cell(&[], SECOND, 2, 7)]),
        json!([
            {"_start_at": "2013-03-11T00:00:00+00:00", "_end_at": "2013-03-18T00:00:00+00:00",
             "_count": 0, "count:sum": null},
            {"_start_at": "2013-03-18T00:00:00+00:00", "_end_at": "2013-03-25T00:00:00+00:00",
             "_count": 2, "count:sum": 7},
        ])
    );
    let empty = shaped(TWO_WEEKS, vec![]);
    assert_eq!(columns(&empty, &["_count", "count:sum"]), json!([[0, null], [0, null]]));
}

#[test]
fn groups_by_period_hold_their_periods_and_the_whole() {
    let cells =
        vec![cell(&["web"], FIRST, 2, 7), cell(&["phone"], SECOND, 1, 5), cell(&["web"], SECOND, 1, 1)];
    let week = |start: &str, end: &str, count: u64, sum: Value| {
        json!({"_start_at": format!("{start}T00:00:00+00:00"), "_end_at": format!("{end}T00:00:00+00:00"),
               "_count": count, "count:sum": sum})
    };
    assert_eq!(
        shaped(&format!("{TWO_WEEKS}&group_by=channel"), cells),
        json!([
            {"channel": "phone", "_count": 1, "_group_count": 1, "count:sum": 5, "values": [
                week("2013-03-11", "2013-03-18", 0, json!(null)),
                week("2013-03-18", "2013-03-25", 1, json!(5)),
            ]},
            {"channel": "web", "_count": 3, "_group_count": 2, "count:sum": 8, "values": [
                week("2013-03-11", "2013-03-18", 2, json!(7)),
                week("2013-03-18", "2013-03-25", 1, json!(1)),
            ]},
        ])
    );
}

#[test]
fn flat_rows_are_every_combination_of_values_in_every_period() {
    let cells = vec![cell(&["b", "x"], SECOND, 2, 7), cell(&["a", "y"], FIRST, 1, 5)];
    let rows = shaped(&format!("{TWO_WEEKS}&group_by=first&group_by=second&flatten=true"), cells);
    assert_eq!(
        columns(&rows, &["first", "second", "_start_at", "_count", "count:sum"]),
        json!([
            ["a", "x", "2013-03-11T00:00:00+00:00", 0, null],
            ["a", "x", "2013-03-18T00:00:00+00:00", 0, null],
            ["a", "y", "2013-03-11T00:00:00+00:00", 1, 5],
            ["a", "y", "2013-03-18T00:00:00+00:00", 0, null],
            ["b", "x", "2013-03-11T00:00:00+00:00", 0, null],
            ["b", "x", "2013-03-18T00:00:00+00:00", 2, 7],
            ["b", "y", "2013-03-11T00:00:00+00:00", 0, null],
            ["b", "y", "2013-03-18T00:00:00+00:00", 0, null],
        ])
    );
}

#[test]
fn a_plain_collect_stands_under_both_names() {
    let values = ["ring", "mushroom"].map(|value| Scalar(json!(value)));
    let collected = vec![Partial::Set(values.into())];
    let cells = vec![Cell { keys: vec![Scalar(json!(true))], period_start: None, count: 2, collected }];
    assert_eq!(
        shaped("group_by=open&collect=pickup", cells),
        json!([{"open": true, "_count": 2, "pickup": ["mushroom", "ring"], "pickup:set": ["mushroom", "ring"]}])
    );
}

#[test]
fn groups_are_sorted_by_a_column_then_limited() {
    let cells = || vec![cell(&["a"], None, 1, 9), cell(&["b"], None, 3, 10), cell(&["c"], None, 3, 11)];
    let keys = |query: &str| {
        columns(&shaped(&format!("group_by=kind&collect=count:sum&{query}"), cells()), &["kind"])
    };
    assert_eq!(keys("sort_by=_count:descending"), json!([["b"], ["c"], ["a"]]));
    assert_eq!(keys("sort_by=count:sum:descending&limit=2"), json!([["c"], ["b"]]));
    assert_eq!(keys("sort_by=kind:descending&limit=1"), json!([["c"]]));
    assert_eq!(keys("limit=1"), json!([["a"]]));
    assert_eq!(keys("limit=0"), json!([]));
}

#[test]
fn what_has_no_value_is_sorted_last_either_way() {
    let cells = || {
        let mean = |count| vec![Partial::Mean { sum: Number::Integer(6), count }];
        let cell = |key: &str, count| Cell { collected: mean(count), ..cell(&[key], None, 1, 0) };
        vec![cell("a", 2), cell("b", 0), cell("c", 3)]
    };
    let keys = |query: &str| {
        columns(&shaped(&format!("group_by=kind&collect=count:mean&{query}"), cells()), &["kind"])
    };
    assert_eq!(keys("sort_by=count:mean:ascending"), json!([["c"], ["a"], ["b"]]));
    assert_eq!(keys("sort_by=count:mean:descending"), json!([["a"], ["c"], ["b"]]));
}

#[test]
fn a_limit_on_flat_rows_keeps_whole_groups_and_the_order_holds_for_rows() {
    let cells = vec![
        cell(&["a"], FIRST, 5, 1),
        cell(&["b"], FIRST, 4, 1),
        cell(&["b"], SECOND, 4, 1),
        cell(&["c"], SECOND, 6, 1),
    ];
    let query = format!("{TWO_WEEKS}&group_by=kind&flatten=true&sort_by=_count:descending&limit=2");
    let rows = shaped(&query, cells);
    assert_eq!(columns(&rows, &["kind", "_count"]), json!([["c", 6], ["b", 4], ["b", 4], ["c", 0]]));
}

#[test]
fn too_many_rows_are_refused_before_they_are_made() {
    let names: Vec<String> = (0..400).map(|n| format!("{n:03}")).collect();
    let pairs = || names.iter().map(|name| cell(&[name, name], FIRST, 1, 1)).collect::<Vec<_>>();
    let flat = format!("{TWO_WEEKS}&group_by=first&group_by=second&flatten=true&limit=1");
    assert!(rows(&grouping(&flat), pairs()).expect_err("160,000 combinations").message.contains("100000"));
    let singles = || names.iter().map(|name| cell(&[name], Some("2013-01-01"), 1, 1)).collect::<Vec<_>>();
    let hours = "group_by=kind&period=hour&start_at=2013-01-01T00:00:00Z&end_at=2013-02-01T00:00:00Z";
    assert!(rows(&grouping(hours), singles()).is_err());
    assert!(rows(&grouping(&format!("{hours}&limit=100")), singles()).is_ok());
}

fn any_cells() -> impl Strategy<Value = Vec<Cell>> {
    let key = prop::sample::select(vec!["a", "b", "c"]);
    let any_cell =
        (key.clone(), key, 0..14_u32, 1..5_u64, -9..9_i128).prop_map(|(first, second, day, count, sum)| {
            cell(&[first, second], Some(&format!("2013-03-{:02}", 11 + day)), count, sum)
        });
    prop::collection::vec(any_cell, 0..30)
}

const DAYS: &str = "period=day&start_at=2013-03-11T00:00:00Z&end_at=2013-03-25T00:00:00Z&collect=count:sum\
                    &group_by=first&group_by=second";

fn total(rows: &[Row], column: &str) -> i64 {
    rows.iter().filter_map(|row| row[column].as_i64()).sum()
}

proptest! {
    #[test]
    fn no_record_is_lost_or_counted_twice(cells in any_cells()) {
        let count: i64 = cells.iter().map(|cell| cell.count as i64).sum();
        let nested = rows(&grouping(DAYS), cells.clone()).expect("few");
        let flat = rows(&grouping(&format!("{DAYS}&flatten=true")), cells).expect("few");
        prop_assert_eq!(total(&nested, "_count"), count);
        prop_assert_eq!(total(&flat, "_count"), count);
        prop_assert_eq!(total(&nested, "count:sum"), total(&flat, "count:sum"));
        let of = |name: &str| flat.iter().map(|row| row[name].to_string()).collect::<std::collections::BTreeSet<_>>();
        prop_assert_eq!(flat.len(), of("first").len() * of("second").len() * 14);
        for row in nested {
            let values: Vec<Row> = serde_json::from_value(row["values"].clone()).expect("rows");
            prop_assert_eq!(values.len(), 14);
            prop_assert_eq!(total(&values, "_count"), row["_count"].as_i64().expect("a number"));
            prop_assert_eq!(total(&values, "count:sum"), row["count:sum"].as_i64().expect("a number"));
            let with_records = values.iter().filter(|value| value["_count"] != json!(0)).count();
            prop_assert_eq!(json!(with_records), row["_group_count"].clone());
        }
    }
}
