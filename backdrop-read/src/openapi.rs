//! The OpenAPI document of this service: what `/openapi.json` answers and `/docs` shows.
//!
//! It is made from the code: each path is described where it is answered, error codes come from the
//! table of `backdrop-core`. What cannot be derived is held to the code by tests: the names of the
//! parameters to those that core knows, and every example to what the service answers to it.

mod answers;
mod data;
mod examples;
mod parameters;
mod refusals;

use refusals::Refusals;
pub(crate) use refusals::StatusRefusals;

use crate::routes::{data_sets, docs, metrics, status};
use utoipa::OpenApi;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Backdrop: reading",
        description = "Answers queries about the figures of data sets.\n\n\
            Every answer carries `X-Request-Id` and may be read by pages of any origin \
            (`Access-Control-Allow-Origin: *`). `HEAD` is `GET`. The examples are about the figures that \
            `make run` loads.",
        license(name = "MIT", identifier = "MIT"),
    ),
    paths(
        data::by_group_and_type,
        data::by_name,
        status::alive,
        status::ready,
        metrics::metrics,
        data_sets::data_sets,
        docs::document,
        docs::page,
    ),
    components(schemas(
        answers::Answer,
        answers::Record,
        answers::Group,
        answers::Period,
        answers::PeriodsOfGroup,
        refusals::Error,
    )),
    tags(
        (name = "data", description = "Queries."),
        (name = "health", description = "What monitoring asks."),
        (name = "about", description = "This description."),
    ),
)]
struct Document;

/// The document as JSON.
///
/// # Errors
/// If it cannot be written, which depends on nothing but the code.
pub(crate) fn json() -> serde_json::Result<String> {
    Document::openapi().to_pretty_json()
}
