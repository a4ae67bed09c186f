//! The administration as Stagecraft's clients use it: the worker of transforms, the app for uploads, the dashboards.

use crate::client::Python;
use crate::{path, records, with};
use backdrop_testing::Stack;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread")]
async fn data_sets_are_found_and_made_as_ever() {
    let stack = with("known").await;
    let administrator = Python::administrator(&stack);
    let found = administrator.get("/data-sets?data-group=service&data-type=known").expect(200).json();
    assert_eq!((&found[0]["name"], found.as_array().map(Vec::len)), (&json!("service_known"), Some(1)));
    // The client takes the first, or none.
    assert_eq!(
        administrator.get("/data-sets?data-group=service&data-type=unknown").expect(200).json(),
        json!([])
    );
    assert_eq!(administrator.get("/data-sets/service_known").expect(200).json()["data_type"], "known");
    // It takes a 404 for "none", everything else for an error.
    administrator.get("/data-sets/service_unknown").expect(404);

    // As the worker makes the data set for what it has computed, and as the upload app makes its own.
    let definition = json!({
        "data_type": "digital-takeup", "data_group": "service", "bearer_token": "abc123def456", "capped_size": null,
        "realtime": false, "auto_ids": ["_timestamp", "channel", "period"], "upload_format": "csv",
        "upload_filters": ["backdrop.core.upload.filters.first_sheet_filter"], "max_age_expected": 1_300_000,
        "raw_queries_allowed": true, "published": true, "queryable": true,
    });
    let made = administrator.post("/data-sets", &definition).expect(200).json();
    assert_eq!(
        (&made["name"], &made["bearer_token"]),
        (&json!("service_digital_takeup"), &json!("abc123def456"))
    );
    assert_eq!(made["auto_ids"], definition["auto_ids"]);
    let writer = Python::new(&stack, "abc123def456");
    let record = json!([{"_timestamp": "2014-02-10T00:00:00+00:00", "channel": "digital", "period": "week", "rate": 0.7}]);
    for _ in 0..2 {
        writer.post(&path("digital-takeup"), &record).expect(200);
    }
    let stored = records(&stack, "digital-takeup");
    assert_eq!(stored.len(), 1, "the same values are the same record");
    assert_eq!(stored[0]["_id"], "MjAxNC0wMi0xMFQwMDowMDowMCswMDowMC5kaWdpdGFsLndlZWs=");
    administrator.post("/data-sets", &definition).expect(409);

    let deleted = administrator.delete("/data-sets/service_digital_takeup").expect(200).json();
    assert_eq!(deleted["message"], "Deleted service_digital_takeup");
    // Stagecraft takes a 404 for done.
    administrator.delete("/data-sets/service_digital_takeup").expect(404);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_lists_around_data_sets_have_the_shapes_of_stagecraft() {
    let stack = with("known").await;
    let administrator = Python::administrator(&stack);
    for path in [
        "/data-sets",
        "/data-sets/service_known/transform",
        "/data-sets/service_known/dashboard",
        "/data-sets/service_known/users",
        "/data-groups?name=service",
        "/transform-type",
        "/module-type",
        "/organisation/node",
    ] {
        assert!(administrator.get(path).expect(200).json().is_array(), "{path}");
    }
    assert_eq!(administrator.get("/data-groups?name=service").json()[0]["name"], "service");
    assert_eq!(administrator.get("/data-groups?name=nobodys").json(), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upload_is_a_list_of_json_with_times_in_utc() {
    let stack = with("transactions-by-channel").await;
    let app = Python::new(&stack, "token-for-transactions-by-channel");
    let row = |day: u32, channel: &str, count: Value| {
        json!({"_timestamp": format!("2013-03-{day:02}T00:00:00+00:00"), "period": "week", "channel": channel,
               "count": count, "comment_of_ours": null})
    };
    let good: Vec<Value> = (11..=30).map(|day| row(day, "digital", json!(day))).collect();
    app.post(&path("transactions-by-channel"), &good.iter().cloned().collect()).expect(200);
    assert_eq!(records(&stack, "transactions-by-channel").len(), 20);

    // The app shows the lines of `messages` to whoever uploaded.
    let mut bad = good;
    bad[3]["count"] = json!("n/a");
    bad[7]["_timestamp"] = json!("30/02/2013");
    let refused = app.post(&path("transactions-by-channel"), &bad.into_iter().collect()).expect(400).json();
    let lines: Vec<&str> =
        refused["messages"].as_array().expect("messages").iter().filter_map(Value::as_str).collect();
    for parts in [["record 4", "count"], ["record 8", "_timestamp"]] {
        assert!(lines.iter().any(|line| parts.iter().all(|part| line.contains(part))), "{lines:?}");
    }
    assert_eq!(records(&stack, "transactions-by-channel").len(), 20);
    // Whoever may not is told in JSON as well, with the header that HTTP asks for.
    let stranger =
        Python::new(&stack, "not-the-token").post(&path("transactions-by-channel"), &json!([])).expect(401);
    assert_eq!(stranger.header("www-authenticate"), Some("bearer"));
    assert_eq!(stranger.json()["status"], "error");
}

/// The data set with records whose ids are base64, as the collectors make them.
async fn with_base64_ids() -> (Stack, Python) {
    let stack = with("mended").await;
    let python = Python::new(&stack, "token-for-mended");
    let record =
        |id: &str| json!({"_id": id, "_timestamp": "2014-02-10T00:00:00+00:00", "count": 1, "kept": "so"});
    python
        .post(&path("mended"), &["a/b+c==", "plain", "dXJs_LXNhZmU="].map(record).into_iter().collect())
        .expect(200);
    (stack, python)
}

#[tokio::test(flavor = "multi_thread")]
async fn single_records_are_mended_and_deleted_by_their_ids() {
    let (stack, python) = with_base64_ids().await;
    let of = |id: &str| format!("{}/{id}", path("mended"));
    assert_eq!(
        python.send("PATCH", &of("a%2Fb%2Bc%3D%3D"), &json!({"count": 2})).expect(200).json()["status"],
        "ok"
    );
    let stored = records(&stack, "mended");
    assert_eq!((&stored[0]["count"], &stored[0]["kept"]), (&json!(2), &json!("so")), "merged, not replaced");
    assert_eq!(stored[0]["_timestamp"], "2014-02-10T00:00:00+00:00");
    assert_eq!(python.delete(&of("dXJs_LXNhZmU%3D")).expect(200).json()["status"], "ok");
    assert_eq!(records(&stack, "mended").len(), 2);
    for answer in
        [python.delete(&of("dXJs_LXNhZmU%3D")), python.send("PATCH", &of("none"), &json!({"count": 2}))]
    {
        let line = answer.expect(400).json()["messages"][0].take();
        assert!(line.as_str().is_some_and(|line| line.starts_with("No record found with id")), "{line}");
    }
}
