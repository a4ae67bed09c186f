//! Traces of the W3C: which one a request belongs to, and how it goes on with a batch.
//!
//! The trace goes with the batch through the queue, so that the worker's span belongs to it as well. Spans leave the
//! process only in a build with the feature `otlp`; the id of a trace that a client began stands in the logs of any.

use actix_web::http::header::HeaderMap;
use tracing::Span;

const TRACEPARENT: &str = "traceparent";

/// The `traceparent` of the W3C (Trace Context, level 1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceParent(String);

impl TraceParent {
    /// That of a request, if it has a good one.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(TRACEPARENT)?.to_str().ok()?)
    }

    /// Reads one: `{version}-{trace}-{span}-{flags}`, in hexadecimal. A later version may have more behind that.
    pub fn parse(text: &str) -> Option<Self> {
        const LENGTHS: [usize; 4] = [2, 32, 16, 2];
        let parts: Vec<&str> = text.splitn(5, '-').collect();
        let is_part = |(part, length): (&&str, usize)| {
            part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
        };
        let is_whole = parts.len() >= LENGTHS.len() && parts.iter().zip(LENGTHS).all(is_part);
        let is_given = |part: &str| part.bytes().any(|digit| digit != b'0');
        let is_longer = parts.len() > LENGTHS.len();
        if !is_whole || !is_given(parts[1]) || !is_given(parts[2]) {
            return None;
        }
        if parts[0] == "ff" || (parts[0] == "00" && is_longer) {
            return None;
        }
        Some(Self(parts[..LENGTHS.len()].join("-")))
    }

    /// The text that goes on.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The id of the trace.
    pub fn trace_id(&self) -> &str {
        self.0.split('-').nth(1).unwrap_or_default()
    }
}

/// Makes a span part of a trace, and notes its `trace_id`. Called before anything happens in the span.
pub fn join(span: &Span, parent: Option<&TraceParent>) {
    if let Some(parent) = parent {
        span.record("trace_id", parent.trace_id());
    }
    #[cfg(feature = "otlp")]
    crate::telemetry::otlp::join(span, parent);
}

/// What goes on with a batch: the current span, if it is exported, or else what the client sent.
pub fn passed_on(client: Option<TraceParent>) -> Option<TraceParent> {
    #[cfg(feature = "otlp")]
    if let Some(current) = crate::telemetry::otlp::current() {
        return Some(current);
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_taken_over_only_if_it_is_one() {
        let (trace, span) = ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7");
        let good = format!("00-{trace}-{span}-01");
        let parent = TraceParent::parse(&good).expect("a trace");
        assert_eq!((parent.as_str(), parent.trace_id()), (good.as_str(), trace));
        let later = TraceParent::parse(&format!("01-{trace}-{span}-01-more")).expect("a later version");
        assert_eq!(later.trace_id(), trace);
        for bad in [
            String::new(),
            "a-request".to_owned(),
            format!("ff-{trace}-{span}-01"),
            format!("00-{trace}-{span}-01-more"),
            format!("00-{trace}-{span}"),
            format!("00-{}-{span}-01", "0".repeat(32)),
            format!("00-{trace}-{}-01", "0".repeat(16)),
            format!("00-{}-{span}-01", trace.to_uppercase()),
        ] {
            assert_eq!(TraceParent::parse(&bad), None, "{bad}");
        }
    }
}
