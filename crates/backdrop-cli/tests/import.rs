//! `backdrop import` against a service that answers as told: what it sends, and what it makes of answers.

use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};

/// What the service does with a request: an answer, or hangs up without one.
enum Reply {
    Answer(u16, &'static str, Value),
    HangUp,
}

struct Request {
    line: String,
    headers: String,
    body: Value,
}

/// Answers one request after the other as told; returns its address and what it was asked.
fn service(replies: Vec<Reply>) -> (String, Receiver<Request>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("bound"));
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for reply in replies {
            let (stream, _) = listener.accept().expect("a connection");
            serve(stream, &reply, &sender);
        }
    });
    (address, requests)
}

fn serve(stream: TcpStream, reply: &Reply, requests: &Sender<Request>) {
    let mut reader = BufReader::new(stream);
    let (mut line, mut headers) = (String::new(), String::new());
    reader.read_line(&mut line).expect("a request");
    while reader.read_line(&mut headers).expect("headers") > 2 {}
    let headers = headers.to_lowercase();
    let len = headers.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap_or("0");
    let mut body = vec![0; len.parse().expect("a length")];
    reader.read_exact(&mut body).expect("a body");
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    requests.send(Request { line: line.trim().to_owned(), headers, body }).expect("the test listens");
    if let Reply::Answer(status, headers, body) = reply {
        let body = body.to_string();
        let len = body.len();
        write!(
            reader.into_inner(),
            "HTTP/1.1 {status} x\r\ncontent-length: {len}\r\nconnection: close\r\n{headers}\r\n{body}"
        )
        .expect("answered");
    }
}

fn ok() -> Reply {
    Reply::Answer(200, "", json!({"status": "ok"}))
}

fn import(address: &str, arguments: &[&str], input: &str) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_backdrop"))
        .args([
            "import",
            "-",
            "--write-url",
            address,
            "--data-group",
            "g",
            "--data-type",
            "t",
            "--chunk",
            "2",
        ])
        .args(arguments)
        .env_clear()
        .env("BACKDROP_TOKEN", "secret")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the command starts");
    child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("read");
    child.wait_with_output().expect("the command ends")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn records_go_out_in_chunks_with_the_token() {
    let (address, requests) = service(vec![ok(), ok()]);
    let output = import(&address, &[], "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n{\"nn\":1}\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("3 records stored in "));
    let (first, second) = (requests.recv().expect("sent"), requests.recv().expect("sent"));
    assert_eq!(first.line, "POST /data/g/t HTTP/1.1");
    assert!(first.headers.contains("authorization: bearer secret"), "{}", first.headers);
    assert_eq!(first.body, json!([{"_id": "a"}, {"_id": "b"}]));
    assert_eq!(second.body[0]["nn"], 1);
    assert!(second.body[0]["_id"].is_string());
}

#[test]
fn what_may_have_been_stored_is_sent_again_the_same() {
    let busy = || Reply::Answer(503, "Retry-After: 0\r\n", json!({"message": "The queue is full"}));
    let unknown = Reply::Answer(504, "", json!({"code": "outcome_unknown"}));
    let (address, requests) = service(vec![busy(), Reply::HangUp, unknown, ok()]);
    let output = import(&address, &[], "{\"nn\":1}");
    assert!(output.status.success(), "{}", stderr(&output));
    let bodies: Vec<Value> = requests.iter().map(|request| request.body).collect();
    assert_eq!(bodies.len(), 4);
    assert!(bodies.iter().all(|body| *body == bodies[0] && body[0]["_id"].is_string()), "{bodies:?}");
}

#[test]
fn a_rejected_chunk_is_told_by_the_numbers_of_the_file() {
    let rejected = || {
        let error =
            json!({"record": 2, "pointer": "/count", "code": "schema_violation", "message": "is bad"});
        Reply::Answer(
            400,
            "",
            json!({"status": "error", "message": "Records were rejected", "errors": [error]}),
        )
    };
    let input = r#"[{"_id":"a"},{"_id":"b"},{"_id":"c"},{"_id":"d"},{"_id":"e"}]"#;
    let (address, requests) = service(vec![ok(), rejected()]);
    let output = import(&address, &[], input);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("record 4: count: is bad"), "{}", stderr(&output));
    assert!(stderr(&output).contains("2 records stored, 2 not stored"), "{}", stderr(&output));
    assert_eq!(requests.iter().count(), 2, "nothing is sent after it");

    let (address, requests) = service(vec![ok(), rejected(), ok()]);
    let output = import(&address, &["--keep-going"], input);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("3 records stored, 2 not stored"), "{}", stderr(&output));
    assert_eq!(requests.iter().last().expect("sent").body, json!([{"_id": "e"}]));
}

#[test]
fn an_accepted_chunk_is_followed_to_its_end() {
    let accepted = || Reply::Answer(202, "Location: /receipts/r1\r\n", json!({"status": "ok"}));
    let state = |state: &str| Reply::Answer(200, "", json!({ "state": state }));
    let (address, requests) = service(vec![accepted(), state("queued"), state("stored")]);
    let output = import(&address, &[], "{}");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(requests.iter().last().expect("asked").line, "GET /receipts/r1 HTTP/1.1");

    let (address, _requests) = service(vec![accepted(), state("lost")]);
    let output = import(&address, &[], "{}");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("record 1: the service says lost"), "{}", stderr(&output));
}

#[test]
fn a_refused_token_ends_the_import_and_shows_no_token() {
    let refused = Reply::Answer(401, "", json!({"message": "Unauthorized: Invalid bearer token for 'g_t'"}));
    let (address, _requests) = service(vec![refused]);
    let output = import(&address, &["--keep-going"], "{}\n{}\n{}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Invalid bearer token for 'g_t'"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("secret"));
}
