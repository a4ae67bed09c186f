//! Nothing that a client sends is a fault of ours: whatever is asked is answered, or refused with a message
//! that says what to do. Asked by plain sockets, so that really anything can be asked.

mod bytes;
mod cursors;
mod judge;
mod said;
mod sweep;
mod values;
mod wire;

use backdrop_testing::Stack;
use serde_json::{Value, json};

const MIXED: &str = "/data/hostile/mixed";
const DATA_SETS: [&str; 4] = [MIXED, "/data/hostile/protected", "/data/hostile/draft", "/data/hostile/empty"];

/// A stack with data sets of every kind, which hold values of every kind.
async fn with_records() -> Stack {
    let stack = Stack::start().await.expect("a stack");
    stack.create_data_set("hostile", "mixed");
    stack.create_data_set_with(
        "hostile",
        "protected",
        &json!({"schema": null, "raw_queries_allowed": false}),
    );
    stack.create_data_set_with("hostile", "draft", &json!({"schema": null, "published": false}));
    stack.create_data_set("hostile", "empty");
    for data_type in ["mixed", "protected", "draft"] {
        let writer = stack.writer().with_token(&format!("token-for-{data_type}"));
        writer.post(&format!("/data/hostile/{data_type}"), &records()).expect(200);
    }
    stack
}

fn records() -> Value {
    let mixed = [
        json!(1),
        json!(1.5),
        json!(-0.0),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(1e308),
        json!(-1e308),
        json!(5e-324),
        json!("1"),
        json!(""),
        json!("=1+1"),
        json!("\u{10ffff}"),
        json!("a\"b\\c\nline"),
        json!("true"),
        json!(true),
        json!(false),
        json!(null),
        json!("x".repeat(10_000)),
    ];
    let times = [
        "0001-01-01T00:00:00Z",
        "2013-03-11T00:00:00Z",
        "2013-03-31T01:30:00Z",
        "2013-10-27T00:30:00Z",
        "9999-12-31T23:59:59.999999Z",
    ];
    let (authorities, licences) =
        (["Westminster", "Camden", "Ynys Môn"], ["Cats", "10% off", "'; --", "a:b,c"]);
    let record = |(index, value): (usize, &Value)| {
        let mut record = json!({
            "_id": format!("record-{index}"),
            "authority": authorities[index % authorities.len()],
            "licence": licences[index % licences.len()],
            "fee": if index % 2 == 0 { json!(index) } else { json!(index as f64 / 3.0) },
            "count": index,
            "values": "a name of ours",
            "mixed": value,
        });
        if let Some(time) = times.get(index % 6) {
            record["_timestamp"] = json!(time);
        }
        record
    };
    mixed.iter().enumerate().map(record).collect()
}
