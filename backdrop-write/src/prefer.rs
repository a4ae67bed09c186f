//! The `Prefer` header (RFC 7240): whether and how long a write waits for its outcome, and what becomes of good
//! records beside faulty ones.

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
    waiting: Waiting,
    handling: Option<Handling>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waiting {
    AsUsual,
    RespondAsync,
    AsAsked,
}

impl Preference {
    /// Reads the header; what it says of other things is ignored, as the RFC asks, and what it says a second
    /// time, too.
    pub(crate) fn of(headers: &HeaderMap, default_wait: Duration) -> Result<Self, WriteError> {
        let values = headers.get_all("prefer").filter_map(|value| value.to_str().ok());
        let (mut is_async, mut asked_wait, mut handling) = (false, None, None);
        for token in values.flat_map(|value| value.split(',')) {
            // After a semicolon there may be parameters; none is known.
            let token = token.split(';').next().unwrap_or_default();
            let (name, value) = token.split_once('=').unwrap_or((token, ""));
            let value = value.trim().trim_matches('"');
            match name.trim().to_ascii_lowercase().as_str() {
                "respond-async" => is_async = true,
                "wait" if asked_wait.is_none() => asked_wait = Some(value.to_owned()),
                "handling" => handling = handling.or(handling_named(value)),
                _ => {}
            }
        }
        let (wait, waiting) = match asked_wait {
            _ if is_async => (Duration::ZERO, Waiting::RespondAsync),
            Some(seconds) => (read_wait(&seconds)?, Waiting::AsAsked),
            None => (default_wait, Waiting::AsUsual),
        };
        Ok(Self { wait, waiting, handling })
    }

    /// What becomes of the good records of a batch if others are faulty.
    pub(crate) fn handling(self) -> Handling {
        self.handling.unwrap_or_default()
    }

    /// The preference as to a change that is done as a whole or not at all.
    pub(crate) fn strictly(self) -> Self {
        Self { handling: self.handling.filter(|handling| *handling == Handling::Strict), ..self }
    }

    /// The value of `Preference-Applied`, if a preference was.
    pub(crate) fn applied(self) -> Option<HeaderValue> {
        let waiting = match self.waiting {
            Waiting::AsUsual => None,
            Waiting::RespondAsync => Some("respond-async".to_owned()),
            Waiting::AsAsked => Some(format!("wait={}", self.wait.as_secs())),
        };
        let handling = self.handling.map(|handling| match handling {
            Handling::Strict => "handling=strict".to_owned(),
            Handling::Lenient => "handling=lenient".to_owned(),
        });
        let applied: Vec<String> = waiting.into_iter().chain(handling).collect();
        if applied.is_empty() { None } else { HeaderValue::from_str(&applied.join(", ")).ok() }
    }
}

fn handling_named(value: &str) -> Option<Handling> {
    match value.to_ascii_lowercase().as_str() {
        "lenient" => Some(Handling::Lenient),
        "strict" => Some(Handling::Strict),
        _ => None,
    }
}

fn read_wait(seconds: &str) -> Result<Duration, WriteError> {
    let seconds = seconds.parse().ok().filter(|seconds| *seconds <= WAIT_SECONDS_MAX).ok_or_else(|| {
        let message = format!("Prefer: wait=N takes whole seconds from 0 to {WAIT_SECONDS_MAX}.");
        WriteError::new(ErrorCode::InvalidHeader, message)
    })?;
    Ok(Duration::from_secs(seconds))
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
        assert_eq!(
            preference("handling=lenient, respond-async"),
            Some((0, Some("respond-async, handling=lenient".into())))
        );
        assert_eq!(
            preference("wait=5;x, Handling=\"strict\""),
            Some((5, Some("wait=5, handling=strict".into())))
        );
        assert_eq!(
            preference("handling=lenient, handling=strict").map(|read| read.1),
            Some(Some("handling=lenient".into()))
        );
        assert_eq!(preference("handling=odd"), Some((30, None)));
        assert_eq!(preference("wait=61"), None);
        assert_eq!(preference("wait=soon"), None);
    }
}
