//! A whole Backdrop for one test.

mod database;
mod service;

pub use service::Service;

use crate::client::Client;
use crate::pairs::{Connections, Pair, Proxies};
use crate::process::{Process, signal};
use crate::proxy::Proxy;
use crate::servers::{SHARED_POSTGRES, SharedPostgres};
use crate::users::Users;
use anyhow::{Context, ensure};
use backdrop_cli::private::{PostgresOptions, PrivatePostgres, PrivateRedis, RedisOptions};
use rustix::process::Signal;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use service::{address_of, loopback};
use sqlx::postgres::PgPool;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// The administration token of every stack.
pub const ADMIN_TOKEN: &str = "an-administration-token-for-tests";

/// How long a service may take to be ready.
const READY_WITHIN: Duration = Duration::from_secs(30);

/// Which Postgres a stack stands on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PostgresKind {
    /// A database of its own in the server all tests share.
    #[default]
    Shared,
    /// A server of its own, which the test may kill.
    Own,
}

/// What a stack is made of.
#[derive(Clone, Debug, Default)]
pub struct StackOptions {
    /// Which Postgres.
    pub postgres: PostgresKind,
    /// How a Postgres of its own runs; `None`: as that of all tests does.
    pub postgres_options: Option<PostgresOptions>,
    /// How Redis runs.
    pub redis: RedisOptions,
    /// How many workers to start.
    pub workers: usize,
    /// Whether there is something between its parts that can misbehave.
    pub connections: Connections,
    /// Further settings for all services.
    pub environment: Vec<(String, String)>,
}

/// The services of one test, on a database and a Redis of its own.
#[derive(Debug)]
pub struct Stack {
    // In this order: the services end before what they stand on.
    /// The ingest service.
    pub write: Process,
    /// The query service.
    pub read: Process,
    /// The workers.
    pub workers: Vec<Process>,
    /// The queue.
    pub redis: PrivateRedis,
    /// The Postgres of its own, if it has one.
    pub postgres: Option<SharedPostgres>,
    /// A pool of the test's own, to look behind the services.
    pub pool: PgPool,
    users: Users,
    proxies: Proxies,
    /// What all services are told.
    environment: Vec<(String, String)>,
    database_url: SecretString,
    folder: TempDir,
}

