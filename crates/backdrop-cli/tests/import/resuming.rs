//! An import that was stopped goes on where it was.

use super::{command, import_as_administrator, import_file, ok, stderr};
use backdrop_testing::{Reply, Request, eventually, scripted, tempfile};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::Duration;
use tempfile::TempDir;

/// A file of CSV with so many records that have no `_id`.
fn figures(records: usize) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("figures.csv");
    let mut text = String::from("count\n");
    for number in 1..=records {
        writeln!(text, "{number}").expect("in memory");
    }
    std::fs::write(&path, text).expect("written");
    (folder, path)
}

fn rejected() -> Reply {
    Reply::Answer(400, String::new(), json!({"message": "Records were rejected"}))
}

/// The first number of each chunk that was sent, with its key.
fn sent(requests: &Receiver<Request>) -> Vec<(Value, String)> {
    let one = |request: Request| {
        (request.body[0]["count"].clone(), request.header("idempotency-key").expect("a key").to_owned())
    };
    requests.try_iter().map(one).collect()
}

fn counts(sent: &[(Value, String)]) -> Vec<&Value> {
    sent.iter().map(|(count, _)| count).collect()
}

#[test]
fn an_import_that_was_killed_sends_what_was_not_stored() {
    let (folder, path) = figures(9);
    let (address, requests) = scripted(vec![ok(), ok(), Reply::Hold, ok(), ok(), ok()]);
    let mut child = command(&address, &path, &[]).spawn().expect("the command starts");
    let mut before = Vec::new();
    eventually("the third chunk is on its way", Duration::from_secs(30), || {
        before.extend(sent(&requests));
        before.len() == 3
    });
    child.kill().expect("killed");
    child.wait().expect("ended");

    let output = import_file(&address, &["--resume", "--chunk", "1"], &path);
    assert!(output.status.success(), "{}", stderr(&output));
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.starts_with("5 records stored, 4 stored before in "), "{stdout}");
    let after = sent(&requests);
    assert_eq!(counts(&after), [5, 7, 9]);
    assert_eq!(after[0], before[2], "the chunk in flight has the same key");
    assert_eq!(
        std::fs::read_dir(folder.path()).expect("a folder").count(),
        1,
        "nothing is left beside the file"
    );
}

#[test]
fn what_was_rejected_is_sent_once_more() {
    let (_folder, path) = figures(6);
    let (address, requests) = scripted(vec![ok(), rejected(), ok(), ok()]);
    let output = import_file(&address, &["--keep-going"], &path);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(counts(&sent(&requests)), [1, 3, 5]);
    let output = import_file(&address, &["--resume"], &path);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(counts(&sent(&requests)), [3]);
}

#[test]
fn another_file_or_data_set_is_not_gone_on_with() {
    let (_folder, path) = figures(4);
    let (address, requests) = scripted(vec![rejected(), ok(), ok()]);
    let output = import_file(&address, &[], &path);
    assert!(stderr(&output).contains("--resume goes on from there"), "{}", stderr(&output));
    let output = import_file(&address, &["--resume", "--data-type", "other"], &path);
    assert!(stderr(&output).contains("an import into g/t"), "{}", stderr(&output));
    let output = import_file(&address, &["--resume", "--text", "count"], &path);
    assert!(stderr(&output).contains("texts (then none, now count)"), "{}", stderr(&output));
    let output = import_file(&address, &["--resume", "--format", "json"], &path);
    assert!(stderr(&output).contains("its format (then csv, now json)"), "{}", stderr(&output));
    std::fs::write(&path, "count\n1\n2\n3\n").expect("written");
    let output = import_file(&address, &["--resume"], &path);
    assert!(stderr(&output).contains("has changed"), "{}", stderr(&output));
    assert_eq!(sent(&requests).len(), 1, "nothing was sent");
    let output = import_file(&address, &[], &path);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = import_file(&address, &["--resume"], PathBuf::from("-").as_path());
    assert!(stderr(&output).contains("--resume needs a file"), "{}", stderr(&output));
}

#[test]
fn what_the_schema_made_texts_is_not_gone_on_with_as_numbers() {
    let data_set = |schema: Value| Reply::Answer(200, String::new(), json!([{"schema": schema}]));
    let texts = || data_set(json!({"properties": {"count": {"type": "string"}}}));
    let numbers = data_set(json!({"properties": {"count": {"type": "number"}}}));
    let (_folder, path) = figures(4);
    let (address, _requests) = scripted(vec![texts(), rejected(), numbers, texts(), ok(), ok()]);
    let output = import_as_administrator(&address, &[], &path);
    assert!(stderr(&output).contains("--resume goes on from there"), "{}", stderr(&output));
    let output = import_as_administrator(&address, &["--resume"], &path);
    assert!(stderr(&output).contains("texts (then count, now none)"), "{}", stderr(&output));
    let output = import_as_administrator(&address, &["--resume"], &path);
    assert!(output.status.success(), "{}", stderr(&output));
}
