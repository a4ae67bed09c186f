//! All changes to a data set have one order: that of their acceptance.

use super::{PATH, PATIENCE, ended, path_of, records, send, stack, stack_with};
use backdrop_testing::{Stack, eventually, redis};
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn changes_sent_one_after_the_other_end_with_the_last_state() {
    let (mut stack, writer) = stack_with(2, &json!({"schema": null})).await;
    let patient = writer.with_header("Prefer", "respond-async");
    let mut last = None;
    for round in 0..40 {
        if round % 10 == 5 {
            stack.workers.remove(0).kill();
            stack.add_worker().expect("a worker");
        }
        send(&patient, "PUT", PATH, &json!([])).expect(202);
        patient.post(PATH, &json!([{"_id": "a", "round": round}, {"_id": "b", "round": round}])).expect(202);
        send(&patient, "PATCH", &path_of("a"), &json!({"patched": round})).expect(202);
        patient.delete(&path_of("b")).expect(202);
        patient.post(PATH, &json!([{"_id": "c", "round": round}])).expect(202);
        last = Some(send(&patient, "PATCH", &path_of("c"), &json!({"round": round + 1})).expect(202));
    }
    assert_eq!(ended(&writer, &last.expect("there were rounds"))["state"], "stored");
    assert_eq!(
        records(&stack),
        [json!({"_id": "a", "round": 39, "patched": 39}), json!({"_id": "c", "round": 40})]
    );
    let shown = stack.administrator().get("/data-sets/group_kind").expect(200).json();
    assert_eq!((&shown["records"], &shown["version"]), (&json!(2), &json!(40 * 7)));
}

#[tokio::test(flavor = "multi_thread")]
async fn patches_of_one_record_by_many_writers_all_count() {
    let (stack, writer) = stack_with(2, &json!({"schema": null})).await;
    writer.post(PATH, &json!({"_id": "a"})).expect(200);
    std::thread::scope(|scope| {
        for hand in ["one", "two", "three", "four"] {
            let writer = &writer;
            scope.spawn(move || {
                for count in 1..=15 {
                    send(writer, "PATCH", &path_of("a"), &json!({hand: count})).expect(200);
                    // What it races with: a record beside it, in the same data set.
                    writer.post(PATH, &json!({"_id": hand, "count": count})).expect(200);
                }
            });
        }
    });
    let merged = json!({"_id": "a", "one": 15, "two": 15, "three": 15, "four": 15});
    assert_eq!(records(&stack)[0], merged);
    assert_eq!(records(&stack).len(), 5);
}

/// While a large run is applied, the next is decided: but not what depends on it.
#[tokio::test(flavor = "multi_thread")]
async fn changes_behind_large_batches_find_what_those_have_stored() {
    const ROUNDS: usize = 6;
    let (mut stack, writer) = stack().await;
    stack.workers.clear();
    let patient = writer.with_header("Prefer", "respond-async");
    let mut receipts = Vec::new();
    for round in 0..ROUNDS {
        for part in ["a", "b", "c"] {
            let batch = (0..800).map(|number| json!({"_id": format!("{part}{number}"), "round": round}));
            receipts.push(patient.post(PATH, &batch.collect()).expect(202));
        }
        receipts.push(send(&patient, "PATCH", &path_of("a0"), &json!({"patched": round})).expect(202));
        receipts.push(patient.delete(&path_of("b0")).expect(202));
    }
    // Enough for two runs, one behind the other.
    for _ in 0..12 {
        let batch = (1..800).map(|number| json!({"_id": format!("c{number}"), "round": "last"}));
        receipts.push(patient.post(PATH, &batch.collect()).expect(202));
    }
    stack.add_worker().expect("a worker");
    for receipt in &receipts {
        assert_eq!(ended(&writer, receipt)["state"], "stored");
    }
    let last = ROUNDS - 1;
    assert_eq!(stored(&stack, "a0"), [json!({"_id": "a0", "round": last, "patched": last})]);
    assert_eq!(stored(&stack, "b0"), [] as [Value; 0]);
    assert_eq!(stored(&stack, "c799"), [json!({"_id": "c799", "round": "last"})]);
    let shown = stack.administrator().get("/data-sets/group_kind").expect(200).json();
    let version = ROUNDS * (3 * 800 + 2) + 12 * 799;
    assert_eq!((&shown["records"], &shown["version"]), (&json!(3 * 800 - 1), &json!(version)));
}

