use super::{ask, ids, with_examples};
use serde_json::json;

#[tokio::test(flavor = "multi_thread")]
async fn records_are_shown_as_they_are_stored() {
    let stack = with_examples().await;
    let mut rows = ask(&stack, "filter_by=_id:2");
    let updated_at = rows[0]["_updated_at"].take();
    assert!(updated_at.as_str().expect("a text").ends_with("+00:00"), "{updated_at}");
    assert_eq!(
        rows,
        json!([{"_id": "2", "_timestamp": "2013-03-12T09:30:00+00:00", "authority": "Camden",
                "licence": "Cats", "fee": 9, "paid": false, "_updated_at": null}])
    );
    let by_name = stack.reader().get("/licensing_applications?limit=2").expect(200);
    assert_eq!(by_name.json()["data"], ask(&stack, "limit=2"));
}

#[tokio::test(flavor = "multi_thread")]
async fn records_are_sorted_limited_and_picked_by_time() {
    let stack = with_examples().await;
    for (query, expected) in [
        ("", "123456"),
        ("limit=2", "12"),
        ("limit=0", ""),
        ("limit=4294967295", "123456"),
        ("sort_by=_timestamp:descending", "654321"),
        ("sort_by=_timestamp:descending&limit=2", "65"),
        ("sort_by=_id:descending&limit=1", "6"),
        // Numbers as numbers, then texts; what is missing comes last.
        ("sort_by=fee:ascending", "532164"),
        ("sort_by=fee:descending", "612354"),
        ("sort_by=paid:ascending", "213456"),
        ("sort_by=no_such_field:descending", "654321"),
        ("start_at=2013-03-11T00:00:00Z&end_at=2013-03-18T00:00:00Z", "12"),
        ("start_at=2013-03-11T00:00:00Z&end_at=2013-03-18T00:00:00Z&inclusive=true", "1234"),
        ("start_at=2013-03-11T01:00:00%2B01:00&end_at=2013-03-18T00:00:00.000001Z", "1234"),
        ("start_at=0001-01-01T00:00:00Z&end_at=9999-12-31T23:59:59Z", "123456"),
        ("flatten=true&sort_by=_timestamp:descending&limit=1", "6"),
    ] {
        assert_eq!(ids(&stack, query), expected, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn filters_match_texts_booleans_numbers_and_times() {
    let stack = with_examples().await;
    for (query, expected) in [
        ("filter_by=authority:Westminster", "134"),
        ("filter_by=authority:Westminster&filter_by=licence:Dogs", "34"),
        ("filter_by=authority:westminster", ""),
        ("filter_by=paid:true", "1"),
        ("filter_by=paid:false", "2"),
        ("filter_by=fee:10", "1"),
        ("filter_by=fee:8.50", "3"),
        ("filter_by=fee:free", "6"),
        ("filter_by=licence:100", "6"),
        ("filter_by=_timestamp:2013-03-12T10:30:00%2B01:00", "2"),
        ("filter_by=_id:4", "4"),
        ("filter_by=_updated_at:never", ""),
        ("filter_by=authority:", ""),
        ("filter_by=licence:'%20OR%20true%20--", ""),
        ("filter_by_prefix=licence:10%25", "5"),
        ("filter_by_prefix=licence:10", "56"),
        ("filter_by_prefix=licence:.*", ""),
        ("filter_by_prefix=licence:_ats", ""),
        ("filter_by_prefix=licence:", "123456"),
        ("filter_by_prefix=fee:1", ""),
        ("filter_by_prefix=_id:1", "1"),
        ("filter_by_prefix=_updated_at:20", "123456"),
    ] {
        assert_eq!(ids(&stack, query), expected, "{query}");
    }
}
