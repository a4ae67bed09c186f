//! The 30,828 records of GOV.UK's published transaction figures, imported by `backdrop import` into the real
//! services. Skipped where the file is not at hand: the project does not need it.

use backdrop_testing::{ADMIN_TOKEN, Stack};
use flate2::read::GzDecoder;
use parquet::file::reader::{FileReader, SerializedFileReader};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::Command;

const RECORDS: usize = 30_828;
const PATH: &str = "/data/transactional-services/summaries";

fn file() -> Option<PathBuf> {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../..");
    let file = top.join("shared/data/transactional-services-summaries.jsonl.gz");
    file.exists().then_some(file)
}

fn import(stack: &Stack, file: &Path) {
    let output = Command::new(env!("CARGO_BIN_EXE_backdrop"))
        .arg("import")
        .arg(file)
        .args(["--data-group", "transactional-services", "--data-type", "summaries", "--create"])
        .arg("--raw-queries-allowed")
        .env("BACKDROP_WRITE_URL", format!("http://{}", stack.write.address()))
        .env("BACKDROP_ADMIN_TOKEN", ADMIN_TOKEN)
        .output()
        .expect("the command");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn stored(stack: &Stack) -> Value {
    let name = "/data-sets/transactional_services_summaries";
    stack.administrator().get(name).expect(200).json()["records"].clone()
}

/// What the file holds of a service, newest first.
fn expected(records: &[Value], service: &str) -> Vec<Value> {
    let is_wanted =
        |record: &&Value| record["service_id"] == service && record["type"] == "seasonally-adjusted";
    let mut wanted: Vec<Value> = records.iter().filter(is_wanted).cloned().collect();
    wanted.sort_by_key(|record| std::cmp::Reverse(record["_timestamp"].to_string()));
    wanted
}

#[tokio::test(flavor = "multi_thread")]
async fn the_published_figures_are_stored_and_found() {
    let Some(file) = file() else { return println!("skipped: the published figures are not here") };
    let lines = BufReader::new(GzDecoder::new(File::open(&file).expect("the file"))).lines();
    let records: Vec<Value> =
        lines.map(|line| serde_json::from_str(&line.expect("a line")).expect("a record")).collect();
    assert_eq!(records.len(), RECORDS);
    let stack = Stack::start().await.expect("a stack");
    import(&stack, &file);
    assert_eq!(stored(&stack), RECORDS);

    // The first is what dashboards ask for most, and the file has nothing of it.
    let mut rows_seen = 0;
    for service in
        ["bis-accounts-filing", "dft-tax-a-vehicle", "dwp-universal-jobmatch-jobseeker-accounts-created"]
    {
        let query = format!(
            "filter_by=service_id:{service}&filter_by=type:seasonally-adjusted&sort_by=_timestamp:descending"
        );
        let mut rows = stack.reader().get(&format!("{PATH}?{query}")).expect(200).json()["data"].take();
        for row in rows.as_array_mut().expect("rows") {
            row.as_object_mut().expect("a row").remove("_updated_at");
        }
        let expected = expected(&records, service);
        rows_seen += expected.len();
        assert_eq!(rows, Value::Array(expected), "{service}");
    }
    assert!(rows_seen > 20, "{rows_seen}");

    import(&stack, &file);
    assert_eq!(stored(&stack), RECORDS, "importing again changes no count");
    are_exported(&stack, &records);
}

/// Exports all records, as JSON lines and as Parquet.
fn are_exported(stack: &Stack, records: &[Value]) {
    let folder = tempfile::tempdir().expect("a folder");
    let export = |name: &str| {
        let path = folder.path().join(name);
        let output = Command::new(env!("CARGO_BIN_EXE_backdrop"))
            .args(["export", "transactional_services_summaries", "--output"])
            .arg(&path)
            .env("BACKDROP_WRITE_URL", format!("http://{}", stack.write.address()))
            .env("BACKDROP_ADMIN_TOKEN", ADMIN_TOKEN)
            .output()
            .expect("the command");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        print!("{}", String::from_utf8_lossy(&output.stdout));
        path
    };
    let id = |record: &Value| record["_id"].as_str().expect("an id").to_owned();
    let expected: BTreeMap<String, &Value> = records.iter().map(|record| (id(record), record)).collect();
    let text = std::fs::read_to_string(export("all.jsonl")).expect("the file");
    assert_eq!(text.lines().count(), RECORDS);
    for (line, (_, expected)) in text.lines().zip(expected) {
        let mut record: Value = serde_json::from_str(line).expect("a record");
        record.as_object_mut().expect("a record").remove("_updated_at");
        assert_eq!(record, *expected);
    }
    let table =
        SerializedFileReader::new(File::open(export("all.parquet")).expect("the file")).expect("Parquet");
    assert_eq!(usize::try_from(table.metadata().file_metadata().num_rows()), Ok(RECORDS));
}
