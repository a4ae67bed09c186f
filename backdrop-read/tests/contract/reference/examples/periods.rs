use super::{ask, columns};
use serde_json::{Value, json};

fn at(times: &[&str]) -> Value {
    times.iter().map(|time| json!({"_timestamp": time, "fee": 1})).collect()
}

/// Start and count of every row.
fn starts(records: &Value, query: &str) -> Value {
    columns(&ask(records, query), &["_start_at", "_count"])
}

#[test]
fn days_in_london_have_23_hours_and_25() {
    // The clocks go forward at 01:00 UTC on Sunday the 31st: that day ends at 23:00 UTC.
    let records = at(&["2013-03-31T22:59:59Z", "2013-03-31T23:00:00Z", "2013-04-01T22:59:59Z"]);
    let query =
        "period=day&timezone=Europe/London&start_at=2013-03-30T12:00:00Z&end_at=2013-04-02T00:00:00+01:00";
    assert_eq!(
        starts(&records, query),
        json!([
            ["2013-03-30T00:00:00+00:00", 0],
            ["2013-03-31T00:00:00+00:00", 1],
            ["2013-04-01T00:00:00+01:00", 2],
        ])
    );
    // And back at 01:00 UTC on Sunday the 27th: that day begins at 23:00 UTC and ends at midnight.
    let records = at(&["2013-10-26T22:59:59Z", "2013-10-26T23:00:00Z", "2013-10-27T23:59:59Z"]);
    let query =
        "period=day&timezone=Europe/London&start_at=2013-10-26T00:00:00+01:00&end_at=2013-10-28T00:00:00Z";
    assert_eq!(
        starts(&records, query),
        json!([["2013-10-26T00:00:00+01:00", 1], ["2013-10-27T00:00:00+01:00", 2]])
    );
    let rows = ask(&records, query);
    assert_eq!(rows[1]["_end_at"], "2013-10-28T00:00:00+00:00");
}

#[test]
fn an_hour_that_comes_twice_is_two_periods() {
    let records = at(&["2013-10-27T00:30:00Z", "2013-10-27T01:30:00Z", "2013-10-27T01:45:00Z"]);
    let hours = "period=hour&timezone=Europe/London";
    assert_eq!(
        starts(&records, &format!("{hours}&start_at=2013-10-26T23:00:00Z&end_at=2013-10-27T03:00:00Z")),
        json!([
            ["2013-10-27T00:00:00+01:00", 0],
            ["2013-10-27T01:00:00+01:00", 1],
            ["2013-10-27T01:00:00+00:00", 2],
            ["2013-10-27T02:00:00+00:00", 0],
        ])
    );
    assert_eq!(
        starts(&records, &format!("{hours}&start_at=2013-03-31T00:00:00Z&end_at=2013-03-31T02:00:00Z")),
        json!([["2013-03-31T00:00:00+00:00", 0], ["2013-03-31T02:00:00+01:00", 0]])
    );
}

#[test]
fn longer_periods_begin_at_midnight_of_the_zone() {
    let start = |query: &str| ask(&at(&[]), query)[0]["_start_at"].as_str().expect("a time").to_owned();
    for (query, expected) in [
        ("period=week&timezone=Europe/London&start_at=2013-04-03T00:00:00Z", "2013-04-01T00:00:00+01:00"),
        ("period=month&timezone=Europe/London&start_at=2013-10-31T00:00:00Z", "2013-10-01T00:00:00+01:00"),
        ("period=quarter&timezone=Europe/London&start_at=2013-04-03T00:00:00Z", "2013-04-01T00:00:00+01:00"),
        ("period=year&timezone=Europe/London&start_at=2013-07-03T00:00:00Z", "2013-01-01T00:00:00+00:00"),
        ("period=hour&timezone=Asia/Kolkata&start_at=2013-07-03T00:00:00Z", "2013-07-03T05:00:00+05:30"),
        // There, that day had no midnight.
        ("period=day&timezone=America/Sao_Paulo&start_at=2013-10-20T12:00:00Z", "2013-10-20T01:00:00-02:00"),
    ] {
        assert_eq!(start(&format!("{query}&duration=1")), expected, "{query}");
    }
}

#[test]
fn the_range_decides_what_counts_and_which_periods_there_are() {
    let records = at(&["2013-03-11T00:00:00Z", "2013-03-11T12:00:00Z", "2013-03-12T00:00:00Z"]);
    let range = "period=day&start_at=2013-03-11T06:00:00Z&end_at=2013-03-12T00:00:00Z";
    assert_eq!(starts(&records, range), json!([["2013-03-11T00:00:00+00:00", 1]]));
    assert_eq!(
        starts(&records, &format!("{range}&inclusive=true")),
        json!([["2013-03-11T00:00:00+00:00", 1], ["2013-03-12T00:00:00+00:00", 1]])
    );
}

#[test]
fn windows_move_to_where_the_data_is() {
    let records = at(&["2013-03-27T00:00:00Z", "2013-03-29T00:00:00Z", "2013-03-31T00:00:00Z"]);
    for (query, expected) in [
        // Now is the 3rd of April, so that the window was 31 to 2, of which two are empty.
        ("period=day&duration=3", json!([["29", 1], ["30", 0], ["31", 1]])),
        ("period=day&duration=2", json!([["01", 0], ["02", 0]])),
        ("period=day&duration=3&flatten=true", json!([["31", 1], ["01", 0], ["02", 0]])),
        ("period=day&duration=3&start_at=2013-03-25T07:00:00Z", json!([["27", 1], ["28", 0], ["29", 1]])),
        ("period=day&duration=3&end_at=2013-03-28T07:00:00Z", json!([["25", 0], ["26", 0], ["27", 1]])),
    ] {
        let day = |row: &Value| json!([row[0].as_str().expect("a time")[8..10], row[1]]);
        let days: Value = starts(&records, query).as_array().expect("a list").iter().map(day).collect();
        assert_eq!(days, expected, "{query}");
    }
}

#[test]
fn rows_carry_the_figures_of_an_earlier_period() {
    let records = at(&["2011-02-28T12:00:00Z", "2012-02-28T23:00:00Z", "2012-02-29T12:00:00Z"]);
    let day = "period=day&start_at=2012-02-29T06:00:00Z&end_at=2012-02-29T18:00:00Z&collect=fee:sum";
    let rows = ask(&records, &format!("{day}&compare=previous"));
    let names = ["_count", "fee:sum", "_count:previous", "fee:sum:previous"];
    assert_eq!(columns(&rows, &names), json!([[1, 1, 1, 1]]));
    let rows = ask(&records, &format!("{day}&compare=year&collect=fee"));
    assert_eq!(
        columns(&rows, &["_count:year", "fee:sum:year", "fee:year", "fee"]),
        json!([[1, 1, [1], [1]]])
    );
    // 52 weeks before the one that begins on the 27th is the one that begins on the 28th.
    let week = "period=week&start_at=2012-02-27T00:00:00Z&end_at=2012-03-05T00:00:00Z&compare=year";
    assert_eq!(columns(&ask(&records, week), &["_count", "_count:year"]), json!([[2, 1]]));
    let year = "period=year&start_at=2011-01-01T00:00:00Z&end_at=2013-01-01T00:00:00Z&compare=year";
    assert_eq!(columns(&ask(&records, year), &["_count", "_count:year"]), json!([[1, 0], [2, 1]]));
}
