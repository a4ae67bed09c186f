//! Sending spans to a collector, by OTLP over HTTP. Only in builds with the feature `otlp`.
//!
//! Spans are sent in batches by a thread of the exporter's own, so that no request waits for the collector; while it is
//! away, spans are dropped.

use super::TelemetryError;
use crate::settings::LogArgs;
use crate::trace::TraceParent;
use opentelemetry::trace::{
    SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState, TracerProvider,
};
use opentelemetry::{Context, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{SdkTracer, SdkTracerProvider};
use secrecy::ExposeSecret;
use std::pin::Pin;
use std::time::Duration;
use tracing::{Span, Subscriber};
use tracing_opentelemetry::{OpenTelemetryLayer, OpenTelemetrySpanExt};
use tracing_subscriber::registry::LookupSpan;
use ureq::Agent;

/// How long the collector may take: what the exporter of OpenTelemetry has.
const SENT_WITHIN: Duration = Duration::from_secs(10);
/// The most that is read of an answer of the collector, in bytes.
const ANSWER_BYTES_MAX: u64 = 64 * 1024;

/// Sends spans as long as it is kept; those that are left, when it is dropped.
#[derive(Debug)]
pub(super) struct Exporter {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

impl Exporter {
    /// Begins to send spans, if there is somebody to send them to.
    pub(super) fn start(args: &LogArgs, service: &'static str) -> Result<Option<Self>, TelemetryError> {
        let Some(collector) = &args.otlp_endpoint else { return Ok(None) };
        let endpoint = format!("{}/v1/traces", collector.expose_secret().trim_end_matches('/'));
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_endpoint(endpoint)
            .build()
            .map_err(|error| TelemetryError::Exporter(error.into()))?;
        let version = KeyValue::new("service.version", env!("CARGO_PKG_VERSION"));
        let resource = Resource::builder().with_service_name(service).with_attribute(version).build();
        let provider =
            SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("backdrop");
        Ok(Some(Self { provider, tracer }))
    }

    /// What takes the spans of `tracing`.
    pub(super) fn layer<S>(&self) -> OpenTelemetryLayer<S, SdkTracer>
    where
        S: Subscriber + for<'l> LookupSpan<'l>,
    {
        tracing_opentelemetry::layer().with_tracer(self.tracer.clone())
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // The collector may be away; then there is nobody to tell.
        let _ = self.provider.shutdown();
    }
}

/// Makes a span part of a trace, and notes which one that is.
pub(crate) fn join(span: &Span, parent: Option<&TraceParent>) {
    if let Some(parent) = parent.and_then(span_context) {
        // Without an exporter there is nothing to be part of.
        let _ = span.set_parent(Context::new().with_remote_span_context(parent));
    }
    if let Some(own) = traceparent(span) {
        span.record("trace_id", own.trace_id());
    }
}

/// The current span, if it is exported.
pub(crate) fn current() -> Option<TraceParent> {
    traceparent(&Span::current())
}

fn traceparent(span: &Span) -> Option<TraceParent> {
    let context = span.context();
    let context = context.span().span_context().clone();
    let flags = context.trace_flags().to_u8();
    TraceParent::parse(&format!("00-{}-{}-{flags:02x}", context.trace_id(), context.span_id()))
}

fn span_context(parent: &TraceParent) -> Option<SpanContext> {
    let mut parts = parent.as_str().split('-').skip(1);
    let trace = TraceId::from_hex(parts.next()?).ok()?;
    let span = SpanId::from_hex(parts.next()?).ok()?;
    let flags = TraceFlags::new(u8::from_str_radix(parts.next()?, 16).ok()?);
    Some(SpanContext::new(trace, span, flags, true, TraceState::default()))
}

/// Sends what the exporter has gathered, from its thread: so it may block.
#[derive(Debug)]
struct Client(Agent);

impl Client {
    fn new() -> Self {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(SENT_WITHIN));
        Self(config.build().into())
    }

    fn send(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let (parts, body) = request.into_parts();
        let mut answer = self.0.run(Request::from_parts(parts, body.to_vec()))?;
        let body = answer.body_mut().with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        let (parts, _) = answer.into_parts();
        Ok(Response::from_parts(parts, body.into()))
    }
}

impl HttpClient for Client {
    fn send_bytes<'c, 'f>(
        &'c self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'f>>
    where
        'c: 'f,
    {
        Box::pin(std::future::ready(self.send(request)))
    }
}
