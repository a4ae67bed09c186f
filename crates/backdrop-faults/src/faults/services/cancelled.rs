//! Clients hang up at random moments: at any byte of a request, or while they wait for the answer.

use crate::moments::Moments;
use crate::{Fault, Load, Promise, Trial, Verdict};
use anyhow::ensure;
use backdrop_testing::{Stack, StackOptions, sqlx};
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// Clients that hang up beside clients that do not.
pub(crate) const REQUESTS_CANCELLED: Fault =
    Fault { name: "requests-cancelled", promise: Promise::NothingLost, run: cancelled };

/// How long a request waits for its outcome at most, and so how long it may be remembered.
const WAIT_S: u64 = 5;
/// How long the store may be asked for outcomes after nobody wants to know any: what is waited for, and some.
const FORGOTTEN_WITHIN: Duration = Duration::from_secs(WAIT_S + 10);
/// How often it is asked as long as somebody waits: four times in this.
const ASKED_WITHIN: Duration = Duration::from_secs(1);
/// Every how many-th hangs up when all is sent, and waits a moment; the others amid what they send.
const WHOLE_EVERY: usize = 2;

fn cancelled(trial: &mut Trial) -> anyhow::Result<Verdict> {
    let mut stack = trial.stack(StackOptions { workers: 1, ..StackOptions::default() })?;
    stack.create_data_set("hung-up", "hung-up");
    let ledger = trial.ledger(&stack, 4);
    let requests = trial.times(120, 3_000);
    trial.under_load(&mut stack, &ledger, Load::default(), |trial, stack| {
        for number in 0..requests {
            hang_up(stack.write.address(), number, &mut trial.moments)?;
            trial.injected();
        }
        Ok(())
    })?;
    let verdict = trial.judge(&stack, &ledger);
    let unharmed = (verdict.refused, verdict.unanswered, verdict.repeated, verdict.reads_refused);
    ensure!(unharmed == (0, 0, 0, 0), "requests beside those cancelled were not answered: {verdict:?}");
    ensure_once(trial, &stack, requests)?;
    ensure_forgotten(trial, &stack)?;
    Ok(verdict)
}

/// Sends a request, or a part of it, and hangs up: in order, or as a process that dies.
fn hang_up(address: SocketAddr, number: usize, moments: &mut Moments) -> anyhow::Result<()> {
    let body = format!("[{{\"_id\": \"{number}\"}}]");
    let request = format!(
        "POST /data/hung-up/hung-up HTTP/1.1\r\nHost: backdrop\r\nAuthorization: Bearer token-for-hung-up\r\n\
         Content-Type: application/json\r\nX-Request-Id: hung-up-{number}\r\nPrefer: wait={WAIT_S}\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    if number.is_multiple_of(WHOLE_EVERY) {
        stream.write_all(request.as_bytes())?;
        std::thread::sleep(moments.within_ms(12));
    } else {
        let sent = usize::try_from(moments.below(request.len() as u64))?;
        stream.write_all(&request.as_bytes()[..sent])?;
    }
    if moments.below(2) == 0 {
        // It says that it sends no more, and looks whether there is an answer already.
        stream.shutdown(Shutdown::Write)?;
        stream.set_nonblocking(true)?;
        let _nothing_yet = stream.read(&mut [0; 16]);
    }
    Ok(())
}

/// Each of them counts once at most, and some were stored although nobody was told: else nothing was tested.
fn ensure_once(trial: &Trial, stack: &Stack, requests: usize) -> anyhow::Result<()> {
    let of_set = "FROM batch b JOIN data_set d ON d.id = b.data_set_id WHERE d.data_type = 'hung-up'";
    let sql = format!("SELECT count(*) - count(DISTINCT b.request_id), count(*) {of_set}");
    let sql = sqlx::AssertSqlSafe(sql);
    let (twice, rows): (i64, i64) = trial.block_on(sqlx::query_as(sql).fetch_one(&stack.pool))?;
    ensure!(twice == 0, "{twice} requests have two rows");
    let whole = i64::try_from(requests / WHOLE_EVERY)?;
    ensure!(rows > 0 && rows <= whole, "{rows} of {whole} whole requests were stored");
    let sql =
        "SELECT r.id FROM record r JOIN data_set d ON d.id = r.data_set_id WHERE d.data_type = 'hung-up'";
    let ids: Vec<String> = trial.block_on(sqlx::query_scalar(sql).fetch_all(&stack.pool))?;
    ensure!(i64::try_from(ids.len())? == rows, "{} records, but {rows} batches", ids.len());
    let is_whole = |id: &String| id.parse::<usize>().is_ok_and(|number| number.is_multiple_of(WHOLE_EVERY));
    ensure!(ids.iter().all(is_whole), "a part of a request was stored");
    Ok(())
}

/// Nobody waits any more: the store is no longer asked for outcomes.
fn ensure_forgotten(trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
    let asked = || -> anyhow::Result<Option<String>> {
        let sql = "SELECT max(query_start)::text FROM pg_stat_activity
                   WHERE datname = current_database() AND application_name = 'backdrop-write'
                     AND query LIKE '%FROM batch%'";
        Ok(trial.block_on(sqlx::query_scalar(sql).fetch_one(&stack.pool))?)
    };
    trial.until("nobody waits any more", FORGOTTEN_WITHIN, || {
        let before = asked()?;
        std::thread::sleep(ASKED_WITHIN);
        Ok(asked()? == before)
    })
}
