//! What files of every format become.

use super::{import, import_as_administrator, import_file, ok, stderr};
use backdrop_testing::{Reply, scripted, tempfile};
use rust_xlsxwriter::{ExcelDateTime, Format, Formula, Workbook};
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use tempfile::TempDir;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// All records that were sent.
fn sent(file: &Path, arguments: &[&str]) -> Vec<Value> {
    let arguments = [arguments, &["--chunk", "30000"]].concat();
    let (address, requests) = scripted(vec![ok()]);
    let output = import_file(&address, &arguments, file);
    assert!(output.status.success(), "{}", stderr(&output));
    requests.recv().expect("sent").body.as_array().expect("a list").clone()
}

fn file(name: &str, content: &[u8]) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join(name);
    std::fs::write(&path, content).expect("written");
    (folder, path)
}

#[test]
fn csv_is_read_by_the_rules_of_the_service() {
    let text = "# Made by hand\n_timestamp,count,code,comment,part\n\
                2013-03-11,1,007,first,0.50\n\n2013-03-12,,\"7\",,true\n2013-03-13,+44,8,,\"a, b\"\n";
    let (_folder, path) = file("figures.csv", text.as_bytes());
    assert_eq!(
        sent(&path, &[]),
        [
            json!({"_timestamp": "2013-03-11", "count": 1, "code": "007", "part": 0.5}),
            json!({"_timestamp": "2013-03-12", "count": null, "code": "7", "part": true}),
            json!({"_timestamp": "2013-03-13", "count": "+44", "code": 8, "part": "a, b"}),
        ]
    );
    assert_eq!(sent(&path, &["--text", "code", "--text", "part"])[2]["code"], "8");
}

#[test]
fn a_fault_names_the_line_of_the_file_whatever_the_chunk() {
    let error = json!({"record": 2, "line": 2, "pointer": "/nn", "message": "is bad", "count": 1});
    let rejected = json!({"message": "Records were rejected", "errors": [error], "errors_total": 1});
    let reply = Reply::Answer(400, String::new(), rejected);
    let (address, _requests) = scripted(vec![ok(), reply]);
    let output = import(&address, &["--format", "csv"], "nn\n1\n2\n\n# x\n3\n4\n5\n");
    assert!(stderr(&output).contains("record 4 (line 7): nn: is bad"), "{}", stderr(&output));
}

fn workbook(fill: impl FnOnce(&mut Workbook)) -> (TempDir, PathBuf) {
    let mut workbook = Workbook::new();
    fill(&mut workbook);
    let bytes = workbook.save_to_buffer().expect("a workbook");
    file("figures.xlsx", &bytes)
}

fn figures(workbook: &mut Workbook) {
    let date = Format::new().set_num_format("yyyy-mm-dd hh:mm");
    let sheet = workbook.add_worksheet().set_name("Figures").expect("a name");
    sheet.write(1, 1, "#made by hand").expect("written");
    for (column, name) in (1..).zip(["_timestamp", "count", "share", "code", "comment", "paid"]) {
        sheet.write(2, column, name).expect("written");
    }
    let moment = |text| ExcelDateTime::parse_from_str(text).expect("a date");
    sheet.write_with_format(3, 1, moment("2013-03-11"), &date).expect("written");
    sheet.write(3, 2, 12).expect("written").write(3, 3, 0.25).expect("written");
    sheet.write(3, 4, 7).expect("written").write(3, 5, "for people").expect("written");
    sheet.write(4, 1, "# not this one").expect("written");
    sheet.write_with_format(6, 1, moment("2013-03-11T12:30:00"), &date).expect("written");
    sheet.write(6, 4, "007").expect("written").write(6, 6, true).expect("written");
}

#[test]
fn sheets_are_read_by_the_rules_of_the_service() {
    let (_folder, path) = workbook(|workbook| {
        figures(workbook);
        let sheet = workbook.add_worksheet().set_name("Other").expect("a name");
        sheet.write(0, 0, "count").expect("written").write(1, 0, 3).expect("written");
    });
    let first = json!({"_timestamp": "2013-03-11T00:00:00+00:00", "count": 12, "share": 0.25, "code": 7, "paid": null});
    let second = json!({"_timestamp": "2013-03-11T12:30:00+00:00", "count": null, "share": null, "code": "007", "paid": true});
    assert_eq!(sent(&path, &[]), [first, second]);
    assert_eq!(sent(&path, &["--text", "code"])[0]["code"], "7");
    assert_eq!(sent(&path, &["--sheet", "Other"]), [json!({"count": 3})]);
    let output = import_file("http://127.0.0.1:9", &["--sheet", "Nothing"], &path);
    assert!(stderr(&output).contains("no sheet \"Nothing\", but Figures, Other"), "{}", stderr(&output));
}

