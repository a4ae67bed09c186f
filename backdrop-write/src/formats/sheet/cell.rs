//! What a cell means as a value of a record.

use crate::formats::gathering::push_text;
use backdrop_core::time;
use calamine::{CellErrorType, Data, ExcelDateTime};

/// Whole numbers up to here are exact in a spreadsheet, which knows only floating-point numbers.
const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
/// The names of errors.
const ERRORS: [&str; 7] = ["#REF!", "#DIV/0!", "#NAME?", "#VALUE!", "#N/A", "#NUM!", "#NULL!"];
const SECONDS_A_DAY: f64 = 86_400.0;
/// What stands for a formula without a value; spreadsheets use this error for values that are still to come.
pub(super) const NOT_COMPUTED: Data = Data::Error(CellErrorType::GettingData);

/// A cell's value as it is written into a record; or why it cannot be.
pub(super) fn push(json: &mut String, cell: &Data, is_text: bool) -> Result<(), String> {
    if *cell == NOT_COMPUTED {
        return Err("the formula has no computed value; open the file, recalculate and save it".to_owned());
    }
    if let Some(error) = error(cell) {
        return Err(format!("the cell holds the error {error}; correct its formula or clear it"));
    }
    match cell {
        Data::String(text) if text.contains('\0') => return Err(crate::formats::gathering::NUL.to_owned()),
        Data::Empty => json.push_str("null"),
        Data::String(text) if text.is_empty() => json.push_str("null"),
        Data::Float(number) if !number.is_finite() => {
            return Err("the cell holds no finite number".to_owned());
        }
        Data::DateTime(moment) if !moment.as_f64().is_finite() => {
            return Err("the cell holds no finite number".to_owned());
        }
        Data::Int(_) | Data::Float(_) if is_text => push_text(json, &text(cell)),
        Data::Int(_) | Data::Float(_) | Data::Bool(_) => json.push_str(&text(cell)),
        _ => push_text(json, &text(cell)),
    }
    Ok(())
}

/// The error that a cell holds, if it does. ODS has no type for errors, only the text that is shown; and nobody
/// means such a text as a figure in the other formats, either.
pub(super) fn error(cell: &Data) -> Option<String> {
    match cell {
        Data::Error(error) => Some(error.to_string()),
        Data::String(text) if ERRORS.contains(&text.as_str()) || is_office_error(text) => Some(text.clone()),
        _ => None,
    }
}

/// What LibreOffice shows for errors that have no name: `Err:502`.
fn is_office_error(text: &str) -> bool {
    let number = text.strip_prefix("Err:");
    number.is_some_and(|number| number.len() == 3 && number.bytes().all(|byte| byte.is_ascii_digit()))
}

/// A cell as text: what stands in a record, without quotes.
pub(super) fn text(cell: &Data) -> String {
    match cell {
        Data::Empty => String::new(),
        Data::Int(number) => number.to_string(),
        // Zero is added to make 0 of -0.
        Data::Float(number) if number.fract() == 0.0 && number.abs() <= EXACT_MAX => {
            format!("{:.0}", number + 0.0)
        }
        Data::Float(number) => serde_json::to_string(number).expect("a number can be written"),
        Data::String(text) => text.clone(),
        Data::Bool(value) => value.to_string(),
        Data::DateTime(moment) => moment_text(moment),
        // A date is written like all times; what is no date is kept as it is.
        Data::DateTimeIso(text) => time::parse(text).map(time::format).unwrap_or_else(|_| text.clone()),
        Data::DurationIso(text) => duration_seconds(text).map(clock_text).unwrap_or_else(|| text.clone()),
        Data::Error(error) => error.to_string(),
    }
}

