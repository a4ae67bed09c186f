//! Putting the ingest service together.

use crate::auth::Guard;
use crate::body::BodyBounds;
use crate::formats::{Bounds, Decoder};
use crate::ingest::Ingest;
use crate::quota;
use crate::routes::{self, State};
use crate::settings::Settings;
use actix_web::App;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use anyhow::Context;
use backdrop_postgres::{Catalogue, Database, DatabaseSettings};
use backdrop_queue::{Queue, QueueSettings};
use backdrop_service::{listen, request, serve, urls};
use std::net::{SocketAddr, TcpListener};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tracing::info;

/// How many dry runs of schemas there can be at once; further ones wait.
const DRY_RUNS: usize = 2;

/// The ingest service, ready to run.
#[derive(Debug)]
pub struct Application {
    state: State,
    listener: TcpListener,
    local_addr: SocketAddr,
}

impl Application {
    /// Prepares the service, and loads the configuration if the store is there already.
    ///
    /// # Errors
    /// If a URL cannot be read or the address cannot be listened on.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
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
        let stop = CancellationToken::new();
        let bounds = Bounds { bytes: settings.body_bytes, records: settings.batch_records };
        let state = State {
            catalogue: Catalogue::start(database.clone()).await,
            ingest: Ingest::new(queue.clone(), database.clone(), stop.clone()),
            decoder: Decoder::new(database.clone(), bounds),
            database,
            queue,
            guard: Guard::new(&settings.admin_token, settings.token_requests_per_minute),
            body: BodyBounds { bytes: settings.body_bytes, timeout: settings.body_timeout },
            wait: settings.wait,
            dry_runs: Semaphore::new(DRY_RUNS),
            stop,
        };
        Ok(Self { state, listener, local_addr })
    }

    /// Where writes are taken.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Takes writes until `stop` is cancelled, then lets the requests in flight end.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run_until_stopped(self, stop: CancellationToken) -> anyhow::Result<()> {
        let (told, stopping) = (stop.clone(), self.state.stop.clone());
        tokio::spawn(async move {
            told.cancelled().await;
            stopping.cancel();
        });
        let state = Data::new(self.state);
        let shared = state.clone();
        let known = state.clone();
        tokio::spawn(async move { known.ingest.keep_durability_known().await });
        let preparing = state.clone();
        tokio::spawn(async move { preparing.ingest.prepare().await });
        let keeping = state.clone();
        tokio::spawn(async move { keeping.guard.keep_uses(&keeping.database, &keeping.stop).await });
        let server = listen::server(self.listener, serve::DRAIN, move || {
            // The last one wrapped is the outermost.
            App::new()
                .app_data(shared.clone())
                .configure(routes::configure)
                .wrap(from_fn(urls::refuse_bad))
                .wrap(from_fn(request::observe))
                .wrap(from_fn(quota::announce))
        })?;
        info!(address = %self.local_addr, "the ingest service listens");
        serve::until_stopped(server, stop).await?;
        state.guard.write_uses(&state.database).await;
        state.database.close().await;
        Ok(())
    }
}
