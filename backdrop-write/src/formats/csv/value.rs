//! What a field of CSV means: a number, a boolean, nothing, or a text.

use crate::formats::gathering::push_text;

/// Adds a field as JSON.
pub(super) fn push(json: &mut String, field: &str, is_text: bool) {
    match field {
        "" => json.push_str("null"),
        _ if !is_text && (matches!(field, "true" | "false") || is_exact_number(field)) => {
            json.push_str(field)
        }
        _ => push_text(json, field),
    }
}

/// Whether a text is a JSON number that loses nothing by being one: `007` is no JSON number, and of twenty
/// digits some would be lost.
fn is_exact_number(text: &str) -> bool {
    if !is_json_number(text) {
        return false;
    }
    if !text.contains(['.', 'e', 'E']) {
        return text.parse::<i64>().is_ok() || text.parse::<u64>().is_ok();
    }
    let Ok(number) = text.parse::<f64>() else { return false };
    // The digits that the number keeps are those of its shortest form.
    number.is_finite() && significant(text) == significant(&format!("{number:e}"))
}

/// The digits of a number without exponent, without zeros in front and at the end.
fn significant(text: &str) -> String {
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let digits: String = mantissa.chars().filter(char::is_ascii_digit).collect();
    digits.trim_matches('0').to_owned()
}

/// RFC 8259, `number`.
fn is_json_number(text: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (unsigned, None),
    };
    let (whole, fraction) = match mantissa.split_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (mantissa, None),
    };
    let is_whole = digits(whole) && (whole == "0" || !whole.starts_with('0'));
    let exponent = exponent.map(|exponent| exponent.strip_prefix(['+', '-']).unwrap_or(exponent));
    is_whole && fraction.is_none_or(digits) && exponent.is_none_or(digits)
}

/// Which fields of a row were written in quotes, which the reader does not tell; or what is wrong with the quotes,
/// of which the reader would make something that nobody meant.
pub(super) fn quoted(row: &[u8]) -> Result<Vec<bool>, String> {
    let mut quoted = Vec::new();
    let mut rest = row;
    loop {
        let is_quoted = rest.first() == Some(&b'"');
        quoted.push(is_quoted);
        if is_quoted {
            rest = after_quotes(&rest[1..])
                .ok_or("a quote that is opened is never closed; write a quote within a field twice")?;
            if !matches!(rest, [] | [b',' | b'\r' | b'\n', ..]) {
                return Err(format!(
                    "there is text after the quote that closes field {}; write a quote within a field twice, and \
                     nothing between the last one and the comma",
                    quoted.len()
                ));
            }
        }
        match rest.iter().position(|byte| *byte == b',') {
            Some(comma) => rest = &rest[comma + 1..],
            None => return Ok(quoted),
        }
    }
}

/// What comes after the quote that closes a field; within it a quote is written twice.
fn after_quotes(mut rest: &[u8]) -> Option<&[u8]> {
    loop {
        let quote = rest.iter().position(|byte| *byte == b'"')?;
        rest = &rest[quote + 1..];
        match rest {
            [b'"', more @ ..] => rest = more,
            _ => return Some(rest),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_that_lose_nothing() {
        for number in
            ["0", "-1", "12.5", "1e5", "18446744073709551615", "0.1", "100.00", "-0.5E-3", "1234567.89"]
        {
            assert!(is_exact_number(number), "{number}");
        }
        for text in [
            "007",
            "+44",
            "1.",
            ".5",
            "1e",
            "0x1",
            "1 ",
            "NaN",
            "18446744073709551616",
            "1e400",
            "0.12345678901234567890",
        ] {
            assert!(!is_exact_number(text), "{text}");
        }
    }

    #[test]
    fn fields_in_quotes_are_known() {
        assert_eq!(quoted(b"1,\"2\",\"a,\"\"b\"\",\",4\n"), Ok(vec![false, true, true, false]));
        assert_eq!(quoted(b""), Ok(vec![false]));
        assert_eq!(quoted(b"\"1\"\r\n"), Ok(vec![true]));
        for (row, part) in [
            (&b"1,\"open"[..], "never closed"),
            (b"\"5\" pipe\",1\n", "closes field 1"),
            (b"1,\"a\"b\n", "closes field 2"),
        ] {
            let error = quoted(row).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }
}
