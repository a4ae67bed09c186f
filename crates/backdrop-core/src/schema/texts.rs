//! Which fields a schema wants to be strings, so that a form without types (CSV, a sheet) need not guess:
//! `007` stays what it is.
//!
//! Only what can be told without a record counts: `properties`, `allOf`, `anyOf`, `oneOf`, `enum`, `const` and
//! references into the schema itself.

use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap};

/// How many subschemas are looked at: ten times what the largest schema of the original needs. A schema that is
/// larger gives the hints found until then.
const STEPS_MAX: usize = 1_000;
/// How deep references and combinations are followed.
const DEPTH_MAX: usize = 16;
/// Fields that are strings in every data set.
const ALWAYS: [&str; 4] = ["_id", "_timestamp", "_start_at", "_end_at"];

/// The fields whose values are strings, and neither numbers nor booleans as well.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TextFields(BTreeSet<String>);

impl TextFields {
    /// What a schema says.
    pub fn of(document: &Value) -> Self {
        let mut reading = Reading { document, fields: HashMap::new(), steps: 0 };
        reading.gather(document, 0);
        let texts = reading.fields.into_iter().filter(|(_, kinds)| kinds.is_text());
        Self(texts.map(|(field, _)| field.to_owned()).collect())
    }

    /// The fields that the schema names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Whether the field holds strings.
    pub fn contains(&self, field: &str) -> bool {
        ALWAYS.contains(&field) || self.0.contains(field)
    }
}

impl FromIterator<String> for TextFields {
    fn from_iter<I: IntoIterator<Item = String>>(names: I) -> Self {
        Self(names.into_iter().collect())
    }
}

/// The kinds of values that a schema allows, as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Kinds(u8);

impl Kinds {
    const NONE: Self = Self(0);
    const STRING: Self = Self(1);
    const NUMBER: Self = Self(2);
    const BOOLEAN: Self = Self(4);
    const OTHER: Self = Self(8);
    /// Also what a schema allows that says nothing.
    const ALL: Self = Self(15);

    const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    const fn is_text(self) -> bool {
        self.0 & Self::STRING.0 != 0 && self.0 & (Self::NUMBER.0 | Self::BOOLEAN.0) == 0
    }

    fn named(name: &Value) -> Self {
        match name.as_str() {
            Some("string") => Self::STRING,
            Some("number" | "integer") => Self::NUMBER,
            Some("boolean") => Self::BOOLEAN,
            _ => Self::OTHER,
        }
    }

    const fn of_value(value: &Value) -> Self {
        match value {
            Value::String(_) => Self::STRING,
            Value::Number(_) => Self::NUMBER,
            Value::Bool(_) => Self::BOOLEAN,
            _ => Self::OTHER,
        }
    }

    fn any(values: &[Value], of: impl FnMut(&Value) -> Self) -> Self {
        values.iter().map(of).fold(Self::NONE, Self::or)
    }
}

struct Reading<'d> {
    document: &'d Value,
    fields: HashMap<&'d str, Kinds>,
    steps: usize,
}

impl<'d> Reading<'d> {
    /// Gathers what a schema of records says of their fields.
    fn gather(&mut self, schema: &'d Value, depth: usize) {
        let Some(members) = self.enter(schema, depth) else { return };
        if let Some(Value::Object(properties)) = members.get("properties") {
            for (field, schema) in properties {
                let kinds = self.kinds(schema, depth + 1);
                let known = self.fields.entry(field).or_insert(Kinds::ALL);
                *known = known.and(kinds);
            }
        }
        for part in list(members, "allOf") {
            self.gather(part, depth + 1);
        }
        if let Some(target) = self.target(members) {
            self.gather(target, depth + 1);
        }
    }

    /// Which kinds of values a schema of values allows.
    fn kinds(&mut self, schema: &'d Value, depth: usize) -> Kinds {
        let Some(members) = self.enter(schema, depth) else { return Kinds::ALL };
        let mut kinds = match members.get("type") {
            Some(Value::Array(names)) => Kinds::any(names, Kinds::named),
            Some(name) => Kinds::named(name),
            None => Kinds::ALL,
        };
        if members.contains_key("enum") {
            kinds = kinds.and(Kinds::any(list(members, "enum"), Kinds::of_value));
        }
        if let Some(value) = members.get("const") {
            kinds = kinds.and(Kinds::of_value(value));
        }
        for part in list(members, "allOf") {
            kinds = kinds.and(self.kinds(part, depth + 1));
        }
        for keyword in ["anyOf", "oneOf"] {
            let parts = list(members, keyword);
            let any = parts.iter().fold(Kinds::NONE, |any, part| any.or(self.kinds(part, depth + 1)));
            kinds = if parts.is_empty() { kinds } else { kinds.and(any) };
        }
        match self.target(members) {
            Some(target) => kinds.and(self.kinds(target, depth + 1)),
            None => kinds,
        }
    }

    fn enter(&mut self, schema: &'d Value, depth: usize) -> Option<&'d Map<String, Value>> {
        self.steps += 1;
        schema.as_object().filter(|_| self.steps <= STEPS_MAX && depth <= DEPTH_MAX)
    }

    /// What a schema refers to.
    fn target(&self, members: &Map<String, Value>) -> Option<&'d Value> {
        let pointer = members.get("$ref")?.as_str()?.strip_prefix('#')?;
        self.document.pointer(pointer)
    }
}

fn list<'d>(members: &'d Map<String, Value>, keyword: &str) -> &'d [Value] {
    members.get(keyword).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::{DataGroup, DataType};
    use crate::schema::default_for;
    use serde_json::json;

    fn names(document: &Value) -> Vec<String> {
        TextFields::of(document).names().map(str::to_owned).collect()
    }

    #[test]
    fn strings_are_found_wherever_they_are_said() {
        let document = json!({
            "properties": {
                "code": {"type": "string"},
                "note": {"type": ["string", "null"]},
                "either": {"type": ["string", "number"]},
                "count": {"type": "integer"},
                "channel": {"enum": ["digital", "paper"]},
                "mixed": {"enum": ["none", 1]},
                "free": {},
                "referred": {"$ref": "#/$defs/text"},
                "any": {"anyOf": [{"type": "string"}, {"type": "null"}]},
                "one": {"oneOf": [{"type": "string"}, {"type": "boolean"}]},
            },
            "allOf": [{"$ref": "#/definitions/more"}],
            "$defs": {"text": {"type": "string"}},
            "definitions": {"more": {"properties": {"more": {"const": "yes"}, "either": {"type": "string"}}}},
        });
        let expected = ["any", "channel", "code", "either", "more", "note", "referred"];
        assert_eq!(names(&document), expected);
    }

    #[test]
    fn the_default_schemas_give_hints() {
        let name = "transactions-by-channel";
        let (group, data_type) =
            (DataGroup::parse("a").expect("a name"), DataType::parse(name).expect("a name"));
        let texts = TextFields::of(&default_for(&group, &data_type));
        assert!(texts.contains("channel") && !texts.contains("count"));
        assert!(TextFields::default().contains("_id"), "an _id is always a string");
    }

    #[test]
    fn what_refers_to_itself_ends() {
        let many: Vec<Value> = (0..100).map(|_| json!({"$ref": "#"})).collect();
        let document =
            json!({"allOf": many, "properties": {"aa": {"anyOf": many}, "bb": {"type": "string"}}});
        assert!(TextFields::of(&document).names().count() <= 1);
    }
}
