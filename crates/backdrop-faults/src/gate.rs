//! A gate in Postgres, before which transactions of workers stand still: all that they do is done, and not committed.

use crate::trial::Trial;
use anyhow::{Context, ensure};
use backdrop_testing::Stack;
use backdrop_testing::sqlx::{self, AssertSqlSafe, Connection, PgConnection};
use std::time::Duration;

/// The advisory lock that is the gate: whoever passes shares it.
const LOCK: i64 = 5_005;
/// How long it may take until a worker comes to the gate under load.
const COMES_WITHIN: Duration = Duration::from_secs(20);

/// Where transactions stand still.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the last statement: COMMIT is not sent yet. If the client is gone, nothing is committed.
    LastStatement,
    /// In COMMIT itself. It is committed, though the client does not learn it.
    Commit,
}

/// The gate, which is open at first.
#[derive(Debug)]
pub(crate) struct Gate {
    closed_by: Option<PgConnection>,
}

impl Gate {
    /// Puts the gate before the end of every transaction that moves a cursor.
    pub(crate) fn install(trial: &Trial, stack: &Stack, place: Place) -> anyhow::Result<Self> {
        let trigger = match place {
            Place::LastStatement => {
                "CREATE TRIGGER gate AFTER UPDATE OF cursor_n ON ingest_partition
                 FOR EACH ROW EXECUTE FUNCTION pass_the_gate()"
            }
            Place::Commit => {
                "CREATE CONSTRAINT TRIGGER gate AFTER UPDATE OF cursor_n ON ingest_partition
                 DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION pass_the_gate()"
            }
        };
        // Not waited for as a lock, since the services bound that; but by looking again and again, which is a statement
        // like any other.
        let sql = format!(
            "CREATE OR REPLACE FUNCTION pass_the_gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 WHILE NOT pg_try_advisory_xact_lock_shared({LOCK}) LOOP PERFORM pg_sleep(0.005); END LOOP;
                 RETURN NULL;
             END $$;
             DROP TRIGGER IF EXISTS gate ON ingest_partition; {trigger};"
        );
        trial.block_on(sqlx::raw_sql(AssertSqlSafe(sql)).execute(&stack.pool)).context("the gate")?;
        Ok(Self { closed_by: None })
    }

    /// Closes the gate, once nobody is on the way through it.
    pub(crate) fn close(&mut self, trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
        self.closed_by = Some(trial.block_on(async {
            let mut session = stack.pool.acquire().await?.detach();
            sqlx::query("SELECT pg_advisory_lock($1)").bind(LOCK).execute(&mut session).await?;
            anyhow::Ok(session)
        })?);
        Ok(())
    }

    /// Waits until a transaction stands before the gate.
    pub(crate) fn until_somebody_waits(&self, trial: &Trial, stack: &Stack) -> anyhow::Result<()> {
        ensure!(self.closed_by.is_some(), "the gate is open");
        trial.until("a worker stands before COMMIT", COMES_WITHIN, || {
            let waiting = "SELECT count(*) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'backdrop-worker'
                  AND wait_event = 'PgSleep'";
            let waiting: i64 = trial.block_on(sqlx::query_scalar(waiting).fetch_one(&stack.pool))?;
            Ok(waiting > 0)
        })
    }

    /// Lets all pass.
    pub(crate) fn open(&mut self, trial: &Trial) -> anyhow::Result<()> {
        match self.closed_by.take() {
            // With the session, what it locked goes.
            Some(session) => Ok(trial.block_on(session.close())?),
            None => Ok(()),
        }
    }
}
