//! `backdrop data-set`, `schema`, `token` and `audit` against the real services.

use backdrop_testing::{ADMIN_TOKEN, Stack};
use serde_json::{Value, json};
use std::process::{Command, Output, Stdio};

/// Runs the command; it must succeed.
#[track_caller]
fn backdrop(stack: &Stack, arguments: &[&str]) -> (String, String) {
    let output = run(stack, arguments);
    let texts = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let [stdout, stderr] = texts;
    assert!(output.status.success(), "{arguments:?}: {stdout}{stderr}");
    (stdout, stderr)
}

fn run(stack: &Stack, arguments: &[&str]) -> Output {
    command(stack, arguments).output().expect("the command runs")
}

fn command(stack: &Stack, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_backdrop"));
    command.args(arguments).env("BACKDROP_WRITE_URL", format!("http://{}", stack.write.address()));
    command.env("BACKDROP_ADMIN_TOKEN", ADMIN_TOKEN);
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_set_is_made_changed_tried_and_followed() {
    let stack = Stack::start().await.expect("a stack");
    let folder = backdrop_testing::tempfile::tempdir().expect("a folder");
    let file = folder.path().join("schema.json");
    std::fs::write(&file, json!({"properties": {"count": {"type": "integer"}}}).to_string())
        .expect("written");
    let file = file.to_str().expect("UTF-8");

    let made = ["data-set", "create", "--data-group", "g", "--data-type", "t", "--schema", "none"];
    let settings = ["--auto-ids", "slug", "--capped-size", "1000000", "--retention-days", "30"];
    backdrop(&stack, &[&made[..], &settings[..]].concat());
    let (shown, _) =
        backdrop(&stack, &["data-set", "set", "g_t", "--retention-days", "none", "--realtime", "true"]);
    for (field, value) in [("retention_days", "null"), ("capped_size", "1000000"), ("realtime", "true")] {
        let line = shown.lines().find(|line| line.starts_with(&format!("{field} "))).expect("a line");
        assert!(line.ends_with(value), "{line}");
    }
    let record = json!([{"slug": "a", "count": "many"}, {"slug": "b", "count": 1}]);
    stack.administrator().post("/data/g/t", &record).expect(200);
    let (checked, _) = backdrop(&stack, &["schema", "check", "g_t", file]);
    assert!(checked.starts_with("1 of 2 stored records would not follow this schema."), "{checked}");
    assert!(checked.contains("count: ") && checked.contains("such as YQ=="), "{checked}");
    let (set, _) = backdrop(&stack, &["schema", "set", "g_t", file]);
    assert_eq!(set.trim(), "Version 1 of the schema of g_t is in force");
    backdrop(&stack, &["schema", "set", "g_t", "none"]);
    let (shown, told) = backdrop(&stack, &["schema", "show", "g_t", "--number", "1"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["properties"]["count"]["type"], "integer");
    assert!(told.contains("Version 1"), "{told}");

    let terms = ["--label", "Night job", "--scope", "read", "--scope", "write", "--expires-in", "30"];
    let (token, told) = backdrop(&stack, &[&["token", "create", "g_t"][..], &terms[..]].concat());
    assert!(token.starts_with("backdrop_"));
    let id = told.split_whitespace().nth(1).expect("an id");
    let (listed, _) = backdrop(&stack, &["token", "list", "g_t"]);
    let line = listed.lines().find(|line| line.contains("Night job")).expect("a line");
    assert!(line.contains("write,read") && !listed.contains(token.trim()), "{listed}");
    let (revoked, _) = backdrop(&stack, &["token", "revoke", "g_t", id, "--after", "60"]);
    assert!(revoked.contains("is valid until"), "{revoked}");

    let (trail, _) = backdrop(&stack, &["audit", "g_t"]);
    assert!(trail.lines().count() >= 7 && !trail.contains(token.trim()), "{trail}");
    assert!(trail.lines().next().is_some_and(|line| line.contains("revoke_token")), "{trail}");
    assert!(!run(&stack, &["schema", "show", "missing"]).status.success());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_trail_of_a_data_set_that_never_was_is_refused() {
    let stack = Stack::start().await.expect("a stack");
    let output = run(&stack, &["audit", "nosuch"]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(told.contains("nosuch"), "{told}");
    // That of a deleted one is there.
    backdrop(&stack, &["data-set", "create", "--data-group", "g", "--data-type", "t", "--schema", "none"]);
    backdrop(&stack, &["data-set", "delete", "g_t"]);
    let (trail, _) = backdrop(&stack, &["audit", "g_t"]);
    assert_eq!(trail.lines().count(), 2, "{trail}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_has_seen_enough_ends_a_command_quietly() {
    let stack = Stack::start().await.expect("a stack");
    backdrop(&stack, &["data-set", "create", "--data-group", "g", "--data-type", "t", "--schema", "none"]);
    stack.administrator().post("/data/g/t", &json!([{"_id": "a"}, {"_id": "b"}])).expect(200);
    for arguments in [
        &["audit"][..],
        &["audit", "--json"],
        &["data-set", "list"],
        &["data-set", "show", "g_t"],
        &["token", "list", "g_t"],
        &["rejected", "list", "g_t"],
        &["export", "g_t", "--output", "-"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let output = command(&stack, arguments).stdout(writer).stderr(Stdio::piped()).output();
        let output = output.expect("the command runs");
        let told = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && !told.contains("panicked"), "{arguments:?}: {told}");
        assert!(!told.contains("pipe"), "{arguments:?}: {told}");
    }
}
