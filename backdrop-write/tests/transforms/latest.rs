use super::{COUNTS, LATEST, SOON, count, counter, records, transform_type, wait_for_runs, with_take_up};
use backdrop_testing::{Stack, eventually};
use serde_json::json;

const VALUES: &str = "/data/service-aggregates/latest-dataset-values";
const SUMMARIES: &str = "/data/transactional-services/summaries";
const EXPLORER: &str = "backdrop.transformers.tasks.latest_transaction_explorer_values.compute";

#[tokio::test(flavor = "multi_thread")]
async fn results_are_what_further_transforms_read_and_older_ones_replace_nothing() {
    let (stack, rate) = with_take_up().await;
    let administrator = stack.administrator();
    administrator.post("/data-groups", &json!({"name": "service-aggregates"})).expect(200);
    let type_id = transform_type(&stack, "latest_dataset_value", LATEST);
    let definition = json!({
        "type_id": type_id, "input": {"data-type": "digital-takeup"}, "query-parameters": {}, "options": {},
        "output": {"data-group": "service-aggregates", "data-type": "latest-dataset-values"},
    });
    let latest = administrator.post("/transform", &definition).expect(200).json()["id"].take();
    let latest = latest.as_str().expect("an id");
    stack.create_data_set("cats", "digital-takeup");
    let module = json!({"slug": "take-up", "data_group": "cats", "data_type": "digital-takeup"});
    for (slug, status) in [("cat-licences", "published"), ("cats-to-come", "in-review")] {
        let dashboard = json!({"slug": slug, "title": "Cats", "status": status, "modules": [module]});
        administrator.post("/dashboard", &dashboard).expect(200);
    }
    let counts = |week: &str, paper: i64| json!([count(week, "digital", 1), count(week, "paper", paper)]);
    counter(&stack).post(COUNTS, &counts("2013-03-18", 1)).expect(200);
    wait_for_runs(&stack, &rate, 1);
    let expected = json!([{
        "_id": "Y2F0LWxpY2VuY2VzX2RpZ2l0YWxfdGFrZXVw", "_timestamp": "2013-03-18T00:00:00+00:00",
        "dashboard_slug": "cat-licences", "service_id": "cat-licences", "digital_takeup": 0.5,
    }]);
    eventually("the newest value is there", SOON, || json!(records(&stack, VALUES)) == expected);

    // What is backfilled is not the newest.
    counter(&stack).post(COUNTS, &counts("2013-03-11", 3)).expect(200);
    wait_for_runs(&stack, &rate, 2);
    wait_for_runs(&stack, latest, 2);
    assert_eq!(json!(records(&stack, VALUES)), expected);
    assert_eq!(records(&stack, "/data/cats/digital-takeup").len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_dashboard_of_a_service_gets_its_newest_figures() {
    let stack = Stack::start().await.expect("a stack");
    let administrator = stack.administrator();
    stack.create_data_set("transactional-services", "summaries");
    let type_id = transform_type(&stack, "latest_transaction_explorer_values", EXPLORER);
    administrator.post("/data-groups", &json!({"name": "service-aggregates"})).expect(200);
    let definition = json!({
        "type_id": type_id, "input": {"data-group": "transactional-services", "data-type": "summaries"},
        "query-parameters": {}, "options": {},
        "output": {"data-group": "service-aggregates", "data-type": "latest-dataset-values"},
    });
    administrator.post("/transform", &definition).expect(200);
    let module = json!({
        "slug": "volume", "data_group": "transactional-services", "data_type": "summaries",
        "query_parameters": {"filter_by": ["service_id:cat-office-licences", "type:seasonally-adjusted"]},
    });
    let dashboard = json!({"slug": "cat-licences", "title": "Cats", "published": true, "modules": [module]});
    administrator.post("/dashboard", &dashboard).expect(200);
    let summary = |id: &str, at: &str, service: &str, kind: &str, number: i64| {
        json!({"_id": id, "_timestamp": format!("{at}T00:00:00Z"), "service_id": service, "type": kind,
               "number_of_transactions": number, "digital_takeup": 0.5})
    };
    let summaries = json!([
        summary("a", "2012-01-01", "cat-office-licences", "seasonally-adjusted", 300),
        summary("b", "2013-01-01", "cat-office-licences", "seasonally-adjusted", 400),
        summary("c", "2013-04-01", "cat-office-licences", "quarterly", 100),
        summary("d", "2013-04-01", "dog-office-licences", "seasonally-adjusted", 1),
    ]);
    stack.writer().with_token("token-for-summaries").post(SUMMARIES, &summaries).expect(200);
    let value = |name: &str| {
        let filter = format!("{VALUES}?filter_by=_id:{}", id_of(name));
        let answer = stack.reader().get(&filter);
        (answer.status == 200).then(|| answer.json()["data"][0].clone())
    };
    eventually("the figures are there", SOON, || {
        value("number_of_transactions").is_some_and(|row| !row.is_null())
    });
    let transactions = value("number_of_transactions").expect("a record");
    assert_eq!(transactions["number_of_transactions"], 400, "not that of a quarter, nor an older one");
    assert_eq!(transactions["_timestamp"], "2013-01-01T00:00:00+00:00");
    assert_eq!(transactions["service_id"], "cat-office-licences");
    let take_up = value("digital_takeup").expect("a record");
    assert_eq!(take_up["type"], "quarterly");
    assert_eq!(records(&stack, VALUES).len(), 6, "those of one dashboard");
}

/// The ids of its values, by their names.
fn id_of(name: &str) -> &'static str {
    match name {
        "number_of_transactions" => "Y2F0LWxpY2VuY2VzX251bWJlcl9vZl90cmFuc2FjdGlvbnM=",
        _ => "Y2F0LWxpY2VuY2VzX2RpZ2l0YWxfdGFrZXVw",
    }
}
