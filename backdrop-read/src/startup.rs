//! Wiring: from settings to a running service.

use crate::answers::Answers;
use crate::bodies::Bodies;
use crate::cache::AnswerCache;
use crate::desks::Desks;
use crate::frames::{Budget, Frames};
use crate::metrics::Exposition;
use crate::routes::data::{Answering, Memo};
use crate::routes::status::Health;
use crate::{Settings, middleware, routes};
use actix_web::App;
use actix_web::middleware::from_fn;
use actix_web::web::Data;
use anyhow::Context;
use backdrop_postgres::{Catalogue, ColumnReader, Database, DatabaseSettings, RecordReader};
use backdrop_service::serve::{self, Stop};
use backdrop_service::{door, listen, request, urls};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tracing::info;

/// The query service, listening but not yet answering.
#[derive(Debug)]
pub struct Application {
    listener: TcpListener,
    local_addr: SocketAddr,
    catalogue: Catalogue,
    database: Database,
    cache: Arc<AnswerCache>,
    frame_budget: Budget,
}

impl Application {
    /// Opens the port and prepares the store. A store that cannot be reached is no error: the service
    /// answers 503 until it can be.
    ///
    /// # Errors
    /// If the port cannot be opened or the settings cannot be used.
    pub async fn build(settings: Settings) -> anyhow::Result<Self> {
        let database = Database::new(&DatabaseSettings {
            url: settings.store.database_url,
            max_connections: settings.store.database_connections,
            acquire_timeout: settings.store.database_wait_ms,
            statement_timeout: settings.store.statement_timeout_ms,
            application_name: "backdrop-read".into(),
        })
        .context("DATABASE_URL")?;
        let listener = TcpListener::bind(settings.read_listen)
            .with_context(|| format!("BACKDROP_READ_LISTEN: cannot listen on {}", settings.read_listen))?;
        let local_addr = listener.local_addr()?;
        let catalogue = Catalogue::start_without_tokens(database.clone()).await;
        let cache = Arc::new(AnswerCache::new(settings.cache_memory));
        let frame_budget = settings.frame_memory.map_or_else(Budget::of_machine, Budget::of_bytes);
        Ok(Self { listener, local_addr, catalogue, database, cache, frame_budget })
    }

    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Answers until it is told to close, then lets the requests in flight end.
    ///
    /// # Errors
    /// If the server fails.
    pub async fn run_until_stopped(self, stop: Stop) -> anyhow::Result<()> {
        let versions = self.database.versions().clone();
        let frames =
            Frames::new(ColumnReader::new(self.database.clone()), versions.clone(), self.frame_budget);
        let desks = Arc::new(Desks::new(versions));
        let (exposition, http, events) = Exposition::new(
            self.database.clone(),
            self.catalogue.lookups(),
            Arc::clone(&self.cache),
            frames.clone(),
        );
        let exposition = Data::new(exposition);
        let reader = RecordReader::new(self.database.clone());
        let answers = Answers::new(self.catalogue, reader, frames, events);
        let bodies = Bodies::new(answers, self.cache);
        let memo = Arc::new(Memo::new());
        let health = Data::new(Health::new(self.database.clone(), stop.clone()));
        let watched = health.clone();
        tokio::spawn(async move { watched.watch().await });
        let told = Data::new(stop.clone());
        let server = listen::server(self.listener, serve::DRAIN, move || {
            // On the thread that is to answer.
            let answering =
                Answering { bodies: bodies.clone(), memo: Arc::clone(&memo), versions: desks.next() };
            // The last one wrapped is the outermost: headers are set on what all others answer.
            App::new()
                .app_data(Data::new(answering))
                .app_data(health.clone())
                .app_data(told.clone())
                .app_data(exposition.clone())
                .app_data(http.clone())
                .configure(routes::configure)
                .wrap(from_fn(urls::refuse_bad))
                .wrap(from_fn(request::observe))
                .wrap(from_fn(middleware::set_headers))
                .wrap(from_fn(door::guard))
        })?;
        info!(address = %self.local_addr, "the query service listens");
        serve::until_closed(server, stop.closing()).await?;
        self.database.close().await;
        Ok(())
    }
}
