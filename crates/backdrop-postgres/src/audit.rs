//! The trail of who changed what: events of the administration, and the rows of the batches, as one list.
//!
//! **Invariant.** An event is written in the transaction of the change that it tells of, so there is neither
//! without the other. Its detail never holds a token or a record.

use crate::{Database, StoreError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::time::Timestamp;
use backdrop_core::token::TokenId;
use serde_json::Value;
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{FromRow, Row};
use uuid::Uuid;

/// Who makes a change, and by which request.
#[derive(Clone, Debug)]
pub struct Actor {
    /// The token; `None`: the administration token.
    pub token: Option<TokenId>,
    /// The request it came with.
    pub request_id: String,
}

/// Notes a change of the administration of a data set.
pub(crate) async fn note(
    connection: &mut PgConnection,
    data_set: DataSetId,
    actor: &Actor,
    action: &str,
    detail: &Value,
) -> Result<(), StoreError> {
    sqlx::query(
        "INSERT INTO audit_event (data_set_id, data_set_name, token_id, request_id, action, detail)
         SELECT $1, (SELECT name FROM data_set WHERE id = $1), $2, $3, $4, $5",
    )
    .bind(data_set.0)
    .bind(actor.token.map(|TokenId(id)| id))
    .bind(&actor.request_id)
    .bind(action)
    .bind(detail)
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes a change of something that is of no one data set: a transform, a dashboard.
pub(crate) async fn note_resource(
    connection: &mut PgConnection,
    actor: &Actor,
    action: &str,
    detail: &Value,
) -> Result<(), StoreError> {
    sqlx::query("INSERT INTO audit_event (token_id, request_id, action, detail) VALUES ($1, $2, $3, $4)")
        .bind(actor.token.map(|TokenId(id)| id))
        .bind(&actor.request_id)
        .bind(action)
        .bind(detail)
        .execute(connection)
        .await?;
    Ok(())
}

/// One line of the trail.
#[derive(Clone, Debug)]
pub struct AuditRow {
    /// When it was done.
    pub at: Timestamp,
    /// Its place among what was done at the same moment.
    pub key: String,
    /// To which data set, by the name that it had then; `None`: to none that is known.
    pub data_set: Option<String>,
    /// By whom.
    pub token: Option<TokenId>,
    /// What people call the token.
    pub label: Option<String>,
    /// The request.
    pub request_id: String,
    /// What was done.
    pub action: String,
    /// What was changed, from what to what; `None`: it is a write.
    pub detail: Option<Value>,
    /// The write; `None`: it is a change of the administration.
    pub write: Option<AuditWrite>,
}

/// What the trail tells of a write.
#[derive(Clone, Debug)]
pub struct AuditWrite {
    /// The batch.
    pub batch_id: Uuid,
    /// How it ended.
    pub outcome: String,
    /// How many records were stored.
    pub records: i32,
    /// How many were not, while others were.
    pub rejected: i32,
    /// When it was accepted.
    pub accepted_at: Timestamp,
}

/// A place in the trail: what comes after it is older.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditPlace {
    /// The time of the line.
    pub at: Timestamp,
    /// Its place among what was done at the same moment.
    pub key: String,
}

/// One page, newest first. A deletion is told by its event: its batch would say the same once more. `key` puts what
/// was done at the same moment into an order, so that pages neither overlap nor leave gaps.
macro_rules! page {
    ($of_data_sets:literal) => {
        concat!(
            r#"
SELECT l.*, t.label
FROM (
    (
        SELECT e.at, 'a' || lpad(e.id::text, 20, '0') COLLATE "C" AS key, e.data_set_name AS data_set, e.token_id,
               e.request_id, e.action, e.detail, NULL::uuid AS batch_id, NULL::text AS outcome,
               NULL::integer AS records, NULL::integer AS rejected, NULL::timestamptz AS accepted_at
        FROM audit_event e
        WHERE e.at <= coalesce($1, 'infinity') AND (e.at, 'a' || lpad(e.id::text, 20, '0') COLLATE "C") < (coalesce($1, 'infinity'), $2) AND e."#,
            $of_data_sets,
            r#"
        ORDER BY e.at DESC, e.id DESC LIMIT $3
    )
    UNION ALL
    (
        SELECT b.applied_at, 'b' || b.batch_id::text COLLATE "C", d.name, b.token_id, b.request_id, b.kind,
               NULL::jsonb, b.batch_id, b.outcome, b.records, b.rejected, b.accepted_at
        FROM batch b LEFT JOIN data_set d ON d.id = b.data_set_id
        WHERE b.applied_at <= coalesce($1, 'infinity') AND (b.applied_at, 'b' || b.batch_id::text COLLATE "C") < (coalesce($1, 'infinity'), $2)
          AND (b.kind <> 'delete_data_set' OR b.outcome <> 'stored') AND b."#,
            $of_data_sets,
            r#"
        ORDER BY b.applied_at DESC, b.batch_id DESC LIMIT $3
    )
) l LEFT JOIN data_set_token t ON t.id = l.token_id
ORDER BY l.at DESC, l.key DESC LIMIT $3
"#
        )
    };
}

/// Of these data sets.
const PAGE_OF_DATA_SETS: &str = page!("data_set_id = ANY($4)");
/// Of all there are and were, and of what is of no data set: every line has a request.
const PAGE_OF_ALL: &str = page!("request_id IS NOT NULL");

impl FromRow<'_, PgRow> for AuditRow {
    fn from_row(row: &PgRow) -> Result<Self, sqlx::Error> {
        let write = match row.try_get("batch_id")? {
            Some(batch_id) => Some(AuditWrite {
                batch_id,
                outcome: row.try_get("outcome")?,
                records: row.try_get("records")?,
                rejected: row.try_get("rejected")?,
                accepted_at: row.try_get("accepted_at")?,
            }),
            None => None,
        };
        Ok(Self {
            at: row.try_get("at")?,
            key: row.try_get("key")?,
            data_set: row.try_get("data_set")?,
            token: row.try_get::<Option<i64>, _>("token_id")?.map(TokenId),
            label: row.try_get("label")?,
            request_id: row.try_get("request_id")?,
            action: row.try_get("action")?,
            detail: row.try_get("detail")?,
            write,
        })
    }
}

