//! What a person sends to make a transform, or a type of them.

use super::{Computation, Function, invalid, readback, satisfaction};
use crate::data_set::{DataGroup, DataType};
use crate::error::{ApiError, ErrorCode};
use crate::schema::Schema;
use crate::shape::Row;
use crate::time::Timestamp;
use readback::Written;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The longest name of a type, in bytes; the original's were shorter.
const NAME_BYTES_MAX: usize = 60;
/// How large options and query parameters may be, each, in bytes of JSON.
const OPTIONS_BYTES_MAX: usize = 16 * 1024;

/// A data set, or with no group all of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Whose figures.
    pub data_group: Option<DataGroup>,
    /// Which figures.
    pub data_type: DataType,
}

impl Place {
    /// The place as clients see it.
    pub fn to_json(&self) -> Value {
        match &self.data_group {
            Some(group) => json!({"data-group": group, "data-type": self.data_type}),
            None => json!({"data-type": self.data_type}),
        }
    }
}

/// What transforms of one kind compute, and which options they take.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformType {
    /// Its name.
    pub name: String,
    /// What is computed.
    pub function: Function,
    /// What the options must follow.
    pub schema: Value,
}

impl TransformType {
    /// Reads the body of a request; also the id, if one stands there. Its schema is compiled, which may take a while.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`] or [`ErrorCode::InvalidSchema`], naming the field at fault.
    pub fn parse(body: &[u8]) -> Result<(Self, Option<Uuid>), ApiError> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Body {
            id: Option<Uuid>,
            name: String,
            function: String,
            schema: Value,
        }
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("The transform type cannot be read: {error}")))?;
        if body.name.trim().is_empty() || body.name.len() > NAME_BYTES_MAX {
            return Err(invalid(format!("name: expected a text of 1 to {NAME_BYTES_MAX} bytes")));
        }
        let function = Function::parse(&body.function)?;
        Schema::accept(&body.schema)
            .map_err(|error| ApiError::new(ErrorCode::InvalidSchema, format!("schema: {error}")))?;
        Ok((Self { name: body.name, function, schema: body.schema }, body.id))
    }
}

/// What a transform reads, computes and stores.
#[derive(Clone, Debug, PartialEq)]
pub struct TransformDefinition {
    /// Its type.
    pub type_id: Uuid,
    /// What it reads.
    pub input: Place,
    /// By which query.
    pub query_parameters: Row,
    /// What the function is told besides.
    pub options: Row,
    /// Where the results go; without a group, into that of the input.
    pub output: Place,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Body {
    id: Option<Uuid>,
    #[serde(rename = "type_id")]
    type_id: Option<Uuid>,
    /// As it stands in an answer, so that one can be sent back.
    #[serde(rename = "type")]
    transform_type: Option<TypeBody>,
    input: PlaceBody,
    query_parameters: Row,
    options: Row,
    output: PlaceBody,
}

#[derive(Deserialize)]
struct TypeBody {
    id: Uuid,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PlaceBody {
    data_group: Option<String>,
    data_type: String,
}

impl PlaceBody {
    fn check(self, field: &str) -> Result<Place, ApiError> {
        let wrong = |part: &str, error| invalid(format!("{field}: {part}: {error}"));
        let data_group = self.data_group.map(DataGroup::parse).transpose();
        Ok(Place {
            data_group: data_group.map_err(|error| wrong("data-group", error))?,
            data_type: DataType::parse(self.data_type).map_err(|error| wrong("data-type", error))?,
        })
    }
}

impl TransformDefinition {
    /// Reads the body of a request; also the id, if one stands there.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`], naming the field at fault and what it should be.
    pub fn parse(body: &[u8]) -> Result<(Self, Option<Uuid>), ApiError> {
        let body: Body = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("The transform cannot be read: {error}")))?;
        let type_id = body.type_id.or_else(|| body.transform_type.map(|body| body.id));
        for (name, value) in [("options", &body.options), ("query-parameters", &body.query_parameters)] {
            let bytes = serde_json::to_vec(value).map_or(0, |text| text.len());
            if bytes > OPTIONS_BYTES_MAX {
                return Err(invalid(format!(
                    "{name}: {bytes} bytes of JSON; at most {OPTIONS_BYTES_MAX} are allowed"
                )));
            }
        }
        let definition = Self {
            type_id: type_id.ok_or_else(|| invalid("type_id is missing: the id of a /transform-type"))?,
            input: body.input.check("input")?,
            query_parameters: body.query_parameters,
            options: body.options,
            output: body.output.check("output")?,
        };
        Ok((definition, body.id))
    }

    /// Checks that it can be run as one of its type.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`], naming what its function, the schema of its type or the query service
    /// would object to.
    pub fn check(&self, kind: &TransformType, now: Timestamp) -> Result<(), ApiError> {
        let schema = Schema::compile(&kind.schema)
            .map_err(|error| ApiError::new(ErrorCode::InvalidSchema, format!("schema: {error}")))?;
        let options = Value::Object(self.options.clone());
        if let Some(violation) = schema.violations(&options).next() {
            let (pointer, message) = (violation.pointer(), violation.message());
            return Err(invalid(format!(
                "options{pointer}: {message} (by the schema of the transform's type)"
            )));
        }
        Computation::new(kind.function, &self.input, &self.options)?;
        let parameters = &self.query_parameters;
        if kind.function.is_per_period() && !parameters.contains_key("period") {
            return Err(invalid(
                "query-parameters: period is missing; this function computes one record per period",
            ));
        }
        if kind.function == Function::UserSatisfaction {
            self.check_collected(&satisfaction::COLUMNS)?;
        }
        let written = Written { earliest: now, latest: now };
        let named = |error: ApiError| invalid(format!("query-parameters: {}", error.message));
        readback::query(kind.function, parameters, written, now).map(drop).map_err(named)
    }

