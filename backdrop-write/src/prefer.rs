//! The `Prefer` header (RFC 7240): whether and how long a write waits for its outcome.

use crate::error::WriteError;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use backdrop_core::batch::Handling;
use backdrop_core::error::ErrorCode;
use std::time::Duration;

pub(crate) const PREFERENCE_APPLIED: HeaderName = HeaderName::from_static("preference-applied");

/// The longest wait a client can ask for, in seconds: proxies in between give up after a minute.
const WAIT_SECONDS_MAX: u64 = 60;

/// What the client prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Preference {
    /// How long to wait for the outcome; zero: answer at once.
    pub(crate) wait: Duration,
    applied: Applied,
    is_lenient: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Applied {
    Nothing,
    RespondAsync,
    Wait,
}

impl Preference {
    /// Reads the header; what it says of other things is ignored, as the RFC asks.
    pub(crate) fn of(headers: &HeaderMap, default_wait: Duration) -> Result<Self, WriteError> {
        let values = headers.get_all("prefer").filter_map(|value| value.to_str().ok());
        let mut preference = Self { wait: default_wait, applied: Applied::Nothing, is_lenient: false };
        for token in values.flat_map(|value| value.split(',')) {
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => {
                    preference = Self { wait: Duration::ZERO, applied: Applied::RespondAsync, ..preference };
                }
                "handling" => preference.is_lenient = value.trim() == "lenient",
                "wait" if preference.applied != Applied::RespondAsync => {
                    let seconds = value.trim().trim_matches('"').parse().ok();
                    let seconds =
                        seconds.filter(|seconds| *seconds <= WAIT_SECONDS_MAX).ok_or_else(|| {
                            let message =
                                format!("Prefer: wait=N takes whole seconds from 0 to {WAIT_SECONDS_MAX}.");
                            WriteError::new(ErrorCode::InvalidHeader, message)
                        })?;
                    preference =
                        Self { wait: Duration::from_secs(seconds), applied: Applied::Wait, ..preference };
                }
                _ => {}
            }
        }
        Ok(preference)
    }

    /// What becomes of the good records of a batch if others are faulty.
    pub(crate) fn handling(self) -> Handling {
        if self.is_lenient { Handling::Lenient } else { Handling::Strict }
    }

    /// The value of `Preference-Applied`, if a preference was.
    pub(crate) fn applied(self) -> Option<HeaderValue> {
        match self.applied {
            Applied::Nothing => None,
            Applied::RespondAsync => Some(HeaderValue::from_static("respond-async")),
            Applied::Wait => HeaderValue::from_str(&format!("wait={}", self.wait.as_secs())).ok(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn preference(value: &'static str) -> Option<(u64, Option<String>)> {
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static("prefer"), HeaderValue::from_static(value));
        let preference = Preference::of(&headers, Duration::from_secs(30)).ok()?;
        let applied = preference.applied().map(|value| value.to_str().expect("ASCII").to_owned());
        Some((preference.wait.as_secs(), applied))
    }

    #[test]
    fn preferences_are_read() {
        assert_eq!(preference("return=minimal"), Some((30, None)));
        assert_eq!(preference("wait=5"), Some((5, Some("wait=5".into()))));
        assert_eq!(preference("Respond-Async, wait=5"), Some((0, Some("respond-async".into()))));
        assert_eq!(preference("wait=61"), None);
        assert_eq!(preference("wait=soon"), None);
    }
}