impl Database {
    /// The trail of some data sets, or of all, newest first, from a place on.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn audit_page(
        &self,
        data_sets: Option<Vec<DataSetId>>,
        before: Option<AuditPlace>,
        limit: i64,
    ) -> Result<Vec<AuditRow>, StoreError> {
        let pool = self.pool.clone();
        // Everything is before the end of time.
        let (at, key) = before.map_or_else(Default::default, |place| (Some(place.at), place.key));
        self.in_task(async move {
            let sql = if data_sets.is_some() { PAGE_OF_DATA_SETS } else { PAGE_OF_ALL };
            let query = sqlx::query_as(sql).bind(at).bind(key).bind(limit);
            let query = match data_sets {
                Some(ids) => query.bind(ids.into_iter().map(|DataSetId(id)| id).collect::<Vec<_>>()),
                None => query,
            };
            Ok(query.fetch_all(&pool).await?)
        })
        .await
    }

    /// All data sets that ever had the name, the deleted ones included.
    ///
    /// # Errors
    /// If Postgres cannot be asked.
    pub async fn data_sets_ever_named(&self, name: String) -> Result<Vec<DataSetId>, StoreError> {
        // The store keeps no NUL, and refuses to be asked for one.
        if name.contains('\0') {
            return Ok(Vec::new());
        }
        let pool = self.pool.clone();
        self.in_task(async move {
            let query = sqlx::query_scalar("SELECT id FROM data_set WHERE name = $1").bind(name);
            Ok(query.fetch_all(&pool).await?.into_iter().map(DataSetId).collect())
        })
        .await
    }
}
