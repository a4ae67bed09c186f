//! Filters: what must hold for a record.

use super::parameters::Parameters;
use super::{FieldName, invalid};
use crate::error::ApiError;
use crate::time;
use serde_json::{Number, Value};

/// How many filters one query may have; each is a condition of the statement.
const FILTERS_MAX: usize = 100;

/// A condition on one field.
#[derive(Clone, Debug, PartialEq)]
pub enum Filter {
    /// The field has one of the values: what the text of the query can mean.
    Equals {
        /// The field.
        field: FieldName,
        /// The text as JSON string, and the boolean, number or normalised time that it may be besides.
        values: Vec<Value>,
    },
    /// The field is a string that begins with the prefix, literally.
    StartsWith {
        /// The field.
        field: FieldName,
        /// What its value begins with.
        prefix: String,
    },
}

pub(super) fn read(parameters: &Parameters<'_>) -> Result<Vec<Filter>, ApiError> {
    if !parameters.filter_by.is_empty() && !parameters.filter_by_prefix.is_empty() {
        return Err(invalid("filter_by_prefix cannot be used together with `filter_by`"));
    }
    let count = parameters.filter_by.len() + parameters.filter_by_prefix.len();
    if count > FILTERS_MAX {
        return Err(invalid(format!("filter_by can be given at most {FILTERS_MAX} times, found {count}")));
    }
    let equals = parameters.filter_by.iter().map(|text| {
        let (field, value) = split("filter_by", text)?;
        let values = meanings(&field, value);
        Ok(Filter::Equals { field, values })
    });
    let prefixes = parameters.filter_by_prefix.iter().map(|text| {
        let (field, prefix) = split("filter_by_prefix", text)?;
        Ok(Filter::StartsWith { field, prefix: prefix.to_owned() })
    });
    equals.chain(prefixes).collect()
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
        // The parser would skip white space, which a text of a record would not.
        _ if text.trim() != text => {}
        _ => values.extend(serde_json::from_str::<Number>(text).ok().map(Value::Number)),
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
