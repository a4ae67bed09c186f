//! Signs of life of Postgres, over a connection of their own: so the answer tells of Postgres, and not of who else uses
//! it.

use super::connections::{SIGN_OF_LIFE_WITHIN, refuse_standby};
use crate::StoreError;
use sqlx::Connection;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use tokio::sync::Mutex;
use tokio::time::timeout;

#[derive(Debug)]
pub(super) struct Probe {
    options: PgConnectOptions,
    connection: Mutex<Option<PgConnection>>,
}

impl Probe {
    pub(super) fn new(options: PgConnectOptions) -> Self {
        Self { options, connection: Mutex::default() }
    }

    /// Asks for the shortest sign of life.
    pub(super) async fn ask(&self) -> Result<(), StoreError> {
        timeout(SIGN_OF_LIFE_WITHIN, self.ask_patiently()).await.unwrap_or(Err(StoreError::NoAnswer))
    }

    async fn ask_patiently(&self) -> Result<(), StoreError> {
        let mut kept = self.connection.lock().await;
        // Taken out while it is used: whoever gives up in the middle leaves none behind.
        if let Some(connection) = kept.take()
            && let Ok(connection) = Self::ask_over(connection).await
        {
            *kept = Some(connection);
            return Ok(());
        }
        // Lost, perhaps by a restart that is over.
        let mut connection = PgConnection::connect_with(&self.options).await?;
        refuse_standby(&mut connection).await?;
        *kept = Some(Self::ask_over(connection).await?);
        Ok(())
    }

    /// Also shows whether the database was migrated.
    async fn ask_over(mut connection: PgConnection) -> Result<PgConnection, StoreError> {
        sqlx::query("SELECT version FROM configuration").execute(&mut connection).await?;
        Ok(connection)
    }
}
