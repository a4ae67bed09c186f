use super::{ask, columns, try_ask};
use serde_json::{Value, json};

const TWO_DAYS: &str = "period=day&start_at=2013-03-11T00:00:00Z&end_at=2013-03-13T00:00:00Z";

fn records() -> Value {
    json!([
        {"_timestamp": "2013-03-11", "town": "York", "paid": true, "fee": 1},
        {"_timestamp": "2013-03-11T05:00:00Z", "town": "York", "paid": false, "fee": 2.5, "note": "n"},
        {"_timestamp": "2013-03-12", "town": "Bath", "paid": true, "fee": 4},
        {"_timestamp": "2013-03-12", "town": "Bath", "paid": true, "fee": null},
        {"_timestamp": "2013-03-14", "town": "York", "paid": true, "fee": 8},
        {"_timestamp": "2013-03-11", "town": null, "paid": true, "fee": 16},
    ])
}

#[test]
fn groups_hold_what_is_collected() {
    assert_eq!(
        ask(&records(), "group_by=town&collect=fee:sum&collect=fee:mean&collect=fee:count&collect=note"),
        [
            json!({"town": "Bath", "_count": 2, "fee:sum": 4, "fee:mean": 4.0, "fee:count": 1, "note": [],
                   "note:set": []}),
            json!({"town": "York", "_count": 3, "fee:sum": 11.5, "fee:mean": 11.5 / 3.0, "fee:count": 3,
                   "note": ["n"], "note:set": ["n"]}),
        ]
    );
    let refused = try_ask(&records(), "group_by=town&collect=note:sum");
    assert!(refused.is_err(), "{refused:?}");
    let top = ask(&records(), "group_by=town&sort_by=_count:descending&limit=1");
    assert_eq!(top, [json!({"town": "York", "_count": 3})]);
}

#[test]
fn percentiles_are_interpolated() {
    let records = json!([{"x1": 4, "y1": 0}, {"x1": 1, "y1": 0}, {"x1": 2, "y1": 0}, {"x1": 3.0, "y1": 0}]);
    let rows = ask(&records, "group_by=y1&collect=x1:median&collect=x1:p25&collect=x1:p99&collect=x1:min");
    assert_eq!(columns(&rows, &["x1:median", "x1:p25", "x1:min"]), json!([[2.5, 1.75, 1]]));
    let p99 = rows[0]["x1:p99"].as_f64().expect("a number");
    assert!((p99 - 3.97).abs() < 1e-9, "{p99}");
    let large = json!([{"x1": i64::MAX, "y1": 0}, {"x1": i64::MAX, "y1": 0}, {"x1": i64::MIN, "y1": 0}]);
    let rows = ask(&large, "group_by=y1&collect=x1:sum&collect=x1:max");
    assert_eq!(columns(&rows, &["x1:sum", "x1:max"]), json!([[i64::MAX - 1, i64::MAX]]));
}

#[test]
fn groups_hold_every_period() {
    let rows = ask(&records(), &format!("{TWO_DAYS}&group_by=town&collect=fee:max"));
    let names = ["town", "_count", "_group_count", "fee:max"];
    assert_eq!(columns(&rows, &names), json!([["Bath", 2, 1, 4], ["York", 2, 1, 2.5]]));
    assert_eq!(
        rows[0]["values"],
        json!([
            {"_start_at": "2013-03-11T00:00:00+00:00", "_end_at": "2013-03-12T00:00:00+00:00", "_count": 0,
             "fee:max": null},
            {"_start_at": "2013-03-12T00:00:00+00:00", "_end_at": "2013-03-13T00:00:00+00:00", "_count": 2,
             "fee:max": 4},
        ])
    );
}

#[test]
fn flat_rows_are_all_combinations() {
    let flat = format!("{TWO_DAYS}&group_by=town&group_by=paid&flatten=true");
    let rows = ask(&records(), &flat);
    assert_eq!(
        columns(&rows, &["town", "paid", "_count"]),
        json!([
            ["Bath", false, 0],
            ["Bath", false, 0],
            ["Bath", true, 0],
            ["Bath", true, 2],
            ["York", false, 1],
            ["York", false, 0],
            ["York", true, 1],
            ["York", true, 0],
        ])
    );
    assert!(rows.iter().all(|row| row.get("_group_count").is_none()));
    let first = ask(&records(), &format!("{flat}&limit=1"));
    assert_eq!(columns(&first, &["town", "paid"]), json!([["Bath", false], ["Bath", false]]));
    let by_count = ask(&records(), &format!("{flat}&sort_by=_count:descending"));
    assert_eq!(columns(&by_count[..2], &["town", "_count"]), json!([["Bath", 2], ["York", 1]]));
}
