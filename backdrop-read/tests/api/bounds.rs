use super::{PATH, asked, with_examples};
use backdrop_testing::{Stack, sqlx};

/// Adds as many records, each with a `kind` of its own, behind the services.
async fn add_records(stack: &Stack, count: i64) {
    sqlx::query(
        r#"INSERT INTO record (data_set_id, generation, id, seq, "timestamp", updated_at, body)
           SELECT data_set_id, generation, 'many-' || n, 1000 + n, '2020-01-01', '2020-01-01',
                  jsonb_build_object('kind', n, 'licence', 'Cats')
           FROM data_set_state, generate_series(1, $1) AS n"#,
    )
    .bind(count)
    .execute(&stack.pool)
    .await
    .expect("records");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_with_too_many_rows_is_refused_with_advice() {
    let stack = with_examples().await;
    add_records(&stack, 100_001).await;
    for (query, what) in [
        ("", "100000 rows"),
        ("limit=100001", "100000 rows"),
        ("group_by=kind", "100000 groups"),
        ("group_by=kind&period=day&duration=5&end_at=2020-01-03T00:00:00Z", "100000 groups"),
    ] {
        let refused = asked(&stack, query).expect(400).json();
        assert_eq!(refused["code"], "invalid_query");
        assert!(refused["message"].as_str().expect("a text").contains(what), "{query}: {refused}");
    }
    // Nothing is stored of these: it is shaping that would make gigabytes of them.
    let collect: String = (0..100).map(|n| format!("&collect={}{n:03}", "x".repeat(120))).collect();
    let hours = "period=hour&start_at=2000-01-01T00:00:00Z&compare=previous&duration=100000";
    let refused = asked(&stack, &format!("{hours}{collect}")).expect(400).json();
    assert!(refused["message"].as_str().expect("a text").contains("`collect` less"), "{refused}");
    let most = asked(&stack, "limit=100000").expect(200).json();
    assert_eq!(most["data"].as_array().map(Vec::len), Some(100_000));
    let groups = asked(&stack, "group_by=licence&sort_by=_count:descending&limit=1").expect(200).json();
    assert_eq!(groups["data"][0]["_count"], 100_003);
    let days = "period=hour&start_at=0001-01-01T00:00:00Z&end_at=9999-12-31T00:00:00Z";
    assert_eq!(stack.reader().get(&format!("{PATH}?{days}")).status, 400);
}
