//! Connections between each two are cut, delayed, or fall silent.

use crate::{Fault, Load, Promise, Scale, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Connections, Pair, Proxy, Stack, StackOptions, Traffic};
use std::time::Duration;

/// Each connection between client, services, Redis and Postgres is cut, pair by pair.
pub(super) const CUT: Fault = Fault { name: "connections-cut", promise: Promise::NothingLost, run: cut };
/// The same pairs, delayed.
pub(super) const DELAYED: Fault =
    Fault { name: "connections-delayed", promise: Promise::NothingLost, run: delayed };
/// The same pairs, open without passing anything on.
pub(super) const HALF_OPEN: Fault =
    Fault { name: "connections-half-open", promise: Promise::NothingLost, run: half_open };

/// How long services wait, where that is to be seen within seconds.
const WAITS: [(&str, &str); 3] = [
    ("BACKDROP_DATABASE_WAIT_MS", "1000"),
    ("BACKDROP_STATEMENT_TIMEOUT_MS", "1500"),
    ("BACKDROP_WAIT", "5"),
];
/// How long a pair passes nothing on, if it is to go on later: longer than Redis may take to answer.
const STALLED: Duration = Duration::from_secs(3);
/// How long a write may take: for an append that is not answered the wait (5 s) is the deadline, which the last
/// attempt may begin just before (2 s for the answer, 1 s for a connection); 1 s to look up a key; what the pair
/// with the client withholds; and what two busy cores add.
const WRITE_WITHIN: Duration = Duration::from_secs(5 + 2 + 1 + 1 + 3 + 1);
/// How long a read may take: a statement (1.5 s), what its answer may be late by (2 s), the wait for a connection
/// (1 s); what the pair with the client withholds; and what two busy cores add.
const READ_WITHIN: Duration = Duration::from_millis(1_500 + 2_000 + 1_000 + 3_000 + 1_000);

fn cut(trial: &mut Trial) -> anyhow::Result<Verdict> {
    each_pair(trial, 4, |trial, stack, pair| {
        // Now and then one that is being opened, or that nothing goes over.
        for _ in 0..3 {
            std::thread::sleep(trial.moments.within_ms(100));
            stack.proxy(pair).cut();
        }
        Ok(())
    })
}

fn delayed(trial: &mut Trial) -> anyhow::Result<Verdict> {
    each_pair(trial, 3, |trial, stack, pair| {
        stack.proxy(pair).delay(Duration::from_millis(50) + trial.moments.within_ms(100));
        std::thread::sleep(Duration::from_millis(match trial.scale {
            Scale::Short => 400,
            Scale::Full => 2_000,
        }));
        stack.proxy(pair).delay(Duration::ZERO);
        Ok(())
    })
}

fn half_open(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut in_turn = 0;
    each_pair(trial, 4, move |_, stack, pair| {
        // In every other round those that are open fall silent for ever, and new ones work.
        let is_for_ever = (in_turn / Pair::ALL.len()).is_multiple_of(2);
        in_turn += 1;
        let proxy = stack.proxy(pair);
        if matches!(pair, Pair::ClientWrite | Pair::ClientRead) {
            // How long to wait for a service is for the client to say: ours has patience.
            return stall(proxy, Duration::from_secs(1));
        }
        if is_for_ever {
            ensure!(proxy.silence() > 0, "there was no connection to fall silent");
            return Ok(());
        }
        stall(proxy, STALLED)
    })
}

fn stall(proxy: &Proxy, how_long: Duration) -> anyhow::Result<()> {
    proxy.set(Traffic::Stalled);
    std::thread::sleep(how_long);
    proxy.set(Traffic::Flowing);
    Ok(())
}

/// Does something to each pair in turn, in an order that follows from the seed, under a load.
fn each_pair(
    trial: &mut Trial,
    rounds: usize,
    mut inject: impl FnMut(&mut Trial, &Stack, Pair) -> anyhow::Result<()>,
) -> anyhow::Result<Verdict> {
    let environment = WAITS.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let connections = Connections::Proxied;
    let options = StackOptions { workers: 1, connections, environment, ..StackOptions::default() };
    let mut stack = trial.stack(options)?;
    let ledger = trial.ledger(&stack, 4);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for _ in 0..trial.times(1, rounds) {
            let mut pairs = Pair::ALL.to_vec();
            while !pairs.is_empty() {
                let pair = pairs.swap_remove(trial.moments.below(pairs.len() as u64).try_into()?);
                trial.until_acknowledged(&ledger, 10)?;
                inject(trial, stack, pair)?;
                trial.injected();
                trial.recovered(stack)?;
            }
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger).answered_within(WRITE_WITHIN, READ_WITHIN))
}
