//! Logs: one line per event, for people on a terminal and for machines elsewhere. In a build with the feature `otlp`
//! spans go to a collector, too.

mod flat_json;
#[cfg(feature = "otlp")]
pub(crate) mod otlp;
mod out;

use crate::settings::{LogArgs, LogFormat};
use flat_json::{FlatJson, Pairs};
use out::{Out, Writing};
use std::io::{IsTerminal, stderr};
use tracing::Subscriber;
use tracing_subscriber::filter::ParseError;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, Layer};

/// What dependencies say that is never logged, whatever the filter asks for.
const NEVER: [&str; 1] = [
    // What cannot even be read as a request is the client's fault, and no event for operators.
    "actix_http::h1::dispatcher=off",
];

/// Why nothing can be logged.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    /// The filter cannot be read.
    #[error("BACKDROP_LOG cannot be read")]
    Filter(#[from] ParseError),
    /// There is no way to the collector of spans.
    #[cfg(feature = "otlp")]
    #[error("OTEL_EXPORTER_OTLP_ENDPOINT cannot be used")]
    Exporter(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// What was begun to be told; what was not written or sent to a collector yet is when this is dropped.
#[derive(Debug)]
#[must_use = "events are written and spans sent as long as this is kept"]
pub struct Telemetry {
    _writing: Writing,
    #[cfg(feature = "otlp")]
    _exporter: Option<otlp::Exporter>,
}

/// Begins to log to standard error, and to send spans if there is a collector. Called once, by a `main`.
///
/// # Errors
/// If the filter or the address of the collector cannot be used.
pub fn init(args: &LogArgs, service: &'static str) -> Result<Telemetry, TelemetryError> {
    let mut filter = args.filter.parse::<EnvFilter>()?;
    for directive in NEVER {
        filter = filter.add_directive(directive.parse()?);
    }
    let (out, writing) = Out::start();
    #[cfg(feature = "otlp")]
    {
        let exporter = otlp::Exporter::start(args, service)?;
        let spans = exporter.as_ref().map(otlp::Exporter::layer);
        tracing_subscriber::registry().with(spans).with(written(args, out)).with(filter).init();
        Ok(Telemetry { _writing: writing, _exporter: exporter })
    }
    #[cfg(not(feature = "otlp"))]
    {
        tracing_subscriber::registry().with(written(args, out)).with(filter).init();
        if args.otlp_endpoint.is_some() {
            tracing::warn!(service, "built without the feature `otlp`: no spans are sent");
        }
        Ok(Telemetry { _writing: writing })
    }
}

/// What writes events.
fn written<S>(args: &LogArgs, out: Out) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'l> LookupSpan<'l>,
{
    let default = if stderr().is_terminal() { LogFormat::Text } else { LogFormat::Json };
    match args.format.unwrap_or(default) {
        LogFormat::Text => layer().with_ansi(stderr().is_terminal()).with_writer(out).boxed(),
        LogFormat::Json => layer().fmt_fields(Pairs).event_format(FlatJson).with_writer(out).boxed(),
    }
}
