use super::{PATH, ids, with_examples};
use backdrop_testing::{PostgresKind, Stack, StackOptions, eventually};
use std::time::Duration;

#[tokio::test(flavor = "multi_thread")]
async fn a_broken_queue_does_not_take_reading_down() {
    let mut stack = with_examples().await;
    stack.redis.kill().expect("Redis is killed");
    assert_eq!(ids(&stack, "limit=2"), "12");
    stack.reader().get("/_status/ready").expect(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_store_it_lives_says_so_and_recovers() {
    let options = StackOptions { postgres: PostgresKind::Own, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("licensing", "applications");
    let reader = stack.reader();
    reader.get(PATH).expect(200);

    let postgres = stack.postgres.as_mut().expect("a Postgres of its own").server();
    postgres.kill().expect("Postgres is killed");
    let refused = reader.get(PATH).expect(503);
    assert_eq!(refused.json()["code"], "store_unavailable");
    assert_eq!(refused.header("access-control-allow-origin"), Some("*"));
    assert!(refused.header("retry-after").is_some());
    reader.get("/_status/ready").expect(503);
    reader.get("/_status").expect(200);

    stack.postgres.as_mut().expect("as above").server().restart().expect("Postgres starts again");
    eventually("the store is back", Duration::from_secs(20), || reader.get(PATH).status == 200);
    reader.get("/_status/ready").expect(200);
}
