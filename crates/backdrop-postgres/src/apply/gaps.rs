//! Noticing entries that are missing from the log, so that a loss is never silent.

use crate::StoreError;
use crate::partitions::{column, cursor_columns, number};
use backdrop_core::log::{Cursor, EntryId, Partition};
use sqlx::Row;
use sqlx::postgres::PgConnection;

/// What was found missing along a run.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Found {
    /// Entries that are known to be missing.
    pub(super) missing: u64,
    /// Gaps that were noted.
    pub(super) gaps: u64,
}

/// Walks from the cursor over the entries to the new cursor and writes down what is missing between.
pub(super) async fn note(
    connection: &mut PgConnection,
    partition: Partition,
    read_after: Cursor,
    entries: impl Iterator<Item = EntryId>,
    new_cursor: Cursor,
) -> Result<Found, StoreError> {
    let mut found = Found::default();
    let mut cursor = read_after;
    let steps = entries.map(|entry| (Cursor::at(entry), Some(entry)));
    // Where the new cursor lies beyond the last entry, nothing is left of what stood between.
    for (next, entry) in steps.chain([(new_cursor, None)]) {
        if next == cursor {
            continue;
        }
        let mut missing = match (entry, next.entry()) {
            (Some(entry), _) => cursor.missing_before(entry),
            (None, Some(last)) => cursor.missing_before(last) + 1,
            (None, None) => 0,
        };
        let mut went_back = false;
        if next.epoch() > cursor.epoch() {
            let left = leave_epochs(connection, partition, cursor, next.epoch()).await?;
            missing += left.missing;
            went_back = left.went_back;
        }
        if missing > 0 || went_back {
            insert(connection, partition, cursor, entry, missing).await?;
            found.missing += missing;
            found.gaps += 1;
        }
        cursor = next;
    }
    Ok(found)
}

struct Left {
    missing: u64,
    went_back: bool,
}

/// The cursor passes on from its epoch to a later one: notes where it left each epoch between, and
/// compares with where they are known to have ended.
async fn leave_epochs(
    connection: &mut PgConnection,
    partition: Partition,
    cursor: Cursor,
    next_epoch: u64,
) -> Result<Left, StoreError> {
    let (epoch, n) = cursor_columns(cursor);
    let row = sqlx::query(
        "WITH left_epoch AS (
             UPDATE ingest_epoch SET left_at_n = CASE WHEN epoch = $2 THEN $3 ELSE -1 END
             WHERE partition = $1 AND epoch >= $2 AND epoch < $4
             RETURNING tail_n, left_at_n, went_back
         )
         SELECT coalesce(sum(greatest(tail_n - left_at_n, 0)), 0)::bigint AS missing,
                coalesce(bool_or(went_back), false) AS went_back
         FROM left_epoch",
    )
    .bind(column(partition))
    .bind(epoch)
    .bind(n)
    .bind(number(next_epoch))
    .fetch_one(connection)
    .await?;
    let missing: i64 = row.try_get("missing")?;
    Ok(Left { missing: missing.unsigned_abs(), went_back: row.try_get("went_back")? })
}

/// Writes a gap down: after the cursor, before the entry if there is one yet.
pub(crate) async fn insert(
    connection: &mut PgConnection,
    partition: Partition,
    after: Cursor,
    before: Option<EntryId>,
    missing: u64,
) -> Result<(), StoreError> {
    let (after_epoch, after_n) = cursor_columns(after);
    sqlx::query(
        "INSERT INTO ingest_gap (partition, after_epoch, after_n, before_epoch, before_n, missing)
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(column(partition))
    .bind(after_epoch)
    .bind(after_n)
    .bind(before.map(|entry| number(entry.epoch)))
    .bind(before.map(|entry| number(entry.n)))
    .bind(number(missing))
    .execute(connection)
    .await?;
    Ok(())
}
