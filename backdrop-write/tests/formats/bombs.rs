//! Workbooks that ask for more than they are worth: each is refused, and the service goes on.

use super::{ODS, PATH, XLS, XLSX, send, stack};
use serde_json::json;
use std::io::{Cursor, Write};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// A text, so many times.
type Repeated<'a> = (&'a str, usize);

/// A zip of these files: name, beginning, and what follows.
fn zipped(files: &[(&str, &str, &[Repeated<'_>])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, head, repeated) in files {
        zip.start_file(*name, SimpleFileOptions::default()).expect("memory");
        zip.write_all(head.as_bytes()).expect("memory");
        for (part, times) in *repeated {
            // In large parts: a test need not spend its time on calls.
            let many = part.repeat(1_000.min(*times));
            for _ in 0..times.div_ceil(1_000) {
                zip.write_all(many.as_bytes()).expect("memory");
            }
        }
    }
    zip.finish().expect("memory").into_inner()
}

const RELATIONS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
const MAIN: &str = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
const PACKAGE: &str = "http://schemas.openxmlformats.org/package/2006/relationships";

fn xlsx(sheet: &[Repeated<'_>], strings: &[Repeated<'_>]) -> Vec<u8> {
    let workbook = format!(
        "<workbook xmlns=\"{MAIN}\" xmlns:r=\"{RELATIONS}\"><sheets><sheet name=\"A\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
    );
    let relations = format!(
        "<Relationships xmlns=\"{PACKAGE}\"><Relationship Id=\"r1\" Type=\"{RELATIONS}/worksheet\" \
         Target=\"worksheets/sheet1.xml\"/><Relationship Id=\"r2\" Type=\"{RELATIONS}/sharedStrings\" \
         Target=\"sharedStrings.xml\"/></Relationships>"
    );
    let (sheet_head, strings_head) =
        (format!("<worksheet xmlns=\"{MAIN}\"><sheetData>"), format!("<sst xmlns=\"{MAIN}\">"));
    zipped(&[
        ("xl/workbook.xml", &workbook, &[]),
        ("xl/_rels/workbook.xml.rels", &relations, &[]),
        ("xl/worksheets/sheet1.xml", &sheet_head, sheet),
        ("xl/sharedStrings.xml", &strings_head, strings),
    ])
}

fn ods(rows: &str) -> Vec<u8> {
    let content = format!(
        "<office:document-content xmlns:office=\"o\" xmlns:table=\"t\" xmlns:text=\"x\"><office:body>\
         <office:spreadsheet><table:table table:name=\"A\">{rows}</table:table></office:spreadsheet></office:body>\
         </office:document-content>"
    );
    let mimetype = "application/vnd.oasis.opendocument.spreadsheet";
    zipped(&[("mimetype", mimetype, &[]), ("content.xml", &content, &[])])
}

#[tokio::test(flavor = "multi_thread")]
async fn bombs_are_refused_and_the_service_goes_on() {
    let (mut stack, writer) = stack().await;
    let cell = "<table:table-cell table:number-columns-repeated=\"16384\" office:value-type=\"float\" office:value=\"1\"/>";
    let repeated =
        ods(&format!("<table:table-row table:number-rows-repeated=\"1048576\">{cell}</table:table-row>"));
    let end = [("</sst>", 1)];
    let strings =
        xlsx(&[("</sheetData></worksheet>", 1)], &[("<si><t>a shared string</t></si>", 20_000_000), end[0]]);
    let one_string = xlsx(&[], &[("<si><t>", 1), ("0123456789", 50_000_000)]);
    let sparse = xlsx(
        &[(
            "<row r=\"1\"><c r=\"A1\"><v>1</v></c><c r=\"XFD1\"><v>1</v></c></row><row r=\"1048576\"><c r=\"XFD1048576\"><v>1</v></c></row></sheetData></worksheet>",
            1,
        )],
        &end,
    );
    let endless = xlsx(&[("<row><c><v>1</v></c></row>", 30_000_000)], &end);
    let garbage = [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".as_slice(), &[0xff; 4_000]].concat();
    for (name, content_type, bomb) in [
        ("a billion repeated cells", ODS, repeated),
        ("many shared strings", XLSX, strings),
        ("one shared string", XLSX, one_string),
        ("two cells far apart", XLSX, sparse),
        ("a sheet without an end", XLSX, endless),
        ("a broken XLS", XLS, garbage),
        ("no workbook", XLSX, b"PK\x03\x04".to_vec()),
        ("a text", XLSX, b"_id,count\n".to_vec()),
    ] {
        assert!(bomb.len() < 10 << 20, "{name}: {} bytes", bomb.len());
        let answer = send(&writer, PATH, content_type, bomb);
        assert!(matches!(answer.status, 400 | 413), "{name}: {}", answer.text);
    }
    assert!(stack.write.is_running());
    writer.post(PATH, &json!({"_id": "a"})).expect(200);
}
