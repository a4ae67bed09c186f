//! Reading and printing points in time.
//!
//! Backdrop reads what the original's clients send (RFC 3339 and the common forms of ISO 8601) and
//! always prints the same form. Precision is the microsecond, which is what Postgres keeps: finer
//! digits are cut off on reading, so that what is answered equals what is compared.

use crate::zone::Zone;
use chrono::{DateTime, Datelike, FixedOffset, NaiveDate, TimeDelta, Timelike, Utc};

/// A point in time, in UTC.
pub type Timestamp = DateTime<Utc>;

/// Why a text is not a time that Backdrop reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// The text is not of the form `YYYY-MM-DD[THH:MM[:SS[.fff]][Z|±HH:MM]]`.
    #[error("expected a time like 2013-03-11T09:00:00Z (a date, optionally a time of day and an offset)")]
    Form,
    /// The form is right, but there is no such day or time of day.
    #[error("there is no such day or time of day")]
    NoSuchTime,
    /// The time lies outside the years 0001 to 9999 in UTC.
    #[error("the year must be from 0001 to 9999")]
    Year,
}

/// Reads a time: RFC 3339 or ISO 8601 with `T` or a space, seconds and fraction optional, an offset
/// with or without colon, or a date alone. Without an offset it is UTC.
///
/// # Errors
/// If the text has another form, names a time that does not exist (30 February, second 60) or lies
/// outside the years 0001 to 9999.
pub fn parse(text: &str) -> Result<Timestamp, TimeError> {
    let mut input = Scanner(text.as_bytes());
    let year = input.digits(4)?;
    input.expect(b'-')?;
    let month = input.digits(2)?;
    input.expect(b'-')?;
    let day = input.digits(2)?;
    let (mut hour, mut minute, mut second, mut microsecond) = (0, 0, 0, 0);
    let mut offset_seconds = 0;
    if !input.is_empty() {
        if !(input.accept(b'T') || input.accept(b't') || input.accept(b' ')) {
            return Err(TimeError::Form);
        }
        hour = input.digits(2)?;
        input.expect(b':')?;
        minute = input.digits(2)?;
        if input.accept(b':') {
            second = input.digits(2)?;
            if input.accept(b'.') {
                microsecond = input.fraction()?;
            }
        }
        offset_seconds = input.offset()?;
    }
    if year == 0 {
        return Err(TimeError::Year);
    }
    let civil = NaiveDate::from_ymd_opt(year as i32, month, day)
        .and_then(|date| date.and_hms_micro_opt(hour, minute, second, microsecond))
        .ok_or(TimeError::NoSuchTime)?;
    let utc = civil - TimeDelta::seconds(offset_seconds);
    if !(1..=9999).contains(&utc.year()) {
        return Err(TimeError::Year);
    }
    Ok(utc.and_utc())
}

/// Prints a time as every answer shows it: `2013-03-11T00:00:00+00:00`, fractions only if present.
pub fn format(timestamp: Timestamp) -> String {
    format_in(Zone::UTC, timestamp)
}

/// Prints a time by the clock of a zone, with how far that is ahead of UTC. Offsets have whole minutes in this
/// form; before there were time zones, when clocks went by the sun, the text names the same moment by a
/// clock that is some seconds slower.
pub fn format_in(zone: Zone, timestamp: Timestamp) -> String {
    let offset = whole_minutes(zone.offset(timestamp));
    let local = timestamp.with_timezone(&offset);
    let mut text = String::with_capacity(TEXT_BYTES_MAX);
    match u32::try_from(local.year()) {
        Ok(year @ 0..=9999) => push_digits(&mut text, year, 4),
        // A clock that is ahead of UTC at the end of the year 9999.
        _ => text.push_str(&local.format("%Y").to_string()),
    }
    let civil = [
        ('-', local.month()),
        ('-', local.day()),
        ('T', local.hour()),
        (':', local.minute()),
        (':', local.second()),
    ];
    for (before, number) in civil {
        text.push(before);
        push_digits(&mut text, number, 2);
    }
    let microseconds = local.nanosecond() / 1_000;
    if microseconds > 0 {
        text.push('.');
        push_digits(&mut text, microseconds, 6);
        text.truncate(text.trim_end_matches('0').len());
    }
    let minutes = offset.local_minus_utc() / 60;
    text.push(if minutes < 0 { '-' } else { '+' });
    push_digits(&mut text, minutes.unsigned_abs() / 60, 2);
    text.push(':');
    push_digits(&mut text, minutes.unsigned_abs() % 60, 2);
    text
}

/// `+10000-12-31T23:59:59.999999+00:00`.
const TEXT_BYTES_MAX: usize = 34;

/// Writes a number with leading zeros, several times faster than a format of `chrono` does: each record that is stored
/// or read has a time.
fn push_digits(text: &mut String, number: u32, digits: u32) {
    for place in (0..digits).rev() {
        let digit = number / 10_u32.pow(place) % 10;
        text.push(char::from_digit(digit, 10).expect("a remainder of ten"));
    }
}

fn whole_minutes(offset: FixedOffset) -> FixedOffset {
    let seconds = offset.local_minus_utc();
    FixedOffset::east_opt(seconds - seconds.rem_euclid(60)).expect("it is a minute or less from an offset")
}

struct Scanner<'a>(&'a [u8]);

