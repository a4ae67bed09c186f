//! The terms of a token: what a person asks for when making one.

use super::Scope;
use crate::error::{ApiError, ErrorCode};
use crate::time::{self, Timestamp};
use serde::Deserialize;

/// The longest label, in characters: it is one line for people.
const LABEL_CHARACTERS_MAX: usize = 100;
/// The largest quota: more requests a minute than a process can take are as good as none.
const REQUESTS_PER_MINUTE_MAX: u32 = 1_000_000;

/// What a token lets its holder do, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenTerms {
    /// What people call it; may be empty.
    pub label: String,
    /// What it lets its holder do; at least one.
    pub scopes: Vec<Scope>,
    /// When it ends to be valid; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// How many requests a minute each process lets through; `None`: what the service is set to.
    pub requests_per_minute: Option<u32>,
}

impl Default for TokenTerms {
    fn default() -> Self {
        Self { label: String::new(), scopes: vec![Scope::Write], expires_at: None, requests_per_minute: None }
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body {
    label: Option<String>,
    scopes: Option<Vec<String>>,
    expires_at: Option<String>,
    requests_per_minute: Option<u32>,
}

impl TokenTerms {
    /// Reads the body of a request to make a token; an empty one asks for nothing in particular.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`], naming the field at fault and what it should be.
    pub fn parse(body: &[u8], now: Timestamp) -> Result<Self, ApiError> {
        let body: Body = match body {
            [] => Body::default(),
            body => serde_json::from_slice(body)
                .map_err(|error| invalid(format!("The terms of the token cannot be read: {error}")))?,
        };
        let scopes = match body.scopes {
            None => vec![Scope::Write],
            Some(names) => read_scopes(&names)?,
        };
        let expires_at = body.expires_at.map(|text| read_end(&text, now)).transpose()?;
        let label = body.label.unwrap_or_default().trim().to_owned();
        if label.chars().count() > LABEL_CHARACTERS_MAX || label.chars().any(char::is_control) {
            let message = format!("label: expected one line of at most {LABEL_CHARACTERS_MAX} characters");
            return Err(invalid(message));
        }
        if body.requests_per_minute.is_some_and(|number| !(1..=REQUESTS_PER_MINUTE_MAX).contains(&number)) {
            let message = format!(
                "requests_per_minute: expected a number from 1 to {REQUESTS_PER_MINUTE_MAX}, or null"
            );
            return Err(invalid(message));
        }
        Ok(Self { label, scopes, expires_at, requests_per_minute: body.requests_per_minute })
    }
}

fn read_scopes(names: &[String]) -> Result<Vec<Scope>, ApiError> {
    let read = |name: &String| {
        let known = Scope::ALL.map(Scope::as_str).join(", ");
        Scope::parse(name)
            .ok_or_else(|| invalid(format!("scopes: {name:?} is none of the scopes there are: {known}")))
    };
    let mut scopes = names.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return Err(invalid("scopes: a token without any lets nobody do anything; name one"));
    }
    Ok(scopes)
}

fn read_end(text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    let end = time::parse(text).map_err(|error| invalid(format!("expires_at: {error}")))?;
    if end <= now {
        return Err(invalid(format!("expires_at: {} is past already", time::format(end))));
    }
    Ok(end)
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidDefinition, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: &str) -> Result<TokenTerms, ApiError> {
        TokenTerms::parse(body.as_bytes(), time::parse("2026-01-01T00:00:00Z").expect("a time"))
    }

    #[test]
    fn everything_can_be_left_out() {
        assert_eq!(parse("").expect("valid"), TokenTerms::default());
        assert_eq!(parse("{}").expect("valid"), TokenTerms::default());
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let terms = parse(
            r#"{"label":" Night job ","scopes":["read","write","read"],"expires_at":"2027-01-01","requests_per_minute":600}"#,
        )
        .expect("valid");
        assert_eq!(terms.label, "Night job");
        assert_eq!(terms.scopes, [Scope::Write, Scope::Read]);
        assert_eq!(terms.expires_at.map(time::format).as_deref(), Some("2027-01-01T00:00:00+00:00"));
        assert_eq!(terms.requests_per_minute, Some(600));
    }

    #[test]
    fn errors_name_the_field() {
        for (body, field) in [
            (r#"{"scopes":["all"]}"#, "scopes"),
            (r#"{"scopes":[]}"#, "scopes"),
            (r#"{"expires_at":"2025-12-31"}"#, "expires_at"),
            (r#"{"expires_at":"soon"}"#, "expires_at"),
            (r#"{"requests_per_minute":0}"#, "requests_per_minute"),
            (r#"{"label":"two\nlines"}"#, "label"),
            (r#"{"name":"x"}"#, "name"),
        ] {
            let error = parse(body).expect_err(field);
            assert!(error.message.contains(field), "{} does not name {field}", error.message);
        }
    }
}
