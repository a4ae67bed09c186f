//! The database of a stack.

use anyhow::Context;
use backdrop_postgres::{Database, DatabaseSettings, migrate};
use secrecy::{ExposeSecret, SecretString};
use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use std::str::FromStr;
use std::time::Duration;
use uuid::Uuid;

/// How many partitions its log has: as many as `backdrop migrate` makes.
const PARTITIONS: u16 = 16;

/// Makes a database with the tables of this version; gives its URL.
pub(super) async fn create(server: &SecretString) -> anyhow::Result<SecretString> {
    let name = format!("test_{}", Uuid::new_v4().simple());
    let options = PgConnectOptions::from_str(server.expose_secret())?;
    let pool = PgPoolOptions::new().max_connections(1).connect_with(options).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&pool).await?;
    pool.close().await;
    let (server, _) = server.expose_secret().rsplit_once('/').context("a URL with a database")?;
    let url = SecretString::from(format!("{server}/{name}"));
    let database = Database::new(&DatabaseSettings {
        url: url.clone(),
        max_connections: 1,
        acquire_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_secs(30),
        application_name: "backdrop-testing".into(),
    })?;
    migrate(&database, PARTITIONS).await?;
    database.close().await;
    Ok(url)
}

/// A pool to look into it.
pub(super) fn pool_of(url: &str) -> anyhow::Result<PgPool> {
    Ok(PgPoolOptions::new().max_connections(3).connect_lazy(url)?)
}
