//! What a cell of a sheet means: the rules of the service for sheets.

use backdrop_core::time;
use calamine::{Data, ExcelDateTime};
use serde_json::Value;
use std::borrow::Cow;

/// The greatest whole number up to which a cell, which holds a floating-point number, knows each integer.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;

/// How errors show, where a sheet has no type for them.
const ERRORS: [&str; 7] = ["#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#N/A", "#NUM!", "#NULL!"];

/// What is said of infinity and of what is no number.
const NOT_FINITE: &str = "no finite number";

/// The value of a cell as JSON; or what it holds that is no value.
pub(super) fn json_of_cell(cell: &Data, is_text: bool) -> Result<Cow<'static, str>, String> {
    let value = value_of(cell)?;
    let value = if is_text { text_of(value) } else { value };
    Ok(if value.is_null() { Cow::Borrowed("null") } else { Cow::Owned(value.to_string()) })
}

/// The name that a cell gives its column; or what it holds that is no name.
pub(super) fn name_of(cell: &Data) -> Result<String, String> {
    Ok(match value_of(cell)? {
        Value::String(text) => text.trim().to_owned(),
        Value::Null => String::new(),
        other => other.to_string(),
    })
}

fn value_of(cell: &Data) -> Result<Value, String> {
    Ok(match cell {
        Data::Empty => Value::Null,
        Data::Error(error) => return Err(format!("the error {error}")),
        Data::String(text) if is_error(text) => return Err(format!("the error {text}")),
        // JSON has no such numbers.
        Data::Float(number) if !number.is_finite() => return Err(NOT_FINITE.to_owned()),
        Data::DateTime(serial) if !serial.as_f64().is_finite() => return Err(NOT_FINITE.to_owned()),
        Data::Int(number) => Value::from(*number),
        Data::Float(number) => number_of(*number),
        Data::Bool(boolean) => Value::from(*boolean),
        Data::String(text) if text.is_empty() => Value::Null,
        Data::String(text) | Data::DurationIso(text) => Value::from(text.as_str()),
        Data::DateTime(serial) => Value::from(time_of(*serial)),
        Data::DateTimeIso(text) => Value::from(time::parse(text).map_or_else(|_| text.clone(), time::format)),
    })
}

/// Whether nothing stands in a cell.
pub(super) fn is_empty(cell: &Data) -> bool {
    matches!(cell, Data::Empty) || matches!(cell, Data::String(text) if text.is_empty())
}

/// Whether a text is what ODS, which has no type for them, keeps of an error; LibreOffice shows some by number: `Err:502`.
fn is_error(text: &str) -> bool {
    let number = text.strip_prefix("Err:").unwrap_or_default();
    ERRORS.contains(&text) || (number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

fn text_of(value: Value) -> Value {
    match value {
        Value::Number(_) => Value::from(value.to_string()),
        other => other,
    }
}

/// A number; a whole one is an integer, as it shows in the sheet.
fn number_of(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= EXACT_MAX {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and within 54 bits")]
        let integer = number as i64;
        return Value::from(integer);
    }
    Value::from(number)
}

/// A date as a time of UTC; a time of day or a span, which lies on no day, as hours, minutes and seconds. What is below
/// zero lies before the first day that a sheet knows, so it is a span, however it is shown.
fn time_of(serial: ExcelDateTime) -> String {
    if serial.is_duration() || serial.as_f64() < 1.0 {
        let seconds = (serial.as_f64() * 86_400.0).round();
        let sign = if seconds < 0.0 { "-" } else { "" };
        #[expect(clippy::cast_possible_truncation, reason = "a sheet holds no span of millions of years")]
        let seconds = seconds.abs() as i64;
        return format!("{sign}{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60);
    }
    let (year, month, day, hour, minute, second, millisecond) = serial.to_ymd_hms_milli();
    let text = format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millisecond:03}");
    // Spreadsheets know a day that never was: 29 February 1900. It stays for the service to refuse.
    time::parse(&text).map_or(text, time::format)
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::{CellErrorType, ExcelDateTimeType};

    fn date(serial: f64) -> Data {
        Data::DateTime(ExcelDateTime::new(serial, ExcelDateTimeType::DateTime, false))
    }

    #[test]
    fn cells_have_the_values_that_show() {
        let span = |days| Data::DateTime(ExcelDateTime::new(days, ExcelDateTimeType::TimeDelta, false));
        for (cell, expected) in [
            (Data::Float(3.0), "3"),
            (Data::Float(-0.25), "-0.25"),
            (Data::Float(1e300), "1e+300"),
            (Data::Bool(true), "true"),
            (Data::String("007".into()), "\"007\""),
            (Data::String(String::new()), "null"),
            (Data::Empty, "null"),
            (date(41344.0), "\"2013-03-11T00:00:00+00:00\""),
            (date(41344.5), "\"2013-03-11T12:00:00+00:00\""),
            (date(0.5), "\"12:00:00\""),
            (span(1.25), "\"30:00:00\""),
            (span(-1.0 / 48.0), "\"-00:30:00\""),
            (span(-1.25), "\"-30:00:00\""),
            (span(-0.000_001), "\"00:00:00\""),
            (date(-1.0 / 48.0), "\"-00:30:00\""),
            (date(-1.5), "\"-36:00:00\""),
            (Data::DateTimeIso("2013-03-11".into()), "\"2013-03-11T00:00:00+00:00\""),
        ] {
            assert_eq!(
                json_of_cell(&cell, false).as_deref().map_err(String::as_str),
                Ok(expected),
                "{cell:?}"
            );
        }
        for error in [Data::Error(CellErrorType::Ref), Data::String("#REF!".into())] {
            assert_eq!(json_of_cell(&error, true), Err("the error #REF!".into()));
            assert_eq!(name_of(&error), Err("the error #REF!".into()));
        }
        for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            for cell in [Data::Float(number), date(number), span(number)] {
                assert_eq!(json_of_cell(&cell, true), Err("no finite number".into()), "{cell:?}");
            }
        }
        assert!(json_of_cell(&Data::String("Err:502".into()), true).is_err());
    }

    #[test]
    fn a_column_has_the_name_that_shows() {
        for (cell, name) in [
            (Data::String(" count ".into()), "count"),
            (Data::Float(2013.0), "2013"),
            (date(41344.0), "2013-03-11T00:00:00+00:00"),
            (Data::Empty, ""),
        ] {
            assert_eq!(name_of(&cell).as_deref().map_err(String::as_str), Ok(name));
        }
    }

    #[test]
    fn numbers_become_texts_where_the_schema_asks_for_them() {
        assert_eq!(json_of_cell(&Data::Float(7.0), true).as_deref().map_err(String::as_str), Ok("\"7\""));
        assert_eq!(json_of_cell(&Data::Bool(true), true).as_deref().map_err(String::as_str), Ok("true"));
        assert_eq!(json_of_cell(&Data::Empty, true).as_deref().map_err(String::as_str), Ok("null"));
    }
}
