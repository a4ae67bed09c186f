//! `backdrop export`, against the real services and against one that answers as told.

mod formats;
mod resuming;
mod round_trip;

use backdrop_testing::{ADMIN_TOKEN, Stack};
use serde_json::{Value, json};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The command, told of the services of a stack.
fn command(stack: &Stack, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdrop"));
    command.args(arguments).env_clear();
    command.env("BACKDROP_WRITE_URL", format!("http://{}", stack.write.address()));
    command.env("BACKDROP_ADMIN_TOKEN", ADMIN_TOKEN);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs the command to its good end; what it printed.
fn run(stack: &Stack, arguments: &[&str]) -> Output {
    let output = command(stack, arguments).output().expect("the command");
    assert!(output.status.success(), "{}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of Unicode")
}

/// Stores that many records in `group/kind`.
fn store(stack: &Stack, records: usize) {
    let writer = stack.writer().with_token("token-for-kind");
    let record =
        |number: usize| json!({"_id": format!("id-{number:06}"), "count": number, "text": "x".repeat(50)});
    let all: Vec<Value> = (0..records).map(record).collect();
    for batch in all.chunks(10_000) {
        writer.post("/data/group/kind", &json!(batch)).expect(200);
    }
}

/// The records of a file of JSON lines.
fn records(path: &Path) -> Vec<Value> {
    let lines = std::fs::read_to_string(path).expect("the file");
    lines.lines().map(|line| serde_json::from_str(line).expect("a record")).collect()
}

/// The names of all files in a folder.
fn files(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).expect("a folder");
    let mut names: Vec<String> =
        entries.map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}