/// A date with its time of day; or a time of day or a duration alone, which spreadsheets keep as the part of a day.
/// What is below zero lies before the first day that a spreadsheet knows, so it is a duration, however it is shown.
fn moment_text(moment: &ExcelDateTime) -> String {
    let days = moment.as_f64();
    if moment.is_duration() || days < 1.0 {
        return clock_text(days * SECONDS_A_DAY);
    }
    let (year, month, day, hour, minute, second, millisecond) = moment.to_ymd_hms_milli();
    let fraction = if millisecond == 0 { String::new() } else { format!(".{millisecond:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}+00:00")
}

/// A time of day or a duration, to the second: `09:30:00`.
fn clock_text(seconds: f64) -> String {
    let seconds = seconds.round();
    let sign = if seconds < 0.0 { "-" } else { "" };
    let (hours, rest) = ((seconds.abs() / 3_600.0).trunc(), seconds.abs() % 3_600.0);
    format!("{sign}{hours:02}:{:02}:{:02}", (rest / 60.0).trunc(), rest % 60.0)
}

/// The seconds of a duration as ODS writes it (`PT09H30M00S`, after ISO 8601). Years and months have no fixed
/// length, and no spreadsheet writes them.
fn duration_seconds(text: &str) -> Option<f64> {
    let (sign, unsigned) = text.strip_prefix('-').map_or((1.0, text), |unsigned| (-1.0, unsigned));
    let parts = unsigned.strip_prefix('P')?;
    let (mut days, mut times) = parts.split_once('T').unwrap_or((parts, ""));
    let seconds = take(&mut days, 'D')? * SECONDS_A_DAY
        + take(&mut times, 'H')? * 3_600.0
        + take(&mut times, 'M')? * 60.0
        + take(&mut times, 'S')?;
    (days.is_empty() && times.is_empty() && seconds.is_finite()).then_some(sign * seconds)
}

/// Takes the number of a unit from the front, if there is one.
fn take(rest: &mut &str, unit: char) -> Option<f64> {
    let Some((number, further)) = rest.split_once(unit) else { return Some(0.0) };
    *rest = further;
    let is_number = number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if is_number { number.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use calamine::ExcelDateTimeType;

    fn written(cell: &Data, is_text: bool) -> Result<String, String> {
        let mut json = String::new();
        push(&mut json, cell, is_text).map(|()| json)
    }

    #[test]
    fn cells_keep_their_types() {
        let date = |days, kind| Data::DateTime(ExcelDateTime::new(days, kind, false));
        for (cell, is_text, json) in [
            (Data::Float(12.0), false, "12"),
            (Data::Float(12.0), true, "\"12\""),
            (Data::Float(-0.5), false, "-0.5"),
            (Data::Float(0.5), true, "\"0.5\""),
            (Data::Float(1e300), false, "1e+300"),
            (Data::Float(-0.0), false, "0"),
            (Data::Float(0.0), false, "0"),
            (Data::Int(-3), false, "-3"),
            (Data::Bool(true), false, "true"),
            (Data::Empty, true, "null"),
            (Data::String(String::new()), false, "null"),
            (Data::String("a \"b\"".into()), false, r#""a \"b\"""#),
            (Data::String("007".into()), false, r#""007""#),
            (date(41_344.0, ExcelDateTimeType::DateTime), false, "\"2013-03-11T00:00:00+00:00\""),
            (
                date(41_344.395_833_333_336, ExcelDateTimeType::DateTime),
                false,
                "\"2013-03-11T09:30:00+00:00\"",
            ),
            (date(0.395_833_333_333, ExcelDateTimeType::DateTime), false, "\"09:30:00\""),
            (date(1.5, ExcelDateTimeType::TimeDelta), false, "\"36:00:00\""),
            (date(-1.0 / 48.0, ExcelDateTimeType::TimeDelta), false, "\"-00:30:00\""),
            (date(-1.25, ExcelDateTimeType::TimeDelta), false, "\"-30:00:00\""),
            (date(-0.000_001, ExcelDateTimeType::TimeDelta), false, "\"00:00:00\""),
            (date(-1.0 / 48.0, ExcelDateTimeType::DateTime), false, "\"-00:30:00\""),
            (date(-1.5, ExcelDateTimeType::DateTime), false, "\"-36:00:00\""),
            (Data::DateTimeIso("2013-03-11".into()), false, "\"2013-03-11T00:00:00+00:00\""),
            (date(-1.0 / 48.0, ExcelDateTimeType::TimeDelta), false, "\"-00:30:00\""),
            (Data::DurationIso("PT09H30M00S".into()), false, "\"09:30:00\""),
            (Data::DurationIso("PT30H00M00.000000000S".into()), false, "\"30:00:00\""),
            (Data::DurationIso("-PT00H30M00S".into()), false, "\"-00:30:00\""),
            (Data::DurationIso("P1DT6H".into()), false, "\"30:00:00\""),
            (Data::DurationIso("P1M".into()), false, "\"P1M\""),
            (Data::DurationIso("PT".into()), false, "\"00:00:00\""),
            (Data::DurationIso("PTxS".into()), false, "\"PTxS\""),
        ] {
            assert_eq!(written(&cell, is_text).as_deref(), Ok(json), "{cell:?}");
        }
        let error = written(&Data::Error(CellErrorType::Ref), false).expect_err("an error");
        assert!(error.contains("#REF!"), "{error}");
        for text in ["a\0", "#N/A", "Err:502"] {
            assert!(written(&Data::String(text.into()), false).is_err(), "{text}");
        }
        for cell in [Data::Float(f64::NAN), date(f64::INFINITY, ExcelDateTimeType::TimeDelta)] {
            assert!(written(&cell, false).is_err(), "{cell:?}");
        }
    }
}