impl Scanner<'_> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.0.first() == Some(&byte);
        if found {
            self.0 = &self.0[1..];
        }
        found
    }

    fn expect(&mut self, byte: u8) -> Result<(), TimeError> {
        if self.accept(byte) { Ok(()) } else { Err(TimeError::Form) }
    }

    /// Exactly `count` digits, at most 4.
    fn digits(&mut self, count: usize) -> Result<u32, TimeError> {
        let (head, rest) = self.0.split_at_checked(count).ok_or(TimeError::Form)?;
        if !head.iter().all(u8::is_ascii_digit) {
            return Err(TimeError::Form);
        }
        self.0 = rest;
        Ok(head.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0')))
    }

    /// One to nine digits after the point, as microseconds; finer ones are cut off.
    fn fraction(&mut self) -> Result<u32, TimeError> {
        let count = self.0.iter().take_while(|byte| byte.is_ascii_digit()).count();
        if !(1..=9).contains(&count) {
            return Err(TimeError::Form);
        }
        let (head, rest) = self.0.split_at(count);
        self.0 = rest;
        let digits = head.iter().fold(0, |number, digit| number * 10 + u32::from(digit - b'0'));
        Ok(digits * 10_u32.pow(9 - count as u32) / 1_000)
    }

    /// The rest of the text: nothing (UTC), `Z`, `±HH`, `±HHMM` or `±HH:MM`. In seconds east of UTC.
    fn offset(&mut self) -> Result<i64, TimeError> {
        if self.is_empty() || ((self.accept(b'Z') || self.accept(b'z')) && self.is_empty()) {
            return Ok(0);
        }
        let sign = if self.accept(b'+') {
            1
        } else if self.accept(b'-') {
            -1
        } else {
            return Err(TimeError::Form);
        };
        let hours = self.digits(2)?;
        let minutes = if self.is_empty() {
            0
        } else {
            self.accept(b':');
            self.digits(2)?
        };
        if !self.is_empty() {
            return Err(TimeError::Form);
        }
        if hours > 23 || minutes > 59 {
            return Err(TimeError::NoSuchTime);
        }
        Ok(sign * i64::from(hours * 3_600 + minutes * 60))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalised(text: &str) -> Result<String, TimeError> {
        parse(text).map(format)
    }

    #[test]
    fn reads_every_documented_form() {
        for (text, expected) in [
            ("2013-03-11", "2013-03-11T00:00:00+00:00"),
            ("2013-03-11T09:30", "2013-03-11T09:30:00+00:00"),
            ("2013-03-11T09:30:15Z", "2013-03-11T09:30:15+00:00"),
            ("2013-03-11 09:30:15", "2013-03-11T09:30:15+00:00"),
            ("2013-03-11T09:30:15+01:00", "2013-03-11T08:30:15+00:00"),
            ("2013-03-11T09:30:15-0130", "2013-03-11T11:00:15+00:00"),
            ("2018-06-22T00:00:00.000Z", "2018-06-22T00:00:00+00:00"),
            ("2018-06-22T00:00:00.25Z", "2018-06-22T00:00:00.25+00:00"),
            ("2018-06-22T00:00:00.123456789Z", "2018-06-22T00:00:00.123456+00:00"),
            ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+00:00"),
            ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
            ("2024-02-29", "2024-02-29T00:00:00+00:00"),
        ] {
            assert_eq!(normalised(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_time() {
        for (text, expected) in [
            ("", TimeError::Form),
            ("now", TimeError::Form),
            ("infinity", TimeError::Form),
            ("2013-3-11", TimeError::Form),
            ("2013-03-11T", TimeError::Form),
            ("2013-03-11T09:30:15Zulu", TimeError::Form),
            ("2013-03-11T09:30:15 Europe/London", TimeError::Form),
            ("294277-01-01", TimeError::Form),
            ("2026-02-30", TimeError::NoSuchTime),
            ("2013-03-11T24:00:00Z", TimeError::NoSuchTime),
            ("2013-03-11T09:30:60Z", TimeError::NoSuchTime),
            ("2013-03-11T09:30:15+25:00", TimeError::NoSuchTime),
            ("0000-01-01", TimeError::Year),
            ("0001-01-01T00:00:00+01:00", TimeError::Year),
            ("9999-12-31T23:59:59-01:00", TimeError::Year),
        ] {
            assert_eq!(normalised(text), Err(expected), "{text}");
        }
    }

    #[test]
    fn a_zone_shows_its_own_clock_and_names_the_same_moment() {
        let london = Zone::parse("Europe/London").expect("a zone");
        let shown = |text: &str| format_in(london, parse(text).expect("a time"));
        assert_eq!(shown("2013-06-10T23:00:00.5Z"), "2013-06-11T00:00:00.5+01:00");
        // Midnight of local mean time, a minute and a quarter after that of Greenwich.
        assert_eq!(shown("1800-01-01T00:01:15Z"), "1799-12-31T23:59:15-00:02");
        assert_eq!(parse(&shown("1800-01-01T00:01:15Z")), parse("1800-01-01T00:01:15Z"));
    }

    proptest::proptest! {
        #[test]
        fn printing_and_reading_are_inverse(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let timestamp = Timestamp::from_timestamp_micros(micros).expect("within range");
            proptest::prop_assert_eq!(parse(&format(timestamp)), Ok(timestamp));
        }
    }
}
