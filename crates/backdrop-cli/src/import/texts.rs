//! Which fields of a table are texts, whatever their values look like: those of which the schema of the data set says so.

use serde_json::Value;
use std::collections::BTreeSet;

/// Fields that are texts in every data set.
const ALWAYS: [&str; 4] = ["_id", "_timestamp", "_start_at", "_end_at"];

/// The fields of a table whose values are texts.
#[derive(Clone, Debug, Default)]
pub(super) struct TextFields(BTreeSet<String>);

impl TextFields {
    /// Those that a schema says so of, and some more.
    pub(super) fn of(schema: &Value, more: &[String]) -> Self {
        Self(text_fields(schema).into_iter().chain(more.iter().cloned()).collect())
    }

    /// Whether the values of a field are texts.
    pub(super) fn contains(&self, field: &str) -> bool {
        ALWAYS.contains(&field) || self.0.contains(field)
    }
}

/// The fields that can be strings, and neither numbers nor booleans, by the `properties` of a schema and of what it
/// joins by `allOf`.
fn text_fields(schema: &Value) -> BTreeSet<String> {
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
        let texts = TextFields::of(&Value::Null, &["more".into()]);
        assert_eq!(["_id", "more", "count"].map(|field| texts.contains(field)), [true, true, false]);
    }
}
