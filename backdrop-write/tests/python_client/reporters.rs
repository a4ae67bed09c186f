//! What wrote to the original without its client: Pay's reporter, the transactions explorer, `backdrop-send`, `curl`.

use crate::client::Python;
use crate::{path, records, with};
use backdrop_testing::Client;
use serde_json::{Value, json};

/// Pay's reporter: JSON as Node writes it, and no other header than the two it needs.
fn pay(writer: &Client, records: &Value) -> Result<(), Vec<String>> {
    let answer = writer.post(&path("payments"), records);
    if answer.status == 200 {
        return Ok(());
    }
    let body = answer.json();
    let messages = body["messages"].as_array().expect("`messages` on every failure it can cause");
    Err(messages.iter().map(|message| message.as_str().expect("a text").to_owned()).collect())
}

fn payments(day: &str, count: &Value) -> Value {
    let kind = |kind: &str| {
        json!({
            "_id": format!("{day}.govuk-pay.day.{kind}=="), "type": kind, "period": "day", "service": "govuk-pay",
            "_timestamp": format!("{day}T00:00:00.000Z"), "count": count,
        })
    };
    ["transaction", "value", "average-value"].map(kind).into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn pay_wants_exactly_200_or_messages() {
    let stack = with("payments").await;
    let writer = stack.writer().with_token("token-for-payments");
    assert_eq!(pay(&writer, &payments("2018-06-22", &json!(1_000_000_007))), Ok(()));
    // All days of a month at once.
    std::thread::scope(|scope| {
        let days: Vec<_> = (1..=30)
            .map(|day| {
                let writer = &writer;
                scope.spawn(move || pay(writer, &payments(&format!("2018-09-{day:02}"), &json!(day))))
            })
            .collect();
        days.into_iter().for_each(|day| assert_eq!(day.join().expect("no panic"), Ok(())));
    });
    assert_eq!(records(&stack, "payments").len(), 93);
    let refused =
        pay(&writer, &json!([{"_id": "without a time and with spaces", "count": 1}])).expect_err("refused");
    assert!(refused.iter().any(|line| line.contains("_timestamp")), "{refused:?}");
    assert!(refused.iter().any(|line| line.contains("_id")), "{refused:?}");
    assert_eq!(records(&stack, "payments").len(), 93);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_transactions_explorer_ends_with_an_empty_slice() {
    const SLICE: usize = 1_000;
    let stack = with("summaries").await;
    let writer =
        stack.writer().with_token("token-for-summaries").with_header("Content-Type", "application/json");
    let record = |number: usize| {
        json!({
            "_id": format!("MjAxMi0wNC0wMSAwMDowMDowMA=={number}"), "_timestamp": "2012-04-01T00:00:00+00:00",
            "end_at": "2013-04-01T00:00:00+00:00", "period": "year", "service_id": format!("service-{}", number % 734),
            "type": "seasonally-adjusted", "number_of_transactions": number, "cost_per_transaction": 2.63,
            "number_of_digital_transactions": null, "digital_takeup": 0.971_342_9, "total_cost": 22_450_000.0,
        })
    };
    let all: Vec<Value> = (0..2 * SLICE).map(record).collect();
    let mut slices: Vec<Value> = all.chunks(SLICE).map(|slice| slice.iter().cloned().collect()).collect();
    // An exact multiple ends with nothing.
    slices.push(json!([]));
    for slice in &slices {
        let body = slice.to_string().into_bytes();
        let answer = writer.send("POST", &path("summaries"), body).expect("an answer").expect(200);
        assert_eq!(answer.json(), json!({"status": "ok"}));
    }
    let query = "group_by=period&collect=number_of_transactions:count&collect=total_cost:sum";
    let sums = stack.reader().get(&format!("{}?{query}", path("summaries"))).expect(200).json();
    assert_eq!(sums["data"][0]["_count"], json!(2 * SLICE));
    assert_eq!(sums["data"][0]["total_cost:sum"].as_f64(), Some(22_450_000.0 * 2.0 * SLICE as f64));
}

/// `backdrop-send` and `curl --fail` look at nothing but the status; they send what a file holds.
#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_as_it_is() {
    let stack = with("files").await;
    let writer = stack
        .writer()
        .with_token("token-for-files")
        .with_header("Content-Type", "application/json")
        .with_header("Expect", "100-continue");
    let file =
        b"{\n    \"_id\": \"one\",\n    \"_timestamp\": \"2013-01-01 00:00:00\",\n    \"value\": 1\n}\n\n"
            .to_vec();
    writer.send("POST", &path("files"), file).expect("an answer").expect(200);
    assert_eq!(records(&stack, "files")[0]["_timestamp"], "2013-01-01T00:00:00+00:00");
    // By the name of the data set, as before there were groups and types.
    let by_name = Python::new(&stack, "token-for-files");
    let record = json!({"_id": "two", "_timestamp": "2013-01-01T00:00:00+00:00"});
    let answer = by_name.post("/service_files", &record).expect(200);
    assert!(answer.header("deprecation").is_some(), "{:?}", answer.headers);
    assert_eq!(answer.json()["status"], "ok");
    assert_eq!(records(&stack, "files").len(), 2);
}
