//! Times as spreadsheets count them.

use backdrop_core::time;
use rust_xlsxwriter::ExcelDateTime;

/// Spreadsheets know no time before.
const FIRST_YEAR: u16 = 1900;
const SECONDS_PER_DAY: f64 = 86_400.0;

/// The days since the beginning of 1900 of a printed time; `None` for what is no such time, or an earlier
/// one.
///
/// It is the date and the time of day that stand in the text. Cells have no offset, and the start of a day
/// in London has to show as midnight.
pub(super) fn serial(text: &str) -> Option<f64> {
    // From here on the form is known but for the time of day, which may be left out.
    time::parse(text).ok()?;
    let date =
        ExcelDateTime::from_ymd(number(text, 0, 4)?, number(text, 5, 7)?, number(text, 8, 10)?).ok()?;
    if number::<u16>(text, 0, 4)? < FIRST_YEAR {
        return None;
    }
    let (hours, minutes) = (number::<f64>(text, 11, 13)?, number::<f64>(text, 14, 16)?);
    let offset = text.get(17..)?.find(['Z', 'z', '+', '-'])?;
    let seconds: f64 = number(text, 17, 17 + offset)?;
    let second_of_day = hours * 3_600.0 + minutes * 60.0 + seconds;
    Some(date.to_excel() + second_of_day / SECONDS_PER_DAY)
}

fn number<N: std::str::FromStr>(text: &str, from: usize, to: usize) -> Option<N> {
    text.get(from..to)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_stands_in_the_text_is_what_counts() {
        for (text, days) in [
            ("1900-01-01T00:00:00+00:00", 1.0),
            ("1900-03-01T00:00:00+00:00", 61.0),
            ("2013-03-11T00:00:00+00:00", 41_344.0),
            ("2013-03-11T12:00:00+00:00", 41_344.5),
            ("2013-06-11T00:00:00+01:00", 41_436.0),
            ("2013-06-10T23:00:00-11:30", 41_435.0 + 23.0 / 24.0),
            ("2013-03-11T18:00:00Z", 41_344.75),
            ("2013-03-11T00:00:59.9999+00:00", 41_344.0 + 59.9999 / 86_400.0),
            ("9999-12-31T00:00:00+00:00", 2_958_465.0),
        ] {
            assert_eq!(serial(text), Some(days), "{text}");
        }
    }

    #[test]
    fn what_a_spreadsheet_cannot_count_is_left_alone() {
        for text in [
            "",
            "soon",
            "1899-12-31T00:00:00+00:00",
            "0001-01-01T00:00:00+00:00",
            "10000-01-01T00:00:00+00:00",
            "2013-02-30T00:00:00+00:00",
            "2013-03-11",
            "2013-03-11T09:30",
            "2013-03-11T09:30:15",
            "é2013-03-11T09:30:15+00:00",
        ] {
            assert_eq!(serial(text), None, "{text}");
        }
    }
}
