//! `/data/{group}/{type}` and, as ever but deprecated, `/{data_set}`: queries.

mod accept;
mod answer;
mod memo;
mod tag;

use crate::answers::Address;
use crate::bodies::Bodies;
use crate::fault;
use actix_web::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ALLOW,
};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, Resource, ResponseError, Route, guard};
use answer::answer;
use backdrop_core::data_set::{DataGroup, DataSetName, DataType};
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_postgres::Versions;
use backdrop_service::deprecation;
use backdrop_service::error_response::ErrorResponse;
use backdrop_service::request;
use backdrop_service::routing::{get, only};
pub(crate) use memo::Memo;
use std::sync::Arc;

const METHODS: &str = "GET, HEAD, OPTIONS";
/// How long a browser may remember the answer to a preflight: a day.
const PREFLIGHT_MAX_AGE_SECONDS: &str = "86400";
/// The headers that clients of the original add to their requests.
const PREFLIGHT_HEADERS: &str = "cache-control, govuk-request-id, request-id";
/// Other headers that have a meaning here and that browsers ask about.
const NEWER_HEADERS: [&str; 3] = ["if-none-match", "traceparent", "x-request-id"];

/// What queries are answered with, for each thread that does.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) bodies: Bodies,
    pub(crate) memo: Arc<Memo>,
    /// At a desk of the thread.
    pub(crate) versions: Versions,
}

/// Adds the route of data sets by their group and type.
pub fn configure(config: &mut ServiceConfig) {
    config.service(resource("/data/{group}/{type}", get().to(by_group_and_type)));
}

/// Adds the route of data sets by their names. To be called last: the name of one could be any path.
pub fn configure_by_name(config: &mut ServiceConfig) {
    config.service(resource("/{data_set}", get().to(by_name)));
}

fn resource(path: &str, query: Route) -> Resource {
    let preflight = web::route().guard(guard::Options()).to(preflight);
    web::resource(path).route(query).route(preflight).default_service(only(METHODS))
}

async fn preflight(request: HttpRequest) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((ALLOW, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_METHODS, METHODS))
        .insert_header((ACCESS_CONTROL_ALLOW_HEADERS, allowed_headers(&request)))
        .insert_header((ACCESS_CONTROL_MAX_AGE, PREFLIGHT_MAX_AGE_SECONDS))
        .finish()
}

/// The headers a page may send: those of the contract, and of the newer ones those it asks for.
fn allowed_headers(request: &HttpRequest) -> String {
    let asked = request.headers().get(ACCESS_CONTROL_REQUEST_HEADERS).and_then(|value| value.to_str().ok());
    let asked: Vec<String> =
        asked.into_iter().flat_map(|names| names.split(',')).map(|name| name.trim().to_lowercase()).collect();
    let newer = NEWER_HEADERS.into_iter().filter(|name| asked.iter().any(|asked| asked == name));
    [PREFLIGHT_HEADERS].into_iter().chain(newer).collect::<Vec<_>>().join(", ")
}

async fn by_group_and_type(
    request: HttpRequest,
    path: web::Path<(String, String)>,
    answering: web::Data<Answering>,
) -> Result<HttpResponse, ErrorResponse> {
    let (group, data_type) = path.into_inner();
    // What cannot be a name is not looked for: a miss costs a question to the store.
    if DataGroup::parse(group.as_str()).is_err() || DataType::parse(data_type.as_str()).is_err() {
        return Err(data_set_not_found());
    }
    let known =
        answering.bodies.find(Address::GroupAndType(&group, &data_type)).await.map_err(fault::of_store)?;
    let known = known.ok_or_else(data_set_not_found)?;
    request::note_data_set(&known.data_set.name);
    answer(&request, &answering, known).await
}

async fn by_name(
    request: HttpRequest,
    name: web::Path<String>,
    answering: web::Data<Answering>,
) -> Result<HttpResponse, ErrorResponse> {
    if DataSetName::parse(name.as_str()).is_err() {
        return Err(data_set_not_found());
    }
    let known = answering.bodies.find(Address::Name(&name)).await.map_err(fault::of_store)?;
    let known = known.ok_or_else(data_set_not_found)?;
    request::note_data_set(&known.data_set.name);
    let answered = answer(&request, &answering, Arc::clone(&known)).await;
    let mut response = answered.unwrap_or_else(|refused| refused.error_response());
    deprecation::announce(response.headers_mut(), &known.data_set);
    Ok(response)
}

fn data_set_not_found() -> ErrorResponse {
    ErrorResponse::new(ApiError::new(ErrorCode::DataSetNotFound, "data_set not found"))
}
