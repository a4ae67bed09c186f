use super::{ask, columns, with_examples};
use serde_json::json;

const MARCH: &str = "start_at=2013-03-01T00:00:00Z&end_at=2013-04-01T00:00:00Z";

#[tokio::test(flavor = "multi_thread")]
async fn periods_are_complete() {
    let stack = with_examples().await;
    let weeks = ask(&stack, &format!("period=week&{MARCH}&collect=fee:sum"));
    assert_eq!(
        columns(&weeks, &["_start_at", "_end_at", "_count", "fee:sum"]),
        json!([
            ["2013-02-25T00:00:00+00:00", "2013-03-04T00:00:00+00:00", 0, null],
            ["2013-03-04T00:00:00+00:00", "2013-03-11T00:00:00+00:00", 0, null],
            ["2013-03-11T00:00:00+00:00", "2013-03-18T00:00:00+00:00", 2, 19],
            ["2013-03-18T00:00:00+00:00", "2013-03-25T00:00:00+00:00", 2, 8.5],
            ["2013-03-25T00:00:00+00:00", "2013-04-01T00:00:00+00:00", 1, 1],
        ])
    );
    for (period, count) in [("hour", 744), ("day", 31), ("month", 1), ("quarter", 1), ("year", 1)] {
        let rows = ask(&stack, &format!("period={period}&{MARCH}"));
        let rows = rows.as_array().expect("a list");
        let counted: u64 = rows.iter().filter_map(|row| row["_count"].as_u64()).sum();
        assert_eq!((rows.len(), counted), (count, 5), "{period}");
    }
    let closed = ask(&stack, &format!("period=month&{MARCH}&inclusive=true"));
    assert_eq!(columns(&closed, &["_count"]), json!([[5], [1]]));
}

#[tokio::test(flavor = "multi_thread")]
async fn duration_counts_from_either_end() {
    let stack = with_examples().await;
    let forward = ask(&stack, "period=week&duration=2&start_at=2013-03-13T12:00:00Z");
    assert_eq!(forward, ask(&stack, "period=week&duration=2&end_at=2013-03-27T12:00:00Z"));
    assert_eq!(columns(&forward, &["_count"]), json!([[2], [2]]));
    let until_now = ask(&stack, "period=day&duration=30");
    assert_eq!(until_now.as_array().map(Vec::len), Some(30));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_hold_their_periods_or_are_flat() {
    let stack = with_examples().await;
    let query = "period=week&duration=2&start_at=2013-03-11T00:00:00Z&group_by=authority&collect=fee:sum";
    let nested = ask(&stack, query);
    assert_eq!(
        columns(&nested, &["authority", "_count", "_group_count", "fee:sum"]),
        json!([["Camden", 1, 1, 9], ["Westminster", 3, 2, 18.5]])
    );
    assert_eq!(columns(&nested[0]["values"], &["_count", "fee:sum"]), json!([[1, 9], [0, null]]));
    let flat = ask(&stack, &format!("{query}&flatten=true"));
    assert_eq!(
        columns(&flat, &["authority", "_start_at", "_count", "fee:sum"]),
        json!([
            ["Camden", "2013-03-11T00:00:00+00:00", 1, 9],
            ["Camden", "2013-03-18T00:00:00+00:00", 0, null],
            ["Westminster", "2013-03-11T00:00:00+00:00", 1, 10],
            ["Westminster", "2013-03-18T00:00:00+00:00", 2, 8.5],
        ])
    );
    let top = ask(&stack, &format!("{query}&sort_by=_count:descending&limit=1"));
    assert_eq!(columns(&top, &["authority"]), json!([["Westminster"]]));
}