/// The record with an `_id`, without the time at which it was stored.
fn stored(stack: &Stack, id: &str) -> Vec<Value> {
    let answer = stack.reader().get(&format!("{PATH}?filter_by=_id:{id}")).expect(200);
    let mut rows = answer.json()["data"].as_array().expect("rows").clone();
    for row in &mut rows {
        row.as_object_mut().expect("an object").remove("_updated_at");
    }
    rows
}

/// What happens when the answer of the queue is lost after the entry was appended: the append is repeated.
#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_stands_twice_in_the_log_counts_once() {
    let (mut stack, writer) = stack().await;
    writer.post(PATH, &json!([{"_id": "a"}, {"_id": "b"}])).expect(200);
    stack.workers.clear();
    let patient = writer.with_header("Prefer", "respond-async");
    let patch = send(&patient, "PATCH", &path_of("a"), &json!({"count": 1})).expect(202);
    let deletion = patient.delete(&path_of("b")).expect(202);
    let mut queue = stack.redis_connection().expect("a connection");
    repeat_last(&mut queue, 2);
    patient.post(PATH, &json!({"_id": "b", "again": true})).expect(202);
    send(&patient, "PATCH", &path_of("a"), &json!({"count": 2})).expect(202);
    // Now a deletion and a patch stand in the log once more, after what came later.
    repeat_last(&mut queue, 6);
    stack.add_worker().expect("a worker");
    for answer in [&patch, &deletion] {
        assert_eq!(ended(&writer, answer)["state"], "stored");
    }
    eventually("all is applied", PATIENCE, || {
        records(&stack) == [json!({"_id": "a", "count": 2}), json!({"_id": "b", "again": true})]
    });
    writer.post(PATH, &json!({"_id": "c"})).expect(200);
    assert_eq!(records(&stack)[..2], [json!({"_id": "a", "count": 2}), json!({"_id": "b", "again": true})]);
}

/// Appends the last entries of the log once more, each with the next number, as a repeated append does.
fn repeat_last(queue: &mut redis::Connection, count: usize) {
    type Entry = (String, Vec<(String, String)>);
    let keys: Vec<String> = redis::cmd("KEYS").arg("backdrop:*:log").query(queue).expect("keys");
    let [log] = &keys[..] else { panic!("one log: {keys:?}") };
    let marker = log.replace(":log", ":marker");
    let all: Vec<Entry> = redis::cmd("XRANGE").arg(log).arg("-").arg("+").query(queue).expect("entries");
    for (_, fields) in &all[all.len() - count..] {
        let (epoch, n): (u64, u64) = {
            let last: Vec<Entry> = redis::cmd("XREVRANGE")
                .arg(log)
                .arg("+")
                .arg("-")
                .arg("COUNT")
                .arg(1)
                .query(queue)
                .expect("an entry");
            let (epoch, n) = last[0].0.split_once('-').expect("an id");
            (epoch.parse().expect("a number"), n.parse().expect("a number"))
        };
        let mut add = redis::cmd("XADD");
        add.arg(log).arg(format!("{epoch}-{}", n + 1));
        for (name, value) in fields {
            add.arg(name).arg(value);
        }
        add.query::<String>(queue).expect("appended");
        redis::cmd("HSET").arg(&marker).arg("n").arg(n + 1).query::<i64>(queue).expect("counted");
    }
}
