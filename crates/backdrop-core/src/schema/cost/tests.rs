use super::*;
use crate::schema::{SCHEMA_BYTES_MAX, Schema};
use serde_json::json;

/// A definition for each step, made of references to the next.
fn ladder(steps: usize, step: impl Fn(Value) -> Value) -> Value {
    let mut definitions = Map::new();
    for number in 0..steps {
        let next = json!({"$ref": format!("#/$defs/s{}", number + 1)});
        definitions.insert(format!("s{number}"), step(next));
    }
    definitions.insert(format!("s{steps}"), json!({"type": "object"}));
    json!({"$defs": definitions, "$ref": "#/$defs/s0"})
}

#[track_caller]
fn refused(schema: &Value, reason: &str) {
    let error = check(schema).expect_err(reason);
    assert!(error.contains(reason), "{error} does not say {reason}");
    assert!(Schema::accept(schema).is_err());
}

#[test]
fn ladders_are_refused_and_ordinary_references_are_not() {
    let twice = |next: Value| json!({"anyOf": [next, next]});
    assert_eq!(check(&ladder(2, twice)), Ok(()));
    refused(&ladder(40, twice), "use fewer references");
    refused(&ladder(40, |next| json!({"allOf": [next, next]})), "use fewer references");
    refused(
        &ladder(40, |next| json!({"dependentSchemas": {"aa": next, "bb": next}})),
        "use fewer references",
    );
    refused(&ladder(40, |next| json!({"if": next, "then": next, "else": next})), "use fewer references");
    refused(&json!({"$ref": "#name"}), "#/…");
    refused(&json!({"$ref": "other.json"}), "#/…");
    refused(&json!({"$ref": "#/$defs/missing"}), "#/…");
    refused(&json!({"$defs": {"a b": {}}, "$ref": "#/$defs/a%20b"}), "#/…");
    assert_eq!(check(&json!({"properties": {"$ref": {"type": "string"}}})), Ok(()), "a field of that name");
    assert_eq!(check(&json!({"properties": {"$id": {"type": "string"}}})), Ok(()), "a field of that name");
    assert_eq!(check(&json!({"const": {"$ref": "nothing"}, "enum": [{"$id": "x"}]})), Ok(()), "values");
}

#[test]
fn circles_are_refused() {
    refused(&json!({"$ref": "#"}), "leads back to itself");
    refused(&json!({"properties": {"aa": {"$ref": "#"}}}), "leads back to itself");
    refused(
        &json!({"$defs": {"a": {"not": {"$ref": "#/$defs/b"}}, "b": {"not": {"$ref": "#/$defs/a"}}}, "$ref": "#/$defs/a"}),
        "leads back to itself",
    );
    for keyword in DYNAMIC {
        refused(&json!({keyword: "#"}), "use $ref");
    }
}

#[test]
fn what_cannot_be_counted_is_refused() {
    refused(&json!({"allOf": [{"$id": "https://example.org/x", "$ref": "#/$defs/y"}]}), "$id");
    assert_eq!(check(&json!({"$id": "https://example.org/x", "type": "object"})), Ok(()));
    let old = "http://json-schema.org/draft-04/schema#";
    refused(&json!({"$schema": old, "not": {"id": "https://example.org/x", "not": {"$ref": "#/y"}}}), "$id");
    assert_eq!(check(&json!({"$schema": old, "not": {"id": "https://example.org/x"}})), Ok(()));
    refused(&json!({"properties": {"aa": {"format": "regex"}}}), "regex");
}

#[test]
fn what_would_take_the_stack_is_refused() {
    refused(&ladder(1_000, |next| json!({"allOf": [next]})), "deep");
    refused(&ladder(1_500, |next| next), "deep");
    refused(&ladder(600, |next| json!({"properties": {"aa": next}})), "deep");
}

#[test]
fn work_on_each_field_has_a_bound_of_its_own() {
    let patterns = |number: usize| (0..number).map(|n| (format!("^p{n}$"), json!({}))).collect::<Map<_, _>>();
    assert_eq!(check(&json!({"patternProperties": patterns(50)})), Ok(()));
    refused(&json!({"patternProperties": patterns(51)}), "regular expressions");
    let names: Vec<String> = (0..900).map(|n| format!("field_{n}")).collect();
    refused(&json!({"propertyNames": {"enum": names}}), "each field");
    refused(&json!({"additionalProperties": {"enum": names}}), "each field");
    assert_eq!(check(&json!({"properties": {"aa": {"enum": names}}})), Ok(()));
    let closed = json!({"allOf": [{"properties": {"aa": {}}}], "unevaluatedProperties": false});
    assert_eq!(check(&closed), Ok(()));
    refused(&json!({"allOf": [closed], "unevaluatedProperties": false}), "only once");
    refused(&json!({"properties": {"aa": {"enum": names}}, "unevaluatedProperties": false}), "each field");
}

#[test]
fn every_schema_is_small_within_its_bounds() {
    let parts =
        |number: usize| (0..number).map(|n| json!({"required": [format!("f{n}")]})).collect::<Vec<_>>();
    assert_eq!(check(&json!({"anyOf": parts(110)})), Ok(()));
    refused(&json!({"anyOf": parts(300)}), "fewer");
    let names: Vec<String> = (0..5_000).map(|n| format!("{n}")).collect();
    let many = json!({"properties": {"aa": {"enum": names}}});
    assert!(many.to_string().len() < SCHEMA_BYTES_MAX);
    assert_eq!(check(&many), Ok(()));
}

/// Schemas at the bounds, each costly in another way, and a record that makes it so.
fn at_the_bounds() -> Vec<(&'static str, Value, Value)> {
    let parts =
        |number: usize| (0..number).map(|n| json!({"required": [format!("f{n}")]})).collect::<Vec<_>>();
    let names = |number: usize| (0..number).map(|n| format!("{n}")).collect::<Vec<_>>();
    let patterns = (0..PATTERNS_MAX).map(|n| (format!("^.{{0,255}}{n}$"), json!({}))).collect::<Map<_, _>>();
    let deep = ladder(48, |next| json!({"allOf": [next], "minProperties": 1}));
    let twice = |next: Value| json!({"allOf": [next, next]});
    let record = json!({"_id": "x", "aa": "text", "bb": 1});
    let wide: Map<_, _> = (0..1_000).map(|n| (format!("field_{n}"), json!(n))).collect();
    vec![
        ("branches", json!({"anyOf": parts(110)}), record.clone()),
        ("one of branches", json!({"oneOf": parts(110)}), record.clone()),
        ("a long list", json!({"properties": {"aa": {"enum": names(9_000)}}}), record.clone()),
        ("many parts", json!({"allOf": parts(1_600)}), record.clone()),
        ("a ladder", ladder(10, twice), record.clone()),
        ("depth", deep, record),
        (
            "patterns",
            json!({"patternProperties": patterns, "additionalProperties": false}),
            Value::Object(wide.clone()),
        ),
        ("names", json!({"propertyNames": {"enum": names(700)}}), Value::Object(wide.clone())),
        (
            "a second look",
            json!({"allOf": (0..60).map(|n| json!({"properties": {format!("field_{n}"): {}}})).collect::<Vec<_>>(),
                   "unevaluatedProperties": false}),
            Value::Object(wide),
        ),
    ]
}

/// How long it takes is measured where there is a clock, by the tests of the administration.
#[test]
fn schemas_at_the_bounds_compile_and_check_without_taking_the_stack() {
    for (what, schema, record) in at_the_bounds() {
        let schema = Schema::accept(&schema).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert!(schema.violations(&record).count() <= 1_600, "{what}");
    }
}
