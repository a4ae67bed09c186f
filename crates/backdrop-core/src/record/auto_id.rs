//! The `_id` that a data set makes of some fields, as the original made it, so that old records and new ones
//! meet.
//!
//! The values are joined by `.`, so different values can make the same text. What tells them apart is the
//! tuple of the values, which is kept beside the record.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Number, Value};

/// The `_id` made of fields.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct AutoId {
    /// Standard base64 of the values, joined by `.`.
    pub(super) id: String,
    /// The values as a JSON list, which no other values make.
    pub(super) tuple: String,
}

/// Makes the `_id` of a record as it was sent.
///
/// # Errors
/// The fields that are missing.
pub(super) fn of<'f>(fields: &'f [String], record: &Map<String, Value>) -> Result<AutoId, Vec<&'f str>> {
    let missing: Vec<&str> =
        fields.iter().map(String::as_str).filter(|field| !record.contains_key(*field)).collect();
    if !missing.is_empty() {
        return Err(missing);
    }
    let values: Vec<&Value> = fields.iter().map(|field| &record[field]).collect();
    let texts: Vec<String> = values.iter().map(|value| python_text(value)).collect();
    let tuple = serde_json::to_string(&values).expect("values that were read can be written");
    Ok(AutoId { id: STANDARD.encode(texts.join(".")), tuple })
}

/// A value as `unicode(value)` of Python 2 writes it, which is what the original ran on.
pub(crate) fn python_text(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(true) => "True".into(),
        Value::Bool(false) => "False".into(),
        Value::String(text) => text.clone(),
        Value::Number(number) => python_number(number),
        // Refused by the record rules.
        Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

/// Integers in full; fractions as `%.12g`, with `.0` after a whole one.
fn python_number(number: &Number) -> String {
    const DIGITS: i32 = 12;
    let Some(value) = number.as_f64().filter(|_| number.is_f64()) else { return number.to_string() };
    // One digit before the point and eleven after it.
    let scientific = format!("{value:.11e}");
    let (mantissa, exponent) = scientific.split_once('e').expect("the form asked for");
    let exponent: i32 = exponent.parse().expect("the form asked for");
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).expect("the exponent is below twelve");
        let fixed = format!("{value:.decimals$}");
        return match fixed.contains('.') {
            true if trim_zeros(&fixed).contains('.') => trim_zeros(&fixed).to_owned(),
            _ => format!("{}.0", trim_zeros(&fixed)),
        };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    let mantissa = trim_zeros(mantissa);
    format!("{mantissa}e{sign}{:02}", exponent.abs())
}

/// A decimal fraction without the zeros at its end, and without a point if nothing is left after it.
fn trim_zeros(text: &str) -> &str {
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn fields() -> Vec<String> {
        ["aa", "bb"].map(str::to_owned).to_vec()
    }

    fn made(record: &Value) -> AutoId {
        of(&fields(), record.as_object().expect("an object")).expect("no field is missing")
    }

    #[test]
    fn ids_are_those_of_the_original() {
        // base64.b64encode(u'.'.join([unicode(value) for value in values]).encode('utf-8'))
        assert_eq!(
            made(&json!({"aa": "2013-03-11T00:00:00Z", "bb": "week"})).id,
            "MjAxMy0wMy0xMVQwMDowMDowMFoud2Vlaw=="
        );
        assert_eq!(made(&json!({"aa": true, "bb": null})).id, STANDARD.encode("True.None"));
        assert_eq!(made(&json!({"aa": "é", "bb": 7})).id, STANDARD.encode("é.7"));
    }

    #[test]
    fn numbers_are_written_as_python_2_wrote_them() {
        for (number, text) in [
            (json!(1.5), "1.5"),
            (json!(1.0), "1.0"),
            (json!(100_000.0), "100000.0"),
            (json!(-0.25), "-0.25"),
            (json!(0.1 + 0.2), "0.3"),
            (json!(1e16), "1e+16"),
            (json!(1.5e300), "1.5e+300"),
            (json!(99_999_999_999.0), "99999999999.0"),
            (json!(123_456_789_012.0), "123456789012.0"),
            (json!(1e12), "1e+12"),
            (json!(0.0001), "0.0001"),
            (json!(0.00001), "1e-05"),
            (json!(0.0), "0.0"),
            (json!(18_446_744_073_709_551_615_u64), "18446744073709551615"),
            (json!(-3), "-3"),
        ] {
            assert_eq!(python_text(&number), text);
        }
    }

    #[test]
    fn different_values_may_join_to_one_id_but_never_to_one_tuple() {
        let (one, other) = (made(&json!({"aa": "a.b", "bb": "c"})), made(&json!({"aa": "a", "bb": "b.c"})));
        assert_eq!(one.id, other.id);
        assert_ne!(one.tuple, other.tuple);
        assert_ne!(made(&json!({"aa": "1", "bb": 1})).tuple, made(&json!({"aa": 1, "bb": "1"})).tuple);
    }

    #[test]
    fn all_missing_fields_are_named() {
        assert_eq!(of(&fields(), &Map::new()), Err(vec!["aa", "bb"]));
    }
}
