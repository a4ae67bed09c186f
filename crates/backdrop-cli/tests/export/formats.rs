//! Tables of the exported records.

use super::{command, files, run, stderr, text};
use backdrop_testing::{Stack, tempfile};
use parquet::basic::{LogicalType, TimeUnit, Type as Physical};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

async fn stack() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    let sent = json!([
        {"_id": "a", "_timestamp": "2013-03-11T00:00:00.5Z", "count": 1, "share": 1, "name": "=1+1", "paid": true},
        {"_id": "b", "_timestamp": "1969-12-31", "count": -2, "share": 0.5, "name": "a, \"b\"", "mixed": 1},
        {"_id": "c", "count": null, "mixed": "x", "none": null},
    ]);
    stack.writer().with_token("token-for-kind").post("/data/group/kind", &sent).expect(200);
    stack
}

#[tokio::test(flavor = "multi_thread")]
async fn csv_has_a_column_for_every_field_and_no_formulas() {
    let stack = stack().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.csv");
    run(&stack, &["export", "group_kind", "--output", text(&path), "--page", "1"]);
    assert_eq!(files(folder.path()), ["records.csv"]);
    let found = std::fs::read_to_string(&path).expect("the file");
    let lines: Vec<String> = found.split("\r\n").map(without_updated_at).collect();
    assert_eq!(
        lines,
        [
            "_id,_timestamp,count,mixed,name,none,paid,share",
            "a,2013-03-11T00:00:00.5+00:00,1,,'=1+1,,true,1",
            "b,1969-12-31T00:00:00+00:00,-2,1,\"a, \"\"b\"\"\",,,0.5",
            "c,,,x,,,,",
            "",
        ]
    );
}

/// A line without its third field.
fn without_updated_at(line: &str) -> String {
    let fields: Vec<&str> = line.split(',').collect();
    let kept = fields.iter().enumerate().filter(|(index, _)| *index != 2).map(|(_, field)| *field);
    kept.collect::<Vec<_>>().join(",")
}

/// The fields of each row, as the reader shows them.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let reader = SerializedFileReader::new(File::open(path).expect("the file")).expect("Parquet");
    let rows = reader.get_row_iter(None).expect("rows");
    let shown = |(name, field): (&String, &Field)| (name.clone(), field.to_string());
    rows.map(|row| row.expect("a row").get_column_iter().map(shown).collect()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn parquet_has_columns_typed_by_their_values() {
    let stack = stack().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("records.parquet");
    run(&stack, &["export", "group_kind", "--output", text(&path), "--page", "2"]);
    assert_eq!(files(folder.path()), ["records.parquet"]);
    let reader = SerializedFileReader::new(File::open(&path).expect("the file")).expect("Parquet");
    let moment = Some(LogicalType::timestamp(true, TimeUnit::MICROS));
    let words = Some(LogicalType::String);
    let expected = [
        ("_id", Physical::BYTE_ARRAY, words.clone()),
        ("_timestamp", Physical::INT64, moment.clone()),
        ("_updated_at", Physical::INT64, moment),
        ("count", Physical::INT64, None),
        ("mixed", Physical::BYTE_ARRAY, words.clone()),
        ("name", Physical::BYTE_ARRAY, words.clone()),
        ("none", Physical::BYTE_ARRAY, words),
        ("paid", Physical::BOOLEAN, None),
        ("share", Physical::DOUBLE, None),
    ];
    let columns = reader.metadata().file_metadata().schema_descr().columns();
    let found: Vec<_> = columns
        .iter()
        .map(|column| (column.name(), column.physical_type(), column.logical_type_ref().cloned()))
        .collect();
    assert_eq!(found, expected);

    let rows = rows(&path);
    assert_eq!(rows.len(), 3);
    let row = |row: usize, names: [&str; 5]| names.map(|name| rows[row][name].clone());
    assert_eq!(row(0, ["count", "share", "paid", "name", "mixed"]), ["1", "1.0", "true", "\"=1+1\"", "null"]);
    assert_eq!(row(1, ["count", "share", "paid", "mixed", "none"]), ["-2", "0.5", "null", "\"1\"", "null"]);
    assert_eq!(
        row(2, ["count", "share", "_timestamp", "mixed", "_id"]),
        ["null", "null", "null", "\"x\"", "\"c\""]
    );
    assert!(rows[0]["_timestamp"].starts_with("2013-03-11 00:00:00"), "{}", rows[0]["_timestamp"]);
    assert!(rows[1]["_timestamp"].starts_with("1969-12-31 00:00:00"), "{}", rows[1]["_timestamp"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_without_records_makes_an_empty_file() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["none.jsonl", "none.csv"] {
        let path = folder.path().join(name);
        run(&stack, &["export", "group_kind", "--output", text(&path)]);
        assert_eq!(std::fs::read(&path).expect("the file"), b"");
    }
    let path = folder.path().join("none.parquet");
    run(&stack, &["export", "group_kind", "--output", text(&path)]);
    assert!(rows(&path).is_empty());
    for (name, part) in [("none.txt", "say which by --format"), ("nowhere/none.csv", "cannot write")] {
        let path = folder.path().join(name);
        let output =
            command(&stack, &["export", "group_kind", "--output", text(&path)]).output().expect("ended");
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains(part), "{}", stderr(&output));
    }
}