#[test]
fn a_fault_names_the_cell() {
    let (_folder, path) = workbook(figures);
    let error = json!({"record": 2, "pointer": "/code", "message": "is bad"});
    let rejected = Reply::Answer(400, String::new(), json!({"message": "rejected", "errors": [error]}));
    let (address, _requests) = scripted(vec![rejected]);
    let output = import_file(&address, &[], &path);
    assert!(stderr(&output).contains("record 2 (Figures!E7): code: is bad"), "{}", stderr(&output));

    let (_folder, path) = workbook(|workbook| {
        let sheet = workbook.add_worksheet().set_name("Broken").expect("a name");
        sheet.write(0, 0, "count").expect("written");
        sheet.write(1, 0, Formula::new("=1/0").set_result("#DIV/0!")).expect("written");
    });
    let output = import_file("http://127.0.0.1:9", &[], &path);
    assert!(stderr(&output).contains("Broken!A2 holds the error #DIV/0!"), "{}", stderr(&output));
}

#[test]
fn what_mongoexport_wrote_is_as_it_was_sent_to_the_original() {
    let text = r#"{"_id":"YWJj","_timestamp":{"$date":"2013-03-11T00:00:00.000Z"},"_day_start_at":{"$date":"2013-03-11T00:00:00.000Z"},"_updated_at":{"$date":"2014-01-01T00:00:00.000Z"},"count":3.0,"channel":"digital"}
{"_id":{"$oid":"51b6e4e6f4c1d6a1b2c3d4e5"},"_timestamp":{"$date":{"$numberLong":"1362960000000"}},"_hour_start_at":1,"_week_start_at":1,"_month_start_at":1,"_quarter_start_at":1,"_year_start_at":1,"count":{"$numberLong":"9007199254740993"}}
"#;
    let expected = [
        json!({"_id": "YWJj", "_timestamp": "2013-03-11T00:00:00.000Z", "count": 3.0, "channel": "digital"}),
        json!({"_id": "51b6e4e6f4c1d6a1b2c3d4e5", "_timestamp": "2013-03-11T00:00:00+00:00",
               "count": 9_007_199_254_740_993_i64}),
    ];
    let (_folder, path) = file("export.json", text.as_bytes());
    assert_eq!(sent(&path, &[]), expected);
    assert_eq!(sent(&path, &["--format", "mongo"]), expected);
    let list = format!("[{}]", text.trim().replace('\n', ","));
    let (_folder, path) = file("export.json", list.as_bytes());
    assert_eq!(sent(&path, &[]), expected);
}

