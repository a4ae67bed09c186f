//! The identities of parts of a schema. Generators write one into every part (`"$id": "#/properties/aa"`), where it says
//! nothing: records are checked by the whole. The library would take it for a place that references are meant from.

use serde_json::{Map, Value};

/// The keywords that hold schemas by name.
const NAMED: [&str; 7] = [
    "properties",
    "patternProperties",
    "$defs",
    "definitions",
    "dependentSchemas",
    "dependencies",
    "dependentRequired",
];
/// The keywords that hold values, and no schemas.
const VALUES: [&str; 4] = ["const", "enum", "default", "examples"];

/// The keywords that give a part an identity, by the draft of the whole.
pub(super) fn keywords(document: &Value) -> &'static [&'static str] {
    let draft = document.get("$schema").and_then(Value::as_str).unwrap_or_default();
    if draft.contains("draft-03") || draft.contains("draft-04") { &["$id", "id"] } else { &["$id"] }
}

/// The schema without the identities of its parts; that of the whole stays.
pub(super) fn without_those_of_parts(document: &Value) -> Value {
    let keywords = keywords(document);
    let mut whole = document.clone();
    if let Value::Object(members) = &mut whole {
        strip_members(members, keywords);
    }
    whole
}

fn strip(part: &mut Value, keywords: &[&str]) {
    match part {
        Value::Object(members) => {
            members.retain(|name, value| !(keywords.contains(&name.as_str()) && value.is_string()));
            strip_members(members, keywords);
        }
        Value::Array(parts) => parts.iter_mut().for_each(|part| strip(part, keywords)),
        _ => {}
    }
}

fn strip_members(members: &mut Map<String, Value>, keywords: &[&str]) {
    for (keyword, value) in members {
        match value {
            _ if VALUES.contains(&keyword.as_str()) => {}
            Value::Object(named) if NAMED.contains(&keyword.as_str()) => {
                named.values_mut().for_each(|part| strip(part, keywords));
            }
            value => strip(value, keywords),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_lose_their_identity_and_nothing_else_does() {
        let schema = json!({
            "$id": "https://example.org/whole",
            "properties": {
                "aa": {"$id": "#/properties/aa", "type": "string", "id": "kept"},
                "$id": {"type": "string"},
                "const": {"$id": "#/properties/const", "const": {"$id": "x"}, "enum": [{"$id": "x"}]},
            },
            "allOf": [{"$id": "#one"}],
        });
        let expected = json!({
            "$id": "https://example.org/whole",
            "properties": {
                "aa": {"type": "string", "id": "kept"},
                "$id": {"type": "string"},
                "const": {"const": {"$id": "x"}, "enum": [{"$id": "x"}]},
            },
            "allOf": [{}],
        });
        assert_eq!(without_those_of_parts(&schema), expected);
        let old =
            json!({"$schema": "http://json-schema.org/draft-04/schema#", "id": "#", "not": {"id": "#/not"}});
        let expected = json!({"$schema": "http://json-schema.org/draft-04/schema#", "id": "#", "not": {}});
        assert_eq!(without_those_of_parts(&old), expected);
    }
}
