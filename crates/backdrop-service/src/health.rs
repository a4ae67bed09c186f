//! Liveness and readiness.
//!
//! A process is alive as long as it answers: liveness asks no dependency, or a broken database would
//! make every process be restarted. It is ready if what it cannot work without is there.

use actix_web::HttpResponse;
use actix_web::http::header::{CACHE_CONTROL, HeaderValue};
use serde::Serialize;
use serde_json::json;
use std::collections::BTreeMap;
use std::future::Future;
use std::time::{Duration, Instant};

/// How long a dependency may take to show that it is there.
const CHECK_TIMEOUT: Duration = Duration::from_secs(2);

/// What one dependency showed.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    ok: bool,
    /// How long it took.
    latency_ms: f64,
    /// Why it is not there, in general words: details are in the log.
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

impl Check {
    /// Asks a dependency. The future is dropped when it takes too long, so it must be safe to cancel.
    pub async fn of<E: std::error::Error>(asked: impl Future<Output = Result<(), E>>) -> Self {
        let began = Instant::now();
        let result = tokio::time::timeout(CHECK_TIMEOUT, asked).await;
        let message = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {} s", CHECK_TIMEOUT.as_secs())),
        };
        Self { ok: message.is_none(), latency_ms: began.elapsed().as_secs_f64() * 1_000.0, message }
    }

    /// Whether the dependency is there.
    pub const fn is_ok(&self) -> bool {
        self.ok
    }
}

/// The answer of `/_status`: the process answers, so it is alive.
pub fn alive() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache")))
        .json(json!({"status": "ok", "message": "app is up"}))
}

/// The answer of `/_status/ready`: 200 if all dependencies are there and the process is not stopping,
/// else 503.
pub fn ready(checks: &BTreeMap<&'static str, Check>, is_stopping: bool) -> HttpResponse {
    let is_ready = !is_stopping && checks.values().all(Check::is_ok);
    let mut builder = if is_ready { HttpResponse::Ok() } else { HttpResponse::ServiceUnavailable() };
    let message = match (is_ready, is_stopping) {
        (true, _) => "ready",
        (false, true) => "the process is stopping",
        (false, false) => "a dependency is not available",
    };
    builder.insert_header((CACHE_CONTROL, HeaderValue::from_static("no-cache"))).json(json!({
        "status": if is_ready { "ok" } else { "error" },
        "message": message,
        "dependencies": checks,
    }))
}
