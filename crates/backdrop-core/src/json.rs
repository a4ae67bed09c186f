//! Reading JSON from clients, strictly: what would be changed or lost in silence is refused at the door,
//! with a line and a column where the parser knows them. (But for the digits of a fraction that go beyond
//! what a 64-bit floating-point number holds.)
//!
//! Beyond the grammar that means: no duplicate keys (the last would win silently), no NUL (Postgres
//! cannot keep it), no integer outside of 64 bits (it would lose digits), at most 128 levels, and at most
//! [`KEYS_MAX`] keys in an object.

use crate::error::{ApiError, ErrorCode};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// The most keys of an object. Records have a few dozen; comparing a million of them takes more memory than the body.
const KEYS_MAX: usize = 32_768;
/// How much of a key or a literal is repeated in a message.
const SHOWN_CHARS: usize = 100;

/// What a body turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordsText<'a> {
    /// A JSON array of objects.
    pub array: Cow<'a, str>,
    /// How many objects it holds.
    pub count: usize,
}

/// Checks that a body is one record or a list of records, and brings it into the form of a list.
///
/// # Errors
/// [`ErrorCode::EmptyBody`], [`ErrorCode::InvalidJson`] or [`ErrorCode::NotRecords`], saying where.
pub fn records_text(body: &[u8]) -> Result<RecordsText<'_>, ApiError> {
    let (text, shape) = walk(body)?;
    match shape {
        Shape::Object => Ok(RecordsText { array: Cow::Owned(format!("[{text}]")), count: 1 }),
        Shape::Array { items, not_object: None } => {
            Ok(RecordsText { array: Cow::Borrowed(text), count: items })
        }
        Shape::Array { not_object: Some(record), .. } => Err(ApiError::new(
            ErrorCode::NotRecords,
            format!("Record {record} is not an object. Expected a JSON object or a list of objects."),
        )),
        Shape::Other => Err(ApiError::new(
            ErrorCode::NotRecords,
            "Expected a JSON object (one record) or a list of objects.",
        )),
    }
}

/// Reads any JSON value, as strictly as records.
///
/// # Errors
/// [`ErrorCode::EmptyBody`] or [`ErrorCode::InvalidJson`], saying where.
pub fn value(body: &[u8]) -> Result<serde_json::Value, ApiError> {
    let (text, _) = walk(body)?;
    serde_json::from_str(text).map_err(|error| parse_error(error.to_string()))
}

/// The body as text, and what it turned out to be.
fn walk(body: &[u8]) -> Result<(&str, Shape), ApiError> {
    if body.is_empty() {
        let message = "Expected JSON request body but received zero bytes.";
        return Err(ApiError::new(ErrorCode::EmptyBody, message));
    }
    read(body).map_err(parse_error)
}

fn parse_error(detail: String) -> ApiError {
    ApiError::new(ErrorCode::InvalidJson, format!("Error parsing JSON: {detail}"))
}

/// JSON whose texts hold the mark for what cannot be shown (U+FFFD) in the place of NUL.
pub fn without_nul(json: &str) -> String {
    let mut clean = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find('\\') {
        let escape = rest.get(at..at + 6).filter(|escape| *escape == "\\u0000");
        // What stands behind a backslash is no escape of its own.
        let (mark, length) = match escape {
            Some(_) => ("\u{fffd}", 6),
            None => (&rest[at..at + 2], 2),
        };
        clean.push_str(&rest[..at]);
        clean.push_str(mark);
        rest = &rest[at + length..];
    }
    clean + rest
}

/// How many items a JSON array holds; `None` if it is none.
pub fn count(array: &[u8]) -> Option<usize> {
    serde_json::from_slice::<Vec<IgnoredAny>>(array).ok().map(|items| items.len())
}

/// The JSON array of those items of a JSON array that have these numbers, counted from 1.
pub fn pick(array: &[u8], numbers: &[usize]) -> Vec<u8> {
    let items: Vec<&RawValue> = serde_json::from_slice(array).unwrap_or_default();
    let picked: Vec<&RawValue> =
        numbers.iter().filter_map(|number| items.get(number.checked_sub(1)?).copied()).collect();
    serde_json::to_vec(&picked).expect("what was read can be written")
}

