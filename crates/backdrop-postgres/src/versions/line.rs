//! A connection over which states are asked for.

use super::Life;
use super::life::{Lives, Membership, ServerStart};
use crate::StoreError;
use crate::database::standby;
use crate::reader::DataVersion;
use sqlx::postgres::types::Oid;
use sqlx::postgres::{PgConnection, PgPool, PgRow};
use sqlx::{Connection, Row};
use std::collections::HashMap;

/// States by the id of the data set.
pub(super) type States = HashMap<i64, (DataVersion, Life)>;

/// An open connection to a primary.
#[derive(Debug)]
pub(super) struct Line {
    connection: PgConnection,
    server: ServerStart,
    membership: Membership,
}

impl Line {
    pub(super) async fn open(pool: &PgPool, lives: &Lives) -> Result<Self, StoreError> {
        // Before it is opened: it is of this life, or of a later one, in which it will not be used.
        let began = lives.now();
        let mut connection = pool.acquire().await?.detach();
        let sql = "SELECT (extract(epoch FROM pg_postmaster_start_time()) * 1000000)::bigint";
        let server = ServerStart(sqlx::query_scalar(sql).fetch_one(&mut connection).await?);
        Ok(Self { connection, server, membership: lives.join(began) })
    }

    /// Whether it may be used.
    pub(super) fn is_current(&self) -> bool {
        self.membership.is_current()
    }

    /// The states of those data sets that there are.
    pub(super) async fn ask(&mut self, data_sets: &[i64]) -> Result<States, StoreError> {
        let sql = "SELECT data_set_id, generation, version, version_tag, tableoid, pg_is_in_recovery()
                   FROM data_set_state WHERE data_set_id = ANY($1)";
        let rows = sqlx::query(sql).bind(data_sets).fetch_all(&mut self.connection).await?;
        let mut states = HashMap::with_capacity(rows.len());
        for row in rows {
            if row.try_get("pg_is_in_recovery")? {
                return Err(standby().into());
            }
            let table: Oid = row.try_get("tableoid")?;
            states
                .insert(row.try_get("data_set_id")?, (read(&row)?, self.membership.life(self.server, table)));
        }
        Ok(states)
    }

    pub(super) async fn close(self) {
        // What cannot be closed in order ends with its socket.
        let _ = self.connection.close().await;
    }
}

/// The state in a row of `data_set_state`.
fn read(row: &PgRow) -> Result<DataVersion, StoreError> {
    Ok(DataVersion {
        generation: row.try_get("generation")?,
        version: row.try_get("version")?,
        version_tag: row.try_get("version_tag")?,
    })
}
