//! What looks bad and is taken: a judge who only ever expects refusals would not notice a service that refuses
//! everything.

use crate::bytes::gzip;
use crate::row::Row;

/// Where these go: a data set of their own, so that all others must stay as they are.
pub(crate) const BORNE: &str = "/data/bad/borne";

pub(crate) fn rows() -> Vec<Row> {
    let megabyte = "x".repeat(1 << 20);
    let json: Vec<(&str, String)> = vec![
        ("an empty list", "[]".into()),
        ("an empty list with white space", " [ ]\r\n".into()),
        ("an empty record", "{}".into()),
        // The contract bounds the body, not the value.
        ("a text of 1 MiB", format!("{{\"aa\":\"{megabyte}\"}}")),
        ("2^64-1", "{\"aa\":18446744073709551615}".into()),
        ("-2^63", "{\"aa\":-9223372036854775808}".into()),
        ("-0 and 1e-400", "{\"aa\":-0,\"bb\":1e-400}".into()),
        ("a key of 10 KB", format!("{{\"{}\":1}}", "k".repeat(10_000))),
        ("a pair of surrogates", "{\"aa\":\"\\ud83d\\ude00\"}".into()),
        ("a character of no plane", "{\"aa\":\"\u{10ffff}\u{fffe}\"}".into()),
        ("SQL in a value", "{\"aa\":\"'; DROP TABLE record; --\"}".into()),
        ("a formula in a value", "{\"aa\":\"=1+1\"}".into()),
        ("an _id of 512 bytes", format!("{{\"_id\":\"{}\"}}", "i".repeat(512))),
        ("an _id of odd characters", "{\"_id\":\"a/b+c=d?e#f%\u{e9}\"}".into()),
        ("a time without a zone", "{\"_timestamp\":\"2013-03-11 09:00:00\"}".into()),
        (
            "the first and the last time",
            "{\"_start_at\":\"0001-01-01\",\"_end_at\":\"9999-12-31T23:59:59Z\"}".into(),
        ),
        ("the same _id twice", "[{\"_id\":\"twice\",\"aa\":1},{\"_id\":\"twice\",\"aa\":2}]".into()),
        (
            "1,000 keys",
            format!(
                "{{{}}}",
                (0..1_000).map(|key| format!("\"key_{key}\":{key}")).collect::<Vec<_>>().join(",")
            ),
        ),
    ];
    let mut rows: Vec<Row> = json.into_iter().map(|(name, body)| Row::post(name, body)).collect();
    rows.extend([
        Row::post("gzip", gzip(b"[{}]")).header("Content-Encoding", "gzip"),
        Row::post("gzip by its old name", gzip(b"[{}]")).header("Content-Encoding", "X-GZIP"),
        Row::post("a content type with more to it", "[{}]").of_type("Application/JSON; charset=utf-8"),
        Row::post("10 KB of header", "[{}]").header("X-Long", "x".repeat(10_240)),
        Row::post("a preference nobody knows", "[{}]").header("Prefer", "return=minimal"),
        Row::post("a CSV with a byte order mark", b"\xef\xbb\xbfaa,bb\r\n1,2\r\n".to_vec())
            .of_type("text/csv"),
        Row::post("a CSV of a header only", "aa,bb\n").of_type("text/csv"),
        Row::post("lines without an end", "{}\n\n{}").of_type("application/x-ndjson"),
    ]);
    rows.into_iter()
        .map(|row| Row { name: format!("taken: {}", row.name), ..row.to(BORNE) }.taken())
        .collect()
}
