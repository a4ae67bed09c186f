use super::super::table::{records_of, rows_of};
use super::*;
use crate::answers::Rows;
use backdrop_core::query::Format;
use backdrop_core::shape::Row;
use calamine::{Data, Reader, Xlsx, open_workbook_from_rs};
use serde_json::{Value, json};
use std::io::Cursor;

fn rendered(rows: &Rows) -> Result<Vec<u8>, ApiError> {
    render(&Table::of(rows, Format::Xlsx).expect("a table"))
}

/// The cells of the sheet, row by row.
fn read(file: Vec<u8>) -> Vec<Vec<Data>> {
    let mut book: Xlsx<_> = open_workbook_from_rs(Cursor::new(file)).expect("a workbook");
    assert_eq!(book.sheet_names(), ["data"]);
    book.worksheet_range("data").expect("the sheet").rows().map(<[Data]>::to_vec).collect()
}

fn column(values: &[Value]) -> Vec<Data> {
    let rows = values.iter().map(|value| json!({"key": value})).collect::<Value>();
    let cells = read(rendered(&rows_of(&rows)).expect("XLSX"));
    cells.into_iter().skip(1).map(|mut row| row.remove(0)).collect()
}

#[test]
fn cells_have_the_type_of_their_value() {
    assert_eq!(
        column(&[
            json!(1),
            json!(-2.5),
            json!(true),
            json!("=1+1"),
            json!("https://example.com/"),
            json!("_x0041_ Zoë 🐈\n<&>"),
            json!("\u{1}\u{b}\r\u{ffff}\t "),
            json!([1, "x"]),
            json!(999_999_999_999_999_u64),
            json!(1_000_000_000_000_000_u64),
            json!(-9_007_199_254_740_993_i64),
            json!(1e300),
            json!(null),
            json!("2013-03-11T00:00:00+00:00"),
        ]),
        [
            Data::Float(1.0),
            Data::Float(-2.5),
            Data::Bool(true),
            Data::String("=1+1".into()),
            Data::String("https://example.com/".into()),
            Data::String("_x0041_ Zoë 🐈\n<&>".into()),
            Data::String("\u{1}\u{b}\r\u{ffff}\t ".into()),
            Data::String(r#"[1,"x"]"#.into()),
            Data::Float(999_999_999_999_999.0),
            Data::String("1000000000000000".into()),
            Data::String("-9007199254740993".into()),
            Data::Float(1e300),
            Data::Empty,
            Data::String("2013-03-11T00:00:00+00:00".into()),
        ]
    );
}

#[test]
fn times_are_typed_in_the_columns_of_times() {
    let rows = rows_of(&json!([
        {"_start_at": "2013-06-11T00:00:00+01:00", "_end_at": "1899-12-31T00:00:00+00:00"},
        {"_start_at": null, "_end_at": "2013-06-11T06:00:00.5+00:00"},
    ]));
    let cells = read(rendered(&rows).expect("XLSX"));
    let time = |cell: &Data| match cell {
        Data::DateTime(time) => time.as_f64(),
        other => panic!("{other:?} is no time"),
    };
    assert_eq!(cells[0], [Data::String("_end_at".into()), Data::String("_start_at".into())]);
    assert_eq!(time(&cells[1][1]), 41_436.0);
    assert_eq!(cells[1][0], Data::String("1899-12-31T00:00:00+00:00".into()));
    assert_eq!(time(&cells[2][0]), 41_436.25 + 0.5 / 86_400.0);
    assert_eq!(cells[2][1], Data::Empty);
}

#[test]
fn numbers_that_floating_point_cannot_hold_are_texts() {
    let huge = format!("1{}", "0".repeat(400));
    let records = [format!(r#"{{"key": {huge}}}"#), format!(r#"{{"key": {huge}.5}}"#)];
    let cells = read(rendered(&records_of(&records.each_ref().map(String::as_str))).expect("XLSX"));
    assert_eq!(cells[1], [Data::String(huge.clone())]);
    assert_eq!(cells[2], [Data::String(format!("{huge}.5"))]);
}

#[test]
fn without_rows_there_is_an_empty_sheet() {
    assert_eq!(read(rendered(&rows_of(&json!([]))).expect("XLSX")), Vec::<Vec<Data>>::new());
    assert_eq!(read(rendered(&rows_of(&json!([{}]))).expect("XLSX")), Vec::<Vec<Data>>::new());
}

#[test]
fn the_same_rows_are_the_same_bytes() {
    let rows = rows_of(&json!([{"_start_at": "2013-06-11T00:00:00+01:00", "name": "a"}, {"name": "b"}]));
    assert_eq!(rendered(&rows), rendered(&rows));
}

#[test]
fn what_a_sheet_has_no_room_for_is_refused_with_advice() {
    let fits = "é".repeat(32_767);
    assert_eq!(column(&[json!(fits)]), [Data::String(fits.clone())]);
    let wide = (0..=COLUMNS_MAX).map(|n| (format!("key_{n}"), json!(n))).collect();
    let row: Row = (0..101).map(|n| (format!("key_{n}"), json!(n))).collect();
    let many = vec![row; 10_000];
    for (rows, part) in [
        (rows_of(&json!([{"key": fits + "x"}])), "32767 characters"),
        (rows_of(&json!([{"key": "🐈".repeat(16_384)}])), "\"key\""),
        (rows_of(&json!([{"values": ["x".repeat(32_767)]}])), "\"values\""),
        (Rows::Groups(vec![wide]), "16384 columns"),
        (Rows::Groups(many), "1000000 values"),
    ] {
        let refused = rendered(&rows).expect_err(part);
        assert_eq!(refused.code, ErrorCode::InvalidQuery);
        assert!(
            refused.message.contains(part) && refused.message.contains("format=csv"),
            "{}",
            refused.message
        );
    }
}
