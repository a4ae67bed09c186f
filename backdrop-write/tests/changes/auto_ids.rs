//! Ids that the data set makes of fields.

use super::{PATH, path_of, records, rejected, send, stack_with};
use backdrop_testing::{Client, Stack};
use serde_json::{Value, json};

async fn of_two_fields() -> (Stack, Client) {
    stack_with(1, &json!({"schema": null, "auto_ids": ["aa", "bb"]})).await
}

/// Values that differ and join to the same text, and what the original made of them.
fn tuples() -> (Value, Value, &'static str) {
    (json!({"aa": "x.y", "bb": "z", "count": 1}), json!({"aa": "x", "bb": "y.z", "count": 2}), "eC55Lno=")
}

fn with_id(mut record: Value, id: &str) -> Value {
    record["_id"] = json!(id);
    record
}

#[tokio::test(flavor = "multi_thread")]
async fn ids_are_made_as_the_original_made_them() {
    let (stack, writer) = of_two_fields().await;
    let sent = json!({"_id": "mine", "aa": "2013-03-11T00:00:00Z", "bb": "week"});
    writer.post(PATH, &json!([sent, {"aa": true, "bb": 1.5}])).expect(200);
    let ids: Vec<Value> = records(&stack).iter().map(|row| row["_id"].clone()).collect();
    assert_eq!(ids, ["MjAxMy0wMy0xMVQwMDowMDowMFoud2Vlaw==", "VHJ1ZS4xLjU="]);
    writer.post(PATH, &json!({"aa": true, "bb": 1.5, "count": 2})).expect(200);
    assert_eq!(records(&stack).len(), 2, "the same values are the same record");

    let answer = writer.post(PATH, &json!([{"aa": 1, "bb": 2}, {"aa": 1}, {"count": 1}])).expect(400).json();
    assert_eq!(answer["errors_total"], 2);
    assert_eq!(
        answer["messages"],
        json!([
            "record 2: The following required id fields are missing: bb",
            "record 3: The following required id fields are missing: aa, bb",
        ])
    );
    assert_eq!(answer["errors"][0]["code"], "missing_id_field");
}

#[tokio::test(flavor = "multi_thread")]
async fn values_that_join_to_one_id_never_overwrite_each_other() {
    let (stack, writer) = of_two_fields().await;
    let (one, other, id) = tuples();
    let collision = |answer: &Value, record: u64| {
        let error = &answer["errors"][0];
        assert_eq!(
            (&error["code"], &error["record"], &answer["errors_total"]),
            (&json!("id_collision"), &json!(record), &json!(1))
        );
    };
    collision(&writer.post(PATH, &json!([one, other])).expect(400).json(), 2);
    assert_eq!(records(&stack), Vec::<Value>::new());

    writer.post(PATH, &one).expect(200);
    collision(&writer.post(PATH, &json!([{"aa": 1, "bb": 1}, other])).expect(400).json(), 2);
    assert_eq!(records(&stack), [with_id(one.clone(), id)]);

    send(&writer, "PATCH", &path_of(id), &json!({"count": 3})).expect(200);
    collision(&writer.post(PATH, &other).expect(400).json(), 1);
    let moved = send(&writer, "PATCH", &path_of(id), &json!({"aa": "x", "bb": "y.z"})).expect(400).json();
    assert_eq!((&moved["errors_total"], &moved["errors"][0]["code"]), (&json!(2), &json!("invalid_id")));
    send(&writer, "PATCH", &path_of(id), &json!({"aa": "x.y", "count": 4})).expect(200);

    let lenient = writer.with_header("Prefer", "handling=lenient");
    let answer =
        lenient.post(PATH, &json!([{"aa": 1, "bb": 1}, other, {"aa": 2, "bb": 2}])).expect(200).json();
    assert_eq!((&answer["stored"], &answer["rejected"]), (&json!(2), &json!(1)));
    collision(&answer, 2);
    assert_eq!(records(&stack).len(), 3);

    // The other can be stored once the first is away, and then the first cannot.
    writer.delete(&path_of(id)).expect(200);
    let newest = format!("{PATH}/rejected/{}", rejected(&writer)[0]["id"].as_str().expect("an id"));
    writer.post(&format!("{newest}/replay"), &json!({})).expect(200);
    assert!(records(&stack).contains(&with_id(other, id)));
    collision(&writer.post(PATH, &one).expect(400).json(), 1);
}
