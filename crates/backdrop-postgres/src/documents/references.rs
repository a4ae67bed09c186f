//! What documents name, and who names them. Asked in the transaction that saves or deletes, under the lock that it
//! holds, so that none is saved that names what is being deleted.

use super::DocumentRow;
use crate::{Database, SaveError};
use backdrop_core::data_set::DataSetId;
use backdrop_core::document::{Document, DocumentKind};
use backdrop_core::error::{ApiError, ErrorCode};
use serde_json::Value;
use sqlx::postgres::PgConnection;
use uuid::Uuid;

/// How many users of something are named: who is to mend them finds the others when these are mended.
const USERS_NAMED: usize = 3;

/// Refuses a document that names what is not there.
pub(super) async fn expect(
    connection: &mut PgConnection,
    kind: DocumentKind,
    id: Uuid,
    document: &Document,
) -> Result<(), SaveError> {
    let node_field = match kind {
        DocumentKind::Dashboard => "organisation",
        DocumentKind::Node => "parent_id",
        DocumentKind::ModuleType => return Ok(()),
    };
    if let Some(node) = document.reference(node_field)? {
        if kind == DocumentKind::Node && node == id {
            return Err(invalid("parent_id: a node cannot be its own parent"));
        }
        let sql = "SELECT EXISTS (SELECT FROM document WHERE kind = 'node' AND id = $1)";
        if !sqlx::query_scalar(sql).bind(node).fetch_one(&mut *connection).await? {
            return Err(invalid(format!("{node_field}: there is no organisation node \"{node}\"")));
        }
    }
    for (group, data_type) in document.data_sets()? {
        let sql = "SELECT EXISTS (
                       SELECT FROM data_set WHERE data_group = $1 AND data_type = $2 AND deleted_at IS NULL
                   )";
        let query = sqlx::query_scalar(sql).bind(group.as_str()).bind(data_type.as_str());
        if !query.fetch_one(&mut *connection).await? {
            return Err(invalid(format!(
                "modules: there is no data set for data group \"{group}\" and data type \"{data_type}\""
            )));
        }
    }
    Ok(())
}

/// Refuses to let a node go that other documents name.
pub(super) async fn expect_unused(
    connection: &mut PgConnection,
    kind: DocumentKind,
    id: Uuid,
) -> Result<(), SaveError> {
    if kind != DocumentKind::Node {
        return Ok(());
    }
    // Clients may have written the id in any form in which it can be read.
    let users: Vec<String> = sqlx::query_scalar(
        "SELECT CASE kind WHEN 'dashboard' THEN 'the dashboard ' ELSE 'the organisation node ' END
                || '\"' || coalesce(slug, body ->> 'name', id::text) || '\"'
         FROM document, lower(body ->> CASE kind WHEN 'dashboard' THEN 'organisation' ELSE 'parent_id' END) AS named
         WHERE kind IN ('dashboard', 'node') AND replace(translate(named, '{}-', ''), 'urn:uuid:', '') = $1
         ORDER BY kind, slug, id",
    )
    .bind(id.simple().to_string())
    .fetch_all(connection)
    .await?;
    expect_no_users(kind.words(), &users)
}

fn expect_no_users(what: &str, users: &[String]) -> Result<(), SaveError> {
    if users.is_empty() {
        return Ok(());
    }
    let mut named = users.iter().take(USERS_NAMED).cloned().collect::<Vec<_>>().join(", ");
    if users.len() > USERS_NAMED {
        named.push_str(&format!(" and {} more", users.len() - USERS_NAMED));
    }
    let message = format!("The {what} is in use by {named}; delete or change that first.");
    Err(ApiError::new(ErrorCode::ResourceInUse, message).into())
}

fn invalid(message: impl Into<String>) -> SaveError {
    ApiError::new(ErrorCode::InvalidDefinition, message).into()
}

impl Database {
    /// Refuses to let a data set go that dashboards show.
    ///
    /// # Errors
    /// [`SaveError::Refused`] if there are any, naming them.
    pub async fn expect_not_shown(&self, data_set: DataSetId) -> Result<(), SaveError> {
        let dashboards = self.dashboards_of(data_set).await?;
        let slug =
            |row: &DocumentRow| row.body.get("slug").and_then(Value::as_str).unwrap_or_default().to_owned();
        let users: Vec<String> =
            dashboards.iter().map(|row| format!("the dashboard \"{}\"", slug(row))).collect();
        expect_no_users("data set", &users)
    }
}
