//! Definitions of data sets and tokens that cannot be, and questions about them that cannot be answered.

use crate::Tokens;
use crate::row::Row;
use crate::wire::Body;
use backdrop_testing::ADMIN_TOKEN;
use serde_json::{Value, json};

const DATA_SET: &str = "/data-sets/bad_records";

pub(crate) fn rows(known: &Tokens) -> Vec<Row> {
    [names(), settings(), forms(), changes(), tokens(known.spare_id), questions()]
        .into_iter()
        .flatten()
        .collect()
}

fn create(name: &str, body: &str) -> Row {
    Row::post(format!("data set: {name}"), body).to("/data-sets").by(ADMIN_TOKEN)
}

fn named(name: &str) -> Row {
    let body = json!({"data_group": "bad", "data_type": "named", "name": name}).to_string();
    create(&format!("the name {name:.20?}"), &body).refused(400, "invalid_definition").says("name")
}

fn names() -> Vec<Row> {
    let part = |name: &str, field: &str, group: Value, data_type: Value| {
        let body = json!({"data_group": group, "data_type": data_type}).to_string();
        create(name, &body).refused(400, "invalid_definition").says(field)
    };
    let mut rows: Vec<Row> = [
        "",
        "with space",
        "a/b",
        "\u{e9}t\u{e9}",
        "dotted.name",
        &"x".repeat(201),
        "_status",
        "_anything",
        "data",
        "data-sets",
        "docs",
        "metrics",
        "receipts",
        "transform",
        "dashboard",
        "audit",
        "openapi.json",
    ]
    .map(named)
    .into();
    rows.extend([
        part("group in capitals", "data_group", json!("Bad"), json!("named")),
        part("an empty group", "data_group", json!(""), json!("named")),
        part("a group that is a number", "data_group", json!(7), json!("named")),
        part("a group of 61 characters", "data_group", json!("x".repeat(61)), json!("named")),
        part("a type with an underscore", "data_type", json!("bad"), json!("na_med")),
        part("a type that is null", "data_type", json!("bad"), json!(null)),
        part("a type with a slash", "data_type", json!("bad"), json!("na/med")),
        create("no group", "{\"data_type\":\"named\"}").refused(400, "invalid_definition").says("data_group"),
        create(
            "the pair is taken",
            "{\"data_group\":\"bad\",\"data_type\":\"records\",\"name\":\"another\"}",
        )
        .refused(409, "data_set_exists")
        .says("data group"),
        create(
            "the name is taken",
            "{\"data_group\":\"bad\",\"data_type\":\"another\",\"name\":\"bad_records\"}",
        )
        .refused(409, "data_set_exists")
        .says("bad_records"),
    ]);
    rows
}

fn settings() -> Vec<Row> {
    let bad: [(&str, Value); 19] = [
        ("auto_ids", json!(["_id"])),
        ("auto_ids", json!(["aa", "aa"])),
        ("auto_ids", json!(["a"])),
        ("auto_ids", json!([7])),
        ("auto_ids", json!({"aa": 1})),
        ("capped_size", json!(0)),
        ("capped_size", json!(-1)),
        ("capped_size", json!("much")),
        ("capped_size", json!(1.5)),
        ("retention_days", json!(0)),
        ("retention_days", json!(5_000_000_000_i64)),
        ("max_age_expected", json!(-1)),
        ("max_age_expected", json!("soon")),
        ("raw_queries_allowed", json!("yes")),
        ("realtime", json!(1)),
        ("published", json!([])),
        ("upload_filters", json!(7)),
        ("bearer_token", json!("with space")),
        ("realtme", json!(true)),
    ];
    let of = |(field, value): (&str, Value)| {
        let name = format!("{field} {value}");
        let mut body = json!({"data_group": "bad", "data_type": "settings"});
        body[field] = value;
        // As docs/errors.md has it: the message names the field.
        create(&name, &body.to_string()).refused(400, "invalid_definition").says(field)
    };
    let mut rows: Vec<Row> = bad.into_iter().map(of).collect();
    let token = |name: &str, token: &str| {
        let body = json!({"data_group": "bad", "data_type": "settings", "bearer_token": token}).to_string();
        create(name, &body).refused(400, "invalid_definition").says("bearer_token")
    };
    rows.push(token("a token of 256 characters", &"x".repeat(256)));
    rows.push(token("a token that is not ASCII", "schl\u{fc}ssel"));
    rows
}

fn forms() -> Vec<Row> {
    vec![
        create("nothing", "").refused(400, "empty_body"),
        create("broken JSON", "{").refused(400, "invalid_json").says("line 1"),
        create("a list", "[]").refused(400, "invalid_definition").refused(400, "not_records"),
        create("a text", "\"x\"").refused(400, "invalid_definition").refused(400, "not_records"),
        create("a field twice", "{\"data_group\":\"bad\",\"data_group\":\"bad\",\"data_type\":\"twice\"}")
            .refused(400, "invalid_json")
            .says("data_group"),
        create("NUL", "{\"data_group\":\"bad\",\"data_type\":\"nul\",\"upload_format\":\"\\u0000\"}")
            .refused(400, "invalid_json")
            .says("NUL"),
        create("11 MB", &format!("{}{{}}", " ".repeat(11_000_000))).refused(413, "too_large"),
        create("an encoding nobody knows", "{}")
            .header("Content-Encoding", "br")
            .refused(415, "unsupported_encoding"),
    ]
}

