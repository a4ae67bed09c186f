//! Services start without what they need: they live, say what is missing, and begin when it is there.

use backdrop_testing::{Client, PostgresKind, Process, Stack, StackOptions, eventually, redis, sqlx};
use serde_json::Value;
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
/// A port at which nothing listens: that of a service no system has.
const NOBODY: &str = "127.0.0.1:1";
const READ: (&str, &str) = ("backdrop-read", "BACKDROP_READ_LISTEN");
const WRITE: (&str, &str) = ("backdrop-write", "BACKDROP_WRITE_LISTEN");
const WORKER: (&str, &str) = ("backdrop-worker", "BACKDROP_WORKER_LISTEN");

fn start(stack: &Stack, (name, listen): (&str, &str), setting: &str, value: &str) -> (Process, Client) {
    let (mut environment, folder) = stack.settings();
    environment.push((setting.to_owned(), value.to_owned()));
    let process = Process::start(name, folder, listen, &environment).expect("it starts");
    let client = Client::new(process.address());
    eventually("it lives", 5 * SECOND, || {
        client.send("GET", "/_status", Vec::new()).is_ok_and(|a| a.status == 200)
    });
    (process, client)
}

fn setting(stack: &Stack, name: &str) -> String {
    let (environment, _) = stack.settings();
    environment.into_iter().find(|(known, _)| known == name).expect("a setting").1
}

/// What readiness says of a dependency that is missing.
fn missing(client: &Client, dependency: &str) -> String {
    let answer: Value = client.get("/_status/ready").json();
    answer["dependencies"][dependency]["message"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_missing_is_told_by_readiness_and_in_the_log() {
    let stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    let database_url = setting(&stack, "DATABASE_URL");
    let (server, name) = database_url.rsplit_once('/').expect("a database");
    let (_, address) = server.rsplit_once('@').expect("an address");
    let empty = format!("{name}_empty");
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {empty}")))
        .execute(&stack.pool)
        .await
        .expect("made");
    let redis_url = setting(&stack, "REDIS_URL");
    let wrong_redis = format!("redis://:wrong@{}", redis_url.rsplit_once('@').expect("an address").1);
    let cases = [
        ("DATABASE_URL", format!("postgres://a:b@{NOBODY}/c"), "postgres", "cannot be reached"),
        (
            "DATABASE_URL",
            format!("postgres://nobody:wrong@{address}/{name}"),
            "postgres",
            "user or the password",
        ),
        ("DATABASE_URL", format!("{server}/{name}_not_there"), "postgres", "does not exist"),
        ("DATABASE_URL", format!("{server}/{empty}"), "postgres", "backdrop migrate"),
        ("REDIS_URL", format!("redis://:secret-word@{NOBODY}"), "redis", "cannot be reached"),
        ("REDIS_URL", wrong_redis, "redis", "user or the password"),
    ];
    for (name, value, dependency, words) in &cases {
        for service in [READ, WRITE, WORKER] {
            if service == READ && *dependency == "redis" {
                continue;
            }
            let (mut process, client) = start(&stack, service, name, value);
            let said = missing(&client, dependency);
            assert!(said.contains(words), "{service:?} with {value}: {said}");
            client.get("/_status/ready").expect(503);
            // To open the log takes both.
            assert_eq!(service == WRITE, !missing(&client, "log").is_empty(), "{service:?}");
            eventually("the log tells it", 5 * SECOND, || process.log().contains("waiting for a dependency"));
            let log = process.log();
            assert_eq!(log.matches("waiting for a dependency").count(), 1, "{log}");
            assert!(!log.contains("secret-word"), "{log}");
            assert!(process.terminate().expect("it stops").success());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redis_that_evicts_is_told_until_it_does_not() {
    let stack = Stack::start_with(StackOptions::default()).await.expect("a stack");
    let mut connection = stack.redis_connection().expect("a connection");
    let mut set = |policy: &str| {
        redis::cmd("CONFIG")
            .arg("SET")
            .arg("maxmemory-policy")
            .arg(policy)
            .exec(&mut connection)
            .expect("set");
    };
    set("allkeys-lru");
    for service in [WRITE, WORKER] {
        let (_process, client) = start(&stack, service, "BACKDROP_LOG", "info");
        assert!(missing(&client, "redis").contains("noeviction"), "{}", missing(&client, "redis"));
    }
    set("noeviction");
    eventually("it is ready", 2 * SECOND, || stack.writer().get("/_status/ready").status == 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn services_begin_when_their_dependencies_come() {
    let options = StackOptions { postgres: PostgresKind::Own, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    stack.create_data_set("group", "kind");
    let mut postgres = stack.postgres.take().expect("a server");
    postgres.server().stop().expect("stopped");
    stack.redis.stop().expect("stopped");
    let services = [READ, WRITE, WORKER].map(|service| start(&stack, service, "BACKDROP_LOG", "info"));
    for (_, client) in &services {
        assert_eq!(client.get("/_status/ready").status, 503);
    }
    postgres.server().restart().expect("started");
    stack.redis.restart().expect("started");
    for (_, client) in &services {
        let took = eventually("it is ready", 5 * SECOND, || client.get("/_status/ready").status == 200);
        println!("ready after {took:?}");
        assert!(took < 2 * SECOND, "{took:?}");
    }
    let writer = services[1].1.with_token("token-for-kind");
    writer.post("/data/group/kind", &serde_json::json!({"_id": "a"})).expect(200);
    eventually("the log tells it", 5 * SECOND, || services[0].0.log().contains("the dependency is there"));
}

#[test]
fn settings_that_contradict_each_other_end_the_service_at_once() {
    let folder = backdrop_testing::tempfile::tempdir().expect("a folder");
    let environment = [
        ("DATABASE_URL", "postgres://a:b@127.0.0.1:1/c"),
        ("REDIS_URL", "redis://127.0.0.1:1"),
        ("BACKDROP_ADMIN_TOKEN", "an-administration-token"),
        ("BACKDROP_BODIES_BYTES", "1000"),
    ];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let mut process = Process::start(WRITE.0, folder.path(), WRITE.1, &environment).expect("it starts");
    eventually("it ends", 5 * SECOND, || !process.is_running());
    let log = process.log();
    assert!(log.contains("BACKDROP_BODIES_BYTES") && log.contains("BACKDROP_BODY_BYTES"), "{log}");
}
