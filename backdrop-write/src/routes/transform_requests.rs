//! `POST /data/{group}/{type}/transform`: runs the transforms of a data set over a time, as if its records had
//! just been written.

use super::State;
use super::record::is_not_for_a_record;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse, guard};
use backdrop_core::error::ErrorCode;
use backdrop_core::time::{self, Timestamp};
use backdrop_core::token::Scope;
use backdrop_core::transform::readback::Written;
use backdrop_service::clock;
use backdrop_service::routing::only;
use serde::Deserialize;
use serde_json::json;

pub(super) fn configure(config: &mut ServiceConfig) {
    config.service(
        web::resource("/data/{group}/{type}/transform")
            .guard(guard::fn_guard(is_not_for_a_record))
            .post(run)
            .default_service(only("POST, PATCH, DELETE")),
    );
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    #[serde(rename = "_start_at")]
    start: String,
    #[serde(rename = "_end_at")]
    end: Option<String>,
}

async fn run(
    state: Data<State>,
    path: Path<(String, String)>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (group, data_type) = path.into_inner();
    let known = state.data_set(&group, &data_type).await?;
    state.guard.holder(Scope::Write, &request, &known, &state.catalogue)?;
    let written = read(&state.read_json(&request, payload).await?, clock::now())?;
    let runs = state.database.request_transforms(known.data_set.id, written).await?;
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "runs": runs})))
}

fn read(body: &[u8], now: Timestamp) -> Result<Written, WriteError> {
    let invalid = |message: String| WriteError::new(ErrorCode::InvalidQuery, message);
    let body: Body = serde_json::from_slice(body).map_err(|error| {
        invalid(format!(
            "Expected {{\"_start_at\": …, \"_end_at\": …}}, of which the second may be missing: {error}"
        ))
    })?;
    let moment = |field: &str, text: &str| {
        time::parse(text).map_err(|error| invalid(format!("{field}: {error}, found {text:?}")))
    };
    let earliest = moment("_start_at", &body.start)?;
    let latest = body.end.as_deref().map_or(Ok(now), |text| moment("_end_at", text))?;
    if earliest > latest {
        return Err(invalid(format!(
            "_start_at ({}) is after _end_at ({}), which is now if it is not given",
            time::format(earliest),
            time::format(latest)
        )));
    }
    Ok(Written { earliest, latest })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_at_noon(body: &str) -> Result<Written, String> {
        let now = time::parse("2013-03-11T12:00:00Z").expect("a time");
        read(body.as_bytes(), now).map_err(|error| error.to_string())
    }

    #[test]
    fn the_end_is_now_if_it_is_not_given() {
        let written = read_at_noon(r#"{"_start_at": "2013-03-11"}"#).expect("a time");
        assert_eq!(time::format(written.latest), "2013-03-11T12:00:00+00:00");
        let written =
            read_at_noon(r#"{"_start_at": "2013-03-01", "_end_at": "2013-03-02"}"#).expect("a time");
        assert_eq!(time::format(written.latest), "2013-03-02T00:00:00+00:00");
    }

    #[test]
    fn what_is_no_time_is_refused_by_name() {
        for (body, named) in [
            ("{}", "_start_at"),
            (r#"{"_start_at": "soon"}"#, "_start_at"),
            (r#"{"_start_at": "2013-03-12"}"#, "after _end_at"),
            (r#"{"_start_at": "2013-03-11", "end_at": "2013-03-12"}"#, "end_at"),
        ] {
            let error = read_at_noon(body).expect_err(body);
            assert!(error.contains(named), "{error}");
        }
    }
}
