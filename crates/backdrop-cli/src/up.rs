//! `backdrop up`: all of Backdrop in one process, with nothing to configure.
//!
//! It starts what its services stand on (a private Postgres and Redis, unless it is given others), then
//! read, worker and write, and stops all of it in the opposite order: on Ctrl-C and SIGTERM, and when any part
//! ends by itself. Half a Backdrop that looks like a whole one is worse than none.

mod access;
mod examples;
mod servers;
mod supervisor;
mod welcome;

use crate::home::Home;
use crate::migrate::{LogOfWrites, migrate};
use access::Access;
use anyhow::{Context, anyhow};
use backdrop_service::serve::Stop;
use backdrop_service::settings::{LogArgs, ServeArgs, StoreArgs, secret};
use secrecy::{ExposeSecret, SecretString};
use servers::Servers;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::time::Duration;
use supervisor::Supervisor;

/// How long what cannot be cancelled (an example that is being sent) may hold up the end.
const LAST_WORK: Duration = Duration::from_secs(1);

/// What `--help` says.
pub(crate) const LONG_ABOUT: &str = "\
Runs all of Backdrop in one process: the read service, the write service and a worker.

Unless DATABASE_URL or REDIS_URL is given, it starts a private Postgres or Redis of its own, which keeps \
its data in the home. (If Postgres' user cannot reach the home, as root's below /root, the data is kept \
below /var/lib/backdrop, and `postgres` in the home is a link to it.)

The administration token is BACKDROP_ADMIN_TOKEN, or one that is made once and kept in the home.

The services take their other settings from the environment, as when they run on their own.";

/// What is logged unless told otherwise: for a person who tries things out, requests and what goes wrong.
const LOGGED: &str = "warn,backdrop_cli=info,backdrop_service=info";

/// What to run, and on what.
#[derive(Debug, clap::Args)]
#[command(mut_arg("filter", |filter| filter.default_value(LOGGED)))]
pub(crate) struct Arguments {
    #[command(flatten)]
    home: Home,
    /// Postgres [default: a private one]
    #[arg(long, env = "DATABASE_URL", value_name = "URL", hide_env_values = true, value_parser = secret)]
    database_url: Option<SecretString>,
    /// Redis 7 or newer [default: a private one]
    #[arg(long, env = "REDIS_URL", value_name = "URL", hide_env_values = true, value_parser = secret)]
    redis_url: Option<SecretString>,
    /// The administration token [default: one made and kept in the home]
    #[arg(long, env = "BACKDROP_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true, value_parser = secret)]
    admin_token: Option<SecretString>,
    /// Make data sets with real figures to try queries on
    #[arg(long)]
    examples: bool,
    #[command(flatten)]
    log_of_writes: LogOfWrites,
    #[command(flatten)]
    serve: ServeArgs,
    #[command(flatten)]
    log: LogArgs,
}

/// Runs until a signal says to stop; an error if anything else ends it.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    backdrop_service::telemetry::init(&arguments.log).context("BACKDROP_LOG cannot be used")?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.context("the runtime cannot be started")?;
    let result = runtime.block_on(up(arguments));
    runtime.shutdown_timeout(LAST_WORK);
    result
}

async fn up(arguments: &Arguments) -> anyhow::Result<()> {
    let stop = Stop::on_signals(arguments.serve.drain_grace).context("signals cannot be listened to")?;
    let access = Access::to(arguments)?;
    let (mut servers, access) = Servers::start(arguments.home.path(), access).await?;
    let mut supervisor = Supervisor::new(stop.clone());
    let result = tokio::select! {
        result = run_services(arguments, &access, &mut servers, &mut supervisor) => result,
        () = stop.closing().cancelled() => Ok(()),
    };
    if result.is_err() {
        // The error itself is printed at the end, when everything has stopped.
        tracing::warn!("stopping everything, since a part of it failed");
    }
    supervisor.stop_all().await;
    // Last of all: the services need them until they have stopped.
    let stopped = servers.stop().await;
    result.and(stopped)
}

/// Starts the services and watches them; ends only with an error.
async fn run_services(
    arguments: &Arguments,
    access: &Access,
    servers: &mut Servers,
    supervisor: &mut Supervisor,
) -> anyhow::Result<()> {
    let store = settings::<StoreArgs>(&access.arguments()).context("DATABASE_URL cannot be used")?;
    migrate(&store, arguments.log_of_writes).await?;
    let addresses = start_services(access, supervisor).await?;
    let welcome = async {
        if arguments.examples {
            examples::load(addresses.write, access.admin_token.clone()).await?;
        }
        welcome::print(arguments, addresses);
        std::future::pending().await
    };
    tokio::select! {
        result = welcome => result,
        error = supervisor.end_of_any() => Err(error),
        error = servers.end_of_any() => Err(error),
    }
}

/// Where the services listen.
#[derive(Clone, Copy, Debug)]
struct Addresses {
    read: SocketAddr,
    write: SocketAddr,
}

/// Starts the services. They are stopped in the opposite order: first nothing more is accepted, then what
/// was accepted is stored, then nobody can ask any more.
async fn start_services(access: &Access, supervisor: &mut Supervisor) -> anyhow::Result<Addresses> {
    let arguments = access.arguments();
    let read = backdrop_read::Application::build(settings(&arguments)?).await;
    let read = read.context("the read service cannot start")?;
    let read_address = read.local_addr();
    supervisor.run("read service", |stop| read.run_until_stopped(stop));

    let worker = backdrop_worker::Application::build(settings(&arguments)?).await;
    let worker = worker.context("the worker cannot start")?;
    supervisor.run("worker", |stop| worker.run_until_stopped(stop));

    let write = backdrop_write::Application::build(settings(&arguments)?).await;
    let write = write.context("the write service cannot start")?;
    let write_address = write.local_addr();
    supervisor.run("write service", |stop| write.run_until_stopped(stop));
    Ok(Addresses { read: read_address, write: write_address })
}

/// A service's settings: from the environment, as when it runs on its own, but for what `up` decides. Of
/// the arguments a service takes only those that it knows.
fn settings<S: clap::Args>(arguments: &[(&'static str, SecretString)]) -> anyhow::Result<S> {
    let command = S::augment_args(clap::Command::new("backdrop up").no_binary_name(true));
    let known = |flag: &str| command.get_arguments().any(|argument| argument.get_long() == Some(flag));
    let words: Vec<OsString> = arguments
        .iter()
        .filter(|(flag, _)| known(flag))
        .map(|(flag, value)| format!("--{flag}={}", value.expose_secret()).into())
        .collect();
    let parsed = command.try_get_matches_from(words).and_then(|matches| S::from_arg_matches(&matches));
    parsed.map_err(|error| {
        // The first lines say what is wrong; the rest is about a command line that nobody has typed.
        let text = error.to_string();
        let what = text.split("\n\n").next().unwrap_or_default();
        anyhow!("{}", what.trim_start_matches("error: "))
    })
}