    fn check_collected(&self, columns: &[&str]) -> Result<(), ApiError> {
        let is_collected = |column: &str| match self.query_parameters.get("collect") {
            Some(Value::String(text)) => text == column,
            Some(Value::Array(texts)) => texts.iter().any(|text| text == column),
            _ => false,
        };
        match columns.iter().find(|column| !is_collected(column)) {
            Some(missing) => Err(invalid(format!("query-parameters: collect lacks {missing}"))),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    const TYPE: Uuid = Uuid::from_u128(1);

    fn definition() -> Value {
        json!({
            "type_id": TYPE,
            "input": {"data-group": "cats", "data-type": "transactions-by-channel"},
            "query-parameters": {"period": "week", "group_by": ["channel"], "collect": ["count:sum"]},
            "options": {"matchingAttribute": "channel", "valueAttribute": "count:sum",
                        "numeratorMatcher": "^digital$", "denominatorMatcher": ".+"},
            "output": {"data-type": "digital-takeup"},
        })
    }

    fn rate() -> TransformType {
        let schema = json!({"required": ["valueAttribute"]});
        TransformType { name: "rate".into(), function: Function::Rate, schema }
    }

    fn check(body: &Value, kind: &TransformType) -> Result<(), ApiError> {
        let (definition, _) = TransformDefinition::parse(body.to_string().as_bytes())?;
        definition.check(kind, time::parse("2013-03-13").expect("a time"))
    }

    #[test]
    fn a_transform_is_read_and_can_be_sent_back_as_it_was_answered() {
        assert_eq!(check(&definition(), &rate()), Ok(()));
        let mut answered = definition();
        answered.as_object_mut().expect("an object").remove("type_id");
        answered["type"] = json!({"id": TYPE, "function": Function::Rate.as_str()});
        answered["id"] = json!(Uuid::from_u128(2));
        assert_eq!(check(&answered, &rate()), Ok(()));
    }

    #[test]
    fn errors_name_what_is_wrong() {
        for (pointer, value, named) in [
            ("/input/data-type", json!("A B"), "input: data-type"),
            ("/output/data-group", json!("A"), "output: data-group"),
            ("/query-parameters/period", json!("eon"), "query-parameters: period"),
            ("/query-parameters", json!({}), "query-parameters: period"),
            ("/options/valueAttribute", json!(null), "options: valueAttribute"),
            ("/options", json!({}), "valueAttribute"),
            ("/options/numeratorMatcher", json!("("), "options: numeratorMatcher"),
            ("/options/description", json!("x".repeat(OPTIONS_BYTES_MAX)), "options"),
            ("/colour", json!("red"), "colour"),
        ] {
            let mut body = definition();
            let (parent, field) = pointer.rsplit_once('/').expect("a pointer");
            body.pointer_mut(parent).expect("an object")[field] = value;
            let error = check(&body, &rate()).expect_err(pointer);
            assert!(error.message.contains(named), "{error} does not name {named}");
        }
    }

    #[test]
    fn satisfaction_needs_all_ratings() {
        let kind =
            TransformType { name: "x".into(), function: Function::UserSatisfaction, schema: json!({}) };
        let error = check(&definition(), &kind).expect_err("refused");
        assert!(error.message.contains("rating_1:sum"), "{error}");
    }

    #[test]
    fn types_are_checked() {
        let parse = |body: Value| TransformType::parse(body.to_string().as_bytes());
        let good = json!({"name": "rate", "function": Function::Rate.as_str(), "schema": {"type": "object"}});
        assert!(parse(good.clone()).is_ok());
        for (field, value) in
            [("name", json!("")), ("function", json!("x.y")), ("schema", json!({"type": "x"}))]
        {
            let mut body = good.clone();
            body[field] = value;
            assert!(parse(body).expect_err(field).message.contains(field));
        }
    }

    #[test]
    fn the_schema_of_a_type_has_the_bounds_of_any_other() {
        let chain = |steps: usize, step: fn(Value) -> Value| {
            let next = |number: usize| step(json!({"$ref": format!("#/$defs/s{}", number + 1)}));
            let mut definitions: Row =
                (0..steps).map(|number| (format!("s{number}"), next(number))).collect();
            definitions.insert(format!("s{steps}"), json!({}));
            json!({"$defs": definitions, "$ref": "#/$defs/s0"})
        };
        for (schema, named) in [
            (chain(1_500, |next| next), "deep"),
            (chain(20_000, |next| next), "bytes"),
            (chain(28, |next| json!({"allOf": [next, next]})), "use fewer references"),
        ] {
            let body = json!({"name": "rate", "function": Function::Rate.as_str(), "schema": schema});
            let error = TransformType::parse(body.to_string().as_bytes()).expect_err(named);
            assert_eq!(error.code, ErrorCode::InvalidSchema);
            assert!(error.message.contains(named), "{error} does not say {named}");
        }
    }
}
