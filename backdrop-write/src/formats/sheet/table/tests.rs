use super::*;
use crate::formats::Bounds;
use backdrop_core::batch::Handling;
use calamine::CellErrorType;

fn table(handling: Handling) -> Table {
    let bounds = Bounds { bytes: 10_000, records: 100 };
    let reading = Reading { texts: vec!["code".into()], sheet: None, handling, bounds };
    Table::new("Figures".into(), &reading)
}

fn text(text: &str) -> Data {
    Data::String(text.into())
}

/// A sheet that begins in B2, with a remark, a column for people and one without a name.
fn filled(handling: Handling, rows: Vec<(u32, Vec<(u32, Data)>)>) -> Result<Decoded, ApiError> {
    let mut table = table(handling);
    table.row(1, vec![(1, text("# figures"))])?;
    table.row(3, vec![(1, text("code")), (2, text("count")), (3, text("comment")), (5, text("share"))])?;
    for (index, cells) in rows {
        table.row(index, cells)?;
    }
    table.finish()
}

#[test]
fn rows_become_records_and_know_their_cells() {
    let rows = vec![
        (4, vec![(1, Data::Float(7.0)), (2, Data::Float(12.0)), (3, text("skip")), (5, Data::Float(0.5))]),
        (5, vec![(1, text("# not this one"))]),
        (6, vec![(2, Data::Empty)]),
        (7, vec![(2, text("#1"))]),
    ];
    let decoded = filled(Handling::Strict, rows).expect("records");
    let expected = r##"[{"code":"7","count":12,"share":0.5},{"code":null,"count":"#1","share":null}]"##;
    assert_eq!(decoded.records, expected);
    let cell = decoded.origin.place(2, "/share").cell;
    assert_eq!((cell.as_deref(), decoded.count), (Some("F8"), 2));
}

#[test]
fn keys_with_an_underscore_are_left_out_where_they_are_empty() {
    let mut table = table(Handling::Strict);
    let heads = ["_id", "_timestamp", "count"].map(text);
    table.row(0, (0..).zip(heads).collect()).expect("a head");
    table.row(1, vec![(0, text("a")), (1, text(""))]).expect("a row");
    table.row(2, vec![(2, Data::Int(1))]).expect("a row");
    let records = table.finish().expect("records").records;
    assert_eq!(records, r#"[{"_id":"a","count":null},{"count":1}]"#);
}

#[test]
fn all_wrong_cells_are_told_by_their_addresses() {
    let wrong = |index| (index, vec![(1, text("a")), (2, Data::Error(CellErrorType::Ref))]);
    let outside = [(7, vec![(0, text("c"))]), (8, vec![(9, text("d"))])];
    let rows = [vec![wrong(4), (5, vec![(1, text("b"))]), wrong(6)], outside.to_vec()].concat();
    let error = filled(Handling::Strict, rows.clone()).expect_err("faults");
    let lines = error.violations.expect("violations").lines();
    assert_eq!(lines.len(), 3, "{lines:?}");
    assert!(lines[0].starts_with("cell C5: count: ") && lines[0].contains("#REF!"), "{lines:?}");
    assert!(lines[0].ends_with("(and in 1 more record)"), "{lines:?}");
    assert!(lines[1].starts_with("cell A8: ") && lines[1].contains("column A"), "{lines:?}");
    assert!(lines[2].starts_with("cell J9: ") && lines[2].ends_with("in the first row"), "{lines:?}");
    let lenient = filled(Handling::Lenient, rows).expect("records and faults");
    assert_eq!(lenient.faults.iter().map(|fault| fault.record).collect::<Vec<_>>(), [1, 3, 4, 5]);
    assert!(lenient.records.starts_with(r##"[{"code":"a","count":"#REF!""##), "{}", lenient.records);
}

#[test]
fn a_head_that_cannot_be_keys_is_refused() {
    let refusal = |cells: Vec<(u32, Data)>| {
        let mut table = table(Handling::Lenient);
        table.row(0, cells).and_then(|()| table.finish().map(|_| ())).expect_err("no head").message
    };
    assert!(refusal(vec![(0, text("aa")), (2, text("aa"))]).contains("columns A and C"));
    assert!(
        refusal(vec![(0, text("aa")), (2, text("b b"))])
            .contains("row 1: cannot be keys of records: \"b b\" (column C)")
    );
    assert!(refusal(vec![(0, Data::Error(CellErrorType::NA))]).contains("column A is the error #N/A"));
    assert!(refusal(vec![(0, text("aa")), (u32::MAX, text("bb"))]).contains("4096 columns"));
    assert!(refusal(Vec::new()).contains("is empty"));
}

#[test]
fn a_title_above_the_names_is_told_as_one() {
    let mut table = table(Handling::Strict);
    table.row(0, vec![(0, text("Parking"))]).expect("a head");
    table.row(1, vec![(0, text("_id")), (1, text("count"))]).expect("a row");
    let lines = table.finish().expect_err("a fault").violations.expect("violations").lines();
    assert!(lines[0].starts_with("cell B2: column B: there is a value in column B"), "{lines:?}");
    assert!(lines[0].contains("row 1 was taken for the names of the columns (\"Parking\")"), "{lines:?}");
}
