//! `/data-sets/{name}/tokens`: further tokens for a data set, so that one can be changed for another
//! without a pause.
//!
//! **Invariant.** A token stands in the one answer that tells of its making, and nowhere else.

use super::State;
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, Payload, Query, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::error::ErrorCode;
use backdrop_core::json as strict_json;
use backdrop_core::time::{self, Timestamp};
use backdrop_core::token::{Scope, TokenHash, TokenId, TokenTerms};
use backdrop_postgres::TokenRow;
use backdrop_service::clock;
use backdrop_service::request::RequestId;
use backdrop_service::routing::{get, only};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::time::Duration;
use uuid::Uuid;

/// The longest time a token may live on after it was revoked: longer is no revocation.
const AFTER_SECONDS_MAX: u64 = 366 * 24 * 60 * 60;

pub(super) fn configure(config: &mut ServiceConfig) {
    config
        .service(
            web::resource("/data-sets/{name}/tokens")
                .route(get().to(list))
                .post(create)
                .default_service(only("GET, HEAD, POST")),
        )
        .service(
            web::resource("/data-sets/{name}/tokens/{id}").delete(revoke).default_service(only("DELETE")),
        );
}

/// A new token: 244 random bits, with a prefix by which scanners find leaked ones.
pub(super) fn make() -> String {
    format!("backdrop_{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple())
}

/// A token as administrators see it.
#[derive(Serialize)]
struct View<'a> {
    id: TokenId,
    label: &'a str,
    scopes: &'a [Scope],
    expires_at: Option<String>,
    last_used_at: Option<String>,
    requests_per_minute: Option<u32>,
    created_at: String,
}

impl<'a> View<'a> {
    fn of(row: &'a TokenRow) -> Self {
        Self {
            id: row.id,
            label: &row.terms.label,
            scopes: &row.terms.scopes,
            expires_at: row.terms.expires_at.map(time::format),
            last_used_at: row.last_used_at.map(time::format),
            requests_per_minute: row.terms.requests_per_minute,
            created_at: time::format(row.created_at),
        }
    }
}

async fn list(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    let rows = state.database.tokens(known.data_set.id).await?;
    let tokens: Vec<View<'_>> = rows.iter().map(View::of).collect();
    Ok(HttpResponse::Ok().json(json!({"status": "ok", "tokens": tokens})))
}

async fn create(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
    payload: Payload,
) -> Result<HttpResponse, WriteError> {
    let (known, caller) = state.administered(&name, Scope::Admin, &request).await?;
    let body = state.body.read(request.headers(), payload).await?;
    if !body.is_empty() {
        strict_json::value(&body)?;
    }
    let terms = TokenTerms::parse(&body, clock::now())?;
    let token = make();
    let (data_set, actor) = (known.data_set.id, caller.actor(request_id));
    let id = state.database.create_token(data_set, TokenHash::of(&token), terms.clone(), actor).await?;
    state.learn_changes().await;
    Ok(HttpResponse::Ok().json(json!({
        "status": "ok",
        "id": id,
        "token": token,
        "label": terms.label,
        "scopes": terms.scopes,
        "expires_at": terms.expires_at.map(time::format),
        "requests_per_minute": terms.requests_per_minute,
    })))
}

/// How long a revoked token lives on.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Revocation {
    #[serde(default)]
    after: u64,
}

impl Revocation {
    /// From when on the token is not valid; `None`: from now on.
    fn from(&self, now: Timestamp) -> Result<Option<Timestamp>, WriteError> {
        match self.after {
            0 => Ok(None),
            1..=AFTER_SECONDS_MAX => Ok(Some(now + Duration::from_secs(self.after))),
            _ => {
                let message = format!("after: expected a number of seconds from 0 to {AFTER_SECONDS_MAX}");
                Err(WriteError::new(ErrorCode::InvalidQuery, message))
            }
        }
    }
}

async fn revoke(
    state: Data<State>,
    path: Path<(String, String)>,
    revocation: Query<Revocation>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let (name, id) = path.into_inner();
    let (known, caller) = state.administered(&name, Scope::Admin, &request).await?;
    // Not repeated: somebody may have put a token itself where its id belongs.
    let no_token = || {
        let message = format!("The data set \"{name}\" has no token with this id that could be revoked.");
        WriteError::new(ErrorCode::TokenNotFound, message)
    };
    let token = TokenId(id.parse().map_err(|_| no_token())?);
    let from = revocation.from(clock::now())?;
    let (data_set, actor) = (known.data_set.id, caller.actor(request_id));
    let revoked = state.database.revoke_token(data_set, token, from, actor).await?.ok_or_else(no_token)?;
    state.learn_changes().await;
    let done = match from.and(revoked.terms.expires_at).map(time::format) {
        None => json!({"status": "ok", "message": format!("Revoked token {id}")}),
        Some(end) => {
            let message = format!("Token {id} is valid until {end}");
            json!({"status": "ok", "message": message, "expires_at": end})
        }
    };
    Ok(HttpResponse::Ok().json(done))
}
