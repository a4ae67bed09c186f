//! Filters: what must hold for a record.

use super::parameters::Parameters;
use super::{FieldName, invalid};
use crate::error::ApiError;
use crate::time;
use serde_json::{Number, Value};

/// How many filters one query may have; each is a condition of the statement.
const FILTERS_MAX: usize = 100;

/// A condition on one field. None of them holds for a field that a record lacks, or that is null.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// The field has one of the values.
    OneOf {
        /// The field.
        field: FieldName,
        /// What the texts of the query can mean: each as JSON string, and the boolean, number or
        /// normalised time that it may be besides.
        values: Vec<Value>,
    },
    /// The field has a value, and that is none of these.
    NoneOf {
        /// The field.
        field: FieldName,
        /// As in `OneOf`.
        values: Vec<Value>,
    },
    /// The value of the field is of the kind of the bound, and lies on the wanted side of it.
    Compares {
        /// The field.
        field: FieldName,
        /// Which side.
        inequality: Inequality,
        /// A number or a string; for times, the string in the form in which they are kept.
        bound: Value,
    },
    /// The field is a string that begins with the prefix, literally.
    StartsWith {
        /// The field.
        field: FieldName,
        /// What its value begins with.
        prefix: String,
    },
}

impl Filter {
    /// The field it is about.
    pub const fn field(&self) -> &FieldName {
        match self {
            Self::OneOf { field, .. }
            | Self::NoneOf { field, .. }
            | Self::Compares { field, .. }
            | Self::StartsWith { field, .. } => field,
        }
    }
}

/// On which side of a bound values are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inequality {
    /// `gt`
    Greater,
    /// `gte`
    GreaterOrEqual,
    /// `lt`
    Less,
    /// `lte`
    LessOrEqual,
}

pub(super) fn read(parameters: &Parameters<'_>) -> Result<Vec<Filter>, ApiError> {
    if !parameters.filter_by.is_empty() && !parameters.filter_by_prefix.is_empty() {
        return Err(invalid("filter_by_prefix cannot be used together with `filter_by`"));
    }
    check_count(parameters)?;
    let mut filters = Vec::new();
    for text in &parameters.filter_by {
        let (field, value) = split("filter_by", text)?;
        filters.push(Filter::OneOf { values: meanings(&field, value), field });
    }
    for text in &parameters.filter_by_prefix {
        let (field, prefix) = split("filter_by_prefix", text)?;
        filters.push(Filter::StartsWith { field, prefix: prefix.to_owned() });
    }
    filters.extend(read_alternatives(&parameters.filter_by_any)?);
    for text in &parameters.filter_by_comparison {
        filters.push(read_comparison(text)?);
    }
    Ok(filters)
}

fn check_count(parameters: &Parameters<'_>) -> Result<(), ApiError> {
    let lists = [
        &parameters.filter_by,
        &parameters.filter_by_prefix,
        &parameters.filter_by_any,
        &parameters.filter_by_comparison,
    ];
    let count: usize = lists.iter().map(|list| list.len()).sum();
    if count > FILTERS_MAX {
        return Err(invalid(format!(
            "filter_by and its kin can be given at most {FILTERS_MAX} times together, found {count}"
        )));
    }
    Ok(())
}

/// One filter for each field, with the alternatives of all parameters that name it.
fn read_alternatives(texts: &[&str]) -> Result<Vec<Filter>, ApiError> {
    let mut by_field: Vec<(FieldName, Vec<Value>)> = Vec::new();
    for text in texts {
        let (field, value) = split("filter_by_any", text)?;
        let more = meanings(&field, value);
        match by_field.iter_mut().find(|(known, _)| *known == field) {
            Some((_, values)) => values.extend(more),
            None => by_field.push((field, more)),
        }
    }
    Ok(by_field.into_iter().map(|(field, values)| Filter::OneOf { field, values }).collect())
}