#[test]
fn what_cannot_be_read_is_told_with_what_to_do() {
    for (name, content, part) in [
        ("a.csv", "aa,bb\n1\n", "line 2: 1 fields, and the first row has 2"),
        ("a.csv", "", "there is nothing in it"),
        ("a.xlsx", "no zip", "it cannot be read as XLSX, XLS or ODS"),
        ("a.json", "aa,bb\n", "the file is not JSON or JSON lines"),
    ] {
        let (_folder, path) = file(name, content.as_bytes());
        let output = import_file("http://127.0.0.1:9", &[], &path);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    let output = import_file("http://127.0.0.1:9", &[], Path::new("/nothing/here.csv"));
    assert!(stderr(&output).contains("cannot read /nothing/here.csv"), "{}", stderr(&output));
}

#[test]
fn the_schema_tells_texts_as_it_does_to_the_service() {
    let (_folder, path) = file("a.csv", b"one,listed,either,deep,number,named\n1,2,3,4,5,6\n");
    let schema = json!({
        "properties": {
            "one": {"const": "1"},
            "listed": {"enum": ["2", "7"]},
            "either": {"oneOf": [{"type": "string"}, {"type": "null"}]},
            "number": {"anyOf": [{"type": "string"}, {"type": "number"}]}
        },
        "allOf": [{"allOf": [{"properties": {"deep": {"type": "string"}}}]}]
    });
    let data_sets = Reply::Answer(200, String::new(), json!([{"schema": schema}]));
    let (address, requests) = scripted(vec![data_sets, ok()]);
    let output = import_as_administrator(&address, &["--text", "named"], &path);
    assert!(output.status.success(), "{}", stderr(&output));
    let sent = requests.iter().nth(1).expect("sent").body;
    let expected = json!({"one": "1", "listed": "2", "either": "3", "deep": "4", "number": 5, "named": "6"});
    assert_eq!(sent, json!([expected]));
}

#[test]
fn a_data_set_that_is_not_there_is_told_with_what_to_do() {
    let (_folder, path) = file("a.csv", b"aa\n1\n");
    let (address, requests) = scripted(vec![Reply::Answer(200, String::new(), json!([]))]);
    let output = import_as_administrator(&address, &[], &path);
    assert_eq!(output.status.code(), Some(1));
    for part in ["there is no data set g/t", "`backdrop data-set create`", "--create"] {
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
    let asked = requests.recv().expect("asked");
    assert_eq!(asked.line, "GET /data-sets?data-group=g&data-type=t HTTP/1.1");
}

/// A cell of an ODS that holds a text.
fn text(text: &str) -> String {
    format!("<table:table-cell office:value-type=\"string\"><text:p>{text}</text:p></table:table-cell>")
}

/// A cell of an ODS that holds something else.
fn cell(kind: &str, value: &str) -> String {
    format!("<table:table-cell office:value-type=\"{kind}\" {value}><text:p>x</text:p></table:table-cell>")
}

/// An ODS with these rows, as small as one can be.
fn open_document(rows: &[String]) -> Vec<u8> {
    let rows: String = rows.iter().map(|row| format!("<table:table-row>{row}</table:table-row>")).collect();
    let name = |prefix: &str, name: &str| {
        format!(" xmlns:{prefix}=\"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0\"")
    };
    let names = [name("office", "office"), name("table", "table"), name("text", "text")].concat();
    let content = format!(
        "<office:document-content{names}><office:body><office:spreadsheet><table:table table:name=\"Figures\">{rows}\
         </table:table></office:spreadsheet></office:body></office:document-content>"
    );
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, text) in [
        ("mimetype", "application/vnd.oasis.opendocument.spreadsheet"),
        ("META-INF/manifest.xml", "<manifest:manifest/>"),
        ("content.xml", &content),
    ] {
        archive.start_file(name, SimpleFileOptions::default()).expect("a file");
        archive.write_all(text.as_bytes()).expect("written");
    }
    archive.finish().expect("an archive").into_inner()
}

#[test]
fn sheets_of_libre_office_are_read_alike() {
    let date = cell("date", "office:date-value=\"2013-03-11\"");
    let rows = [
        [text("_timestamp"), text("count"), text("code")].concat(),
        text("# not this one"),
        [date, cell("float", "office:value=\"3\""), text("007")].concat(),
    ];
    let (_folder, path) = file("figures.ods", &open_document(&rows));
    let expected = json!({"_timestamp": "2013-03-11T00:00:00+00:00", "count": 3, "code": "007"});
    assert_eq!(sent(&path, &[]), [expected]);
}

#[test]
fn a_row_of_libre_office_that_begins_with_an_error_is_no_remark() {
    let (_folder, path) = file("figures.ods", &open_document(&[text("count"), text("#REF!")]));
    let output = import_file("http://127.0.0.1:9", &[], &path);
    assert!(stderr(&output).contains("Figures!A2 holds the error #REF!"), "{}", stderr(&output));
}

#[test]
fn the_name_of_a_column_is_no_error() {
    for (names, cell) in [(["#REF!", "count"], "A1"), (["count", "#N/A"], "B1")] {
        let rows = [names.map(text).concat(), [text("1"), text("2")].concat()];
        let (_folder, path) = file("figures.ods", &open_document(&rows));
        let output = import_file("http://127.0.0.1:9", &[], &path);
        let part = format!("Figures!{cell} holds the error #");
        assert!(stderr(&output).contains(&part), "{}", stderr(&output));
    }
}

#[test]
fn several_columns_may_be_for_people() {
    let (_folder, path) = file("a.csv", b"comment,aa,comment\nx,1,y\n");
    assert_eq!(sent(&path, &[]), [json!({"aa": 1})]);
}
