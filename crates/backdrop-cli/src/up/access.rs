//! What the services need to know to reach Postgres and Redis, and who may administer them.

use super::Arguments;
use anyhow::Context;
use secrecy::SecretString;

/// The addresses of the servers and the administration token.
#[derive(Clone, Debug)]
pub(super) struct Access {
    /// Postgres; none yet if it is to be a private one.
    pub(super) database_url: Option<SecretString>,
    /// Redis; none yet if it is to be a private one.
    pub(super) redis_url: Option<SecretString>,
    /// The administration token.
    pub(super) admin_token: SecretString,
}

impl Access {
    /// What was given. The administration token is made if there is none.
    pub(super) fn to(arguments: &Arguments) -> anyhow::Result<Self> {
        let admin_token = match &arguments.admin_token {
            Some(token) => token.clone(),
            None => arguments.home.make_admin_token().context("the administration token cannot be kept")?,
        };
        let (database_url, redis_url) = (arguments.database_url.clone(), arguments.redis_url.clone());
        Ok(Self { database_url, redis_url, admin_token })
    }

    /// The flags by which the services take it.
    pub(super) fn arguments(&self) -> Vec<(&'static str, SecretString)> {
        let urls = [("database-url", &self.database_url), ("redis-url", &self.redis_url)];
        let mut arguments: Vec<_> =
            urls.into_iter().filter_map(|(flag, url)| Some((flag, url.clone()?))).collect();
        arguments.push(("admin-token", self.admin_token.clone()));
        arguments
    }
}
