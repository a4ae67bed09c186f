//! Putting the worker together.

use crate::decide::{Decider, processor_time};
use crate::metrics::{self, Metrics};
use crate::partition::{Alone, PartitionKeeper};
use crate::routes::{self, Dependencies};
use crate::schemas::Schemas;
use crate::settings::Settings;
use crate::transformer::Transformer;
use crate::{fleet, janitor};
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use actix_web::{App, HttpServer};
use anyhow::Context;
use backdrop_core::backoff::Backoff;
use backdrop_core::error::chain;
use backdrop_core::log::Partition;
use backdrop_postgres::{Catalogue, Database, DatabaseSettings};
use backdrop_queue::{Queue, QueueSettings};
use backdrop_service::serve::{self, Stop};
use backdrop_service::{door, request};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, info, warn};
use uuid::Uuid;

/// The shortest and the longest wait before asking again for what the worker cannot begin without.
const STARTUP_RETRIES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// How long runs in flight may take to end when the worker stops: longer than any that goes well.
const END_WITHIN: Duration = Duration::from_secs(15);
/// How long the last beat may take, and taking the heartbeat away; without that others notice a second later.
const LEAVE_WITHIN: Duration = Duration::from_secs(2);
/// How many connections ask for health at once; more wait.
const CONNECTIONS_MAX: usize = 256;

/// A worker, ready to run.
#[derive(Debug)]
pub struct Application {
    settings: Settings,
    database: Database,
    queue: Queue,
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl Application {
    /// Prepares a worker; connects to nothing yet.
    ///
    /// # Errors
    /// If a URL cannot be read or the address cannot be listened on.
    #[expect(clippy::unused_async, reason = "all services are built the same way")]
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        let store = &settings.store;
        let database = Database::new(&DatabaseSettings {
            url: store.database_url.clone(),
            max_connections: store.database_connections,
            acquire_timeout: store.database_wait_ms,
            statement_timeout: store.statement_timeout_ms,
            application_name: "backdrop-worker".into(),
        })
        .context("DATABASE_URL")?;
        let queue = Queue::new(&QueueSettings {
            url: settings.queue.redis_url.clone(),
            max_connections: settings.queue.redis_connections,
            partition_bytes_max: settings.queue.partition_bytes,
        })
        .context("REDIS_URL")?;
        let listener = TcpListener::bind(settings.worker_listen).with_context(|| {
            format!("BACKDROP_WORKER_LISTEN: cannot listen on {}", settings.worker_listen)
        })?;
        let local_addr = listener.local_addr()?;
        Ok(Self { settings, database, queue, listener, local_addr })
    }

    /// Where health is answered.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Works until it is told to close; then ends the runs in flight and leaves every partition clean.
    ///
    /// # Errors
    /// If health can no longer be answered.
    pub async fn run_until_stopped(self, stop: Stop) -> anyhow::Result<()> {
        let (registry, http, metrics) = metrics::register();
        let dependencies = Data::new(Dependencies {
            database: self.database.clone(),
            queue: self.queue.clone(),
            registry,
            metrics: metrics.clone(),
            stop: stop.clone(),
        });
        let watched = dependencies.clone();
        tokio::spawn(async move { watched.watch().await });
        let told = Data::new(stop.clone());
        let server = HttpServer::new(move || {
            App::new()
                .app_data(dependencies.clone())
                .app_data(told.clone())
                .app_data(http.clone())
                .wrap(from_fn(request::observe))
                .wrap(from_fn(door::guard))
                .configure(routes::configure)
        })
        .workers(1)
        .max_connections(CONNECTIONS_MAX)
        .disable_signals()
        .shutdown_timeout(serve::DRAIN.as_secs())
        .listen(self.listener)?
        .run();
        // Health is answered to the end, also while the runs in flight end.
        let ended = CancellationToken::new();
        let closed = ended.clone();
        let answering = tokio::spawn(async move { serve::until_closed(server, &closed).await });
        work(&self.settings, self.database.clone(), self.queue, metrics, stop).await;
        ended.cancel();
        answering.await??;
        self.database.close().await;
        Ok(())
    }
}

