//! Schemas that are none, reach out, or could hang or fell whoever checks records by them. Each is refused when it is
//! set: with a new data set, and as the new version of one.

use crate::row::Row;
use crate::wire::Body;
use backdrop_testing::ADMIN_TOKEN;
use serde_json::{Map, Value, json};

pub(crate) fn rows() -> Vec<Row> {
    let bad = bad_schemas();
    let made = (0..).zip(&bad).map(|(number, (name, schema, says)): (u32, _)| {
        let body = json!({"data_group": "bad", "data_type": format!("schema-{number}"), "schema": schema})
            .to_string();
        Row::post(format!("schema: {name}"), body)
            .to("/data-sets")
            .by(ADMIN_TOKEN)
            .refused(422, "invalid_schema")
            .says(*says)
    });
    let set = bad.iter().map(|(name, schema, says)| {
        put(&format!("new schema: {name}"), schema.to_string()).refused(422, "invalid_schema").says(*says)
    });
    made.chain(set).chain(forms()).collect()
}

fn put(name: &str, body: String) -> Row {
    Row::of(name, "PUT", "/data-sets/bad_strict/schema", Body::Announced(body.into_bytes())).by(ADMIN_TOKEN)
}

/// Its name, the schema, and what must be said.
fn bad_schemas() -> Vec<(&'static str, Value, &'static str)> {
    vec![
        ("another machine", json!({"$ref": "https://example.org/schema.json"}), "#/"),
        ("a file", json!({"$ref": "file:///etc/passwd"}), "#/"),
        ("a path", json!({"properties": {"aa": {"$ref": "../aa.json"}}}), "#/"),
        ("a reference to nothing", json!({"$ref": "#/$defs/missing"}), "missing"),
        ("itself", json!({"$ref": "#"}), ""),
        (
            "itself by a way round",
            json!({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}}),
            "",
        ),
        ("a dynamic reference away", json!({"$dynamicRef": "https://example.org/schema.json#x"}), ""),
        ("a ladder of 40", ladder("anyOf", 40), "references"),
        ("a ladder of 40 of all", ladder("allOf", 40), "references"),
        ("a ladder of 40 of one", ladder("oneOf", 40), "references"),
        ("look-behind", json!({"properties": {"aa": {"pattern": "(?<=a)b"}}}), ""),
        ("look-ahead", json!({"properties": {"aa": {"pattern": "^(?!b)"}}}), ""),
        ("a reference back in a pattern", json!({"properties": {"aa": {"pattern": "(a)\\1"}}}), ""),
        ("a huge pattern", json!({"properties": {"aa": {"pattern": "(?:(?:a{1,100}){1,100}){1,100}"}}}), ""),
        ("a huge pattern of keys", json!({"patternProperties": {"(?:(?:a{1,100}){1,100}){1,100}": {}}}), ""),
        ("a pattern that is none", json!({"properties": {"aa": {"pattern": "(("}}}), ""),
        ("an unknown $schema", json!({"$schema": "https://example.org/unknown"}), ""),
        ("$schema that is no text", json!({"$schema": 7}), ""),
        ("an unknown type", json!({"type": "whatever"}), ""),
        ("required that is no list", json!({"required": "count"}), ""),
        ("a negative length", json!({"properties": {"aa": {"minLength": -1}}}), ""),
        ("a list", json!([{"type": "object"}]), "object"),
        ("70 KB", json!({"description": "x".repeat(70_000)}), "65536"),
    ]
}

/// Schemas that are no JSON, or none at all.
fn forms() -> Vec<Row> {
    vec![
        put("new schema: a text", "\"x\"".into())
            .refused(422, "invalid_schema")
            .refused(400, "invalid_definition"),
        put("new schema: a number", "7".into())
            .refused(422, "invalid_schema")
            .refused(400, "invalid_definition"),
        put("new schema: broken JSON", "{".into()).refused(400, "invalid_json").says("line 1"),
        put("new schema: nothing", String::new()).refused(400, "empty_body"),
        put("new schema: a keyword twice", "{\"type\":\"object\",\"type\":\"string\"}".into())
            .refused(400, "invalid_json"),
        put("new schema: 1,000 levels", format!("{}{{}}{}", "{\"not\":".repeat(1_000), "}".repeat(1_000)))
            .refused(400, "invalid_json")
            .refused(422, "invalid_schema"),
        put("new schema: of no data set", "{}".into())
            .to("/data-sets/missing/schema")
            .refused(404, "data_set_not_found"),
        put("dry run of a bad schema", "{\"type\":\"whatever\"}".into())
            .to("/data-sets/bad_strict/schema?dry_run=true")
            .refused(422, "invalid_schema"),
        put("dry run: perhaps", "{}".into())
            .to("/data-sets/bad_strict/schema?dry_run=perhaps")
            .refused(400, "invalid_query")
            .says("dry_run"),
        Row::bare("a version there is not", "GET", "/data-sets/bad_strict/schema?version=99")
            .by(ADMIN_TOKEN)
            .refused(404, "schema_not_found"),
        Row::bare("a version that is none", "GET", "/data-sets/bad_strict/schema?version=x")
            .by(ADMIN_TOKEN)
            .refused(400, "invalid_query")
            .says("version"),
    ]
}

/// Definitions each of which refers twice to the next.
fn ladder(keyword: &str, steps: usize) -> Value {
    let mut definitions = Map::new();
    for step in 0..steps {
        let next = json!({"$ref": format!("#/$defs/s{}", step + 1)});
        definitions.insert(format!("s{step}"), json!({keyword: [next, next]}));
    }
    definitions.insert(format!("s{steps}"), json!({"type": "object"}));
    json!({"$defs": definitions, "$ref": "#/$defs/s0"})
}