fn put(name: &str, target: &str, body: &Value) -> Row {
    Row::of(format!("change: {name}"), "PUT", target, Body::Announced(body.to_string().into_bytes()))
        .by(ADMIN_TOKEN)
}

fn changes() -> Vec<Row> {
    let of = |name: &str, field: &'static str, body: Value| {
        put(name, DATA_SET, &body).refused(400, "invalid_definition").says(field)
    };
    vec![
        of("another name", "name", json!({"name": "another"})),
        of("another group", "data_group", json!({"data_group": "good"})),
        of("another type", "data_type", json!({"data_type": "another"})),
        of("a setting nobody knows", "realtme", json!({"realtme": true})),
        of("a cap of nothing", "capped_size", json!({"capped_size": 0})),
        of("auto_ids of _id", "auto_ids", json!({"auto_ids": ["_id"]})),
        put("realtime that is a text", DATA_SET, &json!({"realtime": "yes"}))
            .refused(400, "invalid_definition"),
        put("a bad schema", DATA_SET, &json!({"schema": {"type": "whatever"}}))
            .refused(422, "invalid_schema"),
        put("of no data set", "/data-sets/missing", &json!({"realtime": true}))
            .refused(404, "data_set_not_found")
            .says("missing"),
        put("by a stranger", DATA_SET, &json!({"realtime": true}))
            .by(crate::rows::callers::PLANTED)
            .refused(401, "invalid_token"),
        Row::bare("show of no data set", "GET", "/data-sets/missing")
            .by(ADMIN_TOKEN)
            .refused(404, "data_set_not_found"),
        Row::bare("deletion of no data set", "DELETE", "/data-sets/missing")
            .by(ADMIN_TOKEN)
            .refused(404, "data_set_not_found")
            .says("No collection exists with name \"missing\""),
        Row::bare("PATCH of a data set", "PATCH", DATA_SET)
            .by(ADMIN_TOKEN)
            .refused(405, "method_not_allowed")
            .says("PUT"),
    ]
}

fn tokens(spare: i64) -> Vec<Row> {
    let of = |name: &str, field: &'static str, body: Value| {
        Row::post(format!("token: {name}"), body.to_string())
            .to(format!("{DATA_SET}/tokens"))
            .by(ADMIN_TOKEN)
            .refused(400, "invalid_definition")
            .says(field)
    };
    let revoke = |name: &str, id: &str| {
        Row::bare(format!("token: {name}"), "DELETE", format!("{DATA_SET}/tokens/{id}")).by(ADMIN_TOKEN)
    };
    vec![
        of("a scope nobody knows", "scope", json!({"scopes": ["everything"]})),
        of("no scope", "scopes", json!({"scopes": []})),
        of("scopes that are a number", "", json!({"scopes": 7})),
        of("an end that is no time", "expires_at", json!({"expires_at": "soon"})),
        of("no request a minute", "requests_per_minute", json!({"requests_per_minute": 0})),
        of("fewer than no requests", "", json!({"requests_per_minute": -5})),
        of("more requests than can be counted", "", json!({"requests_per_minute": 1_u64 << 40})),
        of("a label of 100 KB", "label", json!({"label": "x".repeat(100_000)})),
        of("a field nobody knows", "colour", json!({"colour": "x"})),
        of("a list", "", json!([])).refused(400, "not_records"),
        revoke("revocation of none", "999999").refused(404, "token_not_found"),
        revoke("revocation of what is no number", "x").refused(404, "token_not_found"),
        revoke("revocation of 2^64", "18446744073709551616").refused(404, "token_not_found"),
        revoke("revocation in the past", &format!("{spare}?after=-1"))
            .refused(400, "invalid_query")
            .says("after"),
        revoke("revocation at some time", &format!("{spare}?after=soon"))
            .refused(400, "invalid_query")
            .says("after"),
    ]
}

fn questions() -> Vec<Row> {
    let ask = |name: &str, target: &str, says: &str| {
        Row::bare(name, "GET", target).by(ADMIN_TOKEN).refused(400, "invalid_query").says(says)
    };
    vec![
        ask("two groups", "/data-sets?data-group=a&data-group=b", "data-group"),
        ask("an audit of nothing", "/data-sets/bad_records/audit?limit=0", "limit"),
        ask("an audit of too much", "/data-sets/bad_records/audit?limit=1001", "limit"),
        ask("an audit from nowhere", "/audit?before=nowhere", "before"),
        Row::bare("an audit of no data set", "GET", "/data-sets/missing/audit")
            .by(ADMIN_TOKEN)
            .refused(404, "data_set_not_found"),
        Row::bare("an audit without a token", "GET", "/audit")
            .without("Authorization")
            .refused(401, "missing_token"),
        Row::bare("tokens of no data set", "GET", "/data-sets/missing/tokens")
            .by(ADMIN_TOKEN)
            .refused(404, "data_set_not_found"),
    ]
}
