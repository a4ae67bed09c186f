//! The routes, one file each.

mod audit;
mod by_name;
mod dashboards;
mod data;
mod data_groups;
mod data_sets;
mod documents;
mod export;
mod metrics;
mod module_types;
mod organisation;
mod receipts;
mod record;
mod rejected;
mod resources;
mod schemas;
mod status;
mod tokens;
mod transform_requests;
mod transform_types;
mod transforms;
mod upload;
mod users;
mod writer;

use crate::auth::{Caller, Guard};
use crate::backlog::Backlog;
use crate::body::BodyBounds;
use crate::error::WriteError;
use crate::formats::Decoder;
use crate::ingest::Ingest;
use actix_web::HttpRequest;
use actix_web::web::{self, Bytes, PathConfig, Payload, QueryConfig, ServiceConfig};
use backdrop_core::error::{ErrorCode, chain};
use backdrop_core::json as strict_json;
use backdrop_core::token::Scope;
use backdrop_postgres::{Catalogue, Database, KnownDataSet};
use backdrop_queue::Queue;
use backdrop_service::error_response::not_found;
use backdrop_service::request;
use backdrop_service::serve::Stop;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tracing::warn;

/// What the handlers work with.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) catalogue: Catalogue,
    pub(crate) database: Database,
    pub(crate) queue: Queue,
    pub(crate) ingest: Ingest,
    pub(crate) backlog: Arc<Backlog>,
    pub(crate) guard: Guard,
    pub(crate) body: BodyBounds,
    pub(crate) decoder: Decoder,
    pub(crate) wait: Duration,
    /// How many dry runs of schemas there can be at once.
    pub(crate) dry_runs: Semaphore,
    /// What `/metrics` tells of what was counted.
    pub(crate) registry: Registry,
    pub(crate) stop: Stop,
}

pub(crate) fn configure(config: &mut ServiceConfig) {
    config
        .app_data(
            QueryConfig::default()
                .error_handler(|error, request| unreadable("query", request.query_string(), &error)),
        )
        .app_data(
            PathConfig::default().error_handler(|error, request| unreadable("path", request.path(), &error)),
        )
        // First what is asked for most: paths are compared one after the other.
        .configure(data::configure)
        .configure(audit::configure)
        // Before the route for one record: what stands here in a path is no id of one.
        .configure(transform_requests::configure)
        .configure(data_sets::configure)
        .configure(export::configure)
        .configure(metrics::configure)
        .configure(receipts::configure)
        .configure(rejected::configure)
        .configure(schemas::configure)
        .configure(status::configure)
        .configure(tokens::configure)
        .configure(transforms::configure)
        .configure(transform_types::configure)
        .configure(dashboards::configure)
        .configure(data_groups::configure)
        .configure(module_types::configure)
        .configure(organisation::configure)
        .configure(users::configure)
        .configure(upload::configure)
        // After all that have a name below `/data/{group}/{type}/`.
        .configure(record::configure)
        // Only what is a name, and so none of the paths above.
        .configure(by_name::configure)
        .default_service(web::to(not_found));
}

/// The answer to a URL that cannot be taken apart. It repeats the part, cut off, so that the parameter at fault is seen.
fn unreadable(name: &str, part: &str, error: &dyn std::fmt::Display) -> actix_web::Error {
    const BYTES_SHOWN: usize = 200;
    let shown = &part[..part.floor_char_boundary(BYTES_SHOWN)];
    let message = format!("The {name} of the URL, {shown:?}, cannot be read: {error}");
    WriteError::new(ErrorCode::InvalidQuery, message).into()
}

impl State {
    /// Learns at once what was just changed. That it was done is true whether or not this succeeds, and
    /// every process learns it within seconds anyway.
    async fn learn_changes(&self) {
        if let Err(error) = self.catalogue.refresh().await {
            warn!(error = chain(&error), "configuration not refreshed");
        }
    }

    /// The body of a request, within bounds and as strict as that of records.
    async fn read_json(&self, request: &HttpRequest, payload: Payload) -> Result<Bytes, WriteError> {
        let body = self.body.read(request.headers(), payload).await?;
        strict_json::records_text(&body)?;
        Ok(body)
    }

    async fn data_set(&self, group: &str, data_type: &str) -> Result<Arc<KnownDataSet>, WriteError> {
        let found = self.catalogue.by_group_and_type(group, data_type).await?;
        found.ok_or_else(|| {
            let message = format!("No data set for data group \"{group}\" and data type \"{data_type}\"");
            WriteError::new(ErrorCode::DataSetNotFound, message)
        })
    }

    async fn data_set_named(&self, name: &str) -> Result<Arc<KnownDataSet>, WriteError> {
        let found = self.catalogue.by_name(name).await?;
        found.ok_or_else(|| no_data_set(name))
    }

    /// The data set of that name, and who asks for it, if they may do what asks for the scope.
    async fn administered(
        &self,
        name: &str,
        asked: Scope,
        request: &HttpRequest,
    ) -> Result<(Arc<KnownDataSet>, Caller), WriteError> {
        let known = self.data_set_named(name).await?;
        request::note_data_set(&known.data_set.name);
        let caller = self.guard.holder(asked, request, &known, &self.catalogue)?;
        Ok((known, caller))
    }
}

fn no_data_set(name: &str) -> WriteError {
    let message = format!("No collection exists with name \"{name}\"");
    WriteError::new(ErrorCode::DataSetNotFound, message)
}
