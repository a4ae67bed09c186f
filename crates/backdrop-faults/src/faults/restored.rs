//! Postgres is restored from a backup. What came after is applied once more.

use super::postgres::{own, rows};
use crate::ledger::backlog_bytes;
use crate::{Fault, Ledger, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::sqlx;
use backdrop_testing::{Answer, Client, Connections, Process, Stack};
use serde_json::json;
use std::time::Duration;

/// Restored from a base backup that is behind the log.
pub(super) const RESTORED: Fault =
    Fault { name: "postgres-restored", promise: Promise::NothingLost, run: restored };

/// How long it may take until what was forgotten is applied once more.
pub(super) const CAUGHT_UP_WITHIN: Duration = Duration::from_secs(30);

/// Writes without reads: what was stored is taken back for a while.
pub(super) fn load() -> Load {
    Load { readers: 0, ..Load::default() }
}

/// A number of writes of all kinds, of which nothing waits in the end.
pub(super) fn send_and_settle(trial: &Trial, stack: &Stack, ledger: &Ledger) -> anyhow::Result<()> {
    trial.send(stack, ledger, Load { writes: Some(40), pause: Duration::ZERO, ..load() });
    trial.until("all is stored", CAUGHT_UP_WITHIN, || Ok(backlog_bytes(stack) == Some(0)))
}

fn restored(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(own(Connections::Direct))?;
    let ledger = trial.ledger(&stack, 2);
    for round in 0..trial.times(1, 5) {
        trial.send(&stack, &ledger, Load::one_by_one(8));
        stack.own_postgres().server().back_up()?;
        let at_backup = rows(trial, &stack)?;
        let after = Late::make(&stack, round)?;
        send_and_settle(trial, &stack, &ledger)?;
        let known = shared_record(&stack, None)?;
        let lost = rows(trial, &stack)? - at_backup;
        ensure!(lost > 20, "only {lost} batches came after the backup");
        // So that the state of the backup is seen, and not what the worker makes of it at once.
        stack.workers.iter().for_each(Process::freeze);
        stack.own_postgres().server().go_back()?;
        trial.injected();
        trial.until("the services are back", CAUGHT_UP_WITHIN, || Ok(shared_record(&stack, None).is_ok()))?;
        ensure!(rows(trial, &stack)? == at_backup, "the store did not go back");
        let answer = shared_record(&stack, known.header("etag"))?;
        ensure!(answer.status == 200 && answer.text != known.text, "what was lost passes for what is there");
        ensure!(after.state(&stack)? == "queued", "the receipt says {}", after.state(&stack)?);
        let other = after.make_another(trial, &stack, round)?;
        stack.workers.iter().for_each(Process::thaw);
        // Nobody writes: the worker finds out by itself.
        trial.until("what came after is applied once more", CAUGHT_UP_WITHIN, || {
            Ok(rows(trial, &stack)? >= at_backup + lost)
        })?;
        after.is_kept_apart_from(trial, &stack, other)?;
        trial.recovered(&stack)?;
    }
    // Once more, with writes that go on.
    trial.under_load(&mut stack, &ledger, load(), |trial, stack| {
        for _ in 0..trial.times(1, 4) {
            stack.own_postgres().server().back_up()?;
            trial.until_acknowledged(&ledger, 40)?;
            stack.own_postgres().server().go_back()?;
            trial.injected();
            trial.recovered(stack)?;
        }
        Ok(())
    })?;
    Ok(trial.judge(&stack, &ledger))
}

/// The record that every batch writes, unless the client has that answer already.
pub(super) fn shared_record(stack: &Stack, known: Option<&str>) -> anyhow::Result<Answer> {
    let reader = stack.reader();
    let reader = known.map_or(reader.clone(), |tag| reader.with_header("If-None-Match", tag));
    let answer = reader.send("GET", "/data/ledger/set0?filter_by=_id:shared", Vec::new())?;
    ensure!([200, 304].contains(&answer.status), "a read got {}: {}", answer.status, answer.text);
    Ok(answer)
}

/// A data set that is made after the backup, so that the restored store does not know it, and a write to it.
struct Late {
    number: i64,
    receipt: String,
}

impl Late {
    fn make(stack: &Stack, round: usize) -> anyhow::Result<Self> {
        let name = format!("late{round}");
        stack.create_data_set("late", &name);
        let writer = client(stack, &name);
        let answer = writer.post(&format!("/data/late/{name}"), &json!([{"_id": "late"}]));
        ensure!(answer.status == 202, "a write got {}: {}", answer.status, answer.text);
        let receipt = answer.json()["id"].as_str().context("a receipt")?.to_owned();
        let number = receipt.split('.').nth(1).context("a data set")?.parse()?;
        Ok(Self { number, receipt })
    }

    fn state(&self, stack: &Stack) -> anyhow::Result<String> {
        let answer = stack.administrator().get(&format!("/receipts/{}", self.receipt)).expect(200);
        Ok(answer.json()["state"].as_str().context("a state")?.to_owned())
    }

    /// Makes another data set, to which the restored store gives the same number, in a configuration of the same
    /// number, too.
    fn make_another(&self, trial: &Trial, stack: &Stack, round: usize) -> anyhow::Result<i64> {
        let name = format!("other{round}");
        stack.create_data_set("other", &name);
        let sql = "SELECT id FROM data_set WHERE data_type = $1";
        let number = trial.block_on(sqlx::query_scalar(sql).bind(&name).fetch_one(&stack.pool))?;
        ensure!(number == self.number, "data set {number} is not {}", self.number);
        let late = client(stack, &format!("late{round}"));
        let answer = late.post(&format!("/data/late/late{round}"), &json!([{"_id": "late"}]));
        ensure!(answer.status == 404, "a data set that is gone takes writes: {}", answer.text);
        client(stack, &name).post(&format!("/data/other/{name}"), &json!([{"_id": "other"}])).expect(202);
        Ok(number)
    }

    /// What was written to it is kept and told of, and nobody else's.
    fn is_kept_apart_from(&self, trial: &Trial, stack: &Stack, other: i64) -> anyhow::Result<()> {
        trial.until("the write after the restore is stored", CAUGHT_UP_WITHIN, || {
            Ok(ids(trial, stack, other)? == ["other"])
        })?;
        let sql = "SELECT count(*) FROM rejected_batch WHERE data_set_id = $1 AND batch_id = $2";
        let batch: sqlx::types::Uuid = self.receipt.split('.').next().context("a batch")?.parse()?;
        for (owner, wanted) in [(0, 1), (other, 0)] {
            let kept = sqlx::query_scalar(sql).bind(owner).bind(batch).fetch_one(&stack.pool);
            let kept: i64 = trial.block_on(kept)?;
            ensure!(kept == wanted, "{kept} batches are kept of data set {owner}");
        }
        ensure!(self.state(stack)? == "rejected", "the receipt says {}", self.state(stack)?);
        Ok(())
    }
}

fn ids(trial: &Trial, stack: &Stack, data_set: i64) -> anyhow::Result<Vec<String>> {
    let sql = "SELECT id FROM record WHERE data_set_id = $1 ORDER BY id";
    Ok(trial.block_on(sqlx::query_scalar(sql).bind(data_set).fetch_all(&stack.pool))?)
}

fn client(stack: &Stack, data_type: &str) -> Client {
    stack.writer().with_token(&format!("token-for-{data_type}")).with_header("Prefer", "respond-async")
}
