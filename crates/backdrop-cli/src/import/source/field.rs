//! What a field of CSV means: the rules of the service for `text/csv`.

use serde_json::{Number, Value};
use std::borrow::Cow;

/// The value of a field as JSON.
pub(super) fn json_of_field(text: &str, is_quoted: bool, is_text: bool) -> Cow<'_, str> {
    if text.is_empty() {
        return Cow::Borrowed("null");
    }
    let is_bare = !is_quoted && !is_text;
    if is_bare && (matches!(text, "true" | "false") || is_exact_number(text)) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(Value::from(text).to_string())
}

/// Whether a text is a number of JSON that loses nothing when it is kept as one: a code such as `007` or an
/// account number of 20 digits is a text.
fn is_exact_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_framed =
        matches!(bytes.first(), Some(b'-' | b'0'..=b'9')) && bytes.last().is_some_and(u8::is_ascii_digit);
    let Some(number) = is_framed.then(|| serde_json::from_str::<Number>(text).ok()).flatten() else {
        return false;
    };
    if number.is_i64() || number.is_u64() {
        return true;
    }
    let is_integer = !text.contains(['.', 'e', 'E']);
    let exact = number.as_f64().is_some_and(|float| digits(&format!("{float:e}")) == digits(text));
    // `-0` is an integer only in form: no integer has that sign.
    exact && (!is_integer || text == "-0")
}

/// The significant digits of a number.
fn digits(number: &str) -> Vec<u8> {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    let digits: Vec<u8> =
        mantissa.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0').collect();
    let end = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    digits[..end].to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_that_looks_like_a_number_is_one_unless_that_would_lose_something() {
        for number in [
            "0",
            "-1",
            "1.50",
            "1e3",
            "-2.5E-7",
            "0.1",
            "18446744073709551615",
            "-9223372036854775808",
            "0.0",
        ] {
            assert_eq!(json_of_field(number, false, false), number);
        }
        for text in [
            "007",
            "+44",
            "1,000",
            ".5",
            "1.",
            "1e",
            "NaN",
            " 1",
            "1 ",
            "0x1",
            "12345678901234567890123",
            "1e999",
            "0.12345678901234567890",
            "True",
            "null",
        ] {
            assert_eq!(json_of_field(text, false, false), format!("\"{text}\""));
        }
    }

    #[test]
    fn quotes_and_the_schema_make_texts() {
        assert_eq!(json_of_field("7", true, false), "\"7\"");
        assert_eq!(json_of_field("7", false, true), "\"7\"");
        assert_eq!(json_of_field("true", false, false), "true");
        assert_eq!(json_of_field("true", true, false), "\"true\"");
        assert_eq!(json_of_field("a\"b\n", true, false), r#""a\"b\n""#);
        assert_eq!(json_of_field("", true, true), "null");
    }
}
