//! Nothing that a client sends to the write service is a fault of ours: more than two hundred bad inputs, each with
//! the status and the code it must get, and with what the person must be told.
//!
//! Written from the contract (`docs/http-api.md`, `docs/errors.md`) by plain sockets, so that anything can be sent.
//! For every answer: never a 5xx, an error body in the one form there is, no token in it, in time. For every row:
//! nothing was stored and nothing was changed. At the end the service takes a good write, and has not grown.
//!
//! Not among the rows: `_end_at` before `_start_at`, of which the contract says nothing.

mod borne;
mod bytes;
mod files;
mod judge;
mod row;
mod rows;
mod table;
mod wire;

use backdrop_testing::{ADMIN_TOKEN, Stack, StackOptions, sqlx};
use row::{MADE, RECORDS, Row, STRICT, TOKEN};
use serde_json::{Value, json};

/// The record that each data set holds, and goes on holding.
pub(crate) const GOOD_ID: &str = "good";
/// The `_id` of the one in [`MADE`]: base64 of `good.kept.once`.
pub(crate) const MADE_ID: &str = "Z29vZC5rZXB0Lm9uY2U%3D";
/// An `Idempotency-Key` that was used.
pub(crate) const USED_KEY: &str = "used-before";
/// What one body may cost in memory, as the contract of the door has it, and a margin for what the allocator keeps of
/// some hundred requests before it.
const GROWTH_KIB_MAX: u64 = (32 + 24) * 1024;

/// Tokens whose time, scope or quota is at an end.
pub(crate) struct Tokens {
    pub(crate) revoked: String,
    pub(crate) expired: String,
    pub(crate) reading: String,
    pub(crate) limited: String,
    /// The id of one that nothing is wrong with.
    pub(crate) spare_id: i64,
}

/// A stack whose bodies may take two seconds, with the data sets and a good record in each.
async fn stack() -> Stack {
    let environment = vec![("BACKDROP_BODY_TIMEOUT".into(), "2".into())];
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let stack = Stack::start_with(options).await.expect("a stack");
    let schema = json!({"required": ["count"], "properties": {
        "count": {"type": "integer"}, "at": {"format": "date-time"}, "code": {"pattern": "^[A-Z]{2}$"},
    }});
    for (data_type, schema, auto_ids) in [
        ("records", json!(null), json!([])),
        ("strict", schema, json!([])),
        ("made", json!(null), json!(["aa", "bb"])),
        ("borne", json!(null), json!([])),
    ] {
        let settings = json!({"schema": schema, "auto_ids": auto_ids, "bearer_token": TOKEN});
        stack.create_data_set_with("bad", data_type, &settings);
    }
    stack.create_data_set("bad", "other");
    let writer = stack.writer().with_token(TOKEN);
    let good = json!({"_id": GOOD_ID, "_timestamp": "2013-03-11T00:00:00Z", "count": 1});
    writer.with_header("Idempotency-Key", USED_KEY).post(RECORDS, &good).expect(200);
    writer.post(STRICT, &good).expect(200);
    writer.post(MADE, &json!({"aa": "good.kept", "bb": "once"})).expect(200);
    stack
}

async fn tokens(stack: &Stack) -> Tokens {
    let administrator = stack.administrator();
    let path = "/data-sets/bad_records/tokens";
    let make = |definition: Value| administrator.post(path, &definition).expect(200).json();
    let text = |made: &Value| made["token"].as_str().expect("a token").to_owned();
    let (revoked, expired) = (make(json!({"label": "revoked"})), make(json!({"label": "expired"})));
    administrator.delete(&format!("{path}/{}", revoked["id"])).expect(200);
    // A token cannot be made with an end in the past: time has to pass, or to be turned.
    sqlx::query("UPDATE data_set_token SET expires_at = now() - interval '1 second' WHERE id = $1")
        .bind(expired["id"].as_i64())
        .execute(&stack.pool)
        .await
        .expect("turned");
    // The last one made lets the service learn of all before it.
    let spare = make(json!({"label": "spare"}));
    let limited = make(json!({"requests_per_minute": 2}));
    let reading = make(json!({"scopes": ["read"]}));
    Tokens {
        revoked: text(&revoked),
        expired: text(&expired),
        reading: text(&reading),
        limited: text(&limited),
        spare_id: spare["id"].as_i64().expect("an id"),
    }
}

