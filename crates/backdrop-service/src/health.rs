//! Liveness and readiness.
//!
//! A process is alive as long as it answers: liveness asks no dependency, or a broken database would
//! make every process be restarted. It is ready if what it cannot work without is there.

use crate::serve::Stop;
use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// How long a dependency may take to show that it is there.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What one dependency showed.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    ok: bool,
    /// How long it took.
    latency_ms: f64,
    /// Why it is not there, and what to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Check {
    /// Asks a dependency. The future is dropped when it takes too long, so it must be safe to cancel. `explain` says
    /// in words that operators understand what is missing, and gives away no secret.
    pub async fn of<E>(asked: impl Future<Output = Result<(), E>>, explain: impl Fn(&E) -> String) -> Self {
        let began = Instant::now();
        let result = tokio::time::timeout(CHECK_TIMEOUT, asked).await;
        let message = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(explain(&error)),
            Err(_) => Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        Self { ok: message.is_none(), latency_ms: began.elapsed().as_secs_f64() * 1_000.0, message }
    }

    /// What is known without asking: that it is there, or why it is not.
    pub fn known(state: Result<(), &str>) -> Self {
        Self { ok: state.is_ok(), latency_ms: 0.0, message: state.err().map(str::to_owned) }
    }

    /// Whether the dependency is there.
    pub const fn is_ok(&self) -> bool {
        self.ok
    }
}

/// How often a dependency is asked, so that the log can tell when it goes and comes.
const WATCH_INTERVAL: Duration = Duration::from_secs(1);
/// How often the log says what is still waited for.
const TELL_INTERVAL: Duration = Duration::from_secs(30);

/// Says in the log what the process waits for, and when it is there again, until the process closes.
pub async fn watch<F: Future<Output = Check>>(
    dependency: &'static str,
    ask: impl Fn() -> F,
    closing: &CancellationToken,
) {
    let mut missing_since: Option<Instant> = None;
    let mut told: Option<Instant> = None;
    while !closing.is_cancelled() {
        let check = ask().await;
        match (check.message, missing_since) {
            (Some(reason), _) => {
                missing_since.get_or_insert_with(Instant::now);
                if told.is_none_or(|at| at.elapsed() >= TELL_INTERVAL) {
                    told = Some(Instant::now());
                    warn!(dependency, reason, "waiting for a dependency");
                }
            }
            (None, Some(since)) => {
                info!(dependency, missing_s = since.elapsed().as_secs_f64(), "the dependency is there");
                (missing_since, told) = (None, None);
            }
            (None, None) => {}
        }
        tokio::select! {
            () = closing.cancelled() => {}
            () = tokio::time::sleep(WATCH_INTERVAL) => {}
        }
    }
}

/// The answer of `/_status`: the process answers, so it is alive.
pub fn alive() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .json(json!({"status": "ok", "message": "app is up"}))
}

/// What a process depends on.
#[derive(Clone, Debug, Default)]
pub struct Dependencies {
    /// What it cannot work without.
    pub needed: BTreeMap<&'static str, Check>,
    /// What it can do without for a while.
    pub helpful: BTreeMap<&'static str, Check>,
}

/// What is shown of one.
#[derive(Serialize)]
struct Shown<'c> {
    #[serde(flatten)]
    check: &'c Check,
    needed: bool,
}

/// The answer of `/_status/ready`: 200 if all that is needed is there and the process is not stopping, else 503.
pub fn ready(dependencies: &Dependencies, stop: &Stop) -> HttpResponse {
    let is_stopping = stop.is_draining();
    let is_ready = !is_stopping && dependencies.needed.values().all(Check::is_ok);
    let shown = |needed| move |(name, check)| (name, Shown { check, needed });
    let needed = dependencies.needed.iter().map(shown(true));
    let shown: BTreeMap<_, _> = needed.chain(dependencies.helpful.iter().map(shown(false))).collect();
    let mut builder = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let message = match (is_ready, is_stopping) {
        (true, _) => "ready",
        (false, true) => "the process is stopping",
        (false, false) => "a dependency is not available",
    };
    builder.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache"))).json(json!({
        "status": if is_ready { "ok" } else { "error" },
        "message": message,
        "dependencies": shown,
    }))
}
