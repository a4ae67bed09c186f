use super::{ask, ids};
use serde_json::{Value, json};

fn records() -> Value {
    json!([
        {"_id": "a", "_timestamp": "2013-03-11T00:00:00Z", "x1": 10, "y1": "p", "z1": true},
        {"_id": "b", "_timestamp": "2013-03-11T01:00:00+01:00", "x1": 9.5, "y1": "p:q", "z1": "true"},
        {"_id": "c", "_timestamp": "2013-03-12 00:00:00.25", "x1": "10", "y1": "é", "z1": false},
        {"_id": "d", "x1": null, "y1": "z", "z1": 1},
        {"_id": "e", "_timestamp": "2013-03-13", "x1": 9_007_199_254_740_993_i64},
    ])
}

#[test]
fn a_record_is_shown_with_its_times_in_utc() {
    assert_eq!(
        ask(&records(), "filter_by=_id:c"),
        [
            json!({"_id": "c", "_timestamp": "2013-03-12T00:00:00.25+00:00", "x1": "10", "y1": "é", "z1": false})
        ]
    );
    assert_eq!(
        ask(&records(), "filter_by=_id:d&fields=x1,_timestamp&fields=z1"),
        [json!({"x1": null, "z1": 1})]
    );
}

#[test]
fn filters_match_by_kind() {
    for (query, expected) in [
        ("filter_by=x1:10", "ac"),
        ("filter_by=x1:10.0", "a"),
        ("filter_by=x1:95e-1", "b"),
        ("filter_by=x1:9007199254740992", ""),
        ("filter_by=z1:true", "ab"),
        ("filter_by=y1:p:q", "b"),
        ("filter_by=_timestamp:2013-03-11", "ab"),
        ("filter_by_prefix=y1:p", "ab"),
        ("filter_by_prefix=x1:1", "c"),
        ("filter_by_prefix=y1:", "abcd"),
        ("filter_by_any=y1:p&filter_by_any=y1:z", "ad"),
        ("filter_by_any=y1:p&filter_by_any=y1:z&filter_by_any=z1:1", "d"),
        ("filter_by_comparison=x1:gt:9.5", "ae"),
        ("filter_by_comparison=x1:gte:9.5", "bae"),
        ("filter_by_comparison=x1:gt:9007199254740992", "e"),
        ("filter_by_comparison=x1:lt:a", "c"),
        ("filter_by_comparison=y1:gt:p", "bcd"),
        ("filter_by_comparison=z1:lte:x", "b"),
        ("filter_by_comparison=x1:ne:10", "be"),
        ("filter_by_comparison=_timestamp:lte:2013-03-12T00:00:00Z", "ab"),
        ("filter_by_comparison=_timestamp:ne:2013-03-11", "ce"),
    ] {
        let found = ids(&records(), query);
        let sorted = |text: &str| {
            let mut letters: Vec<char> = text.chars().collect();
            letters.sort_unstable();
            letters
        };
        assert_eq!(sorted(&found), sorted(expected), "{query}");
    }
}

#[test]
fn records_are_in_the_order_that_is_asked_for() {
    for (query, expected) in [
        // The one without a time was accepted last.
        ("", "abced"),
        ("sort_by=_timestamp:descending", "decba"),
        ("sort_by=x1:ascending", "baecd"),
        ("sort_by=x1:descending", "ceabd"),
        // 1, "true", false, true; none.
        ("sort_by=z1:ascending", "dbcae"),
        ("sort_by=nothing:descending", "edcba"),
        ("sort_by=y1:descending&limit=2", "cd"),
        ("start_at=2013-03-11T00:00:00Z&end_at=2013-03-13T00:00:00Z", "abc"),
        ("start_at=2013-03-11T00:00:00Z&end_at=2013-03-13T00:00:00Z&inclusive=true", "abce"),
        ("start_at=2013-04-03T13:00:00+0100&end_at=2013-04-03T12:00:01Z", "d"),
    ] {
        assert_eq!(ids(&records(), query), expected, "{query}");
    }
}

#[test]
fn the_latest_is_the_last_by_time_and_then_by_id() {
    let records = json!([
        {"_id": "a", "_timestamp": "2013-03-11", "x1": 1, "y1": "p"},
        {"_id": "c", "_timestamp": "2013-03-12", "x1": 1.0, "y1": "q"},
        {"_id": "b", "_timestamp": "2013-03-12", "x1": 1, "y1": "p"},
        {"_id": "d", "_timestamp": "2013-03-10", "x1": "1", "y1": "p"},
        {"_id": "e", "_timestamp": "2013-03-13", "x1": null, "y1": "p"},
    ]);
    for (query, expected) in [
        ("latest_by=x1", "dc"),
        ("latest_by=x1&latest_by=y1", "dbc"),
        ("latest_by=x1&filter_by=y1:p", "db"),
        ("latest_by=x1&limit=1&sort_by=_id:ascending", "c"),
        ("latest_by=x1&start_at=2013-03-10T00:00:00Z&end_at=2013-03-12T00:00:00Z", "da"),
    ] {
        assert_eq!(ids(&records, query), expected, "{query}");
    }
}
