//! `/_status/data-sets`: which data sets lack the news that is expected of them.

use super::status::{ALLOW, Health};
use crate::fault;
use crate::openapi::StatusRefusals;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use actix_web::web::{self, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::data_set::Freshness;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::time::{self, Timestamp};
use backdrop_service::clock;
use backdrop_service::error_response::ErrorResponse;
use backdrop_service::parameters;
use backdrop_service::routing::{get, only};
use serde::Serialize;
use utoipa::ToSchema;

/// Adds the route of this module.
pub fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/_status/data-sets").route(get().to(data_sets)).default_service(only(ALLOW)));
}

/// Which data sets are out of date.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct DataSetsStatus {
    /// `ok` if no data set is out of date, else `not okay`.
    #[schema(examples("not okay"))]
    status: &'static str,
    /// The same in words.
    #[schema(examples("1 data set is out of date"))]
    message: String,
    /// The data sets that are out of date, by name; null if there are none.
    #[schema(required)]
    data_sets: Option<Vec<StaleDataSet>>,
}

/// A data set that is out of date. The names are those of the original.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct StaleDataSet {
    /// Its name.
    #[schema(examples("licensing_applications"))]
    name: String,
    /// By how many whole seconds its newest record is older than expected.
    #[schema(examples(86_400))]
    seconds_out_of_date: i64,
    /// The newest `_timestamp` of its records; null if it has none, and is judged by when it was made.
    #[schema(required, examples("2013-03-11T00:00:00+00:00"))]
    last_updated: Option<String>,
    /// How many seconds old its newest record may be.
    #[schema(examples(2_678_400))]
    max_age_expected: i64,
}

impl DataSetsStatus {
    fn of(watched: &[Freshness], now: Timestamp) -> Self {
        let stale: Vec<StaleDataSet> = watched.iter().filter_map(|one| StaleDataSet::of(one, now)).collect();
        let message = match stale.len() {
            0 => "all data sets are up to date".to_owned(),
            1 => "1 data set is out of date".to_owned(),
            count => format!("{count} data sets are out of date"),
        };
        let status = if stale.is_empty() { "ok" } else { "not okay" };
        Self { status, message, data_sets: (!stale.is_empty()).then_some(stale) }
    }
}

impl StaleDataSet {
    fn of(watched: &Freshness, now: Timestamp) -> Option<Self> {
        Some(Self {
            name: watched.name.to_string(),
            seconds_out_of_date: watched.seconds_out_of_date(now)?,
            last_updated: watched.last_updated.map(time::format),
            max_age_expected: watched.max_age_expected,
        })
    }
}

/// Which status stale data sets give the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Judgement {
    /// 200: what is stale stands in the body.
    Lenient,
    /// 503, for monitoring that looks at the status only.
    Strict,
}

impl Judgement {
    fn read(query: &str) -> Result<Self, ApiError> {
        let invalid = |message: String| Err(ApiError::new(ErrorCode::InvalidQuery, message));
        match parameters::read(query)?.as_slice() {
            [] => Ok(Self::Lenient),
            [(name, value)] if name == "strict" => match value.as_str() {
                "true" => Ok(Self::Strict),
                "false" => Ok(Self::Lenient),
                other => invalid(format!("strict must be true or false, not {other:?}")),
            },
            [(name, _)] if name != "strict" => {
                invalid(format!("An unrecognised parameter was provided: {name:?}. There is: strict"))
            }
            _ => invalid("There is one parameter only, strict, which can have one value only".to_owned()),
        }
    }
}

/// Which data sets are out of date
///
/// A data set is judged by the newest `_timestamp` of its records, which may be `max_age_expected` seconds
/// old; without records by when it was made.
#[utoipa::path(
    get,
    path = "/_status/data-sets",
    tag = "health",
    params((
        "strict" = Option<bool>, Query, example = false,
        description = "`true`: the status is 503 if a data set is out of date",
    )),
    responses(
        (status = 200, description = "Which ones are.", body = DataSetsStatus),
        StatusRefusals,
    ),
)]
pub(crate) async fn data_sets(
    request: HttpRequest,
    health: web::Data<Health>,
) -> Result<HttpResponse, ErrorResponse> {
    let judgement = Judgement::read(request.query_string())?;
    let watched = health.database.freshness().await.map_err(fault::of_store)?;
    let status = DataSetsStatus::of(&watched, clock::now());
    let mut builder = match (judgement, &status.data_sets) {
        (Judgement::Strict, Some(_)) => HttpResponse::ServiceUnavailable(),
        _ => HttpResponse::Ok(),
    };
    Ok(builder.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache"))).json(status))
}
