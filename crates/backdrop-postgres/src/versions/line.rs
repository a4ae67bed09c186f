//! A connection over which states are asked for.

use super::Life;
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
    /// The table that was last read from, and the life of its versions.
    read_from: Option<(Oid, Life)>,
}

impl Line {
    pub(super) async fn open(pool: &PgPool) -> Result<Self, StoreError> {
        Ok(Self { connection: pool.acquire().await?.detach(), read_from: None })
    }

    /// The states of those data sets that there are.
    pub(super) async fn ask(
        &mut self,
        data_sets: &[i64],
        next_life: impl Fn() -> Life,
    ) -> Result<States, StoreError> {
        let sql = "SELECT data_set_id, generation, version, version_tag, tableoid, pg_is_in_recovery()
                   FROM data_set_state WHERE data_set_id = ANY($1)";
        let rows = sqlx::query(sql).bind(data_sets).fetch_all(&mut self.connection).await?;
        let mut states = HashMap::with_capacity(rows.len());
        for row in rows {
            if row.try_get("pg_is_in_recovery")? {
                return Err(standby().into());
            }
            states.insert(row.try_get("data_set_id")?, (read(&row)?, self.life_of(&row, &next_life)?));
        }
        Ok(states)
    }

    fn life_of(&mut self, row: &PgRow, next_life: impl Fn() -> Life) -> Result<Life, StoreError> {
        let table: Oid = row.try_get("tableoid")?;
        match self.read_from {
            Some((known, life)) if known == table => Ok(life),
            _ => Ok(self.read_from.insert((table, next_life())).1),
        }
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
