//! `backdrop import` against a service that answers as told: what it sends, and what it makes of answers.

mod files;
mod memory;
mod requests;
mod resuming;

use backdrop_testing::Reply;
use serde_json::json;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn ok() -> Reply {
    Reply::Answer(200, String::new(), json!({"status": "ok"}))
}

/// The command, told of a service and of the data set `g/t`, with chunks of two records unless told otherwise.
fn command(address: &str, input: &Path, arguments: &[&str]) -> Command {
    let has = |flag: &str| arguments.contains(&flag);
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdrop"));
    command.arg("import").arg(input).args(["--write-url", address, "--data-group", "g"]);
    for (flag, value) in [("--data-type", "t"), ("--chunk", "2")] {
        if !has(flag) {
            command.args([flag, value]);
        }
    }
    command.args(arguments).env_clear().env("BACKDROP_TOKEN", "secret");
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Imports a file with the administration token, which may see the schema.
fn import_as_administrator(address: &str, arguments: &[&str], file: &Path) -> Output {
    let mut command = command(address, file, arguments);
    command.env_remove("BACKDROP_TOKEN").env("BACKDROP_ADMIN_TOKEN", "secret");
    command.output().expect("the command ends")
}

/// Imports a text from the standard input.
fn import(address: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = command(address, Path::new("-"), arguments).spawn().expect("the command starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
    child.wait_with_output().expect("the command ends")
}

/// Imports a file.
fn import_file(address: &str, arguments: &[&str], file: &Path) -> Output {
    command(address, file, arguments).output().expect("the command ends")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}
