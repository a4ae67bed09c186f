//! Spreadsheets that cannot be read, or hold what cannot be stored; and uploads of files.

use crate::files::{encrypted, sheet, sheet_bomb, zipped};
use crate::row::{RECORDS, Row, STRICT};

const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
const XLS: &str = "application/vnd.ms-excel";
const ODS: &str = "application/vnd.oasis.opendocument.spreadsheet";

pub(crate) fn rows() -> Vec<Row> {
    [unreadable(), cells(), uploads()].into_iter().flatten().collect()
}

fn unreadable() -> Vec<Row> {
    let post = |name: &str, content_type: &str, body: Vec<u8>| Row::post(name, body).of_type(content_type);
    let invalid = |name, content_type, body| post(name, content_type, body).refused(400, "invalid_sheet");
    let whole = sheet(&[&["aa"], &["1"]]);
    vec![
        invalid("XLSX: no zip", XLSX, b"aa,bb\n1,2\n".to_vec()),
        invalid("XLSX: cut off", XLSX, whole[..whole.len() / 2].to_vec()),
        invalid("XLSX: a zip of something else", XLSX, zipped(&[("hello.txt", b"hello")])),
        invalid(
            "XLSX: a workbook that is no XML",
            XLSX,
            zipped(&[("xl/workbook.xml", b"<<<"), ("[Content_Types].xml", b"<")]),
        ),
        invalid("XLSX: encrypted", XLSX, encrypted()),
        invalid("XLS: garbage", XLS, vec![0x5a; 5_000]),
        invalid("XLS: nothing but a head", XLS, encrypted()[..512].to_vec()),
        invalid("ODS: a zip of something else", ODS, zipped(&[("mimetype", ODS.as_bytes())])),
        invalid("XLSX: no such sheet", XLSX, whole)
            .to(format!("{RECORDS}?sheet=Figures"))
            .says("Figures")
            .says("Sheet1"),
        post("XLSX: a bomb", XLSX, sheet_bomb()).refused(413, "too_large").refused(400, "invalid_sheet"),
    ]
}

fn cells() -> Vec<Row> {
    let post = |name: &str, rows: &[&[&str]]| Row::post(format!("XLSX: {name}"), sheet(rows)).of_type(XLSX);
    vec![
        post("a cell with an error", &[&["aa", "bb"], &["1", "2"], &["3", "#REF!"]])
            .blamed("cell_error")
            .says("B3"),
        post("a text for an integer", &[&["text", "count"], &["a", "1"], &["b", "many"]])
            .to(STRICT)
            .blamed("schema_violation")
            .says("cell B3")
            .says("integer"),
        post("a bad time", &[&["_timestamp", "aa"], &["2013-03-11", "1"], &["soon", "2"]])
            .blamed("invalid_time")
            .says("A3"),
        post("a column twice", &[&["aa", "aa"], &["1", "2"]])
            .refused(400, "invalid_sheet")
            .refused(400, "invalid_records")
            .says("aa"),
        post("a name that is no key", &[&["aa", "Bad Key"], &["1", "2"]])
            .refused(400, "invalid_key")
            .says("Bad Key"),
        post("a value without a column", &[&["aa"], &["1", "2"]])
            .refused(400, "invalid_sheet")
            .refused(400, "invalid_records")
            .says("column B"),
    ]
}

/// A part of a `multipart/form-data` body.
fn part(name: &str, file: Option<&str>, body: &str) -> String {
    let file = file.map(|file| format!("; filename=\"{file}\"")).unwrap_or_default();
    format!("--edge\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n{body}\r\n")
}

fn uploads() -> Vec<Row> {
    let form = "multipart/form-data; boundary=edge";
    let upload = |name: &str, body: String| {
        Row::post(format!("upload: {name}"), body).to(format!("{RECORDS}/upload")).of_type(form)
    };
    let invalid = |name: &str, body: String| upload(name, body).refused(400, "invalid_upload");
    let (good, end) = (part("file", Some("a.json"), "[{\"_id\":\"bad\"}]"), "--edge--\r\n");
    vec![
        invalid("no file", end.into()).says("file"),
        invalid("a field, no file", format!("{}{end}", part("aa", None, "1"))).says("file"),
        invalid("two files", format!("{good}{good}{end}")).says("file"),
        invalid("an ending nobody knows", format!("{}{end}", part("file", Some("a.exe"), "MZ")))
            .refused(400, "unsupported_content_type"),
        invalid("without an end", good.clone()),
        invalid("another boundary", format!("{good}{end}")).of_type("multipart/form-data; boundary=other"),
        invalid("without a boundary", format!("{good}{end}"))
            .of_type("multipart/form-data")
            .refused(400, "unsupported_content_type"),
        upload("JSON itself", "[]".into())
            .of_type("application/json")
            .refused(400, "unsupported_content_type")
            .refused(400, "invalid_upload")
            .says("multipart/form-data"),
        upload("an empty file", format!("{}{end}", part("file", Some("a.csv"), "")))
            .refused(400, "empty_body")
            .refused(400, "invalid_upload"),
        upload("a ragged file", format!("{}{end}", part("file", Some("a.csv"), "aa,bb\n1,2\n3\n")))
            .refused(400, "invalid_csv")
            .refused(400, "invalid_records")
            .says("line 3"),
        upload("a broken sheet", format!("{}{end}", part("file", Some("a.xlsx"), "PK")))
            .refused(400, "invalid_sheet"),
        upload("no token", format!("{good}{end}")).without("Authorization").refused(401, "missing_token"),
    ]
}
