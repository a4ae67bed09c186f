use super::group::{self, Group};
use super::*;
use crate::error::ApiError;
use crate::query::Grouping;
use crate::query::tests::grouping;
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;

/// A cell with the sum of `count` as its only collected value.
fn cell(keys: &[&str], period: Option<usize>, count: u64, sum: i128) -> Cell {
    Cell {
        keys: keys.iter().map(|key| Scalar(json!(key))).collect(),
        period,
        count,
        collected: vec![Collected::Number(Some(Number::Integer(sum)))],
    }
}

fn sum(cells: &[Cell]) -> i128 {
    let sum = |cell: &Cell| match cell.collected[0] {
        Collected::Number(Some(Number::Integer(sum))) => sum,
        _ => 0,
    };
    cells.iter().map(sum).sum()
}

/// What an engine would give for these cells: with a cell for each whole group, if that is needed.
fn complete(grouping: &Grouping, mut cells: Vec<Cell>) -> Vec<Cell> {
    if grouping.needs_totals() {
        let whole = |group: Group| Cell {
            count: group.cells.iter().map(|cell| cell.count).sum(),
            collected: vec![Collected::Number(Some(Number::Integer(sum(&group.cells))))],
            keys: group.keys,
            period: None,
        };
        let totals: Vec<Cell> = group::groups(cells.clone()).into_iter().map(whole).collect();
        cells.extend(totals);
    }
    cells
}

/// The rows that come of cells, whatever periods they are asked for.
fn rows(grouping: &Grouping, cells: Vec<Cell>) -> Result<Vec<Row>, ApiError> {
    let selection = crate::query::tests::parse("").expect("valid").selection().clone();
    let mut gathering = Gathering::new(&selection, grouping);
    gathering.answered(complete(grouping, cells))?;
    assert!(gathering.question().is_none(), "nothing else is needed");
    let rows = gathering.grouped_rows()?;
    let maps = rows.to_maps();
    // A map is written in the order of its names, each once.
    assert_eq!(serde_json::to_string(&rows).ok(), serde_json::to_string(&maps).ok());
    Ok(maps)
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
const FIRST: Option<usize> = Some(0);
const SECOND: Option<usize> = Some(1);

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
    let collected = vec![Collected::Set(values.into())];
    let cells = vec![Cell { keys: vec![Scalar(json!(true))], period: None, count: 2, collected }];
    assert_eq!(
        shaped("group_by=open&collect=pickup", cells),
        json!([{"open": true, "_count": 2, "pickup": ["mushroom", "ring"], "pickup:set": ["mushroom", "ring"]}])
    );
}

#[test]
fn sets_of_common_values_are_shown_like_others() {
    let values = Arc::new(Values::new(["mushroom", "ring"].map(|value| Scalar(json!(value))).to_vec()));
    let collected = vec![Collected::Subset(Subset::new(&values, vec![1])), Collected::Count(3)];
    let cells = vec![Cell { keys: vec![Scalar(json!(true))], period: None, count: 3, collected }];
    assert_eq!(
        shaped("group_by=open&collect=pickup&collect=pickup:count", cells),
        json!([{"open": true, "_count": 3, "pickup": ["ring"], "pickup:set": ["ring"], "pickup:count": 3}])
    );
}

