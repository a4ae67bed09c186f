//! Quotas: how many requests a minute the holder of a token may send to this process.
//!
//! **Invariant.** Only tokens that were used lately take memory: one that was not used for a minute has its whole
//! quota again, so forgetting its limiter changes nothing.

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage};
use backdrop_core::token::TokenId;
use backdrop_postgres::KnownToken;
use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
/// What a quota counts over.
const WINDOW: Duration = Duration::from_secs(60);

type Limiter = RateLimiter<NotKeyed, InMemoryState, DefaultClock, StateInformationMiddleware>;

/// The quotas of all tokens.
#[derive(Debug)]
pub(crate) struct Quotas {
    /// That of tokens without one of their own; `None`: none.
    default: Option<NonZeroU32>,
    used: Mutex<HashMap<TokenId, Used>>,
}

/// A token that was used lately.
#[derive(Debug)]
struct Used {
    per_minute: NonZeroU32,
    last: Instant,
    limiter: Limiter,
}

/// What is left of the quota of a token, after the request that asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct QuotaState {
    per_minute: u32,
    remaining: u32,
    /// The request is one too many: how long until another is let through.
    pub(crate) retry_after: Option<Duration>,
}

impl Quotas {
    /// `default`: requests a minute of tokens without a quota of their own; 0: none.
    pub(crate) fn new(default: u32) -> Self {
        Self { default: NonZeroU32::new(default), used: Mutex::default() }
    }

    /// Counts a request; `None`: the token has no quota.
    pub(crate) fn take(&self, token: &KnownToken) -> Option<QuotaState> {
        let per_minute = token.requests_per_minute.and_then(NonZeroU32::new).or(self.default)?;
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let of_token = used.entry(token.id).or_insert_with(|| Used::new(per_minute, now));
        if of_token.per_minute != per_minute {
            *of_token = Used::new(per_minute, now);
        }
        of_token.last = now;
        let (remaining, retry_after) = match of_token.limiter.check() {
            Ok(snapshot) => (snapshot.remaining_burst_capacity(), None),
            Err(until) => (0, Some(until.wait_time_from(DefaultClock::default().now()))),
        };
        Some(QuotaState { per_minute: per_minute.get(), remaining, retry_after })
    }

    /// Forgets the tokens that have their whole quota again.
    pub(crate) fn forget_unused(&self) {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.retain(|_, of_token| of_token.last.elapsed() <= WINDOW);
    }
}

impl Used {
    fn new(per_minute: NonZeroU32, now: Instant) -> Self {
        let limiter = RateLimiter::direct(Quota::per_minute(per_minute)).with_middleware();
        Self { per_minute, last: now, limiter }
    }
}

impl QuotaState {
    /// After how many seconds another request is let through; at least one.
    pub(crate) fn retry_after_seconds(&self) -> u64 {
        self.retry_after.map_or(0, |wait| u64::from(wait.subsec_nanos() > 0) + wait.as_secs()).max(1)
    }

    fn policy(&self) -> String {
        format!("\"token\";q={};w={}", self.per_minute, WINDOW.as_secs())
    }

    /// How much is left, and after how many seconds the quota is whole again.
    fn state(&self) -> String {
        let used = u64::from(self.per_minute.saturating_sub(self.remaining));
        let whole_in = (used * WINDOW.as_secs()).div_ceil(u64::from(self.per_minute));
        format!("\"token\";r={};t={whole_in}", self.remaining)
    }
}

/// The middleware that tells the holder of a token with a quota what is left of it, on whatever answer. It stands
/// outside of what may put another answer in the place of a first one.
///
/// # Errors
/// Those of the service inside.
pub(crate) async fn announce<B: MessageBody>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<B>, Error> {
    let mut response = next.call(request).await?;
    let state = response.request().extensions().get::<QuotaState>().copied();
    if let Some(state) = state {
        for (name, value) in [(RATE_LIMIT_POLICY, state.policy()), (RATE_LIMIT, state.state())] {
            if let Ok(value) = HeaderValue::from_str(&value) {
                response.headers_mut().insert(name, value);
            }
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_core::token::TokenHash;

    fn token(id: i64, requests_per_minute: Option<u32>) -> KnownToken {
        let hash = TokenHash::of("a token");
        KnownToken { id: TokenId(id), hash, scopes: Vec::new(), expires_at: None, requests_per_minute }
    }

    #[test]
    fn a_quota_lets_so_many_through_and_each_token_has_its_own() {
        let quotas = Quotas::new(0);
        assert_eq!(quotas.take(&token(1, None)), None);
        let first = quotas.take(&token(1, Some(2))).expect("a quota");
        assert_eq!((first.remaining, first.retry_after), (1, None));
        assert_eq!(
            (first.policy().as_str(), first.state().as_str()),
            ("\"token\";q=2;w=60", "\"token\";r=1;t=30")
        );
        assert_eq!(quotas.take(&token(1, Some(2))).expect("a quota").remaining, 0);
        let refused = quotas.take(&token(1, Some(2))).expect("a quota");
        assert!((1..=30).contains(&refused.retry_after_seconds()), "{refused:?}");
        assert_eq!(refused.state(), "\"token\";r=0;t=60");
        assert_eq!(quotas.take(&token(2, Some(2))).expect("a quota").retry_after, None);
        let changed = quotas.take(&token(1, Some(3))).expect("a quota");
        assert_eq!((changed.remaining, changed.retry_after), (2, None), "a new quota begins anew");
    }

    #[test]
    fn tokens_without_a_quota_have_that_of_the_service() {
        let quotas = Quotas::new(1);
        assert_eq!(quotas.take(&token(1, None)).expect("a quota").retry_after, None);
        assert!(quotas.take(&token(1, None)).expect("a quota").retry_after.is_some());
        quotas.forget_unused();
        assert!(quotas.take(&token(1, None)).expect("a quota").retry_after.is_some(), "it was used just now");
    }
}