async fn work(settings: &Settings, database: Database, queue: Queue, metrics: Metrics, stop: Stop) {
    let closing = stop.closing();
    let Some(partitions) = partitions(&database, closing).await else { return };
    let worker = Uuid::new_v4();
    info!(%worker, partitions = partitions.len(), "worker begins");
    let catalogue = Arc::new(Catalogue::start_without_tokens(database.clone()).await);
    metrics.know(&catalogue);
    let schemas = Arc::new(Schemas::new(database.clone()));
    let alone = Alone::default();
    let (living_sender, living) = watch::channel(Vec::new());
    // Beats on while runs end, so that nobody else begins on a partition that is being left.
    let beating = CancellationToken::new();
    let heart = tokio::spawn(fleet::beat(database.clone(), worker, living_sender, beating.clone()));
    let mut tasks = JoinSet::new();
    tasks.spawn(janitor::run(database.clone(), closing.clone()));
    let transformer =
        Transformer::new(database.clone(), Arc::clone(&catalogue), queue.clone(), closing.clone());
    tasks.spawn(transformer.run());
    for partition in partitions {
        let decider = Decider {
            database: database.clone(),
            catalogue: Arc::clone(&catalogue),
            schemas: Arc::clone(&schemas),
            timeout: settings.validation_timeout,
            clock: processor_time,
        };
        let keeper = PartitionKeeper {
            worker,
            partition,
            database: database.clone(),
            queue: queue.clone(),
            decider,
            alone: alone.clone(),
            living: living.clone(),
            log_keep: settings.log_keep,
            metrics: metrics.clone(),
            stop: closing.clone(),
        };
        tasks.spawn(keeper.run());
    }
    end(tasks, &stop).await;
    beating.cancel();
    let _ended = tokio::time::timeout(LEAVE_WITHIN, heart).await;
    let leaving = database.end_heartbeat(worker);
    match tokio::time::timeout(LEAVE_WITHIN, leaving).await {
        Ok(Err(error)) => warn!(error = chain(&error), "heartbeat not taken away"),
        Err(_) => warn!("heartbeat not taken away in time"),
        Ok(Ok(())) => {}
    }
}

/// Waits until all tasks have ended, which they are given time for once they are to stop.
async fn end(mut tasks: JoinSet<()>, stop: &Stop) {
    let time_is_over = async {
        stop.closing().cancelled().await;
        tokio::time::sleep(END_WITHIN).await;
    };
    tokio::select! {
        () = all_ended(&mut tasks, stop) => {}
        // As if it had died: what is not committed is done by the next worker.
        () = time_is_over => warn!("runs in flight did not end in time and are given up"),
    }
}

async fn all_ended(tasks: &mut JoinSet<()>, stop: &Stop) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended
            && error.is_panic()
        {
            // An invariant is broken. Better no worker than one that neglects a partition unseen.
            error!(error = chain(&error), "a task of the worker panicked, stopping");
            stop.close();
        }
    }
}

/// The partitions there are; waits for the store. `None`: told to stop meanwhile.
async fn partitions(database: &Database, stop: &CancellationToken) -> Option<Vec<Partition>> {
    let mut backoff = Backoff::new(STARTUP_RETRIES.0, STARTUP_RETRIES.1, Uuid::new_v4().as_u64_pair().0);
    while !stop.is_cancelled() {
        match database.partitions().await {
            Ok(partitions) if !partitions.is_empty() => return Some(partitions),
            Ok(_) if backoff.failures() == 0 => warn!("waiting for partitions: run `backdrop migrate`"),
            Ok(_) => {}
            // What is waited for is told by who watches the dependencies.
            Err(error) => debug!(error = chain(&error), "partitions not known yet"),
        }
        tokio::select! {
            () = stop.cancelled() => {}
            () = tokio::time::sleep(backoff.failed()) => {}
        }
    }
    None
}
