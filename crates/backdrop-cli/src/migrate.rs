//! `backdrop migrate`: brings the database to the form this version expects.

use crate::stdout::say;
use anyhow::Context;
use backdrop_postgres::{Database, DatabaseSettings};
use backdrop_service::settings::StoreArgs;

/// Which database, and into how many partitions its log of writes is divided.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    store: StoreArgs,
    #[command(flatten)]
    log: LogOfWrites,
}

/// How the log of writes is divided.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct LogOfWrites {
    /// Partitions of the log of writes: at most one worker each; there may be more later, never fewer
    #[arg(long, env = "BACKDROP_PARTITIONS", value_name = "NUMBER", default_value_t = 16)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1024))]
    partitions: u16,
}

/// Migrates, in a runtime of its own.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the runtime cannot be started")?;
    runtime.block_on(migrate(&arguments.store, arguments.log))?;
    say!("The database has the form this version expects.")?;
    Ok(())
}

/// Migrates.
pub(crate) async fn migrate(store: &StoreArgs, log: LogOfWrites) -> anyhow::Result<()> {
    let database = Database::new(&DatabaseSettings {
        url: store.database_url.clone(),
        max_connections: 1,
        acquire_timeout: store.database_wait_ms,
        statement_timeout: store.statement_timeout_ms,
        application_name: "backdrop migrate".into(),
    })
    .context("DATABASE_URL cannot be used")?;
    let result = backdrop_postgres::migrate(&database, log.partitions).await;
    database.close().await;
    result.context("the database cannot be migrated")
}
