//! `GET /data/{group}/{type}/records`: all records as JSON lines, page by page.
//!
//! A page is read before it is answered: only then is it known where the next one begins, which a header says, and
//! a store that fails in the middle is an error, not an answer that ends too early.

use super::State;
use super::record::is_not_for_a_record;
use crate::error::WriteError;
use actix_web::http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, LINK};
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, guard};
use backdrop_core::error::ErrorCode;
use backdrop_core::export::ExportCursor;
use backdrop_core::token::Scope;
use backdrop_postgres::ExportQuery;
use backdrop_service::routing::{get, only};
use serde::Deserialize;

/// How many records a page holds if the client does not say.
const PAGE_RECORDS: usize = 1_000;
/// How many it may ask for.
const PAGE_RECORDS_MAX: usize = 10_000;
/// After how many bytes a page ends, whatever was asked for: it is held in memory.
const PAGE_BYTES_MAX: usize = 8 * 1024 * 1024;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}/records")
            .guard(guard::fn_guard(is_not_for_a_record))
            .route(get().to(page))
            .default_service(only("GET, HEAD, PATCH, DELETE")),
    );
}

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    limit: Option<String>,
    after: Option<String>,
}

async fn page(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (group, data_type) = path.into_inner();
    let known = state.data_set(&group, &data_type).await?;
    state.guard.holder(Scope::Read, &request, &known, &state.catalogue)?;
    let parameters = Query::<Parameters>::from_query(request.query_string())
        .map_err(|error| invalid(format!("The query of the URL cannot be read: {error}")))?
        .into_inner();
    let limit = limit(parameters.limit.as_deref())?;
    let query = ExportQuery {
        data_set: known.data_set.id,
        after: parameters.after.as_deref().map(cursor).transpose()?,
        records_max: limit,
        bytes_max: PAGE_BYTES_MAX,
    };
    let Some(page) = state.database.export_page(query).await? else {
        let message = "The data set was emptied after the page before this one; begin the export anew.";
        return Err(WriteError::new(ErrorCode::ExportEnded, message));
    };
    let mut response = HttpResponse::Ok();
    response
        .insert_header((CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson")))
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-store")));
    if let Some(next) = page.next {
        let (path, after) = (request.path(), next.encode());
        response.insert_header((LINK, format!("<{path}?limit={limit}&after={after}>; rel=\"next\"")));
    }
    Ok(response.body(page.lines))
}

fn limit(text: Option<&str>) -> Result<usize, WriteError> {
    let Some(text) = text else { return Ok(PAGE_RECORDS) };
    let limit = text.parse().ok().filter(|limit| (1..=PAGE_RECORDS_MAX).contains(limit));
    limit.ok_or_else(|| invalid(format!("limit is a number from 1 to {PAGE_RECORDS_MAX}, not {text:?}")))
}

fn cursor(text: &str) -> Result<ExportCursor, WriteError> {
    let message = "after is not one that this service gave; take it from the Link header of a page";
    ExportCursor::decode(text).ok_or_else(|| invalid(message.to_owned()))
}

fn invalid(message: String) -> WriteError {
    WriteError::new(ErrorCode::InvalidQuery, message)
}
