//! What is counted of every request.

use actix_web::http::{Method, StatusCode};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// Upper ends of the classes of latency, in seconds: most answers take a few milliseconds, a write may wait half a
/// minute for its outcome.
const LATENCIES: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0];

/// The route of a request that none was found for.
const UNMATCHED: &str = "unmatched";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    method: &'static str,
    route: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    method: &'static str,
    route: String,
    status: u16,
}

/// Counts requests; kept in the data of an app, where [`observe`](crate::request::observe) looks for it. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpMetrics {
    requests: Family<Answered, Counter>,
    durations: Family<Route, Histogram>,
    in_flight: Gauge,
}

/// A request that is being answered; counted as such until dropped.
#[derive(Debug)]
pub(crate) struct InFlight(Gauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

impl HttpMetrics {
    /// Adds its families to a registry.
    pub fn register(registry: &mut Registry) -> Self {
        let metrics = Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(LATENCIES)),
            in_flight: Gauge::default(),
        };
        registry.register("http_requests", "Requests that were answered", metrics.requests.clone());
        let help = "How long answers took, from the head of the request to that of the answer";
        let durations = metrics.durations.clone();
        registry.register_with_unit("http_request_duration", help, Unit::Seconds, durations);
        let help = "Requests that are being answered";
        registry.register("http_requests_in_flight", help, metrics.in_flight.clone());
        metrics
    }

    pub(crate) fn begin(&self) -> InFlight {
        self.in_flight.inc();
        InFlight(self.in_flight.clone())
    }

    /// `route`: the pattern that the path matched.
    pub(crate) fn answered(
        &self,
        method: &Method,
        route: Option<String>,
        status: StatusCode,
        took: Duration,
    ) {
        let method = known(method);
        let route = route.unwrap_or_else(|| UNMATCHED.to_owned());
        let answered = Answered { method, route: route.clone(), status: status.as_u16() };
        self.requests.get_or_create(&answered).inc();
        self.durations.get_or_create(&Route { method, route }).observe(took.as_secs_f64());
    }
}

/// The name of a method; clients can make up any.
fn known(method: &Method) -> &'static str {
    const KNOWN: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
    KNOWN.into_iter().find(|known| *known == method.as_str()).unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::encoding::text::encode;

    #[test]
    fn methods_and_routes_that_clients_make_up_are_one() {
        let mut registry = Registry::default();
        let metrics = HttpMetrics::register(&mut registry);
        let in_flight = metrics.begin();
        for made_up in ["BREW", "brew", "GETT"] {
            let method = Method::from_bytes(made_up.as_bytes()).expect("a method");
            metrics.answered(&method, None, StatusCode::NOT_FOUND, Duration::from_millis(3));
        }
        let mut text = String::new();
        encode(&mut text, &registry).expect("a text");
        for line in [
            r#"http_requests_total{method="other",route="unmatched",status="404"} 3"#,
            r#"http_request_duration_seconds_bucket{le="0.0025",method="other",route="unmatched"} 0"#,
            r#"http_request_duration_seconds_bucket{le="0.005",method="other",route="unmatched"} 3"#,
            "http_requests_in_flight 1",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
        }
        drop(in_flight);
        encode(&mut text, &registry).expect("a text");
        assert!(text.lines().any(|line| line == "http_requests_in_flight 0"), "{text}");
    }
}
