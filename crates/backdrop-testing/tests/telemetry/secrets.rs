//! Secrets are planted wherever people and programs put them, by right or by mistake. None comes out again: not in a
//! log, whatever the filter, not in an answer, not at `/metrics`, not when a program is asked for help or cannot start.

use super::blocking;
use backdrop_testing::{ADMIN_TOKEN, Answer, Client, Stack, StackOptions, eventually};
use serde_json::json;
use std::process::{Command, Output};
use std::time::Duration;

const GIVEN: &str = "token-for-figures";
const UNKNOWN: &str = "planted-unknown-token-5d1f";
const BASIC: &str = "cGxhbnRlZDpiYXNpYy1zZWNyZXQ=";
const PASSWORD: &str = "planted-password-77aa";

/// Everything of ours and of what we stand on.
const LOUDEST: &str = "trace";

#[track_caller]
fn assert_none_in(what: &str, text: &str, secrets: &[&str]) {
    for secret in secrets {
        let line = text.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in {what}");
    }
}

/// Requests with secrets in their headers and bodies; what is answered to them.
fn requests(stack: &Stack, made: &str) -> Vec<Answer> {
    let path = "/data/planted/figures";
    let record = json!([{"_id": "a", "count": 1}]);
    let writer = stack.writer();
    let mut answers = Vec::new();
    for token in [made, GIVEN, ADMIN_TOKEN, UNKNOWN] {
        let headers = [
            ("Authorization", format!("Bearer {token}")),
            ("Authorization", format!("bearer  {token} ")),
            ("Authorization", format!("Bearer{token}")),
            ("Authorization", token.to_owned()),
            ("Authorization", format!("Token {token}")),
            ("Authorization", format!("Basic {BASIC}")),
            ("X-Api-Key", token.to_owned()),
            ("Cookie", format!("token={token}")),
        ];
        for (name, value) in headers {
            answers.push(writer.with_header(name, &value).post(path, &record));
            answers.push(writer.with_header(name, &value).get("/data-sets"));
            answers.push(stack.reader().with_header(name, &value).get(path));
        }
        let two = writer.with_token(token).with_token(token);
        answers.push(two.post(path, &record));
        let owner = writer.with_token(made);
        answers.push(owner.with_header("Idempotency-Key", token).post(path, &record));
        answers.push(stack.administrator().post("/data-sets", &json!({"bearer_token": token})));
        let again = json!({"data_group": "planted", "data_type": "figures", "bearer_token": token});
        answers.push(stack.administrator().post("/data-sets", &again));
        let invalid = json!([{"_timestamp": "never", "bearer_token": token}]);
        answers.push(owner.post(path, &invalid));
    }
    answers
}

