//! What an import sends, and what it makes of answers.

use super::{import, ok, stderr};
use backdrop_testing::{Reply, Request, scripted};
use serde_json::{Value, json};
use std::collections::BTreeSet;

#[test]
fn records_go_out_in_chunks_with_the_token() {
    let (address, requests) = scripted(vec![ok(), ok()]);
    let output = import(&address, &[], "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n{\"nn\":1}\n");
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).starts_with("3 records stored in "));
    let (first, second) = (requests.recv().expect("sent"), requests.recv().expect("sent"));
    assert_eq!(first.line, "POST /data/g/t HTTP/1.1");
    assert!(first.headers.contains("authorization: bearer secret"), "{}", first.headers);
    assert_eq!(first.body, json!([{"_id": "a"}, {"_id": "b"}]));
    assert_eq!(second.body[0]["nn"], 1);
    assert_eq!(second.body, json!([{"nn": 1}]));
}

#[test]
fn what_may_have_been_stored_is_sent_again_the_same() {
    let busy = || Reply::Answer(503, "Retry-After: 0\r\n".into(), json!({"message": "The queue is full"}));
    let unknown = Reply::Answer(504, "".into(), json!({"code": "outcome_unknown"}));
    let (address, requests) = scripted(vec![busy(), Reply::HangUp, unknown, ok()]);
    let output = import(&address, &[], "{\"nn\":1}");
    assert!(output.status.success(), "{}", stderr(&output));
    let sent: Vec<(Option<String>, Value)> = requests
        .iter()
        .map(|request| (request.header("idempotency-key").map(Into::into), request.body))
        .collect();
    assert_eq!(sent.len(), 4);
    assert!(sent.iter().all(|one| *one == sent[0] && one.0.is_some()), "{sent:?}");
}

#[test]
fn a_rejected_chunk_is_told_by_the_numbers_of_the_file() {
    let rejected = || {
        let error =
            json!({"record": 2, "pointer": "/count", "code": "schema_violation", "message": "is bad"});
        Reply::Answer(
            400,
            "".into(),
            json!({"status": "error", "message": "Records were rejected", "errors": [error]}),
        )
    };
    let input = r#"[{"_id":"a"},{"_id":"b"},{"_id":"c"},{"_id":"d"},{"_id":"e"}]"#;
    let (address, requests) = scripted(vec![ok(), rejected()]);
    let output = import(&address, &[], input);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("record 4 (line 1): count: is bad"), "{}", stderr(&output));
    assert!(stderr(&output).contains("2 records stored, 2 not stored"), "{}", stderr(&output));
    assert_eq!(requests.iter().count(), 2, "nothing is sent after it");

    let (address, requests) = scripted(vec![ok(), rejected(), ok()]);
    let output = import(&address, &["--keep-going"], input);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("3 records stored, 2 not stored"), "{}", stderr(&output));
    assert_eq!(requests.iter().last().expect("sent").body, json!([{"_id": "e"}]));
}

#[test]
fn an_accepted_chunk_is_followed_to_its_end() {
    let accepted = || Reply::Answer(202, "Location: /receipts/r1\r\n".into(), json!({"status": "ok"}));
    let state = |state: &str| Reply::Answer(200, "".into(), json!({ "state": state }));
    let (address, requests) = scripted(vec![accepted(), state("queued"), state("stored")]);
    let output = import(&address, &[], "{}");
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(requests.iter().last().expect("asked").line, "GET /receipts/r1 HTTP/1.1");

    let (address, _requests) = scripted(vec![accepted(), state("lost")]);
    let output = import(&address, &[], "{}");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("record 1: the service says lost"), "{}", stderr(&output));
}

#[test]
fn a_refused_token_ends_the_import_and_shows_no_token() {
    let refused =
        Reply::Answer(401, "".into(), json!({"message": "Unauthorized: Invalid bearer token for 'g_t'"}));
    let (address, _requests) = scripted(vec![refused]);
    let output = import(&address, &["--keep-going"], "{}\n{}\n{}\n");
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("Invalid bearer token for 'g_t'"), "{}", stderr(&output));
    assert!(!stderr(&output).contains("secret"));
}

#[test]
fn records_without_id_have_the_same_key_whenever_they_are_sent() {
    let key = |arguments: &[&str], input: &str| {
        let (address, requests) = scripted(vec![ok()]);
        let output = import(&address, arguments, input);
        assert!(output.status.success(), "{}", stderr(&output));
        let request = requests.recv().expect("sent");
        request.header("idempotency-key").expect("a key").to_owned()
    };
    let first = key(&[], "{\"nn\":1}");
    assert_eq!(key(&[], "{\"nn\":1}"), first);
    assert_ne!(key(&[], "{\"nn\":2}"), first);
    assert_ne!(key(&["--again"], "{\"nn\":1}"), first);
    assert_ne!(key(&["--data-type", "other"], "{\"nn\":1}"), first);
    // These replace what is there, and are to do so if somebody has changed that since.
    assert_ne!(key(&[], "{\"_id\":\"a\"}"), key(&[], "{\"_id\":\"a\"}"));
}

#[test]
fn what_was_stored_before_is_told_apart() {
    let replayed = |status, body| Reply::Answer(status, "Idempotent-Replayed: true\r\n".into(), body);
    let done = json!({"status": "ok"});
    let (address, _requests) = scripted(vec![replayed(200, done.clone()), ok()]);
    let output = import(&address, &[], "{}{}{}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.starts_with("1 records stored, 2 stored before in "), "{stdout}");

    // The answer was lost, so it was this import that stored them.
    let (address, _requests) = scripted(vec![Reply::HangUp, replayed(200, done)]);
    let output = import(&address, &[], "{}{}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(stdout.starts_with("2 records stored in "), "{stdout}");

    // What was rejected once need not be any more: the schema may be another one.
    let keys = || {
        let rejected = || replayed(400, json!({"message": "Records were rejected"}));
        let (address, requests) = scripted(vec![rejected(), rejected(), ok()]);
        let output = import(&address, &[], "{}");
        assert!(output.status.success(), "{}", stderr(&output));
        let key = |request: Request| request.header("idempotency-key").expect("a key").to_owned();
        requests.iter().map(key).collect::<Vec<String>>()
    };
    let first = keys();
    assert_eq!(first.iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!(keys(), first, "if it was stopped before it knew, it finds what it did");
}
