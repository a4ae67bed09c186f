//! One of two ingest services has its clock an hour off.

use crate::{Doors, Fault, Load, Promise, Trial, Verdict};
use anyhow::{Context, ensure};
use backdrop_testing::{Client, Service, StackOptions, an_hour_back, sqlx};

/// Clients write to both in turn.
pub(crate) const WRITER_CLOCK_OFF: Fault =
    Fault { name: "writer-clock-off", promise: Promise::NothingLost, run: clock_off };

fn clock_off(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    let off = stack.spawn(Service::Write, &an_hour_back(stack.folder())?, &[])?;
    trial.until_ready(&off)?;
    let hour = |client: Client| {
        let answer = client.get("/_status");
        // Such as `Sat, 21 Nov 2026 19:34:17 GMT`.
        let date = answer.header("date").context("no Date in an answer")?;
        date.get(17..19).and_then(|hour| hour.parse::<u32>().ok()).with_context(|| date.to_owned())
    };
    let (right, wrong) = (hour(stack.writer())?, hour(Client::new(off.address()))?);
    ensure!(right != wrong, "both clocks say that it is hour {right}");
    trial.injected();

    let ledger = trial.ledger(&stack, 4);
    let writer = Client::alternating(&[stack.write.address(), off.address()]);
    let doors = Doors { writer, reader: stack.reader() };
    let writes = trial.times(200, 4_000);
    let load = Load { writes: Some(writes), ..Load::default() };
    trial.under_load_at(&doors, &mut stack, &ledger, load, |_, _| Ok(()))?;
    let verdict = trial.judge(&stack, &ledger);
    let sql = "SELECT count(*) FROM batch WHERE accepted_at < applied_at - interval '30 minutes'";
    let misdated: i64 = trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?;
    ensure!(misdated == 0, "{misdated} batches were dated by the clock of a writer");
    Ok(verdict)
}
