//! `backdrop up` from nothing to two queries that work, and back to nothing: no process stays behind.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// A running `backdrop up`. Dropped in the middle of a test it is killed, and its servers end with it.
struct Up {
    child: Child,
    home: PathBuf,
    /// What it printed until it was ready.
    welcome: Vec<String>,
}

impl Up {
    fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_backdrop"))
            .arg("up")
            .args(arguments)
            .envs(["READ", "WRITE", "WORKER"].map(|name| (format!("BACKDROP_{name}_LISTEN"), "127.0.0.1:0")))
            .env("BACKDROP_HOME", home)
            .env("BACKDROP_LOG", "warn")
            // Whoever runs the tests may have servers of their own; this one starts its own.
            .env_remove("DATABASE_URL")
            .env_remove("REDIS_URL")
            .env_remove("BACKDROP_ADMIN_TOKEN")
            .stdout(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        let mut welcome = Vec::new();
        for line in output.lines() {
            let line = line.expect("text");
            let is_last = line.starts_with("Ctrl-C");
            welcome.push(line);
            if is_last {
                break;
            }
        }
        assert!(welcome.iter().any(|line| line == "Backdrop is ready."), "{welcome:?}");
        Self { child, home: home.to_owned(), welcome }
    }

    /// Answers of the commands it says to try.
    fn tried(&self) -> Vec<Value> {
        let urls =
            self.welcome.iter().filter_map(|line| line.trim().strip_prefix("curl '")?.strip_suffix('\''));
        urls.map(|url| {
            let mut answer = ureq::get(url).call().unwrap_or_else(|error| panic!("{url}: {error}"));
            answer.body_mut().read_json().expect("JSON")
        })
        .collect()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    fn wait(&mut self) -> ExitStatus {
        self.child.wait().expect("it ends")
    }

    /// Waits until no process has the home in its command line.
    fn assert_nothing_runs(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        loop {
            let running = processes_of(&self.home);
            if running.is_empty() {
                return;
            }
            assert!(Instant::now() < deadline, "still running: {running:?}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn processes_of(home: &Path) -> Vec<String> {
    let home = home.to_str().expect("text");
    let entries = std::fs::read_dir("/proc").expect("processes").flatten();
    let lines = entries.filter_map(|entry| std::fs::read(entry.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(home))
        .collect()
}

#[test]
fn it_starts_answers_stops_and_keeps_its_data() {
    let home = tempfile::tempdir().expect("a directory");
    let mut up = Up::start(home.path(), &["--examples"]);
    let answers = up.tried();
    assert_eq!(answers.len(), 2);
    assert_eq!(answers[0]["data"].as_array().map(Vec::len), Some(3));
    assert_eq!(answers[0]["data"][0]["_timestamp"], "2016-10-01T00:00:00+00:00");
    assert_eq!(answers[1]["data"][0]["channel"], "digital");
    assert_eq!(answers[1]["data"][0]["values"].as_array().map(Vec::len), Some(4));
    up.signal(Signal::INT);
    assert!(up.wait().success());
    up.assert_nothing_runs();

    // Loading the examples again changes nothing.
    let mut again = Up::start(home.path(), &["--examples"]);
    assert_eq!(again.tried()[1], answers[1]);
    again.signal(Signal::TERM);
    assert!(again.wait().success());
    again.assert_nothing_runs();
}

#[test]
fn killed_it_leaves_nothing_and_starts_again() {
    let home = tempfile::tempdir().expect("a directory");
    let mut up = Up::start(home.path(), &[]);
    // Not their number: for a moment a child of Postgres carries the command line of its parent.
    assert!(processes_of(home.path()).iter().any(|line| line.contains("-D")), "Postgres does not run");
    up.signal(Signal::KILL);
    assert!(!up.wait().success());
    up.assert_nothing_runs();
    let mut again = Up::start(home.path(), &[]);
    again.signal(Signal::INT);
    assert!(again.wait().success());
}

#[test]
fn it_ends_with_an_error_when_a_part_of_it_ends() {
    let home = tempfile::tempdir().expect("a directory");
    let mut up = Up::start(home.path(), &[]);
    let pid = std::fs::read_to_string(home.path().join("redis/pid")).expect("a pid");
    let pid = Pid::from_raw(pid.trim().parse().expect("a number")).expect("not 0");
    kill_process(pid, Signal::KILL).expect("Redis runs");
    assert_eq!(up.wait().code(), Some(1));
    up.assert_nothing_runs();
}

#[test]
fn the_command_reads_a_sheet_when_the_service_inside_it_asks_for_that() {
    let workbook = include_bytes!("../../../backdrop-write/tests/formats/fixtures/figures.ods");
    let asked =
        r#"{"texts":["code"],"sheet":null,"handling":"strict","bounds":{"bytes":10000,"records":10}}"#;
    let mut child = Command::new(env!("CARGO_BIN_EXE_backdrop"))
        .arg("--read-sheet-from-stdin")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the command starts");
    let mut stdin = child.stdin.take().expect("piped");
    stdin.write_all(&[asked.as_bytes(), b"\n", workbook].concat()).expect("the command listens");
    drop(stdin);
    let output = child.wait_with_output().expect("the command ends");
    let said = String::from_utf8(output.stdout).expect("text");
    let (remarks, records) = said.split_once('\n').expect("two lines");
    assert!(output.status.success() && remarks.contains(r#""count":2"#), "{said}");
    assert_eq!(serde_json::from_str::<Value>(records).expect("JSON")[1]["code"], "007");
}