/// Checks that a line is one record, as strictly as a body is checked.
///
/// # Errors
/// What is wrong with it, and in which column.
pub fn record_line(line: &[u8]) -> Result<&str, String> {
    match read(line) {
        Ok((text, Shape::Object)) => Ok(text),
        Ok(_) => Err("expected a JSON object on the line".into()),
        // The parser counts lines, too, and knows only this one.
        Err(detail) => Err(detail.replace(" at line 1 column ", " at column ")),
    }
}

/// The text of a body and what it is, if it can be kept unchanged; or else what is in the way.
fn read(body: &[u8]) -> Result<(&str, Shape), String> {
    let text = std::str::from_utf8(body)
        .map_err(|error| format!("invalid UTF-8 at byte {}; send the body as UTF-8", error.valid_up_to()))?;
    let mut top = Top::default();
    let mut deserializer = serde_json::Deserializer::from_str(text);
    TopSeed(&mut top)
        .deserialize(&mut deserializer)
        .and_then(|()| deserializer.end())
        .map_err(|error| error.to_string())?;
    if top.has_huge_number
        && let Some(literal) = integer_out_of_range(text)
    {
        return Err(format!(
            "the integer {} is outside of 64 bits and would lose digits; send it as a string",
            shown(literal)
        ));
    }
    Ok((text, top.shape))
}

/// The first integer literal that fits neither `i64` nor `u64`. Only called for bodies that hold a
/// number of such a size at all, written as an integer or not.
fn integer_out_of_range(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at += 1;
                while bytes[at] != b'"' {
                    at += if bytes[at] == b'\\' { 2 } else { 1 };
                }
                at += 1;
            }
            b'-' | b'0'..=b'9' => {
                let is_number = |byte: &u8| matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9');
                let length = bytes[at..].iter().take_while(|byte| is_number(byte)).count();
                let literal = &text[at..at + length];
                let is_integer = !literal.contains(['.', 'e', 'E']);
                let fits = || literal.parse::<i64>().is_ok() || literal.parse::<u64>().is_ok();
                if is_integer && !fits() && !is_exact_fraction(literal) {
                    return Some(literal);
                }
                at += length;
            }
            _ => at += 1,
        }
    }
    None
}

/// Whether an integer is what a floating-point number is written as in full: an export writes 1e20 so, and it is
/// read as the same number again.
fn is_exact_fraction(literal: &str) -> bool {
    literal.parse::<f64>().is_ok_and(|value| value.is_finite() && value.to_string() == literal)
}

#[derive(Default)]
enum Shape {
    Object,
    Array {
        items: usize,
        /// The first item that is not an object, counted from 1.
        not_object: Option<usize>,
    },
    #[default]
    Other,
}

#[derive(Default)]
struct Top {
    shape: Shape,
    has_huge_number: bool,
}

struct TopSeed<'t>(&'t mut Top);

impl<'de> DeserializeSeed<'de> for TopSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        let mut items = Items { count: 0, not_object: None };
        let mut check = Check { huge: &mut self.0.has_huge_number, items: Some(&mut items) };
        let kind = check.run(deserializer)?;
        self.0.shape = match kind {
            Kind::Object => Shape::Object,
            Kind::Array => Shape::Array { items: items.count, not_object: items.not_object },
            Kind::Scalar => Shape::Other,
        };
        Ok(())
    }
}

struct Items {
    count: usize,
    not_object: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Object,
    Array,
    Scalar,
}

/// Walks a value without building it.
struct Check<'t> {
    huge: &'t mut bool,
    /// Set on the outermost value only: what its items are.
    items: Option<&'t mut Items>,
}

impl Check<'_> {
    fn run<'de, D: Deserializer<'de>>(&mut self, deserializer: D) -> Result<Kind, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// Keys to which serde_json gives a meaning of its own if some crate of the build turns that on: the value
