//! Every parameter with every kind of value, and with every other.

use crate::judge;
use crate::values::{ANY, BESIDE, REPEATABLE, RIGHT, WRONG};
use crate::{DATA_SETS, MIXED, wire, with_records};
use backdrop_core::query::PARAMETERS;
use backdrop_testing::Stack;
use std::net::SocketAddr;

/// How many are asked at once: more than the service has threads.
const AT_ONCE: usize = 8;
/// How many combinations of several parameters are asked.
const COMBINATIONS: usize = 3_000;
/// Fewer than so many parameters are added to a query that can be answered.
const MORE_MAX: u64 = 5;
/// One of so many combinations has a parameter that is wrong for sure.
const WRONG_ONE_IN: u64 = 8;
/// Where the choice of combinations begins.
const SEED: u64 = 0x5eed_ba5e_d011_5a1e;
/// How many of a hundred combinations must be answered: a sweep that meets nothing but refusals sweeps only
/// the doorstep.
const ANSWERED_PERCENT_MIN: usize = 30;

/// Asks all targets, several at once. Gives what is wrong with the answers, and how many are 200.
fn ask_all(address: SocketAddr, targets: &[String]) -> (Vec<String>, usize) {
    let ask = |target: &String| match wire::get(address, target.as_bytes()) {
        Ok(reply) => (judge::fault(&reply).map(|fault| describe(target, &fault)), reply.status == 200),
        Err(error) => (Some(describe(target, &error)), false),
    };
    let replies: Vec<(Option<String>, bool)> = std::thread::scope(|scope| {
        let asking: Vec<_> = targets
            .chunks(targets.len().div_ceil(AT_ONCE))
            .map(|part| scope.spawn(move || part.iter().map(ask).collect::<Vec<_>>()))
            .collect();
        asking.into_iter().flat_map(|part| part.join().expect("it does not panic")).collect()
    });
    let answered = replies.iter().filter(|(_, is_answered)| *is_answered).count();
    (replies.into_iter().filter_map(|(fault, _)| fault).collect(), answered)
}

fn describe(target: &str, fault: &str) -> String {
    format!("{}\n    {fault}", shortened(target))
}

/// The beginning of a text, for messages.
pub(crate) fn shortened(text: &str) -> String {
    if text.len() > 300 { format!("{text:.300}… ({} bytes)", text.len()) } else { text.to_owned() }
}

/// Tells all faults, of which there should be none.
#[track_caller]
pub(crate) fn assert_none(faults: &[String], asked: usize) {
    println!("{asked} queries, {} answers are wrong", faults.len());
    let first: Vec<&str> = faults.iter().take(40).map(String::as_str).collect();
    assert!(faults.is_empty(), "{} of {asked} answers are wrong:\n{}", faults.len(), first.join("\n"));
}

/// Asks all targets of a stack, which must live afterwards; how many are answered with 200.
#[track_caller]
fn assert_all_are_borne(stack: Stack, targets: &[String]) -> usize {
    let (faults, answered) = ask_all(stack.read.address(), targets);
    stack.reader().get("/_status/ready").expect(200);
    // Before the panic, which would print the logs of its services.
    drop(stack);
    println!("{answered} are answered with 200");
    assert_none(&faults, targets.len());
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_bears_every_value() {
    let mut targets = Vec::new();
    for beside in BESIDE {
        for name in PARAMETERS.iter().copied().chain(["", "unknown"]) {
            targets.extend(ANY.iter().map(|value| format!("{MIXED}?{beside}&{name}={value}")));
        }
    }
    assert_all_are_borne(with_records().await, &targets);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_parameter_bears_every_other() {
    let all: Vec<&str> = RIGHT.into_iter().chain(WRONG).collect();
    let mut targets = Vec::new();
    for (index, first) in all.iter().enumerate() {
        targets.extend(all[index..].iter().map(|second| format!("{MIXED}?{first}&{second}")));
    }
    assert_all_are_borne(with_records().await, &targets);
}

#[tokio::test(flavor = "multi_thread")]
async fn parameters_bear_each_other_in_numbers() {
    let mut dice = Dice(SEED);
    let targets: Vec<String> = (0..COMBINATIONS).map(|_| combination(&mut dice)).collect();
    let answered = assert_all_are_borne(with_records().await, &targets);
    assert!(answered * 100 >= targets.len() * ANSWERED_PERCENT_MIN, "only {answered} are answered");
}

/// A query that can be answered, with some more parameters, one of which may be wrong.
fn combination(dice: &mut Dice) -> String {
    let mut chosen = vec![dice.one_of(&BESIDE)];
    for _ in 0..dice.below(MORE_MAX) {
        let next = dice.one_of(&RIGHT);
        let name = next.split('=').next().unwrap_or_default();
        let is_there = chosen.iter().flat_map(|part| part.split('&')).any(|part| part.starts_with(name));
        if !is_there || REPEATABLE.contains(&name) {
            chosen.push(next);
        }
    }
    if dice.below(WRONG_ONE_IN) == 0 {
        chosen.push(dice.one_of(&WRONG));
    }
    format!("{}?{}", dice.one_of(&DATA_SETS), chosen.join("&"))
}

/// A linear congruential generator with Knuth's constants: its high bits are random enough.
struct Dice(u64);

impl Dice {
    const fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }

    fn one_of(&mut self, values: &[&'static str]) -> &'static str {
        values[self.below(values.len() as u64) as usize]
    }
}
