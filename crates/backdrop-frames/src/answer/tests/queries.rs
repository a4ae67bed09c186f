//! Queries, as clients write them.

use super::frames::FIELDS;
use backdrop_core::time;
use proptest::prelude::*;

type Pairs = Vec<(String, String)>;

pub(super) fn any_query() -> impl Strategy<Value = Pairs> {
    let keys = prop::collection::vec(prop::sample::select(FIELDS.to_vec()), 0..4);
    let collect = prop::collection::vec(any_collect(), 0..5);
    (any_time(), keys, collect, prop::collection::vec(any_filter(), 0..3), any_shape()).prop_map(
        |(time, mut keys, collect, filters, shape)| {
            if keys.is_empty() && !time.iter().any(|(name, _)| name == "period") {
                keys.push("kind");
            }
            let is_key = |collect: &String| keys.iter().any(|key| collect.split(':').next() == Some(key));
            let collect: Vec<String> = collect.into_iter().filter(|collect| !is_key(collect)).collect();
            let shape = shape.into_iter().filter(|(name, _)| name == "flatten" || !keys.is_empty());
            let pair = |name: &str, value: String| (name.to_owned(), value);
            let keys = keys.iter().map(|key| pair("group_by", (*key).to_owned()));
            let collect = collect.into_iter().map(|value| pair("collect", value));
            time.into_iter().chain(keys).chain(collect).chain(filters).chain(shape).collect()
        },
    )
}

/// Many numbers, because these can be collected in the most ways.
fn any_collect() -> impl Strategy<Value = String> {
    let methods =
        ["sum", "mean", "count", "set", "min", "max", "median", "p1", "p25", "p90", "p99", "p50", "p33"];
    let numbers = (
        prop::sample::select(vec!["count", "price", "level", "great"]),
        prop::sample::select(methods.to_vec()),
    );
    let others = (
        prop::sample::select(vec!["kind", "region", "paid"]),
        prop::sample::select(vec!["count", "set", "set", "count", "sum"]),
    );
    let nothing = (Just("nothing"), prop::sample::select(methods.to_vec()));
    prop_oneof![6 => numbers, 2 => others, 1 => nothing]
        .prop_map(|(field, method)| format!("{field}:{method}"))
}

fn any_filter() -> impl Strategy<Value = (String, String)> {
    let field = || prop::sample::select(FIELDS.to_vec());
    let values = vec![
        "a",
        "b",
        "é",
        "7",
        "7.0",
        "true",
        "false",
        "",
        "ab",
        "north",
        "0",
        "-0.0",
        "-3",
        "0.1",
        "2.255",
        "-1.5",
        "1e2",
        "1e300",
        "-1e300",
        "1e-300",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "-9223372036854775809",
        "12.125",
        "1000000",
    ];
    let value = || prop::sample::select(values.clone());
    let operator = prop::sample::select(vec!["gt", "gte", "lt", "lte", "ne"]);
    let pair = |name: &str, value: String| (name.to_owned(), value);
    prop_oneof![
        (field(), value()).prop_map(move |(field, value)| pair("filter_by", format!("{field}:{value}"))),
        (field(), value()).prop_map(move |(field, value)| pair("filter_by_any", format!("{field}:{value}"))),
        (field(), operator, value()).prop_map(move |(field, operator, value)| pair(
            "filter_by_comparison",
            format!("{field}:{operator}:{value}")
        )),
    ]
}

/// Ends on the hour of days that have records, and now and then between.
fn any_time() -> impl Strategy<Value = Pairs> {
    let moment =
        (0..62_i64 * 24, prop_oneof![3 => Just(""), 1 => Just(".25")]).prop_map(|(hours, fraction)| {
            let (month, day) = match hours / 24 {
                day @ 0..31 => (1, day + 1),
                day @ 31..60 => (2, day - 30),
                day => (3, day - 59),
            };
            format!("2024-{month:02}-{day:02}T{:02}:00:00{fraction}Z", hours % 24)
        });
    let ends = (moment.clone(), moment, any::<bool>()).prop_map(|(one, other, inclusive)| {
        let is_in_order = time::parse(&one).ok() <= time::parse(&other).ok();
        let (start, end) = if is_in_order { (one, other) } else { (other, one) };
        vec![("start_at".into(), start), ("end_at".into(), end), ("inclusive".into(), inclusive.to_string())]
    });
    let period = prop::sample::select(vec!["hour", "day", "week", "month", "quarter", "year"]);
    let zone = prop::sample::select(vec!["UTC", "Europe/London", "Asia/Kathmandu", "America/New_York"]);
    let periods = (period, zone).prop_map(|(period, zone)| {
        vec![("period".to_owned(), period.to_owned()), ("timezone".to_owned(), zone.to_owned())]
    });
    let counted = (1..90_u32).prop_map(|count| vec![("duration".to_owned(), count.to_string())]);
    prop_oneof![
        Just(Vec::new()),
        ends.clone(),
        (ends, periods.clone()).prop_map(|(ends, periods)| [ends, periods].concat()),
        (periods, counted).prop_map(|(periods, counted)| [periods, counted].concat()),
    ]
}

/// With totals and without.
fn any_shape() -> impl Strategy<Value = Pairs> {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let flat = pair("flatten", "true");
    let sorted = vec![pair("sort_by", "_count:descending"), pair("limit", "2")];
    prop::sample::select(vec![vec![], vec![flat.clone()], sorted.clone(), [sorted, vec![flat]].concat()])
}