/// All that must stay as it is, in one line: every record but those that are taken, the data sets, their schemas and
/// their tokens.
async fn everything(stack: &Stack) -> String {
    let sql = "SELECT concat_ws(' ',
        (SELECT count(*) || ' records ' || md5(string_agg(r.data_set_id || r.id || r.seq || r.body, ','
                                             ORDER BY r.data_set_id, r.id))
           FROM record r JOIN data_set d ON d.id = r.data_set_id WHERE d.data_type <> 'borne'),
        (SELECT count(*) || ' data sets ' || md5(string_agg(d::text, ',' ORDER BY id)) FROM data_set d),
        (SELECT count(*) || ' schemas' FROM data_set_schema),
        (SELECT count(*) || ' tokens ' || md5(string_agg(t::text, ',' ORDER BY id)) FROM data_set_token t))";
    sqlx::query_scalar(sql).fetch_one(&stack.pool).await.expect("everything")
}

/// What no answer and no line of a log may hold.
fn secrets(tokens: &Tokens) -> Vec<String> {
    let Tokens { revoked, expired, reading, limited, .. } = tokens;
    let known = [revoked, expired, reading, limited].map(String::clone);
    let said = [TOKEN, "token-for-other", ADMIN_TOKEN, rows::callers::PLANTED].map(str::to_owned);
    known.into_iter().chain(said).collect()
}

/// Sends a row and judges the answer; the status and the code for the table, and what is wrong.
fn try_row(stack: &Stack, row: &Row, secrets: &[String]) -> (String, Vec<String>) {
    let mut last = Err("it was not sent".to_owned());
    for _ in 0..row.times {
        last = wire::send(stack.write.address(), row);
    }
    match last {
        Ok(reply) => {
            let code = reply.json()["code"].as_str().unwrap_or("-").to_owned();
            (format!("{} {code}", reply.status), judge::faults(row, &reply, secrets))
        }
        Err(error) => ("no answer".into(), vec![error]),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bad_inputs_are_refused_in_words_and_change_nothing() {
    let mut stack = stack().await;
    let tokens = tokens(&stack).await;
    let secrets = secrets(&tokens);
    let before = stack.write.peak_memory_kib();
    let (mut known, mut table, mut highest) = (everything(&stack).await, table::Table::default(), before);
    for row in rows::all(&tokens).into_iter().chain(borne::rows()) {
        let (mut answer, mut faults) = try_row(&stack, &row, &secrets);
        let peak = stack.write.peak_memory_kib();
        if peak > highest + 1024 {
            answer += &format!(" (the peak of memory rose by {} KiB)", peak - highest);
        }
        highest = peak;
        let now = everything(&stack).await;
        if now != known {
            faults.push(format!("it changed something: {known} became {now}"));
            known = now;
        }
        if !stack.write.is_running() {
            faults.push("the service ended".into());
        }
        table.add(&row.name, answer, faults);
    }
    let growth_kib = stack.write.peak_memory_kib().saturating_sub(before);
    table.add("at the end", "a good write".into(), faults_of_a_good_write(&stack));
    table.print();
    println!("the write service's peak grew by {growth_kib} KiB");
    let log = [stack.write.log(), stack.workers[0].log(), stack.read.log()].concat();
    // Before the panics, which would print the logs of its services.
    drop(stack);
    assert!(!secrets.iter().any(|secret| log.contains(secret)), "a log holds a token");
    table.assert_no_faults();
    assert!(growth_kib < GROWTH_KIB_MAX, "the peak grew by {growth_kib} KiB, more than {GROWTH_KIB_MAX}");
}

/// The service is ready, takes a good write, and shows it with what was there before.
fn faults_of_a_good_write(stack: &Stack) -> Vec<String> {
    let good = json!({"_id": "last", "_timestamp": "2013-03-12"});
    let written = stack.writer().with_token(TOKEN).post(RECORDS, &good);
    let mut faults = Vec::new();
    for (what, answer) in [("ready", stack.writer().get("/_status/ready")), ("written", written)] {
        if answer.status != 200 {
            faults.push(format!("{what}: {} {}", answer.status, answer.text));
        }
    }
    let shown = |path: &str| {
        let rows = stack.reader().get(path).json()["data"].take();
        rows.as_array().into_iter().flatten().map(|row| row["_id"].clone()).collect::<Vec<Value>>()
    };
    let made = MADE_ID.replace("%3D", "=");
    for (path, expected) in [(RECORDS, vec![GOOD_ID, "last"]), (STRICT, vec![GOOD_ID]), (MADE, vec![&made])] {
        if shown(path) != expected {
            faults.push(format!("{path} shows {:?}, expected {expected:?}", shown(path)));
        }
    }
    faults
}
