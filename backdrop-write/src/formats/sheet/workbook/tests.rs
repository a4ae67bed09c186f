use super::*;
use crate::formats::Bounds;
use backdrop_core::batch::Handling;
use rust_xlsxwriter::{Workbook, XlsxError};
use std::io::{Read, Write};
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

fn decoded(workbook: Vec<u8>, sheet: Option<&str>) -> Result<Decoded, ApiError> {
    let bounds = Bounds { bytes: 10_000, records: 100 };
    let reading =
        Reading { texts: Vec::new(), sheet: sheet.map(str::to_owned), handling: Handling::Strict, bounds };
    decode(workbook, &reading)
}

fn hidden_first() -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    workbook.add_worksheet().set_name("Lists")?.set_hidden(true).write(0, 0, "hidden")?.write(1, 0, 1)?;
    let sheet = workbook.add_worksheet().set_name("Figures")?;
    sheet.set_active(true).write(0, 0, "count")?.write(1, 0, 2)?;
    workbook.save_to_buffer()
}

/// A workbook whose only record has a formula, changed in the text of its sheet.
fn with_formula(change: (&str, &str)) -> Vec<u8> {
    let write = || {
        let mut workbook = Workbook::new();
        let formula = rust_xlsxwriter::Formula::new("=3*4").set_result("12");
        workbook.add_worksheet().write(0, 0, "count")?.write(1, 0, formula)?;
        workbook.save_to_buffer()
    };
    let bytes = write().expect("a workbook");
    let mut whole = ZipArchive::new(Cursor::new(bytes)).expect("a zip");
    let mut changed = ZipWriter::new(Cursor::new(Vec::new()));
    for index in 0..whole.len() {
        let mut file = whole.by_index(index).expect("a file");
        let mut text = String::new();
        file.read_to_string(&mut text).expect("a text");
        let name = file.name().expect("a name").into_owned();
        changed.start_file(name, SimpleFileOptions::default()).expect("memory");
        changed.write_all(text.replace(change.0, change.1).as_bytes()).expect("memory");
    }
    changed.finish().expect("memory").into_inner()
}

#[test]
fn a_hidden_sheet_is_read_only_by_its_name() {
    let workbook = hidden_first().expect("a workbook");
    let records = |sheet| decoded(workbook.clone(), sheet).expect("records").records;
    assert_eq!(records(None), r#"[{"count":2}]"#);
    assert_eq!(records(Some("Lists")), r#"[{"hidden":1}]"#);
}

#[test]
fn a_formula_without_a_value_is_a_fault_of_its_cell() {
    let value = "<v>12</v>";
    assert_eq!(decoded(with_formula((value, value)), None).expect("records").records, r#"[{"count":12}]"#);
    for none in ["", "<v></v>", "<v/>"] {
        let error = decoded(with_formula((value, none)), None).expect_err("a fault");
        let lines = error.violations.expect("violations").lines();
        assert!(lines[0].starts_with("cell A2: count: the formula has no computed value"), "{lines:?}");
    }
}

#[test]
fn an_ods_is_read_as_one() {
    let ods = include_bytes!("../../../../tests/formats/fixtures/figures.ods");
    let decoded = decoded(ods.to_vec(), None).expect("records");
    assert_eq!(decoded.count, 2, "{}", decoded.records);
}