/// Requests with a secret in their URL. What is wrong with a URL may be told to who sent it.
fn misplaced(stack: &Stack, made: &str) {
    for client in [stack.writer(), stack.reader(), Client::new(stack.workers[0].address())] {
        for path in [
            format!("/data/planted/figures?token={made}"),
            format!("/data/planted/figures?bearer_token={UNKNOWN}&{GIVEN}={ADMIN_TOKEN}"),
            format!("/data/{made}/figures"),
            format!("/data-sets/planted_figures/tokens/{made}"),
            format!("/{made}"),
            format!("/{made}/%zz"),
            format!("/metrics?token={made}"),
        ] {
            for method in ["GET", "POST", "DELETE"] {
                client.send(method, &path, Vec::new()).expect("an answer");
            }
        }
        let id = client.with_header("X-Request-Id", made).get("/_status");
        assert_ne!(id.header("x-request-id"), Some(made), "a token is no id");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_comes_out_of_a_running_service() {
    let environment = [("BACKDROP_LOG", LOUDEST), ("BACKDROP_LOG_FORMAT", "json")];
    let environment = environment.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let options = StackOptions { workers: 1, environment, ..StackOptions::default() };
    let mut stack = Stack::start_with(options).await.expect("a stack");
    blocking(|| {
        stack.create_data_set("planted", "figures");
        let made = stack.administrator().post("/data-sets/planted_figures/tokens", &json!({})).expect(200);
        let made = made.json()["token"].as_str().expect("a token").to_owned();
        let [redis, postgres] = passwords(&stack);
        let secrets = [made.as_str(), GIVEN, ADMIN_TOKEN, UNKNOWN, BASIC, &redis, &postgres];
        let mut answers = requests(&stack, &made);
        misplaced(&stack, &made);
        stack.redis.kill().expect("killed");
        answers.extend(requests(&stack, &made));
        answers.push(stack.writer().get("/_status/ready"));
        stack.redis.restart().expect("started again");
        eventually("writes are taken again", Duration::from_secs(30), || {
            stack.administrator().post("/data/planted/figures", &json!([{"_id": "b"}])).status == 200
        });
        let addresses = [stack.write.address(), stack.read.address(), stack.workers[0].address()];
        for address in addresses {
            for path in ["/metrics", "/_status", "/_status/ready"] {
                answers.push(Client::new(address).get(path));
            }
        }
        for answer in &answers {
            assert_none_in("an answer", &answer.text, &secrets);
            assert_none_in("the headers of an answer", &format!("{:?}", answer.headers), &secrets);
        }
        for process in [&stack.write, &stack.read].into_iter().chain(&stack.workers) {
            let log = process.log();
            assert!(log.lines().count() > 100, "all is logged");
            assert_none_in("a log", &log, &secrets);
        }
    });
}

/// Those of the queue and of the store.
fn passwords(stack: &Stack) -> [String; 2] {
    let urls = [stack.environment("REDIS_URL"), stack.environment("DATABASE_URL")];
    urls.map(|url| {
        let (before, _) = url.rsplit_once('@').expect("a password");
        before.rsplit_once(':').expect("a password").1.to_owned()
    })
}

/// Runs a program of the workspace until it ends by itself.
fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let test = std::env::current_exe().expect("a test");
    let program = test.ancestors().nth(2).expect("it lies in target/<profile>/deps").join(name);
    Command::new(program).args(arguments).envs(environment.iter().copied()).output().expect("it runs")
}

#[test]
fn no_secret_comes_out_of_a_program_that_does_not_start() {
    let postgres = format!("postgres://backdrop:{PASSWORD}@127.0.0.1:1/backdrop");
    let redis = format!("redis://:{PASSWORD}@127.0.0.1:1/");
    let collector = format!("http://{PASSWORD}@127.0.0.1:1");
    let good = [
        ("DATABASE_URL", postgres.as_str()),
        ("REDIS_URL", &redis),
        ("BACKDROP_ADMIN_TOKEN", UNKNOWN),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector),
    ];
    let broken = [
        ("DATABASE_URL", format!("postgres://backdrop:{PASSWORD}@127.0.0.1:port/backdrop")),
        ("DATABASE_URL", format!("postgres://backdrop:{PASSWORD}@127.0.0.1/backdrop?sslmode=perhaps")),
        ("DATABASE_URL", format!("postgres://backdrop:{PASSWORD}?{PASSWORD}@127.0.0.1/backdrop")),
        ("DATABASE_URL", format!("postgres://backdrop:{PASSWORD}#{PASSWORD}@127.0.0.1/backdrop")),
        ("DATABASE_URL", PASSWORD.to_owned()),
        ("REDIS_URL", format!("redis://:{PASSWORD}@127.0.0.1:port/")),
        ("REDIS_URL", format!("redis://:{PASSWORD}@127.0.0.1/database")),
        ("REDIS_URL", format!("redis://:{PASSWORD}?{PASSWORD}@127.0.0.1/")),
        ("REDIS_URL", PASSWORD.to_owned()),
        ("BACKDROP_ADMIN_TOKEN", format!("{PASSWORD} with a space")),
        ("BACKDROP_ADMIN_TOKEN", "short-7f3".to_owned()),
    ];
    let secrets = [PASSWORD, UNKNOWN, "short-7f3"];
    let assert_quiet = |what: &str, output: &Output| {
        let said = [output.stdout.as_slice(), &output.stderr].concat();
        assert!(!said.is_empty(), "{what} says something");
        assert_none_in(what, &String::from_utf8_lossy(&said), &secrets);
    };
    for name in ["backdrop-read", "backdrop-write", "backdrop-worker"] {
        assert_quiet(&format!("the help of {name}"), &run(name, &["--help"], &good));
        for (variable, value) in &broken {
            let is_taken = match name {
                "backdrop-read" => *variable == "DATABASE_URL",
                "backdrop-worker" => *variable != "BACKDROP_ADMIN_TOKEN",
                _ => true,
            };
            if is_taken {
                let environment =
                    [good.as_slice(), &[(variable, value.as_str()), ("BACKDROP_LOG", LOUDEST)]].concat();
                let output = run(name, &[], &environment);
                assert!(!output.status.success(), "{name} starts with {variable} {value}");
                assert_quiet(&format!("what {name} says of a bad {variable}"), &output);
            }
        }
    }
}
