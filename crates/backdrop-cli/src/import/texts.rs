//! Which fields of a table are texts, whatever their values look like: those of which the schema of the data set says so.

use serde_json::Value;
use std::collections::BTreeSet;

/// The fields that can be strings, and neither numbers nor booleans, by the `properties` of a schema and of what it
/// joins by `allOf`.
pub(super) fn text_fields(schema: &Value) -> BTreeSet<String> {
    let mut fields = BTreeSet::new();
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let property = property["$ref"]
            .as_str()
            .and_then(|to| schema.pointer(to.strip_prefix('#')?))
            .unwrap_or(property);
        if is_text(&property["type"]) {
            fields.insert(name.clone());
        }
    }
    for joined in schema["allOf"].as_array().into_iter().flatten() {
        let joined =
            joined["$ref"].as_str().and_then(|to| schema.pointer(to.strip_prefix('#')?)).unwrap_or(joined);
        if joined.get("allOf").is_none() {
            fields.extend(text_fields(joined));
        }
    }
    fields
}

fn is_text(types: &Value) -> bool {
    let types: Vec<&str> = match types {
        Value::Array(types) => types.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    };
    types.contains(&"string") && !types.iter().any(|name| ["number", "integer", "boolean"].contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_field_is_a_text_if_nothing_else_that_can_be_written_so_is_allowed() {
        let schema = json!({
            "$defs": {"code": {"type": "string"}},
            "properties": {
                "name": {"type": "string"}, "maybe": {"type": ["string", "null"]}, "code": {"$ref": "#/$defs/code"},
                "either": {"type": ["string", "number"]}, "count": {"type": "integer"}, "any": {}
            },
            "allOf": [{"properties": {"joined": {"type": "string"}}}]
        });
        assert_eq!(text_fields(&schema).into_iter().collect::<Vec<_>>(), ["code", "joined", "maybe", "name"]);
        assert!(text_fields(&Value::Null).is_empty());
    }
}