#[test]
fn groups_are_sorted_by_the_values_of_sets() {
    let values = Arc::new(Values::new([1, 2, 3].map(|value| Scalar(json!(value))).to_vec()));
    let cell = |key: &str, places: &[u32]| Cell {
        collected: vec![Collected::Subset(Subset::new(&values, places.to_vec()))],
        ..cell(&[key], None, 1, 0)
    };
    let cells = vec![cell("a", &[1]), cell("b", &[]), cell("c", &[0, 2]), cell("d", &[0, 1])];
    let rows = shaped("group_by=kind&collect=number:set&sort_by=number:set:ascending", cells);
    assert_eq!(columns(&rows, &["kind"]), json!([["d"], ["c"], ["a"], ["b"]]));
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
        let mean = |mean: Option<f64>| vec![Collected::Number(mean.map(Number::Float))];
        let cell = |key: &str, value| Cell { collected: mean(value), ..cell(&[key], None, 1, 0) };
        vec![cell("a", Some(3.0)), cell("b", None), cell("c", Some(2.0))]
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

/// A gathering of a query that is asked over all time.
fn gathering(query: &str) -> Gathering {
    let query = crate::query::tests::parse(query).expect("valid");
    let crate::query::Answer::Groups(grouping) = query.answer() else { panic!("groups") };
    Gathering::new(query.selection(), grouping)
}

/// From when to when the next question of a gathering is.
fn asked(gathering: &Gathering) -> (String, String) {
    let (selection, grouping) = gathering.question().expect("something is missing");
    let (range, periods) = (selection.range().expect("a range"), grouping.periods().expect("periods"));
    assert_eq!((range.start(), range.end()), (periods.start(), periods.end()));
    let day = |at| crate::time::format(at)[..10].to_owned();
    (day(range.start()), day(range.end()))
}

#[test]
fn a_window_moves_by_the_periods_that_are_empty_in_all_groups() {
    let days = |start: &str, end: &str| (start.to_owned(), end.to_owned());
    let forward = "period=day&duration=5&start_at=2013-03-11T00:00:00Z&group_by=kind&collect=count:sum";
    let mut window = gathering(forward);
    assert_eq!(asked(&window), days("2013-03-11", "2013-03-16"));
    window.answered(vec![cell(&["a"], Some(2), 1, 1), cell(&["b"], Some(4), 1, 1)]).expect("fine");
    assert_eq!(asked(&window), days("2013-03-13", "2013-03-18"));
    window.answered(vec![cell(&["a"], FIRST, 1, 1), cell(&["b"], Some(4), 1, 1)]).expect("fine");
    assert!(window.question().is_none());
    let rows = window.rows().expect("few");
    assert_eq!(rows[0]["values"][0]["_start_at"], "2013-03-13T00:00:00+00:00");

    let mut back = gathering("period=day&duration=5&end_at=2013-03-16T00:00:00Z");
    back.answered(vec![cell(&[], Some(2), 1, 1)]).expect("fine");
    assert_eq!(asked(&back), days("2013-03-09", "2013-03-14"));

    for stays in [vec![], vec![cell(&["a"], FIRST, 1, 1)]] {
        let mut window = gathering(forward);
        window.answered(stays).expect("fine");
        assert!(window.question().is_none());
    }
}

#[test]
fn a_comparison_asks_for_the_earlier_periods_of_the_window_it_ends_up_with() {
    let mut compared = gathering(
        "period=day&duration=2&end_at=2013-03-16T00:00:00Z&compare=previous&group_by=kind&collect=count:sum",
    );
    compared.answered(vec![cell(&["a"], FIRST, 1, 1)]).expect("fine");
    assert_eq!(asked(&compared), ("2013-03-13".into(), "2013-03-15".into()));
    compared.answered(vec![cell(&["a"], FIRST, 1, 1), cell(&["a"], SECOND, 2, 7)]).expect("fine");
    assert_eq!(asked(&compared), ("2013-03-12".into(), "2013-03-14".into()));
    compared.answered(vec![cell(&["a"], SECOND, 1, 1), cell(&["gone"], FIRST, 9, 9)]).expect("fine");
    assert!(compared.question().is_none());
    let rows: Value = compared.rows().expect("few").into_iter().map(Value::Object).collect();
    assert_eq!(
        columns(&rows[0]["values"], &["_count", "_count:previous", "count:sum", "count:sum:previous"]),
        json!([[1, 0, 1, null], [2, 1, 7, 1]])
    );
    assert_eq!(rows.as_array().map(Vec::len), Some(1));
}

#[test]
fn too_many_rows_are_refused_before_they_are_made() {
    let names: Vec<String> = (0..400).map(|n| format!("{n:03}")).collect();
    let pairs = || names.iter().map(|name| cell(&[name, name], FIRST, 1, 1)).collect::<Vec<_>>();
    let flat = format!("{TWO_WEEKS}&group_by=first&group_by=second&flatten=true&limit=1");
    assert!(rows(&grouping(&flat), pairs()).expect_err("160,000 combinations").message.contains("100000"));
    let singles = || names.iter().map(|name| cell(&[name], FIRST, 1, 1)).collect::<Vec<_>>();
    let hours = "group_by=kind&period=hour&start_at=2013-01-01T00:00:00Z&end_at=2013-02-01T00:00:00Z";
    assert!(rows(&grouping(hours), singles()).is_err());
    assert!(rows(&grouping(&format!("{hours}&limit=100")), singles()).is_ok());
}

#[test]
fn what_shaping_adds_is_bounded_before_it_is_made() {
    let collect: String = (0..100).map(|n| format!("&collect=field{n:03}:sum")).collect();
    let hours = |count: u32| {
        format!("period=hour&duration={count}&start_at=2013-01-01T00:00:00Z&compare=previous{collect}")
    };
    let size = |query: &str| {
        let mut gathering = gathering(query);
        while gathering.question().is_some() {
            gathering.answered(vec![]).expect("fine");
        }
        gathering.rows().map(|rows| rows.len())
    };
    assert_eq!(size(&hours(1_000)), Ok(1_000));
    assert!(size(&hours(10_000)).expect_err("two million values").message.contains("collect"));
    // The keys of a group stand in each of its rows.
    let days = format!("{DAYS}&flatten=true");
    let long = "x".repeat(200_000);
    let cells = |keys: usize| {
        (0..keys).map(|n| cell(&[&format!("{n}{long}"), "b"], Some(n), 1, 1)).collect::<Vec<_>>()
    };
    assert!(rows(&grouping(&days), cells(3)).is_ok());
    let hourly = days.replace("period=day", "period=hour");
    assert!(rows(&grouping(&hourly), cells(3)).expect_err("200 MB").message.contains("MiB"));
}

fn any_cells() -> impl Strategy<Value = Vec<Cell>> {
    let key = prop::sample::select(vec!["a", "b", "c"]);
    let any_cell = (key.clone(), key, 0..14_usize, 1..5_u64, -9..9_i128)
        .prop_map(|(first, second, day, count, sum)| cell(&[first, second], Some(day), count, sum));
    // An engine gives one cell for the same keys and period.
    let distinct = |cells: Vec<Cell>| {
        let mut seen = std::collections::BTreeSet::new();
        cells.into_iter().filter(|cell| seen.insert((cell.keys.clone(), cell.period))).collect()
    };
    prop::collection::vec(any_cell, 0..30).prop_map(distinct)
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
