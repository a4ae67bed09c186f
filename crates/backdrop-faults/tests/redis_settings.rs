//! Ways to run Redis that operators may choose.

use backdrop_faults::{Load, Moments, Promise, Scale, Trial};
use backdrop_testing::redis::{self, Commands};
use backdrop_testing::{RedisOptions, Stack, StackOptions};
use std::net::TcpListener;
use std::time::Duration;

const OPERATIONS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/operations.md");

fn trial() -> Trial {
    Trial::new(Scale::Short, Moments::new_seed()).expect("a trial")
}

/// Writes and reads a while, with a new epoch in between: all is as ever.
fn works(trial: &mut Trial, stack: &mut Stack) {
    let ledger = trial.ledger(stack, 2);
    trial.recovered(stack).expect("a write is stored");
    let load = Load::default();
    trial
        .under_load(stack, &ledger, load, |trial, stack| {
            trial.until_acknowledged(&ledger, 20)?;
            let mut redis = stack.redis_connection()?;
            let _killed: i64 =
                redis::cmd("CLIENT").arg("KILL").arg("TYPE").arg("NORMAL").query(&mut redis)?;
            trial.until_acknowledged(&ledger, 20)?;
            trial.recovered(stack).map(drop)
        })
        .expect("a load");
    let verdict = trial.judge(stack, &ledger);
    assert_eq!(Promise::NothingLost.broken_by(&verdict), Vec::<String>::new());
    assert_eq!(verdict.refused, 0, "{verdict:?}");
}

#[test]
fn a_user_may_do_only_what_operators_are_told() {
    let operations = std::fs::read_to_string(OPERATIONS).expect("the documentation");
    let rules = operations.lines().find_map(|line| line.strip_prefix("user backdrop on >")).expect("a user");
    let rules: Vec<&str> = rules.split_whitespace().skip(1).collect();

    let mut trial = trial();
    let mut stack = trial.stack(StackOptions::default()).expect("a stack");
    let url = stack.redis_url_at(stack.redis_address());
    let (_, rest) = url.split_once(':').and_then(|(_, rest)| rest.split_once(':')).expect("a password");
    let (password, address) = rest.split_once('@').expect("a password");
    let mut redis = stack.redis_connection().expect("a connection");
    let mut user = redis::cmd("ACL");
    user.arg("SETUSER").arg("backdrop").arg("on").arg(format!(">{password}")).arg(&rules);
    user.exec(&mut redis).expect("a user");
    let url = format!("redis://backdrop:{password}@{address}");
    trial.block_on(stack.reach_redis_by(url)).expect("the ingest service as that user");
    stack.add_worker().expect("a worker as that user");
    works(&mut trial, &mut stack);
    let mut redis = stack.redis_connection().expect("a connection");
    // What was refused, with or without consequences.
    let refused: Vec<redis::Value> = redis::cmd("ACL").arg("LOG").query(&mut redis).expect("a log");
    assert!(refused.is_empty(), "{refused:?}");
}

/// Gives a node all these slots. It has taken those of keys that it found when it started.
fn take_slots(redis: &mut redis::Connection, first: u16, last: u16) {
    let taken = redis::cmd("CLUSTER").arg("ADDSLOTSRANGE").arg(first).arg(last).exec(redis);
    if taken.is_err() && first < last {
        let middle = u16::midpoint(first, last);
        take_slots(redis, first, middle);
        take_slots(redis, middle + 1, last);
    }
}

#[test]
fn a_cluster_of_one_node_serves_all_partitions() {
    let mut trial = trial();
    let mut stack = trial.stack(StackOptions::default()).expect("a stack");
    let bus = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port");
    let arguments =
        ["--cluster-enabled", "yes", "--cluster-port", &bus.port().to_string()].map(str::to_owned);
    let options = RedisOptions { arguments: arguments.into(), ..RedisOptions::default() };
    stack.redis.restart_with(options).expect("a node");
    let mut redis = stack.redis_connection().expect("a connection");
    take_slots(&mut redis, 0, 16_383);
    let is_ok = || Ok(redis.set::<_, _, ()>("ready", "").is_ok());
    trial.until("the cluster is formed", Duration::from_secs(20), is_ok).expect("a cluster");
    stack.add_worker().expect("a worker");
    works(&mut trial, &mut stack);
}
