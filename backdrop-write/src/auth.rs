//! Who may do what: bearer tokens of data sets, and the administration token.

use crate::error::WriteError;
use crate::last_use::LastUses;
use crate::quota::{QuotaState, Quotas};
use actix_web::http::header::{AUTHORIZATION, HeaderMap, HeaderValue, RETRY_AFTER};
use actix_web::{HttpMessage, HttpRequest};
use backdrop_core::data_set::DataSetId;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::token::{Scope, TokenHash, TokenId};
use backdrop_postgres::{Actor, Catalogue, Database, KnownDataSet, KnownToken};
use backdrop_service::clock;
use backdrop_service::error_response::ErrorResponse;
use backdrop_service::request::RequestId;
use secrecy::{ExposeSecret, SecretString};
use tokio_util::sync::CancellationToken;

/// Who asks, once it is known that they may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Caller {
    /// The holder of a token of the data set.
    Token(TokenId),
    /// The holder of the administration token.
    Administrator,
}

impl Caller {
    /// The token to note with what they do; `None`: the administration token, which has no row.
    pub(crate) const fn token_id(self) -> Option<TokenId> {
        match self {
            Self::Token(id) => Some(id),
            Self::Administrator => None,
        }
    }

    /// Who is told in the trail of a change.
    pub(crate) fn actor(self, RequestId(request_id): RequestId) -> Actor {
        Actor { token: self.token_id(), request_id }
    }
}

/// Which data sets somebody may see in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    /// All of them.
    All,
    /// Those that they administer.
    Only(Vec<DataSetId>),
}

/// Knows the administration token, and what tokens of data sets have used of their quotas.
#[derive(Debug)]
pub(crate) struct Guard {
    admin: TokenHash,
    quotas: Quotas,
    uses: LastUses,
}

impl Guard {
    /// `requests_per_minute`: the quota of tokens that have none of their own; 0: none.
    pub(crate) fn new(admin_token: &SecretString, requests_per_minute: u32) -> Self {
        let admin = TokenHash::of(admin_token.expose_secret());
        Self { admin, quotas: Quotas::new(requests_per_minute), uses: LastUses::default() }
    }

    /// Lets through who may do to the data set what asks for the scope. Unknown, revoked and expired tokens
    /// all take the same path and get the same answer.
    pub(crate) fn holder(
        &self,
        asked: Scope,
        request: &HttpRequest,
        known: &KnownDataSet,
        catalogue: &Catalogue,
    ) -> Result<Caller, WriteError> {
        let hash = bearer(request.headers())?;
        let name = &known.data_set.name;
        if self.admin.matches(&hash) {
            return Ok(Caller::Administrator);
        }
        let now = clock::now();
        if let Some(token) = known.token(&hash, now) {
            return self.admit(token, asked, name.as_str(), request);
        }
        if catalogue.is_token_of_another(known.data_set.id, &hash, now) {
            let message = format!("Forbidden: this bearer token is for another data set than '{name}'");
            return Err(WriteError::new(ErrorCode::Forbidden, message));
        }
        let message = format!("Unauthorized: Invalid bearer token for '{name}'");
        Err(WriteError::new(ErrorCode::InvalidToken, message))
    }

    /// Lets through who may see a receipt: who may write to its data set, or, if that is gone, who holds the
    /// administration token. The answer to others names nothing.
    pub(crate) fn receipt_holder(
        &self,
        request: &HttpRequest,
        known: Option<&KnownDataSet>,
    ) -> Result<(), WriteError> {
        let hash = bearer(request.headers())?;
        if self.admin.matches(&hash) {
            return Ok(());
        }
        let token = known.and_then(|known| Some((known, known.token(&hash, clock::now())?)));
        if let Some((known, token)) = token {
            return self.admit(token, Scope::Read, known.data_set.name.as_str(), request).map(|_| ());
        }
        let message = "Unauthorized: Invalid bearer token for this receipt";
        Err(WriteError::new(ErrorCode::InvalidToken, message))
    }

    /// Lets through who holds the administration token.
    pub(crate) fn administrator(&self, headers: &HeaderMap) -> Result<(), WriteError> {
        if self.admin.matches(&bearer(headers)?) { Ok(()) } else { Err(no_administrator()) }
    }

    /// Lets through who administers all data sets, or some.
    pub(crate) fn lister(&self, request: &HttpRequest, catalogue: &Catalogue) -> Result<Sight, WriteError> {
        let hash = bearer(request.headers())?;
        if self.admin.matches(&hash) {
            return Ok(Sight::All);
        }
        let held = catalogue.all_of_token(&hash, clock::now());
        let Some((known, token)) =
            held.iter().find(|(_, token)| token.allows(Scope::Admin)).or_else(|| held.first())
        else {
            return Err(no_administrator());
        };
        self.admit(token, Scope::Admin, known.data_set.name.as_str(), request)?;
        let administered = held.iter().filter(|(_, token)| token.allows(Scope::Admin));
        Ok(Sight::Only(administered.map(|(known, _)| known.data_set.id).collect()))
    }

    /// Lets through the holder of a good token, if it has the scope and something is left of its quota.
    fn admit(
        &self,
        token: &KnownToken,
        asked: Scope,
        name: &str,
        request: &HttpRequest,
    ) -> Result<Caller, WriteError> {
        self.uses.note(token.id, clock::now());
        let quota = self.quotas.take(token);
        if let Some(quota) = quota {
            // Told with every answer, see `quota::announce`.
            request.extensions_mut().insert(quota);
        }
        if !token.allows(asked) {
            let scope = asked.as_str();
            let message = format!("Forbidden: this bearer token for '{name}' lacks the scope '{scope}'");
            return Err(WriteError::new(ErrorCode::InsufficientScope, message));
        }
        match quota {
            Some(quota) if quota.retry_after.is_some() => Err(quota_exceeded(&quota)),
            _ => Ok(Caller::Token(token.id)),
        }
    }

    /// Writes from time to time when tokens were used last, until the service is told to stop.
    pub(crate) async fn keep_uses(&self, database: &Database, stop: &CancellationToken) {
        crate::last_use::keep(&self.uses, &self.quotas, database, stop).await;
    }

    /// Writes when tokens were used last.
    pub(crate) async fn write_uses(&self, database: &Database) {
        self.uses.write(database).await;
    }
}

fn quota_exceeded(quota: &QuotaState) -> WriteError {
    let seconds = quota.retry_after_seconds();
    let message = format!("This token has used up its requests for now. Try again in {seconds} s.");
    let error = ApiError::new(ErrorCode::QuotaExceeded, message);
    ErrorResponse::new(error).with_header(RETRY_AFTER, HeaderValue::from(seconds)).into()
}

fn no_administrator() -> WriteError {
    let message = "Unauthorized: Invalid bearer token for administration";
    WriteError::new(ErrorCode::InvalidToken, message)
}

/// The hash of the one bearer token of a request.
fn bearer(headers: &HeaderMap) -> Result<TokenHash, WriteError> {
    let mut values = headers.get_all(AUTHORIZATION);
    let token = values.next().and_then(|value| {
        let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
        let token = token.trim();
        (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
    });
    match (token, values.next()) {
        (Some(token), None) => Ok(TokenHash::of(token)),
        _ => Err(WriteError::new(
            ErrorCode::MissingToken,
            "Expected header of form: Authorization: Bearer <token>",
        )),
    }
}
