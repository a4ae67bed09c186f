//! The users as which the services of a stack log in: members of the roles that the migrations make, so that every
//! test also finds out whether a service needs more than its role allows.

use anyhow::Context;
use sqlx::postgres::PgPool;

/// The password of all of them. Nobody but the tests reaches the server.
const PASSWORD: &str = "a-password-for-tests";

/// A user for each service.
#[derive(Clone, Debug)]
pub(crate) struct Users {
    scheme: String,
    /// Host, port and database, as they stand behind the user in a URL.
    server: String,
    database: String,
}

impl Users {
    /// Makes the users of a database that has been migrated.
    ///
    /// # Errors
    /// If the owner's URL has another form, or the owner may not make them.
    pub(crate) async fn create(pool: &PgPool, owner_url: &str) -> anyhow::Result<Self> {
        let (scheme, rest) = owner_url.split_once("://").context("a URL")?;
        let (_, server) = rest.rsplit_once('@').context("a URL with a user")?;
        let (_, database) = server.rsplit_once('/').context("a URL with a database")?;
        let users = Self { scheme: scheme.into(), server: server.into(), database: database.into() };
        for service in ["read", "write", "worker"] {
            let user = users.name(service);
            let sql = format!("CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}' IN ROLE backdrop_{service}");
            sqlx::query(sqlx::AssertSqlSafe(sql)).execute(pool).await?;
        }
        Ok(users)
    }

    /// The URL as which `read`, `write` or `worker` logs in.
    pub(crate) fn url(&self, service: &str) -> String {
        format!("{}://{}:{PASSWORD}@{}", self.scheme, self.name(service), self.server)
    }

    /// Users belong to the whole server, so each database has its own.
    fn name(&self, service: &str) -> String {
        format!("{}_{service}", self.database)
    }
}
