//! An export that was stopped goes on where it was.

use super::{command, files, records, run, stderr, store, text};
use backdrop_testing::{Reply, Stack, eventually, scripted, tempfile};
use serde_json::json;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn an_export_that_is_killed_time_and_again_has_every_record_once() {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("group", "kind");
    store(&stack, 3_000);
    let folder = tempfile::tempdir().expect("a folder");
    let (whole, stopped) = (folder.path().join("whole.jsonl"), folder.path().join("stopped.jsonl"));
    run(&stack, &["export", "group_kind", "--output", text(&whole)]);
    let arguments = ["export", "group_kind", "--output", text(&stopped), "--page", "5", "--resume"];
    let part = folder.path().join("stopped.jsonl.part");
    let size = || part.metadata().map_or(0, |metadata| metadata.len());
    let mut kills = 0;
    for _ in 0..4 {
        let before = size();
        let mut child = command(&stack, &arguments).spawn().expect("the command starts");
        eventually("a page has come, or the export is done", SOON, || {
            size() > before || child.try_wait().expect("known").is_some()
        });
        // Wherever it is: in a page, between a page and its note, between two pages.
        kills += u32::from(child.try_wait().expect("known").is_none());
        let _ = child.kill();
        child.wait().expect("ended");
    }
    assert!(kills > 0, "it was never killed");
    run(&stack, &arguments);
    assert_eq!(std::fs::read(&stopped).expect("the file"), std::fs::read(&whole).expect("the file"));
    assert_eq!(records(&stopped).len(), 3_000);
    assert_eq!(files(folder.path()), ["stopped.jsonl", "whole.jsonl"]);
}

/// Exports from a service that answers as told.
fn export(address: &str, output: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdrop"));
    command.args(["export", "--data-group", "g", "--data-type", "t", "--write-url", address, "--page", "2"]);
    command.arg("--output").arg(output).args(arguments).env_clear().env("BACKDROP_TOKEN", "secret");
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn ended(mut command: Command) -> Output {
    command.output().expect("the command ends")
}

fn page(ids: &[&str], after: Option<&str>) -> Reply {
    let lines: String = ids.iter().map(|id| format!("{{\"_id\":\"{id}\"}}\n")).collect();
    let link = after.map(|id| format!("Link: </data/g/t/records?limit=2&after={id}>; rel=\"next\"\r\n"));
    Reply::Text(200, link.unwrap_or_default(), lines)
}

fn busy() -> Reply {
    Reply::Answer(503, "Retry-After: 0\r\n".into(), json!({"message": "The store is not available"}))
}

#[test]
fn a_page_that_does_not_come_is_asked_for_again_from_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("a.jsonl");
    let replies = vec![page(&["a", "b"], Some("B")), busy(), Reply::HangUp, page(&["c"], None)];
    let (address, requests) = scripted(replies);
    let done = ended(export(&address, &output, &[]));
    assert!(done.status.success(), "{}", stderr(&done));
    let lines: Vec<String> = requests.iter().map(|request| request.line).collect();
    let next = "GET /data/g/t/records?limit=2&after=B HTTP/1.1";
    assert_eq!(lines, ["GET /data/g/t/records?limit=2 HTTP/1.1", next, next, next]);
    assert_eq!(records(&output).len(), 3);
}

#[test]
fn an_export_that_was_killed_asks_for_the_page_in_flight() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("a.csv");
    let replies = vec![page(&["a", "b"], Some("B")), Reply::Hold, page(&["c"], None)];
    let (address, requests) = scripted(replies);
    let mut child = export(&address, &output, &[]).spawn().expect("the command starts");
    let _first = requests.recv().expect("asked");
    let held = requests.recv().expect("asked");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert_eq!(files(folder.path()), ["a.csv.part", "a.csv.part.state"]);
    let done = ended(export(&address, &output, &["--resume"]));
    assert!(done.status.success(), "{}", stderr(&done));
    assert!(String::from_utf8_lossy(&done.stdout).starts_with("3 records exported to "));
    assert_eq!(requests.recv().expect("asked").line, held.line);
    assert_eq!(std::fs::read_to_string(&output).expect("the file"), "_id\r\na\r\nb\r\nc\r\n");
    assert_eq!(files(folder.path()), ["a.csv"]);
}

#[test]
fn what_ends_an_export_is_told_with_what_to_do() {
    let folder = tempfile::tempdir().expect("a folder");
    let output = folder.path().join("a.jsonl");
    let emptied = Reply::Answer(410, String::new(), json!({"code": "export_ended", "message": "emptied"}));
    let forbidden =
        Reply::Answer(403, String::new(), json!({"message": "Forbidden: lacks the scope 'read'"}));
    let (address, _requests) =
        scripted(vec![page(&["a"], Some("B")), emptied, page(&["a"], Some("B")), forbidden]);
    let done = ended(export(&address, &output, &[]));
    assert_eq!(done.status.code(), Some(1));
    assert!(stderr(&done).contains("export it anew, without --resume"), "{}", stderr(&done));
    let done = ended(export(&address, &output, &[]));
    for part in ["1 records are kept in", "--resume goes on", "lacks the scope 'read'"] {
        assert!(stderr(&done).contains(part), "{}", stderr(&done));
    }
    assert!(!stderr(&done).contains("secret"));
    let done = ended(export(&address, Path::new("-"), &["--format", "csv"]));
    assert!(stderr(&done).contains("only JSON lines"), "{}", stderr(&done));
}
