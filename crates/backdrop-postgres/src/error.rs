//! What can go wrong with the store, told apart by who has to act.

use backdrop_core::error::{ApiError, chain};
use sqlx::error::DatabaseError;

/// A statement or a transaction failed.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Postgres cannot be reached, is starting or stopping, has no room, or aborted the transaction in
    /// favour of another: the same may succeed later.
    #[error("the store is not available")]
    Unavailable(#[source] sqlx::Error),
    /// Postgres holds a connection and does not answer.
    #[error("the store does not answer")]
    NoAnswer,
    /// The database lacks a table or a column of this version.
    #[error("the database is not of this version; run `backdrop migrate`")]
    NotMigrated(#[source] sqlx::Error),
    /// The statement was given up after its time limit.
    #[error("the statement took too long")]
    Timeout(#[source] sqlx::Error),
    /// A unique constraint was broken.
    #[error("{constraint} was broken")]
    Conflict {
        /// The name of the constraint.
        constraint: String,
        /// What Postgres said.
        #[source]
        source: sqlx::Error,
    },
    /// A row holds what it never should: somebody changed it by hand, or there is a fault of ours.
    #[error("the row of {row} holds a {column} that cannot be read")]
    Corrupt {
        /// Which row.
        row: String,
        /// Which column.
        column: &'static str,
    },
    /// The process stops, and the task of the transaction with it.
    #[error("the task of the transaction did not end")]
    TaskLost,
    /// The task of the transaction panicked: a fault of ours.
    #[error("the task of the transaction panicked")]
    Panicked(#[source] tokio::task::JoinError),
    /// The store and this program do not belong together.
    #[error("the store cannot be migrated")]
    Migration(#[source] sqlx::migrate::MigrateError),
    /// Anything else: a fault of ours.
    #[error("a statement failed")]
    Statement(#[source] sqlx::Error),
}

/// Why something was not saved, or not deleted.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// It cannot stand beside what is there, or others need it; whoever asked can do something about it.
    #[error("it is refused")]
    Refused(#[source] ApiError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<ApiError> for SaveError {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<sqlx::Error> for SaveError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl StoreError {
    /// Whether the same may succeed later without anything being mended.
    pub const fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Unavailable(_) | Self::NoAnswer | Self::NotMigrated(_) | Self::Timeout(_) | Self::TaskLost
        )
    }

    /// What is missing, and what to do about it, for who operates the service. Holds no secrets.
    pub fn explanation(&self) -> String {
        let Self::Unavailable(cause) = self else { return self.to_string() };
        let code = cause.as_database_error().and_then(DatabaseError::code);
        match (cause, code.as_deref()) {
            (sqlx::Error::Io(error), _) => {
                format!("Postgres cannot be reached at the address of DATABASE_URL: {error}")
            }
            (_, Some("28P01" | "28000")) => {
                "Postgres refuses the user or the password of DATABASE_URL".into()
            }
            (_, Some("3D000")) => {
                "the database of DATABASE_URL does not exist; create it and run `backdrop migrate`".into()
            }
            (_, Some("57P03")) => "Postgres is starting or stopping".into(),
            (_, Some("53300")) => "Postgres has no connection left; raise its max_connections, or lower \
                 BACKDROP_DATABASE_CONNECTIONS"
                .into(),
            _ => self.to_string(),
        }
    }

    /// Whether the server has become a standby, or is kept from writing like one (25006).
    pub(crate) fn is_of_standby(&self) -> bool {
        let Self::Unavailable(sqlx::Error::Database(error)) = self else { return false };
        error.code().as_deref() == Some("25006")
    }

    /// The same for another who waited for what failed: of the causes only the texts can be copied.
    pub(crate) fn told_to_another(&self) -> Self {
        let told = |cause: &dyn std::error::Error| sqlx::Error::Io(std::io::Error::other(chain(cause)));
        match self {
            Self::Unavailable(cause) => Self::Unavailable(told(cause)),
            Self::NoAnswer => Self::NoAnswer,
            Self::NotMigrated(cause) => Self::NotMigrated(told(cause)),
            Self::Timeout(cause) => Self::Timeout(told(cause)),
            Self::TaskLost => Self::TaskLost,
            Self::Corrupt { row, column } => Self::Corrupt { row: row.clone(), column },
            other => Self::Statement(told(other)),
        }
    }

    /// A row that cannot be read.
    pub(crate) fn corrupt(row: impl Into<String>, column: &'static str) -> Self {
        Self::Corrupt { row: row.into(), column }
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        use sqlx::Error as E;
        match &error {
            E::Io(_) | E::Tls(_) | E::PoolTimedOut | E::PoolClosed | E::WorkerCrashed | E::Protocol(_) => {
                Self::Unavailable(error)
            }
            E::Database(database) => match kind_of(database.as_ref()) {
                Kind::Transient => Self::Unavailable(error),
                Kind::NotMigrated => Self::NotMigrated(error),
                Kind::Timeout => Self::Timeout(error),
                Kind::Conflict => {
                    let constraint = database.constraint().unwrap_or("a constraint").to_owned();
                    Self::Conflict { constraint, source: error }
                }
                Kind::Other => Self::Statement(error),
            },
            _ => Self::Statement(error),
        }
    }
}

enum Kind {
    Transient,
    NotMigrated,
    Timeout,
    Conflict,
    Other,
}

/// By the SQLSTATE. Classes: 08 connection, 25P03 idle in a transaction for too long, 40 aborted in
/// favour of another, 53 out of a resource, 55P03 lock not available, 57P shutting down or starting up,
/// 58 an error of the system below, 25006 a standby that takes no writes, 42P01 and 42703 no such table or column.
fn kind_of(error: &dyn DatabaseError) -> Kind {
    let code = error.code().unwrap_or_default();
    match code.as_ref() {
        "42P01" | "42703" => Kind::NotMigrated,
        "57014" => Kind::Timeout,
        "23505" => Kind::Conflict,
        "25P03" | "25006" | "55P03" | "3D000" => Kind::Transient,
        // 28P01 and the like are wrong credentials: an operator has to act, but nothing is broken here.
        code if ["08", "28", "40", "53", "57P", "58"].iter().any(|class| code.starts_with(class)) => {
            Kind::Transient
        }
        _ => Kind::Other,
    }
}
