//! What runs every day, every hour, every five minutes.

use crate::client::{NO_REQUEST_ID, Python};
use crate::{path, records, with};
use serde_json::{Value, json};

/// What Google Analytics' core collector sends: names in every script, numbers of either kind.
fn visits(count: usize) -> Vec<Value> {
    let record = |number: usize| {
        json!({
            "_id": format!("cmVhbHRpbWVf{number:05}="), "_timestamp": "2014-02-10T00:00:00+00:00",
            "dataType": "visits", "timeSpan": "week", "humanId": format!("visits_2014021000{number}_week"),
            "department": "Swyddfa’r Cabinet \u{1f3f4}", "visitors": number, "avgSessionDuration": 62_513.5,
            "eventLabel": null, "isNew": number.is_multiple_of(2),
        })
    };
    (0..count).map(record).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn many_records_go_in_hundreds_compressed_and_end_with_nothing() {
    let stack = with("visits").await;
    let python = Python::new(&stack, "token-for-visits");
    let sent = visits(1_050);
    let answers = python.post_in_chunks(&path("visits"), &sent, 100);
    assert_eq!(answers.len(), 11);
    for answer in answers {
        assert_eq!(answer.header("x-request-id"), Some(NO_REQUEST_ID));
        assert_eq!(answer.expect(200).json(), json!({"status": "ok"}));
    }
    assert_eq!(python.post(&path("visits"), &json!([])).expect(200).json(), json!({"status": "ok"}));
    let stored = records(&stack, "visits");
    assert_eq!(stored.len(), sent.len());
    for (stored, sent) in stored.iter().zip(&sent) {
        for (key, value) in sent.as_object().expect("a record") {
            assert_eq!(&stored[key], value, "{key}");
        }
    }
    // One record of 40 KB, and one so small that it is not compressed.
    let long =
        json!([{"_id": "long", "_timestamp": "2014-02-10T00:00:00+00:00", "path": "/é".repeat(20_000)}]);
    python.post(&path("visits"), &long).expect(200);
    python
        .post(&path("visits"), &json!([{"_id": "short", "_timestamp": "2014-02-10T00:00:00+00:00"}]))
        .expect(200);
    assert_eq!(records(&stack, "visits").len(), sent.len() + 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn realtime_collectors_post_a_bare_record_and_again_within_the_second() {
    let stack = with("realtime").await;
    let python = Python::new(&stack, "token-for-realtime");
    for (second, visitors) in [("00", 10), ("00", 12), ("05", 14)] {
        let at = format!("2014-02-10T12:00:{second}+00:00");
        let record =
            json!({"_id": at, "_timestamp": at, "unique_visitors": visitors, "for_url": "/tax-disc"});
        assert_eq!(python.post(&path("realtime"), &record).expect(200).json(), json!({"status": "ok"}));
    }
    let visitors: Vec<Value> =
        records(&stack, "realtime").iter().map(|record| record["unique_visitors"].clone()).collect();
    assert_eq!(visitors, [json!(12), json!(14)], "the later of the same second replaces the first");
}

#[tokio::test(flavor = "multi_thread")]
async fn pingdom_writes_each_of_the_last_hours_again_every_hour() {
    const HOURS: usize = 30;
    let stack = with("monitoring").await;
    let python = Python::new(&stack, "token-for-monitoring");
    for now in 24..HOURS {
        let hour = |hour: usize| {
            let at = format!("2014-02-{:02}T{:02}:00:00+00:00", 10 + hour / 24, hour % 24);
            json!({
                "_id": format!("tax_disc.{at}"), "_timestamp": at, "check": "tax-disc", "uptime": 3_600,
                "downtime": 0, "unmonitored": 0, "avgresponse": now,
            })
        };
        python.post(&path("monitoring"), &(now - 24..now).map(hour).collect()).expect(200);
    }
    let stored = records(&stack, "monitoring");
    assert_eq!(stored.len(), HOURS - 1);
    for (hour, record) in stored.iter().enumerate() {
        // The last time that this hour was among the last 24.
        let written_last = (hour + 24).min(HOURS - 1);
        assert_eq!(record["avgresponse"], json!(written_last), "hour {hour}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_empties_and_fills_again_is_never_seen_with_old_records() {
    let stack = with("trending").await;
    let python = Python::new(&stack, "token-for-trending");
    for day in 1..=5 {
        let emptied = python.send("PUT", &path("trending"), &json!([])).expect(200);
        assert_eq!(emptied.json()["message"], "service_trending now contains 0 records");
        assert_eq!(records(&stack, "trending"), Vec::<Value>::new(), "on return it is empty");
        let page = |page: usize| {
            json!({
                "_id": format!("L3BhZ2Uv{}", day * 100 + page), "_timestamp": "2014-02-10T00:00:00+00:00",
                "pageTitle": "A – Z", "pagePath": format!("/page/{page}"), "week1": 500, "week2": 650 + page,
                "percent_change": 30.000_000_000_000_004, "day": day,
            })
        };
        // A different number each day, some of them more than one chunk.
        let pages: Vec<Value> = (0..day * 30).map(page).collect();
        for answer in python.post_in_chunks(&path("trending"), &pages, 100) {
            answer.expect(200);
        }
        let stored = records(&stack, "trending");
        assert_eq!(stored.len(), pages.len(), "on return all are there");
        assert!(stored.iter().all(|record| record["day"] == json!(day)));
        assert_eq!(stored[0]["percent_change"], json!(30.000_000_000_000_004));
    }
}
