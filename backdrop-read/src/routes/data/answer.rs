//! From a request to its answer: which form, whether the client has it already, and with which headers.

use super::tag::is_known;
use super::{Answering, accept};
use crate::bodies::Question;
use crate::fault;
use crate::format::content_type;
use crate::identity::QuotedTag;
use actix_web::http::StatusCode;
use actix_web::http::header::{
    CACHE_CONTROL, CONTENT_TYPE, ContentDisposition, ETAG, HeaderValue, LINK, VARY,
};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use backdrop_core::data_set::DataSetSettings;
use backdrop_core::query::{Format, Query};
use backdrop_postgres::KnownDataSet;
use backdrop_service::error_response::ErrorResponse;
use backdrop_service::parameters::{self, Plus};
use backdrop_service::{clock, request as current};
use std::sync::Arc;

/// Answers the query of a request.
pub(super) async fn answer(
    request: &HttpRequest,
    answering: &Answering,
    known: Arc<KnownDataSet>,
) -> Result<HttpResponse, ErrorResponse> {
    let Answering { bodies, memo, versions } = answering;
    let question = memo.question(request, &known, || read(request, Arc::clone(&known)))?;
    let data_set = &question.known.data_set;
    let checked = versions.current(data_set.id).await.map_err(fault::of_store)?;
    let tag = question.identity.tag(checked.0);
    let quoted = tag.quoted();
    if is_known(request, &quoted) {
        bodies.metrics().not_modified();
        return Ok(builder(StatusCode::NOT_MODIFIED, &data_set.settings, &quoted).finish());
    }
    let (stored, engine) = bodies.answer(&question, checked, tag).await?;
    current::note_engine(engine.as_str());
    let mut response = builder(StatusCode::OK, &data_set.settings, &stored.tag.quoted());
    if let Some(cursor) = &stored.next {
        response.append_header((LINK, next_page(request, cursor)));
    }
    response.insert_header((CONTENT_TYPE, HeaderValue::from_static(content_type(question.format))));
    if matches!(question.format, Format::Csv | Format::Xlsx) {
        let name = format!("{}.{}", data_set.name, question.format.as_str());
        response.insert_header(ContentDisposition::attachment(name));
    }
    Ok(response.body(stored.body.clone()))
}

/// What a request asks.
fn read(request: &HttpRequest, known: Arc<KnownDataSet>) -> Result<Question, ErrorResponse> {
    let pairs = parameters::read(request.query_string())?;
    let query = Query::parse(&pairs, clock::now())?;
    let settings = &known.data_set.settings;
    query.check_allowed(settings)?;
    let format = form(request, &query, settings);
    Ok(Question::new(known, query, format))
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
fn builder(status: StatusCode, settings: &DataSetSettings, tag: &QuotedTag) -> HttpResponseBuilder {
    let mut builder = HttpResponse::build(status);
    builder
        .insert_header((ETAG, tag.as_bytes()))
        .insert_header((CACHE_CONTROL, cache_control(settings)))
        .insert_header((VARY, HeaderValue::from_static("Accept, Accept-Encoding")));
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