impl Stack {
    /// Starts everything, with one worker.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn start() -> anyhow::Result<Self> {
        Self::start_with(StackOptions { workers: 1, ..StackOptions::default() }).await
    }

    /// Starts everything.
    ///
    /// # Errors
    /// If anything does not start.
    pub async fn start_with(options: StackOptions) -> anyhow::Result<Self> {
        let folder = tempfile::Builder::new().prefix("backdrop-stack-").tempdir()?;
        let redis = PrivateRedis::start_with(folder.path(), options.redis)?;
        let shared = std::env::var(SHARED_POSTGRES).ok().map(SecretString::from);
        let postgres = match (&shared, options.postgres) {
            (Some(_), PostgresKind::Shared) => None,
            _ => Some(
                options.postgres_options.map_or_else(SharedPostgres::start, SharedPostgres::start_with)?,
            ),
        };
        let server = postgres.as_ref().map(SharedPostgres::url).or(shared).context("a Postgres")?;
        let database_url = database::create(&server).await?;
        let pool = database::pool_of(database_url.expose_secret())?;
        let users = Users::create(&pool, database_url.expose_secret()).await?;
        let mut environment = vec![
            ("BACKDROP_ADMIN_TOKEN".to_owned(), ADMIN_TOKEN.to_owned()),
            // No load balancer has to notice that a service stops.
            ("BACKDROP_DRAIN_GRACE".to_owned(), "0".to_owned()),
        ];
        environment.extend(options.environment);
        let mut proxies = match options.connections {
            Connections::Direct => Proxies::default(),
            Connections::Proxied => Proxies::before(loopback(redis.port()), address_of(&database_url)?)?,
        };
        let start = |service: Service| {
            let told = service.environment(&environment, &proxies, &users, &redis)?;
            Process::start(service.program(), folder.path(), service.listen_variable(), &told)
        };
        let (write, read) = (start(Service::Write)?, start(Service::Read)?);
        if options.connections == Connections::Proxied {
            proxies.put(Pair::ClientWrite, write.address())?;
            proxies.put(Pair::ClientRead, read.address())?;
        }
        let mut stack = Self {
            write,
            read,
            workers: Vec::new(),
            redis,
            postgres,
            pool,
            users,
            proxies,
            environment,
            database_url,
            folder,
        };
        for _ in 0..options.workers {
            stack.add_worker()?;
        }
        stack.ready().await?;
        Ok(stack)
    }

    /// Starts one more worker.
    ///
    /// # Errors
    /// If it does not start.
    pub fn add_worker(&mut self) -> anyhow::Result<&mut Process> {
        let worker = self.spawn(Service::Worker, &[], &[])?;
        self.workers.push(worker);
        Ok(self.workers.last_mut().expect("one was just added"))
    }

    /// Starts one more of a service, which the caller looks after, behind a command that becomes it, with further
    /// settings.
    ///
    /// # Errors
    /// If it does not start.
    pub fn spawn(
        &self,
        service: Service,
        prefix: &[String],
        further: &[(String, String)],
    ) -> anyhow::Result<Process> {
        let environment = [&self.environment_of(service)?, further].concat();
        let (program, listen_variable) = (service.program(), service.listen_variable());
        Process::start_behind(prefix, program, self.folder.path(), listen_variable, &environment)
    }

    /// Starts one more query service, which the caller looks after, with a further setting.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn spawn_reader(&self, name: &str, value: &str) -> anyhow::Result<Process> {
        let mut reader = self.spawn(Service::Read, &[], &[(name.to_owned(), value.to_owned())])?;
        ready(&mut reader).await?;
        Ok(reader)
    }

    /// Where a test may keep files; removed with the stack.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts the ingest service anew, with further settings: its queue may be reached by a proxy, say.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn restart_write(&mut self, environment: &[(String, String)]) -> anyhow::Result<()> {
        self.write.kill();
        self.write = self.spawn(Service::Write, &[], environment)?;
        self.ready().await
    }

    /// The settings that any service can be started with, as the owner of the database, and the folder of the logs.
    pub fn settings(&self) -> (Vec<(String, String)>, &Path) {
        let urls = [("DATABASE_URL", &self.database_url), ("REDIS_URL", &self.redis.url())]
            .map(|(name, url)| (name.to_owned(), url.expose_secret().to_owned()));
        ([urls.as_slice(), &self.environment].concat(), self.folder.path())
    }

    /// What its ingest service is told by a setting.
    ///
    /// # Panics
    /// If it is told nothing.
    pub fn environment(&self, name: &str) -> String {
        let environment = self.environment_of(Service::Write).expect("Postgres has an address");
        let told = environment.into_iter().rfind(|(setting, _)| setting == name);
        told.map(|(_, value)| value).expect("a setting of the stack")
    }

    /// Has the services reach Redis by another URL: by a proxy, or as another user. Starts the ingest service anew;
    /// workers that are added from now on follow.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn reach_redis_by(&mut self, url: String) -> anyhow::Result<()> {
        self.environment.push(("REDIS_URL".into(), url));
        self.restart_write(&[]).await
    }

    /// A client of the ingest service.
    pub fn writer(&self) -> Client {
        Client::new(self.proxies.get(Pair::ClientWrite).map_or(self.write.address(), Proxy::address))
    }

    /// A client of the ingest service with the administration token.
    pub fn administrator(&self) -> Client {
        self.writer().with_token(ADMIN_TOKEN)
    }

    /// A client of the query service.
    pub fn reader(&self) -> Client {
        Client::new(self.proxies.get(Pair::ClientRead).map_or(self.read.address(), Proxy::address))
    }

    /// What is between a pair.
    ///
    /// # Panics
    /// If the stack was made without proxies.
    pub fn proxy(&self, pair: Pair) -> &Proxy {
        self.proxies.get(pair).expect("a stack with proxies")
    }

    /// The Postgres of its own.
    ///
    /// # Panics
    /// If it has none.
    pub fn own_postgres(&mut self) -> &mut SharedPostgres {
        self.postgres.as_mut().expect("a stack with a Postgres of its own")
    }

    /// Has the test look behind the services into its database of another server, and the services' proxies
    /// lead there.
    ///
    /// # Errors
    /// If its URL cannot be read.
    ///
    /// # Panics
    /// As [`proxy`](Self::proxy), and outside of a tokio runtime.
    pub fn move_to(&mut self, server: &PrivatePostgres) -> anyhow::Result<()> {
        self.pool = self.pool_at(server)?;
        Pair::POSTGRES.iter().for_each(|pair| self.proxy(*pair).lead_to(loopback(server.port())));
        Ok(())
    }

    /// A pool for its database as another server has it.
    ///
    /// # Errors
    /// If its URL cannot be read.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub fn pool_at(&self, server: &PrivatePostgres) -> anyhow::Result<PgPool> {
        let (here, there) = (address_of(&self.database_url)?, loopback(server.port()));
        let url = self.database_url.expose_secret();
        database::pool_of(&url.replace(&here.to_string(), &there.to_string()))
    }

    fn environment_of(&self, service: Service) -> anyhow::Result<Vec<(String, String)>> {
        service.environment(&self.environment, &self.proxies, &self.users, &self.redis)
    }

    /// The address of its Redis.
    pub fn redis_address(&self) -> SocketAddr {
        loopback(self.redis.port())
    }

    /// The URL of its Redis, reached at another address.
    pub fn redis_url_at(&self, address: SocketAddr) -> String {
        let url = self.redis.url();
        url.expose_secret().replace(&self.redis_address().to_string(), &address.to_string())
    }

    /// Stops Redis in its tracks (`SIGSTOP`).
    pub fn freeze_redis(&self) {
        signal(self.redis.pid(), Signal::STOP);
    }

    /// Lets Redis go on (`SIGCONT`).
    pub fn thaw_redis(&self) {
        signal(self.redis.pid(), Signal::CONT);
    }

    /// A connection to its Redis, to look behind the services.
    ///
    /// # Errors
    /// If it cannot be reached.
    pub fn redis_connection(&self) -> anyhow::Result<redis::Connection> {
        connect_to(&self.redis)
    }

    /// The request ids of all batches, in the order in which they were accepted.
    ///
    /// # Panics
    /// If the store cannot be asked.
    pub async fn request_ids(&self) -> Vec<String> {
        let sql = "SELECT request_id FROM batch ORDER BY partition, epoch, n";
        sqlx::query_scalar(sql).fetch_all(&self.pool).await.expect("batches")
    }

    /// Makes a data set that takes any record and answers raw queries, with a token `token-for-{type}`.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn create_data_set(&self, group: &str, data_type: &str) {
        self.create_data_set_with(group, data_type, &json!({"schema": null}));
    }

    /// Makes a data set with further settings.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn create_data_set_with(&self, group: &str, data_type: &str, settings: &Value) {
        let mut body = json!({
            "data_group": group, "data_type": data_type, "raw_queries_allowed": true,
            "bearer_token": format!("token-for-{data_type}"),
        });
        for (key, value) in settings.as_object().expect("an object") {
            body[key] = value.clone();
        }
        self.administrator().post("/data-sets", &body).expect(200);
    }

    /// Waits until the services that run say that they are ready.
    async fn ready(&mut self) -> anyhow::Result<()> {
        for process in [&mut self.write, &mut self.read].into_iter().chain(&mut self.workers) {
            ready(process).await?;
        }
        Ok(())
    }
}

async fn ready(process: &mut Process) -> anyhow::Result<()> {
    let client = Client::new(process.address());
    let began = Instant::now();
    while !client.send("GET", "/_status/ready", Vec::new()).is_ok_and(|answer| answer.status == 200) {
        ensure!(process.is_running(), "a service ended:\n{}", process.log());
        ensure!(began.elapsed() < READY_WITHIN, "a service is not ready:\n{}", process.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A connection to a Redis.
///
/// # Errors
/// If it cannot be reached.
pub fn connect_to(redis: &PrivateRedis) -> anyhow::Result<redis::Connection> {
    Ok(redis::Client::open(redis.url().expose_secret())?.get_connection()?)
}

/// Asks until the answer is yes.
///
/// # Panics
/// If it is not within the time; the panic tells what was waited for.
#[track_caller]
pub fn eventually(what: &str, within: Duration, mut is_so: impl FnMut() -> bool) -> Duration {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < within, "waited {within:?} in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    began.elapsed()
}
