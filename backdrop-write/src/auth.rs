//! Who may do what: bearer tokens of data sets, and the administration token.

use crate::error::WriteError;
use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use backdrop_core::error::ErrorCode;
use backdrop_core::token::{Scope, TokenHash, TokenId};
use backdrop_postgres::{Catalogue, KnownDataSet};
use backdrop_service::clock;
use secrecy::{ExposeSecret, SecretString};

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
}

/// Knows the administration token.
#[derive(Clone, Debug)]
pub(crate) struct Guard {
    admin: TokenHash,
}

impl Guard {
    pub(crate) fn new(admin_token: &SecretString) -> Self {
        Self { admin: TokenHash::of(admin_token.expose_secret()) }
    }

    /// Lets through who may do to the data set what asks for the scope. Unknown, revoked and expired tokens
    /// all take the same path and get the same answer.
    pub(crate) fn holder(
        &self,
        asked: Scope,
        headers: &HeaderMap,
        known: &KnownDataSet,
        catalogue: &Catalogue,
    ) -> Result<Caller, WriteError> {
        let hash = bearer(headers)?;
        let now = clock::now();
        let name = &known.data_set.name;
        if self.admin.matches(&hash) {
            return Ok(Caller::Administrator);
        }
        if let Some(token) = known.token(&hash, now) {
            if token.allows(asked) {
                return Ok(Caller::Token(token.id));
            }
            let scope = asked.as_str();
            let message = format!("Forbidden: this bearer token for '{name}' lacks the scope '{scope}'");
            return Err(WriteError::new(ErrorCode::InsufficientScope, message));
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
        headers: &HeaderMap,
        known: Option<&KnownDataSet>,
    ) -> Result<(), WriteError> {
        let hash = bearer(headers)?;
        let is_writer = known.is_some_and(|known| known.token(&hash, clock::now()).is_some());
        if self.admin.matches(&hash) || is_writer {
            return Ok(());
        }
        let message = "Unauthorized: Invalid bearer token for this receipt";
        Err(WriteError::new(ErrorCode::InvalidToken, message))
    }

    /// Lets through who holds the administration token.
    pub(crate) fn administrator(&self, headers: &HeaderMap) -> Result<(), WriteError> {
        if self.admin.matches(&bearer(headers)?) {
            Ok(())
        } else {
            let message = "Unauthorized: Invalid bearer token for administration";
            Err(WriteError::new(ErrorCode::InvalidToken, message))
        }
    }
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