fn read_comparison(text: &str) -> Result<Filter, ApiError> {
    let wrong = |found: &str| {
        invalid(format!(
            "filter_by_comparison={text}: expected a field, an operator and a value, as in count:gte:10; the \
             operators are gt, gte, lt, lte and ne, found {found:?}"
        ))
    };
    if !text.contains(':') {
        return Err(wrong(text));
    }
    let (field, rest) = split("filter_by_comparison", text)?;
    let (operator, value) = rest.split_once(':').ok_or_else(|| wrong(rest))?;
    let inequality = match operator {
        "gt" => Inequality::Greater,
        "gte" => Inequality::GreaterOrEqual,
        "lt" => Inequality::Less,
        "lte" => Inequality::LessOrEqual,
        "ne" => {
            read_bound(&field, value)?;
            return Ok(Filter::NoneOf { values: meanings(&field, value), field });
        }
        other => return Err(wrong(other)),
    };
    let bound = read_bound(&field, value)?;
    Ok(Filter::Compares { field, inequality, bound })
}

fn read_bound(field: &FieldName, text: &str) -> Result<Value, ApiError> {
    if field.is_time() {
        let timestamp = time::parse(text).map_err(|error| {
            invalid(format!("filter_by_comparison: `{field}` is a time, and {text:?} is none: {error}"))
        })?;
        return Ok(time::format(timestamp).into());
    }
    let number = || if field.is_id() { None } else { number(text) };
    Ok(number().map_or_else(|| text.into(), Value::Number))
}

/// The number a text is written as in JSON. The parser would skip white space, which is none of it.
fn number(text: &str) -> Option<Number> {
    if text.trim() == text { serde_json::from_str(text).ok() } else { None }
}

fn split<'t>(parameter: &str, text: &'t str) -> Result<(FieldName, &'t str), ApiError> {
    let Some((field, value)) = text.split_once(':') else {
        return Err(invalid(format!(
            "{parameter} must be a field name and value separated by a colon (:) eg. authority:Westminster, \
             not {text:?}"
        )));
    };
    if value.contains('\0') {
        return Err(invalid(format!(
            "{parameter}={field}:… holds the character NUL, which no record can hold"
        )));
    }
    Ok((FieldName::parse(parameter, field)?, value))
}

/// The values a text can stand for.
fn meanings(field: &FieldName, text: &str) -> Vec<Value> {
    let mut values = vec![Value::from(text)];
    match text {
        "true" => values.push(Value::Bool(true)),
        "false" => values.push(Value::Bool(false)),
        _ => values.extend(number(text).map(Value::Number)),
    }
    if field.is_time()
        && let Ok(timestamp) = time::parse(text)
    {
        let normalised = Value::from(time::format(timestamp));
        if values[0] != normalised {
            values.push(normalised);
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn values(field: &str, text: &str) -> Value {
        Value::Array(meanings(&FieldName::parse("filter_by", field).expect("a field"), text))
    }

    #[test]
    fn a_text_stands_for_itself_and_for_the_boolean_number_or_time_it_may_be() {
        assert_eq!(values("name", "Westminster"), json!(["Westminster"]));
        assert_eq!(values("paid", "true"), json!(["true", true]));
        assert_eq!(values("paid", "TRUE"), json!(["TRUE"]));
        assert_eq!(values("count", "7"), json!(["7", 7]));
        assert_eq!(values("count", "-1.50"), json!(["-1.50", -1.5]));
        assert_eq!(values("count", "007"), json!(["007"]));
        assert_eq!(values("count", " 7"), json!([" 7"]));
        assert_eq!(values("count", "1e999"), json!(["1e999"]));
        assert_eq!(values("name", "2013-03-11"), json!(["2013-03-11"]));
        assert_eq!(values("_timestamp", "2013-03-11"), json!(["2013-03-11", "2013-03-11T00:00:00+00:00"]));
        assert_eq!(values("name", ""), json!([""]));
    }

    proptest! {
        #[test]
        fn every_number_is_found_by_the_text_it_is_printed_as(number in any::<f64>(), integer in any::<i64>()) {
            prop_assert!(values("count", &integer.to_string()).as_array().expect("list").contains(&json!(integer)));
            if number.is_finite() {
                let printed = json!(number).to_string();
                prop_assert!(values("count", &printed).as_array().expect("list").contains(&json!(number)));
            }
        }
    }
}
