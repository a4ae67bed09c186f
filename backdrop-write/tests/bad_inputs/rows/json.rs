//! Bodies that are not JSON, or JSON that could not be kept unchanged.

use crate::bytes::{nested, record};
use crate::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    [grammar(), texts(), numbers(), shapes()].into_iter().flatten().collect()
}

fn invalid(name: &str, body: impl Into<Vec<u8>>, says: &str) -> Row {
    Row::post(name, body).refused(400, "invalid_json").says("Error parsing JSON").says(says)
}

fn grammar() -> Vec<Row> {
    vec![
        invalid("{borked!}", "{borked!}", "line 1 column 2"),
        invalid("an error in line 3", "[{\"aa\":1},\n{\"aa\":2},\n{\"aa\":}]", "line 3"),
        invalid("a trailing comma", "[{\"aa\":1},]", "column"),
        invalid("a trailing comma in a record", "{\"aa\":1,}", "column"),
        invalid("two documents", "{\"aa\":1}{\"aa\":2}", "column"),
        invalid("lines called JSON", "{\"aa\":1}\n{\"aa\":2}", "line 2"),
        invalid("a list that does not end", "[{\"aa\":1}", "EOF"),
        invalid("a comment", "{\"aa\":1} // one", "column"),
        invalid("single quotes", "{'aa':1}", "column"),
        invalid("Python's None", &*record("None"), "column"),
        invalid("HTML", "<html></html>", "column"),
        invalid("129 levels", nested(129), "recursion"),
        invalid("200,000 brackets", "[".repeat(200_000), "recursion"),
        invalid("200,000 braces", "{\"aa\":".repeat(200_000), "recursion"),
    ]
}

fn texts() -> Vec<Row> {
    let with = |bytes: &[u8]| [b"{\"aa\":\"", bytes, b"\"}"].concat();
    vec![
        invalid("invalid UTF-8", with(b"\xff"), "UTF-8 at byte 7"),
        invalid("Windows-1252", with(b"caf\xe9"), "UTF-8"),
        invalid("UTF-16", b"\xff\xfe[\0]\0".to_vec(), "UTF-8"),
        invalid("an overlong slash", with(b"\xc0\xaf"), "UTF-8"),
        invalid("a surrogate as UTF-8", with(b"\xed\xa0\x80"), "UTF-8"),
        invalid("a byte order mark", b"\xef\xbb\xbf[]".to_vec(), "column 1"),
        invalid("a high surrogate alone", record("\"\\ud800\""), "column"),
        invalid("a low surrogate alone", record("\"\\udc00 \""), "column"),
        invalid("surrogates the wrong way round", record("\"\\udc00\\ud800\""), "column"),
        invalid("NUL in a value", record("\"a\\u0000b\""), "NUL"),
        invalid("NUL in a key", "{\"a\\u0000b\":1}", "NUL"),
        invalid("a raw NUL", with(b"\0"), "control character"),
        invalid("a raw line end in a text", with(b"a\nb"), "control character"),
        invalid("a key twice", "{\"aa\":1,\"bb\":2,\"aa\":3}", "\"aa\""),
        invalid("a key twice, once escaped", "{\"aa\":1,\"\\u0061a\":3}", "twice"),
        invalid("_id twice", "{\"_id\":\"one\",\"_id\":\"two\"}", "_id"),
        invalid("a key twice, deep down", "{\"aa\":{\"bb\":{\"cc\":1,\"cc\":2}}}", "cc"),
    ]
}

fn numbers() -> Vec<Row> {
    let number = |name: &str, literal: &str, says: &str| invalid(name, record(literal), says);
    vec![
        number("NaN", "NaN", "column"),
        number("Infinity", "Infinity", "column"),
        number("-Infinity", "-Infinity", "column"),
        number("1e999", "1e999", "out of range"),
        number("-1e999", "-1e999", "out of range"),
        number("5,000 digits", &"9".repeat(5_000), "out of range"),
        number("5,000 digits and a fraction", &format!("{}.5", "9".repeat(5_000)), "out of range"),
        number("2^64", "18446744073709551616", "18446744073709551616"),
        number("below -2^63", "-9223372036854775809", "64 bits"),
        number("01", "01", "column"),
        number("+1", "+1", "column"),
        number(".5", ".5", "column"),
        number("5.", "5.", "column"),
        number("0x10", "0x10", "column"),
        number("1_000", "1_000", "column"),
    ]
}

fn shapes() -> Vec<Row> {
    let not_records =
        |name: &str, body: &str| Row::post(name, body).refused(400, "not_records").says("object");
    vec![
        not_records("a text", "\"x\""),
        not_records("a number", "1"),
        not_records("null", "null"),
        not_records("true", "true"),
        not_records("a scalar in the list", "[{},1]").says("Record 2"),
        not_records("null in the list", "[null]").says("Record 1"),
        not_records("a list in the list", "[{},{},[{}]]").says("Record 3"),
    ]
}
