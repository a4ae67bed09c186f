//! Bringing a database to the form this program expects.

use crate::{Database, StoreError};
use sqlx::Connection;
use sqlx::migrate::Migrator;

static MIGRATOR: Migrator = sqlx::migrate!("../../migrations");

/// Applies the migrations that are missing and makes sure that there are `partitions` partitions; never
/// removes one. Several processes may do this at once: they wait for each other.
///
/// # Errors
/// If the database cannot be reached, or holds a migration that this program does not know: then the
/// program is older than the database.
pub async fn migrate(database: &Database, partitions: u16) -> Result<(), StoreError> {
    // A connection of its own, without the limits that suit short statements.
    let mut connection = database.pool.acquire().await?.detach();
    sqlx::query("SET statement_timeout = 0").execute(&mut connection).await?;
    sqlx::query("SET lock_timeout = 0").execute(&mut connection).await?;
    MIGRATOR.run(&mut connection).await.map_err(StoreError::Migration)?;
    sqlx::query(
        "INSERT INTO ingest_partition (partition)
         SELECT generate_series(0, $1 - 1) ON CONFLICT DO NOTHING",
    )
    .bind(i32::from(partitions))
    .execute(&mut connection)
    .await?;
    // Once more, for roles that an administrator has made since: the migration passed over what was not there.
    sqlx::query("SELECT grant_to_roles()").execute(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
