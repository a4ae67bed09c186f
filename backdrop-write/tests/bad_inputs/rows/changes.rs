//! Changes of single records, emptying, and keys that make a write count once.

use crate::row::{MADE, RECORDS, Row, STRICT};
use crate::wire::Body;
use crate::{GOOD_ID, USED_KEY};

pub(crate) fn rows() -> Vec<Row> {
    [of_records(), emptying(), idempotency()].into_iter().flatten().collect()
}

fn patch(name: &str, target: String, body: &str) -> Row {
    Row::of(name, "PATCH", target, Body::Announced(body.as_bytes().to_vec()))
}

fn of_records() -> Vec<Row> {
    let good = |name: &str, body: &str| patch(name, format!("{RECORDS}/{GOOD_ID}"), body);
    let missing = "No record found with id";
    vec![
        patch("PATCH of no record", format!("{RECORDS}/missing"), "{\"aa\":1}")
            .refused(400, "record_not_found")
            .says(missing)
            .says("missing"),
        patch("PATCH of an id that cannot be", format!("{RECORDS}/{}", "x".repeat(600)), "{\"aa\":1}")
            .refused(400, "record_not_found")
            .says(missing),
        patch("PATCH of an id with a space", format!("{RECORDS}/a%20b"), "{\"aa\":1}")
            .refused(400, "record_not_found"),
        patch("PATCH of an id with NUL", format!("{RECORDS}/a%00b"), "{\"aa\":1}")
            .refused(400, "record_not_found"),
        good("PATCH with a list", "[{\"aa\":1}]").refused(400, "not_records").says("object"),
        good("PATCH with an empty list", "[]").refused(400, "not_records"),
        good("PATCH with a text", "\"aa\"").refused(400, "not_records"),
        good("PATCH with nothing", "").refused(400, "empty_body"),
        good("PATCH with broken JSON", "{").refused(400, "invalid_json"),
        good("PATCH with a bad key", "{\"Bad-Key\":1}").blamed("invalid_key").says("Bad-Key"),
        good("PATCH with an object", "{\"aa\":{}}").blamed("nested_value").says("aa"),
        good("PATCH with a bad time", "{\"_timestamp\":\"now\"}").blamed("invalid_time"),
        good("PATCH to another _id", "{\"_id\":\"other\"}").blamed("invalid_id").says("_id"),
        good("PATCH as CSV", "aa\n1\n")
            .of_type("text/csv")
            .refused(400, "unsupported_content_type")
            .says("application/json"),
        patch("PATCH against the schema", format!("{STRICT}/{GOOD_ID}"), "{\"count\":\"many\"}")
            .blamed("schema_violation")
            .says("integer"),
        patch("PATCH of a field of the _id", format!("{MADE}/{}", crate::MADE_ID), "{\"bb\":\"other\"}")
            .blamed("invalid_id")
            .says("bb"),
        Row::bare("DELETE of no record", "DELETE", format!("{RECORDS}/missing"))
            .refused(400, "record_not_found")
            .says(missing)
            .says("missing"),
        Row::bare("DELETE with another's token", "DELETE", format!("{RECORDS}/{GOOD_ID}"))
            .by("token-for-other")
            .refused(403, "forbidden"),
        Row::bare("GET of a record", "GET", format!("{RECORDS}/{GOOD_ID}"))
            .refused(405, "method_not_allowed"),
    ]
}

fn emptying() -> Vec<Row> {
    let put =
        |name: &str, body: &str| Row::of(name, "PUT", RECORDS, Body::Announced(body.as_bytes().to_vec()));
    vec![
        put("PUT of records", "[{}]").refused(400, "not_records").says("empty JSON list"),
        put("PUT of a record", "{}").refused(400, "not_records"),
        put("PUT of null", "null").refused(400, "not_records"),
        put("PUT of nothing", "").refused(400, "empty_body"),
        put("PUT of [", "[").refused(400, "invalid_json"),
    ]
}

fn idempotency() -> Vec<Row> {
    let keyed = |name: &str, key: Vec<u8>| {
        Row::post(name, "[{\"_id\":\"bad\"}]")
            .header("Idempotency-Key", key)
            .refused(400, "invalid_header")
            .says("Idempotency-Key")
    };
    vec![
        keyed("an empty key", Vec::new()),
        keyed("an empty key in quotes", b"\"\"".to_vec()),
        keyed("a key of 256 characters", vec![b'x'; 256]),
        keyed("a key with a tab in it", b"one\ttwo".to_vec()),
        keyed("a key that is not ASCII", "schl\u{fc}ssel".into()),
        keyed("two keys", b"one".to_vec()).header("Idempotency-Key", "two"),
        Row::post("a key with another body", "[{\"_id\":\"bad\"}]")
            .header("Idempotency-Key", USED_KEY)
            .refused(422, "idempotency_mismatch")
            .says("key"),
        Row::of("a key with another change", "PUT", RECORDS, Body::Announced(b"[]".to_vec()))
            .header("Idempotency-Key", USED_KEY)
            .refused(422, "idempotency_mismatch"),
    ]
}
