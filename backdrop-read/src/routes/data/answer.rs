//! From a request to its answer: which form, whether the client has it already, and with which headers.

use super::accept;
use super::tag::{Identity, Known};
use crate::answers::{Answered, Answers};
use crate::fault;
use crate::format::{Renderer, Warning, content_type};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ContentDisposition, ETag, EntityTag, HeaderValue, LINK, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use backdrop_core::data_set::{DataSet, DataSetSettings};
use backdrop_core::query::{Format, Query};
use backdrop_service::clock;
use backdrop_service::error_response::ErrorResponse;
use backdrop_service::parameters::{self, Plus};

const WARNING: Warning =
    "Warning: This data-set is unpublished. Data may be subject to change or be inaccurate.";

/// Answers the query of a request.
pub(super) async fn answer(
    request: &HttpRequest,
    answers: &Answers,
    renderer: &Renderer,
    data_set: &DataSet,
) -> Result<HttpResponse, ErrorResponse> {
    let pairs = parameters::read(request.query_string())?;
    let query = Query::parse(&pairs, clock::now())?;
    query.check_allowed(&data_set.settings)?;
    let format = form(request, &query, &data_set.settings);
    let identity = Identity::of(data_set, &query, format);
    if let Some(known) = Known::of(request) {
        let tag = identity.tag(answers.version(data_set).await.map_err(fault::of_store)?);
        if known.includes(&tag) {
            answers.metrics().not_modified();
            return Ok(builder(StatusCode::NOT_MODIFIED, &data_set.settings, tag).finish());
        }
    }
    let turn = renderer.turn(format).await?;
    // Not the tag from above: the data set may have changed since.
    let found = answers.answer(data_set, &query).await.map_err(fault::of_query)?;
    let tag = identity.tag(found.version);
    let warning = (!data_set.settings.published).then_some(WARNING);
    let Answered { material, next } = found.found;
    let body = renderer.render(turn, material, warning).await?;
    let mut response = builder(StatusCode::OK, &data_set.settings, tag);
    if let Some(cursor) = next {
        response.append_header((LINK, next_page(request, &cursor)));
    }
    response.insert_header((CONTENT_TYPE, content_type(format)));
    if matches!(format, Format::Csv | Format::Xlsx) {
        let name = format!("{}.{}", data_set.name, format.as_str());
        response.insert_header(ContentDisposition::attachment(name));
    }
    Ok(response.body(body))
}

/// The address of the next page: that of this one, with another cursor.
fn next_page(request: &HttpRequest, cursor: &str) -> String {
    let query = request.query_string().split('&').filter(|pair| !pair.is_empty());
    let name = |pair: &str| parameters::decode(pair.split('=').next().unwrap_or(pair), Plus::Space);
    let kept: Vec<&str> = query.filter(|pair| name(pair).as_deref() != Some("cursor")).collect();
    format!("<{}?{}&cursor={cursor}>; rel=\"next\"", request.path(), kept.join("&"))
}

/// The form of an answer: as the query says, or else as the client accepts. The warning of an unpublished
/// data set must not get lost, and only JSON has a place for it.
fn form(request: &HttpRequest, query: &Query, settings: &DataSetSettings) -> Format {
    if !settings.published {
        return Format::Json;
    }
    query.format().unwrap_or_else(|| accept::format(request))
}

/// An answer with the headers that caches need, whether they have its body or not.
fn builder(status: StatusCode, settings: &DataSetSettings, tag: EntityTag) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    builder
        .insert_header(ETag(tag))
        .insert_header((CACHE_CONTROL, cache_control(settings)))
        .insert_header((VARY, "Accept, Accept-Encoding"));
    builder
}

/// How long an answer may be kept: half an hour, two minutes if the figures change all the time, and not
/// without asking if they are not final.
const fn cache_control(settings: &DataSetSettings) -> HeaderValue {
    HeaderValue::from_static(match (settings.published, settings.realtime) {
        (false, _) => "no-cache",
        (true, true) => "max-age=120, must-revalidate",
        (true, false) => "max-age=1800, must-revalidate",
    })
}
