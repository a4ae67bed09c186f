//! What is behind the services: asked of Postgres and Redis themselves, with none of the services' code.

use super::act::{GROUP, number_of};
use backdrop_testing::sqlx::{self, Row};
use backdrop_testing::{Stack, redis};
use std::collections::{BTreeMap, HashMap};
use std::time::{Duration, Instant};

/// How long a transaction may take to end when nothing is done any more. Shorter than what Postgres takes to end one
/// that was left open, so that such a one is found.
const TRANSACTIONS_END_WITHIN: Duration = Duration::from_secs(3);
/// How often it is looked whether transactions have ended.
const LOOK_EVERY: Duration = Duration::from_millis(100);

/// A batch behind the services.
#[derive(Clone, Debug)]
pub(super) struct BatchRow {
    pub(super) place: (i64, i64),
    pub(super) outcome: String,
}

/// Batches by the act that sent them, in the order accepted.
pub(super) type Rows = HashMap<usize, Vec<BatchRow>>;

/// All batches of the ledger.
pub(super) async fn batches(stack: &Stack) -> Rows {
    let found = sqlx::query(
        "SELECT b.request_id, b.epoch, b.n, b.outcome FROM batch b JOIN data_set d ON d.id = b.data_set_id
         WHERE d.data_group = $1 ORDER BY b.epoch, b.n",
    )
    .bind(GROUP)
    .fetch_all(&stack.pool)
    .await
    .expect("batches");
    let mut rows = Rows::new();
    for row in found {
        let Some(number) = number_of(row.get("request_id")) else { continue };
        let place = (row.get("epoch"), row.get("n"));
        rows.entry(number).or_default().push(BatchRow { place, outcome: row.get("outcome") });
    }
    rows
}

/// The version of a data set, and how many records it is said to hold.
pub(super) async fn state_of(stack: &Stack, data_type: &str) -> (i64, i64) {
    let state = sqlx::query(
        "SELECT s.version, s.records FROM data_set_state s JOIN data_set d ON d.id = s.data_set_id
         WHERE d.data_group = $1 AND d.data_type = $2",
    );
    let state = state.bind(GROUP).bind(data_type).fetch_optional(&stack.pool).await.expect("a state");
    state.map_or((0, 0), |row| (row.get("version"), row.get("records")))
}

/// The records of a data set: by id, the place in the order of changes and the act that wrote it.
pub(super) async fn records_of(stack: &Stack, data_type: &str) -> BTreeMap<String, (i64, i64)> {
    let records = sqlx::query(
        "SELECT r.id, r.seq, (r.body->>'batch')::bigint AS batch
         FROM data_set d JOIN data_set_state s ON s.data_set_id = d.id
         JOIN record r ON r.data_set_id = d.id AND r.generation = s.generation
         WHERE d.data_group = $1 AND d.data_type = $2",
    );
    let records = records.bind(GROUP).bind(data_type).fetch_all(&stack.pool).await.expect("records");
    records.iter().map(|row| (row.get("id"), (row.get("seq"), row.get("batch")))).collect()
}

/// How far a log is, in bytes since it was begun.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogExtent {
    pub(crate) appended: u64,
    pub(crate) applied: u64,
}

/// How far each log is, by its key; `None` if the queue cannot be asked.
pub(crate) fn log_extents(stack: &Stack) -> Option<HashMap<String, LogExtent>> {
    let mut redis = stack.redis_connection().ok()?;
    let keys: Vec<String> = redis::cmd("KEYS").arg("backdrop:*:epoch").query(&mut redis).ok()?;
    let mut extents = HashMap::new();
    for key in keys {
        let mut asked = redis::cmd("HMGET");
        let (appended, applied): (Option<u64>, Option<u64>) =
            asked.arg(&key).arg(&["appended", "applied"]).query(&mut redis).ok()?;
        let extent = LogExtent { appended: appended.unwrap_or(0), applied: applied.unwrap_or(0) };
        extents.insert(key, extent);
    }
    Some(extents)
}

/// Bytes that wait in the queue; `None` if it cannot be asked.
pub(crate) fn backlog_bytes(stack: &Stack) -> Option<u64> {
    let extents = log_extents(stack)?;
    Some(extents.values().map(|extent| extent.appended.saturating_sub(extent.applied)).sum())
}

/// Gaps that the log has, and how many entries are missing in them.
pub(super) async fn gaps(stack: &Stack) -> (usize, usize) {
    let sql = "SELECT count(*) AS gaps, coalesce(sum(missing), 0)::bigint AS missing FROM ingest_gap";
    let row = sqlx::query(sql).fetch_one(&stack.pool).await.expect("gaps");
    let number = |name| usize::try_from(row.get::<i64, _>(name)).expect("a count");
    (number("gaps"), number("missing"))
}

/// Transactions that stay open, though nothing is done any more: of those open now, what does not end by itself.
pub(super) async fn open_transactions(stack: &Stack) -> usize {
    let since: String =
        sqlx::query_scalar("SELECT now()::text").fetch_one(&stack.pool).await.expect("the time");
    let deadline = Instant::now() + TRANSACTIONS_END_WITHIN;
    loop {
        let open: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()
               AND xact_start < $1::timestamptz",
        )
        .bind(&since)
        .fetch_one(&stack.pool)
        .await
        .expect("sessions");
        if open == 0 || Instant::now() > deadline {
            return usize::try_from(open).expect("a count");
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}
