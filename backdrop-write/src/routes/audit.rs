//! `GET /data-sets/{name}/audit` and `GET /audit`: who changed what, and when, newest first.

use super::State;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::ErrorCode;
use backdrop_core::time::{self, Timestamp};
use backdrop_core::token::{Scope, TokenId};
use backdrop_core::transform::RUN_REQUEST_PREFIX;
use backdrop_postgres::{AuditPlace, AuditRow};
use backdrop_service::routing::{get, only};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;

/// How many lines of the trail a page has, unless it is asked for more or fewer.
const LIMIT_DEFAULT: i64 = 100;
const LIMIT_MAX: i64 = 1_000;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(web::resource("/audit").route(get().to(of_all)).default_service(only("GET, HEAD")))
        .service(
            web::resource("/data-sets/{name}/audit")
                .route(get().to(of_one))
                .default_service(only("GET, HEAD")),
        );
}

/// Which page.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paging {
    before: Option<String>,
    limit: Option<i64>,
}

/// Which page of which data sets; names may be those of deleted ones.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    #[serde(rename = "data-set", alias = "data_set")]
    data_set: Option<String>,
    before: Option<String>,
    limit: Option<i64>,
}

/// Who did it.
#[derive(Serialize)]
#[serde(untagged)]
enum Who {
    Token {
        token: TokenId,
        label: String,
    },
    /// A run of a transform, by itself.
    Transform {
        transform_run: String,
    },
    Administrator(&'static str),
}

/// One line of the trail. Its `id` is a place in it, and opaque.
#[derive(Serialize)]
struct Item {
    id: String,
    at: String,
    who: Who,
    action: String,
    data_set: Option<String>,
    request_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Value>,
    #[serde(flatten)]
    write: Option<Write>,
}

/// What is told of a write.
#[derive(Serialize)]
struct Write {
    batch: Uuid,
    outcome: String,
    records: i32,
    rejected: i32,
    accepted_at: String,
}

impl From<AuditRow> for Item {
    fn from(row: AuditRow) -> Self {
        let id = id_of(&AuditPlace { at: row.at, key: row.key });
        let who = match (row.token, row.request_id.strip_prefix(RUN_REQUEST_PREFIX)) {
            (Some(token), _) => Who::Token { token, label: row.label.unwrap_or_default() },
            (None, Some(run)) => Who::Transform { transform_run: run.to_owned() },
            (None, None) => Who::Administrator("administrator"),
        };
        let write = row.write.map(|write| Write {
            batch: write.batch_id,
            outcome: write.outcome,
            records: write.records,
            rejected: write.rejected,
            accepted_at: time::format(write.accepted_at),
        });
        Self {
            id,
            at: time::format(row.at),
            who,
            action: row.action,
            data_set: row.data_set,
            request_id: row.request_id,
            detail: row.detail,
            write,
        }
    }
}

async fn of_one(
    state: Data<State>,
    name: Path<String>,
    paging: Query<Paging>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    page(&state, Some(vec![known.data_set.id]), &paging).await
}

async fn of_all(
    state: Data<State>,
    wanted: Query<Wanted>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.guard.administrator(request.headers())?;
    let Wanted { data_set, before, limit } = wanted.into_inner();
    let data_sets = match data_set {
        Some(name) => Some(state.database.data_sets_ever_named(name).await?),
        None => None,
    };
    page(&state, data_sets, &Paging { before, limit }).await
}

async fn page(
    state: &State,
    data_sets: Option<Vec<DataSetId>>,
    paging: &Paging,
) -> Result<HttpResponse, WriteError> {
    let invalid = |message: String| WriteError::new(ErrorCode::InvalidQuery, message);
    let limit = paging.limit.unwrap_or(LIMIT_DEFAULT);
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(invalid(format!("limit: expected a number from 1 to {LIMIT_MAX}")));
    }
    let place = paging.before.as_deref().map(|id| {
        place_of(id).ok_or_else(|| invalid("before: expected the `id` of a line of the trail".into()))
    });
    let rows = state.database.audit_page(data_sets, place.transpose()?, limit).await?;
    let items: Vec<Item> = rows.into_iter().map(Item::from).collect();
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "audit": items})))
}

/// The store keeps times to the microsecond.
fn id_of(place: &AuditPlace) -> String {
    format!("{}-{}", place.at.timestamp_micros(), place.key)
}

fn place_of(id: &str) -> Option<AuditPlace> {
    let (at, key) = id.split_once('-')?;
    let is_key = (1..=64).contains(&key.len()) && key.bytes().all(|byte| byte.is_ascii_graphic());
    let at = Timestamp::from_timestamp_micros(at.parse().ok()?)?;
    // A time of the years that the store keeps reads as it is written.
    let is_kept = time::parse(&time::format(at)) == Ok(at);
    (is_key && is_kept).then(|| AuditPlace { at, key: key.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_line_leads_back_to_its_place() {
        let at = time::parse("2026-11-21T10:00:00.123456Z").expect("a time");
        let place = AuditPlace { at, key: "b0198-aa".into() };
        assert_eq!(place_of(&id_of(&place)), Some(place));
        for bad in ["", "x", "12", "x-a1", "1-", "9999999999999999999-a1", "9000000000000000000-a1", "1-a\0"]
        {
            assert_eq!(place_of(bad), None, "{bad:?}");
        }
    }
}