/// would be read as JSON once more, past all that is checked here.
const RESERVED_BY_PARSER: &str = "$serde_json::private::";
/// Numbers from here on may have been integers before they became floating-point numbers.
const HUGE: f64 = 9.2e18;

impl<'de> Visitor<'de> for &mut Check<'_> {
    type Value = Kind;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, _: bool) -> Result<Kind, E> {
        Ok(Kind::Scalar)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Kind, E> {
        Ok(Kind::Scalar)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Kind, E> {
        Ok(Kind::Scalar)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        *self.huge |= value.abs() >= HUGE;
        Ok(Kind::Scalar)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Kind, E> {
        refuse_nul(value)?;
        Ok(Kind::Scalar)
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Kind, A::Error> {
        let mut count = 0;
        let mut not_object = None;
        while let Some(kind) = seq.next_element_seed(CheckSeed(self.huge))? {
            count += 1;
            if kind != Kind::Object {
                not_object = not_object.or(Some(count));
            }
        }
        if let Some(items) = self.items.as_deref_mut() {
            *items = Items { count, not_object };
        }
        Ok(Kind::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut keys: Vec<Key<'de>> = Vec::new();
        while let Some(key) = map.next_key::<Key<'de>>()? {
            refuse_nul(&key.0)?;
            if key.0.starts_with(RESERVED_BY_PARSER) {
                return Err(A::Error::custom(format!("the key {:?} is not allowed", shown(&key.0))));
            }
            if keys.len() == KEYS_MAX {
                return Err(A::Error::custom(format!("an object has more than {KEYS_MAX} keys")));
            }
            keys.push(key);
            map.next_value_seed(CheckSeed(self.huge))?;
        }
        keys.sort_unstable();
        if let Some(pair) = keys.windows(2).find(|pair| pair[0] == pair[1]) {
            let key = shown(&pair[0].0);
            return Err(A::Error::custom(format!("the key {key:?} stands twice in one object")));
        }
        Ok(Kind::Object)
    }
}

struct CheckSeed<'t>(&'t mut bool);

impl<'de> DeserializeSeed<'de> for CheckSeed<'_> {
    type Value = Kind;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Kind, D::Error> {
        Check { huge: self.0, items: None }.run(deserializer)
    }
}

/// A key, borrowed from the body unless it holds escapes.
#[derive(PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

/// A text as a message repeats it: cut off, so that an answer does not become as large as the body.
fn shown(text: &str) -> String {
    text.chars().take(SHOWN_CHARS).collect()
}

fn refuse_nul<E: Error>(text: &str) -> Result<(), E> {
    if text.contains('\0') {
        return Err(E::custom("the character NUL (\\u0000) cannot be stored; leave it out"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_record_and_a_list_both_become_a_list() {
        let one = records_text(br#" {"a":1} "#).expect("valid");
        assert_eq!((one.array.as_ref(), one.count), (r#"[ {"a":1} ]"#, 1));
        let list = records_text(br#"[{"a":1},{"a":[{"b":2}]}]"#).expect("valid");
        assert_eq!((list.array.as_ref(), list.count), (r#"[{"a":1},{"a":[{"b":2}]}]"#, 2));
        assert_eq!(records_text(b"[]").expect("valid").count, 0);
    }

    #[test]
    fn what_cannot_be_kept_is_refused() {
        let deep = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
        for (body, code, part) in [
            (&b""[..], ErrorCode::EmptyBody, "zero bytes"),
            (b"  ", ErrorCode::InvalidJson, "line 1"),
            (b"{borked!}", ErrorCode::InvalidJson, "line 1 column 2"),
            (b"\xff{}", ErrorCode::InvalidJson, "UTF-8"),
            (b"\xef\xbb\xbf{}", ErrorCode::InvalidJson, "line 1 column 1"),
            (br#"{"a":"\ud800"}"#, ErrorCode::InvalidJson, "hex escape"),
            (br#"{"a":"\u0000"}"#, ErrorCode::InvalidJson, "NUL"),
            (br#"{"a\u0000":1}"#, ErrorCode::InvalidJson, "NUL"),
            (br#"{"a":1,"b":2,"\u0061":3}"#, ErrorCode::InvalidJson, "\"a\" stands twice"),
            (br#"[{"a":NaN}]"#, ErrorCode::InvalidJson, "line 1"),
            (br#"[{"a":1e999}]"#, ErrorCode::InvalidJson, "out of range"),
            (br#"[{"a":18446744073709551616}]"#, ErrorCode::InvalidJson, "64 bits"),
            (br#"[{"a":-9223372036854775809}]"#, ErrorCode::InvalidJson, "64 bits"),
            (br#"[{"a":01}]"#, ErrorCode::InvalidJson, "line 1"),
            (br#"[{"a":1},]"#, ErrorCode::InvalidJson, "trailing comma"),
            (b"{} {}", ErrorCode::InvalidJson, "trailing characters"),
            (deep.as_bytes(), ErrorCode::InvalidJson, "recursion limit"),
            (
                br#"{"aa":{"$serde_json::private::RawValue":"\"\\u0000\""}}"#,
                ErrorCode::InvalidJson,
                "not allowed",
            ),
            (b"\"x\"", ErrorCode::NotRecords, "list of objects"),
            (b"null", ErrorCode::NotRecords, "list of objects"),
            (b"[{},1]", ErrorCode::NotRecords, "Record 2"),
        ] {
            let error = records_text(body).expect_err(part);
            assert_eq!(error.code, code, "{part}");
            assert!(error.message.contains(part), "{:?} does not say {part:?}", error.message);
        }
    }

    #[test]
    fn keys_are_bounded_and_messages_are_short() {
        let keys = |count: usize| (0..count).map(|key| format!("\"k{key}\":1")).collect::<Vec<_>>().join(",");
        assert!(records_text(format!("{{{}}}", keys(KEYS_MAX)).as_bytes()).is_ok());
        let error = records_text(format!("{{{}}}", keys(KEYS_MAX + 1)).as_bytes()).expect_err("many keys");
        assert!(error.message.contains("more than 32768 keys"), "{error}");
        let (key, number) = ("k".repeat(10_000), "1".repeat(10_000));
        for body in [format!("{{\"{key}\":1,\"{key}\":2}}"), format!("[{{\"aa\":{number}}}]")] {
            assert!(records_text(body.as_bytes()).is_err_and(|error| error.message.len() < 300));
        }
    }

    #[test]
    fn a_line_is_one_record() {
        assert_eq!(record_line(br#" {"a":1}"#), Ok(r#" {"a":1}"#));
        for (line, part) in [
            (&b"[1]"[..], "a JSON object"),
            (b"{\"a\":1", "at column 6"),
            (b"{} {}", "trailing characters at column 4"),
            (b"\xe9", "UTF-8"),
            (br#"{"a":1,"a":2}"#, "stands twice"),
        ] {
            let error = record_line(line).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn only_a_nul_is_taken_out() {
        let text = "a\0b \\u0000 \\\0 \" é\n\0";
        let json = serde_json::to_string(text).expect("a text");
        let clean: String = serde_json::from_str(&without_nul(&json)).expect("still JSON");
        assert_eq!(clean, text.replace('\0', "\u{fffd}"));
    }

    #[test]
    fn items_are_picked_as_they_stand() {
        let array = br#"[{"a":1.10}, "text" ,{"b":2}]"#;
        assert_eq!(count(array), Some(3));
        assert_eq!(pick(array, &[1, 3]), br#"[{"a":1.10},{"b":2}]"#);
        assert_eq!((count(b"{}"), pick(b"{}", &[1])), (None, b"[]".to_vec()));
    }

    #[test]
    fn large_but_exact_numbers_pass() {
        let written_in_full = format!("15{}", "0".repeat(299));
        for number in [
            "18446744073709551615",
            "-9223372036854775808",
            "1e20",
            "100000000000000000000",
            &written_in_full,
        ] {
            let body = format!(r#"[{{"text":"99999999999999999999 \" 1","a":{number}}}]"#);
            assert!(records_text(body.as_bytes()).is_ok(), "{number}");
        }
    }
}
