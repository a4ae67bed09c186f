//! Records that break a rule: each is named with its field, and nothing of its batch is stored.

use crate::bytes::{nested, record};
use crate::row::{MADE, Row, STRICT};

pub(crate) fn rows() -> Vec<Row> {
    [keys_and_values(), ids(), made_ids(), times(), schemas()].into_iter().flatten().collect()
}

fn keys_and_values() -> Vec<Row> {
    let key = |key: &str| {
        Row::post(format!("the key {key:.20?}"), format!("{{\"{key}\":1}}"))
            .blamed("invalid_key")
            .says(key.chars().take(20).collect::<String>())
    };
    vec![
        key("Bad-Key"),
        key("a"),
        key(""),
        key("$where"),
        key("1st"),
        key("with space"),
        key("dotted.key"),
        key("_foo"),
        key("_updated_at"),
        key("_ID"),
        key("\u{e9}t\u{e9}"),
        key("'; DROP TABLE record; --"),
        key(&"9".repeat(100_000)),
        Row::post("an object as a value", record("{\"bb\":1}"))
            .blamed("nested_value")
            .says("aa")
            .says("object"),
        Row::post("a list as a value", record("[1]")).blamed("nested_value").says("aa").says("list"),
        Row::post("127 levels", nested(127)).blamed("nested_value").says("aa"),
        Row::post("the second of three", "[{\"aa\":1},{\"aa\":{}},{\"aa\":3}]")
            .blamed("nested_value")
            .says("record 2"),
        Row::post("the same in 20,000 records", format!("[{}{{\"a\":1}}]", "{\"a\":1},".repeat(19_999)))
            .blamed("invalid_key")
            .says("19999 more"),
        Row::post("20,000 different keys", different_keys())
            .blamed("invalid_key")
            .says("more errors are not listed"),
    ]
}

/// One record whose keys are all wrong, each in its own way.
fn different_keys() -> String {
    let keys: Vec<String> = (0..20_000).map(|number| format!("\"key-{number}\":1")).collect();
    format!("{{{}}}", keys.join(","))
}

fn ids() -> Vec<Row> {
    let id = |name: &str, value: &str| {
        Row::post(name, format!("{{\"_id\":{value}}}")).blamed("invalid_id").says("_id").says("512")
    };
    vec![
        id("an _id of 3 KB", &format!("\"{}\"", "x".repeat(3_000))),
        id("an _id of 513 bytes", &format!("\"{}\"", "x".repeat(513))),
        id("an _id of 257 times two bytes", &format!("\"{}\"", "\u{e9}".repeat(257))),
        id("an _id with a space", "\"a b\""),
        id("an _id with a line end", "\"a\\n\""),
        id("an _id with a space of another width", "\"a\\u2003b\""),
        id("an empty _id", "\"\""),
        id("a number as _id", "7"),
        id("null as _id", "null"),
        id("true as _id", "true"),
        Row::post("a list as _id", "{\"_id\":[\"a\"]}").blamed("nested_value").says("_id"),
    ]
}

fn made_ids() -> Vec<Row> {
    let made = |name: &str, body: &str| Row::post(name, body).to(MADE);
    vec![
        made("a field of the _id is missing", "{\"aa\":\"1\"}")
            .blamed("missing_id_field")
            .says("The following required id fields are missing: bb"),
        made("all fields of the _id are missing", "{\"cc\":1}").blamed("missing_id_field").says("aa, bb"),
        made("two that join to one _id", "[{\"aa\":\"a.b\",\"bb\":\"c\"},{\"aa\":\"a\",\"bb\":\"b.c\"}]")
            .blamed("id_collision")
            .says("record 2"),
        made("a number and a text of one _id", "[{\"aa\":1,\"bb\":\"c\"},{\"aa\":\"1\",\"bb\":\"c\"}]")
            .blamed("id_collision"),
        made("one that joins to the _id of a stored one", "{\"aa\":\"good\",\"bb\":\"kept.once\"}")
            .blamed("id_collision")
            .says("joined"),
        made("an _id made of too much", &format!("{{\"aa\":\"{}\",\"bb\":1}}", "x".repeat(500)))
            .blamed("invalid_id")
            .says("512"),
    ]
}

fn times() -> Vec<Row> {
    let time = |name: &str, value: &str| {
        Row::post(format!("time: {name}"), format!("{{\"_timestamp\":{value}}}"))
            .blamed("invalid_time")
            .says("_timestamp")
    };
    vec![
        time("a number", "1363000000"),
        time("true", "true"),
        time("null", "null"),
        time("an empty text", "\"\""),
        time("30 February", "\"2026-02-30T00:00:00Z\"").says("no such day"),
        time("29 February of no leap year", "\"2100-02-29\"").says("no such day"),
        time("month 13", "\"2026-13-01\""),
        time("hour 24", "\"2026-01-01T24:00:00Z\""),
        time("second 60", "\"2016-12-31T23:59:60Z\""),
        time("year 0", "\"0000-01-01T00:00:00Z\"").says("0001"),
        time("year 294277", "\"294277-01-01T00:00:00Z\""),
        time("before year 1 by its offset", "\"0001-01-01T00:00:00+01:00\"").says("0001"),
        time("after year 9999 by its offset", "\"9999-12-31T23:59:59-01:00\"").says("9999"),
        time("infinity", "\"infinity\"").says("2013-03-11T09:00:00Z"),
        time("now", "\"now\""),
        time("epoch", "\"epoch\""),
        time("yesterday", "\"yesterday\""),
        time("an offset of 25 hours", "\"2013-03-11T00:00:00+25:00\""),
        time("a zone by name", "\"2013-03-11T00:00:00 Europe/London\""),
        time("day before month", "\"11/03/2013\""),
        time("digits of another script", "\"\u{662}\u{660}\u{661}\u{663}-03-11\""),
        Row::post("time: _start_at", "{\"_start_at\":\"soon\"}").blamed("invalid_time").says("_start_at"),
        Row::post("time: _end_at", "{\"_end_at\":7}").blamed("invalid_time").says("_end_at"),
    ]
}

fn schemas() -> Vec<Row> {
    let strict = |name: &str, body: &str| Row::post(name, body).to(STRICT).blamed("schema_violation");
    vec![
        strict("another type than the schema says", "{\"count\":\"many\"}").says("count").says("integer"),
        strict("a fraction for an integer", "{\"count\":1.5}").says("integer"),
        strict("a field that must be there", "{}").says("count").says("required"),
        strict("a format", "{\"count\":1,\"at\":\"yesterday\"}").says("at").says("date-time"),
        strict("a pattern", "{\"count\":1,\"code\":\"nope\"}").says("code"),
        strict("one of 1,000", &format!("[{}{{\"count\":null}}]", "{\"count\":1},".repeat(999)))
            .says("record 1000"),
    ]
}
