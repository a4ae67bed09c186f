use super::{COUNTS, LATEST, SOON, count, counter, records, transform_type, wait_for_runs, with_take_up};
use backdrop_testing::eventually;
use serde_json::json;

const VALUES: &str = "/data/service-aggregates/latest-dataset-values";

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
