//! The schemas that come with Backdrop: one per data type, from `schemas/` at the top of the
//! repository, and the one of the timestamp that every data set has by default.

use crate::data_set::{DataGroup, DataType};
use serde_json::{Map, Value, json};

macro_rules! builtin {
    ($($data_type:literal),+ $(,)?) => {
        /// The text of each built-in schema by data type.
        const BUILTIN: &[(&str, &str)] = &[
            $(($data_type, include_str!(concat!("../../../../schemas/", $data_type, ".json"))),)+
        ];
    };
}

builtin!(
    "completion-rate",
    "cost-per-transaction",
    "customer-satisfaction",
    "digital-takeup",
    "journey",
    "monitoring",
    "realtime",
    "summaries",
    "transactions-by-channel",
    "user-satisfaction",
);

/// The data types that have a schema of their own.
pub fn builtin_types() -> impl Iterator<Item = &'static str> {
    BUILTIN.iter().map(|(data_type, _)| *data_type)
}

/// The built-in schema of a data type, if there is one.
pub fn builtin_for(data_type: &str) -> Option<Value> {
    let (_, text) = BUILTIN.iter().find(|(name, _)| *name == data_type)?;
    Some(serde_json::from_str(text).expect("the built-in schemas are JSON, as a test checks"))
}

/// The schema of a data set that is made without one: a `_timestamp` is required, and what the
/// schema of the data type asks for.
pub fn default_for(group: &DataGroup, data_type: &DataType) -> Value {
    let mut definitions = Map::new();
    definitions.insert(
        "_timestamp".into(),
        json!({
            "type": "object",
            "properties": { "_timestamp": { "type": "string", "format": "date-time" } },
            "required": ["_timestamp"],
        }),
    );
    let mut all_of = vec![json!({ "$ref": "#/definitions/_timestamp" })];
    if let Some(mut schema) = builtin_for(data_type.as_str()) {
        // An identifier inside would become the base of the references around it.
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("$id");
            schema.remove("$schema");
        }
        definitions.insert(data_type.to_string(), schema);
        all_of.push(json!({ "$ref": format!("#/definitions/{data_type}") }));
    }
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "description": format!("Schema for {group}/{data_type}"),
        "definitions": definitions,
        "allOf": all_of,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::Schema;

    #[test]
    fn every_file_is_built_in_compiles_and_explains_itself() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../schemas");
        let mut files: Vec<String> = std::fs::read_dir(folder)
            .expect("the folder of schemas")
            .filter_map(|entry| entry.expect("readable").file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".json").map(str::to_owned))
            .collect();
        files.sort();
        assert_eq!(files, builtin_types().collect::<Vec<_>>());
        for data_type in builtin_types() {
            let schema = builtin_for(data_type).expect("built in");
            Schema::accept(&schema).unwrap_or_else(|error| panic!("{data_type}: {error}"));
            for key in ["title", "description"] {
                assert!(schema[key].is_string(), "{data_type} has no {key}");
            }
            let group = DataGroup::parse("group").expect("a group");
            let default = default_for(&group, &DataType::parse(data_type).expect("a type"));
            Schema::accept(&default).unwrap_or_else(|error| panic!("{data_type}: {error}"));
        }
    }
}
