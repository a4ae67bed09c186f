use super::{ask, asked, columns, with_examples};
use serde_json::json;

const NUMBERS: &str = "filter_by=authority:Westminster";

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_counted_and_sorted_by_their_keys() {
    let stack = with_examples().await;
    // Records without the field, or with null there, are left out.
    assert_eq!(
        ask(&stack, "group_by=authority"),
        json!([{"authority": "Camden", "_count": 1}, {"authority": "Westminster", "_count": 3}])
    );
    assert_eq!(
        ask(&stack, "group_by=authority&group_by=licence&flatten=true"),
        json!([
            {"authority": "Camden", "licence": "Cats", "_count": 1},
            {"authority": "Westminster", "licence": "Cats", "_count": 1},
            {"authority": "Westminster", "licence": "Dogs", "_count": 2},
        ])
    );
    assert_eq!(columns(&ask(&stack, "group_by=paid"), &["paid"]), json!([[false], [true]]));
    assert_eq!(columns(&ask(&stack, "group_by=fee"), &["fee"]), json!([[1], [8.5], [9], [10], ["free"]]));
    assert_eq!(ask(&stack, "group_by=no_such_field"), json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn values_are_collected_over_each_group() {
    let stack = with_examples().await;
    let all =
        "collect=fee:sum&collect=fee:mean&collect=fee:count&collect=fee:min&collect=fee:max&collect=licence";
    assert_eq!(
        ask(&stack, &format!("group_by=authority&{all}")),
        json!([
            {"authority": "Camden", "_count": 1, "fee:sum": 9, "fee:mean": 9.0, "fee:count": 1, "fee:min": 9,
             "fee:max": 9, "licence": ["Cats"], "licence:set": ["Cats"]},
            {"authority": "Westminster", "_count": 3, "fee:sum": 18.5, "fee:mean": 9.25, "fee:count": 2,
             "fee:min": 8.5, "fee:max": 10, "licence": ["Cats", "Dogs"], "licence:set": ["Cats", "Dogs"]},
        ])
    );
    let dogs = ask(&stack, "filter_by=_id:4&group_by=licence&collect=fee:sum&collect=fee:count&collect=fee");
    assert_eq!(columns(&dogs, &["fee:sum", "fee:count", "fee:set"]), json!([[null, 0, []]]));
    for method in ["sum", "mean", "min", "max"] {
        let refused = asked(&stack, &format!("group_by=licence&collect=fee:{method}")).expect(400).json();
        let message = refused["message"].as_str().expect("a text");
        assert!(message.contains("invalid collect function") && message.contains(&format!("fee:{method}")));
    }
    assert_eq!(ask(&stack, "group_by=licence&collect=fee:count").as_array().map(Vec::len), Some(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn groups_are_sorted_by_any_column_and_limited() {
    let stack = with_examples().await;
    for (query, expected) in [
        ("group_by=licence&sort_by=_count:descending&limit=2", json!([["Cats"], ["Dogs"]])),
        ("group_by=licence&sort_by=licence:descending&limit=1", json!([["Dogs"]])),
        (
            &format!("{NUMBERS}&group_by=licence&collect=fee:sum&sort_by=fee:sum:ascending"),
            json!([["Dogs"], ["Cats"]]),
        ),
        ("group_by=licence&limit=0", json!([])),
    ] {
        assert_eq!(columns(&ask(&stack, query), &["licence"]), expected, "{query}");
    }
    let refused = asked(&stack, "group_by=licence&sort_by=fee:sum:ascending").expect(400).json();
    assert!(refused["message"].as_str().expect("a text").starts_with("sort_by"));
}
