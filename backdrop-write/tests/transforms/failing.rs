use super::{COUNTS, SOON, count, counter, records, runs, wait_for_runs, with_take_up};
use backdrop_testing::eventually;
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_records_cannot_be_summed_fails_at_once_and_says_why() {
    let (stack, transform) = with_take_up().await;
    let mut many = count("2013-03-12", "digital", 1);
    many["count"] = json!("many");
    counter(&stack).post(COUNTS, &json!([many, count("2013-03-12", "paper", 1)])).expect(200);
    let failing = wait_for_runs(&stack, &transform, 1);
    assert_eq!(failing[0]["state"], "failed", "{failing:?}");
    assert_eq!(failing[0]["attempts"], 1);
    let error = failing[0]["error"].as_str().expect("words");
    assert!(error.contains("count"), "{error}");
    assert_eq!(records(&stack, "/data/cats/digital-takeup").len(), 0);

    // Once the record is mended, which makes another run, it goes through.
    counter(&stack).post(COUNTS, &count("2013-03-12", "digital", 1)).expect(200);
    eventually("it is computed", SOON, || records(&stack, "/data/cats/digital-takeup").len() == 1);
    eventually("the run that it made is done", SOON, || {
        runs(&stack, &transform).iter().any(|run| run["state"] == "done" && run["error"].is_null())
    });
    assert_eq!(records(&stack, "/data/cats/digital-takeup")[0]["rate"], 0.5);
}

#[tokio::test(flavor = "multi_thread")]
async fn results_that_break_a_schema_are_kept_as_a_rejected_batch() {
    let (stack, transform) = with_take_up().await;
    let schema = json!({"schema": {"properties": {"rate": {"maximum": 0.1}}}});
    stack.create_data_set_with("cats", "digital-takeup", &schema);
    let counts = json!([count("2013-03-12", "digital", 1), count("2013-03-12", "paper", 1)]);
    counter(&stack).post(COUNTS, &counts).expect(200);
    let ended = wait_for_runs(&stack, &transform, 1);
    assert_eq!(ended[0]["state"], "failed", "{ended:?}");
    let error = ended[0]["error"].as_str().expect("words");
    let rejected =
        stack.writer().with_token("token-for-digital-takeup").get("/data/cats/digital-takeup/rejected");
    let rejected = rejected.expect(200).json();
    let batch = rejected["rejected"][0]["id"].as_str().expect("a rejected batch");
    assert!(error.contains("0.1") && error.contains(batch), "{error}");
}
