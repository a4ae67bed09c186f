//! Putting the ingest service together.

use crate::auth::Guard;
use crate::backlog::Backlog;
use crate::body::{BodyBounds, Rooms};
use crate::formats::{Bounds, Decoder};
use crate::ingest::Ingest;
use crate::routes::{self, State};
use crate::settings::Settings;
use crate::{metrics, quota};
use actix_web::App;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use anyhow::{Context, ensure};
use backdrop_postgres::{Catalogue, Database, DatabaseSettings};
use backdrop_queue::{Queue, QueueSettings};
use backdrop_service::metrics::HttpMetrics;
use backdrop_service::serve::{self, Stop};
use backdrop_service::{door, listen, request, urls};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::info;

/// How long the process may take at its end to write when tokens were used last.
const LAST_USES_TIMEOUT: Duration = Duration::from_secs(3);
/// How many dry runs of schemas there can be at once; further ones wait.
const DRY_RUNS: usize = 2;

/// The ingest service, ready to run.
#[derive(Debug)]
pub struct Application {
    state: State,
    http: HttpMetrics,
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl Application {
    /// Prepares the service, and loads the configuration if the store is there already.
    ///
    /// # Errors
    /// If a URL cannot be read, the address cannot be listened on, or settings contradict each other.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        ensure!(
            settings.bodies_bytes >= settings.body_bytes,
            "BACKDROP_BODIES_BYTES is {} and BACKDROP_BODY_BYTES is {}: there must be room for one body at least",
            settings.bodies_bytes,
            settings.body_bytes
        );
        let store = &settings.store;
        let database = Database::new(&DatabaseSettings {
            url: store.database_url.clone(),
            max_connections: store.database_connections,
            acquire_timeout: store.database_wait_ms,
            statement_timeout: store.statement_timeout_ms,
            application_name: "backdrop-write".into(),
        })
        .context("DATABASE_URL")?;
        let queue = Queue::new(&QueueSettings {
            url: settings.queue.redis_url.clone(),
            max_connections: settings.queue.redis_connections,
            partition_bytes_max: settings.queue.partition_bytes,
        })
        .context("REDIS_URL")?;
        let listener = TcpListener::bind(settings.write_listen)
            .with_context(|| format!("BACKDROP_WRITE_LISTEN: cannot listen on {}", settings.write_listen))?;
        let local_addr = listener.local_addr()?;
        let stop = Stop::default();
        let bounds = Bounds { bytes: settings.body_bytes, records: settings.batch_records };
        let (registry, http, events) = metrics::register();
        let backlog = Arc::new(Backlog::new(database.clone(), queue.clone()));
        let (of_ingest, of_queue) = (Arc::clone(&backlog), queue.clone());
        let ingest = Ingest::start(of_queue, database.clone(), of_ingest, events, stop.clone())
            .context("a thread for the queue")?;
        let state = State {
            catalogue: Catalogue::start(database.clone()).await,
            ingest,
            backlog,
            decoder: Decoder::new(database.clone(), bounds),
            database,
            queue,
            guard: Guard::new(&settings.admin_token, settings.token_requests_per_minute),
            body: body_bounds(&settings),
            wait: settings.wait,
            dry_runs: Semaphore::new(DRY_RUNS),
            registry,
            stop,
        };
        Ok(Self { state, http, listener, local_addr })
    }

    /// Where writes are taken.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes writes until it is told to close, then lets the requests in flight end.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run_until_stopped(self, stop: Stop) -> anyhow::Result<()> {
        self.state.stop.follow(stop.clone());
        let told = Data::new(stop.clone());
        let state = Data::new(self.state);
        let shared = state.clone();
        let seen = state.clone();
        tokio::spawn(async move { seen.backlog.keep(seen.stop.closing()).await });
        let preparing = state.clone();
        tokio::spawn(async move { preparing.ingest.keep_prepared().await });
        let watched = state.clone();
        tokio::spawn(async move { watched.watch().await });
        let keeping = state.clone();
        tokio::spawn(async move { keeping.guard.keep_uses(&keeping.database, keeping.stop.closing()).await });
        let http = self.http;
        let server = listen::server(self.listener, serve::DRAIN, move || {
            // The last one wrapped is the outermost.
            App::new()
                .app_data(shared.clone())
                .app_data(told.clone())
                .app_data(http.clone())
                .configure(routes::configure)
                .wrap(from_fn(urls::refuse_bad))
                .wrap(from_fn(request::observe))
                .wrap(from_fn(quota::announce))
                .wrap(from_fn(door::guard))
        })?;
        info!(address = %self.local_addr, "the ingest service listens");
        serve::until_closed(server, stop.closing()).await?;
        // Without the store the process ends all the same.
        let _not_written =
            tokio::time::timeout(LAST_USES_TIMEOUT, state.guard.write_uses(&state.database)).await;
        state.database.close().await;
        Ok(())
    }
}

fn body_bounds(settings: &Settings) -> BodyBounds {
    BodyBounds {
        bytes: settings.body_bytes,
        timeout: settings.body_timeout,
        rate: settings.body_rate,
        rooms: Rooms::new(settings.bodies_bytes),
    }
}
