//! A plain HTTP client: it repeats nothing and hides nothing.

use serde_json::Value;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use ureq::http::{Method, Request, Response};
use ureq::{Agent, Body};

/// How long a request may take: longer than any of the services' own limits.
const TIMEOUT: Duration = Duration::from_secs(70);

/// Sends requests to one service, or to several instances of it in turn.
#[derive(Clone, Debug)]
pub struct Client {
    agent: Agent,
    bases: Arc<[String]>,
    turn: Arc<AtomicUsize>,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub bytes: Vec<u8>,
    /// The body as text, as far as it is one.
    pub text: String,
}

impl Client {
    /// A client of the service at an address.
    pub fn new(address: SocketAddr) -> Self {
        Self::alternating(&[address])
    }

    /// A client that sends each request to the next of several instances.
    pub fn alternating(addresses: &[SocketAddr]) -> Self {
        let config =
            Agent::config_builder().http_status_as_error(false).timeout_global(Some(TIMEOUT)).build();
        let bases = addresses.iter().map(|address| format!("http://{address}")).collect();
        Self { agent: config.into(), bases, turn: Arc::default(), headers: Vec::new() }
    }

    /// The same client, sending a header with every request.
    #[must_use]
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut client = self.clone();
        client.headers.push((name.to_owned(), value.to_owned()));
        client
    }

    /// The same client, sending a bearer token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        self.with_header("Authorization", &format!("Bearer {token}"))
    }

    /// Gets a path.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn get(&self, path: &str) -> Answer {
        self.send("GET", path, Vec::new()).expect("the service answers")
    }

    /// Deletes a path.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, Vec::new()).expect("the service answers")
    }

    /// Posts JSON.
    ///
    /// # Panics
    /// If there is no answer.
    pub fn post(&self, path: &str, body: &Value) -> Answer {
        let client = self.with_header("Content-Type", "application/json");
        client.send("POST", path, body.to_string().into_bytes()).expect("the service answers")
    }

    /// Sends bytes with whatever method; what headers say is up to the caller.
    ///
    /// # Errors
    /// If there is no answer.
    pub fn send(&self, method: &str, path: &str, body: Vec<u8>) -> Result<Answer, ureq::Error> {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let has_body = !body.is_empty() || method == Method::POST || method == Method::PUT;
        let base = &self.bases[self.turn.fetch_add(1, Ordering::Relaxed) % self.bases.len()];
        let mut request = Request::builder().method(method).uri(format!("{base}{path}"));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let response = if has_body {
            self.agent.run(request.body(body).expect("a request"))?
        } else {
            let agent = self.agent.configure_request(request.body(()).expect("a request"));
            self.agent.run(agent.allow_non_standard_methods(true).build())?
        };
        Answer::read(response)
    }
}

impl Answer {
    fn read(mut response: Response<Body>) -> Result<Self, ureq::Error> {
        let bytes = response.body_mut().with_config().limit(1 << 30).read_to_vec()?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let header = |(name, value): (&ureq::http::HeaderName, &ureq::http::HeaderValue)| {
            (name.to_string(), value.to_str().unwrap_or_default().to_owned())
        };
        let headers = response.headers().iter().map(header).collect();
        Ok(Self { status: response.status().as_u16(), headers, bytes, text })
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// If it is not.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A header's value, if it is there.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(header, _)| header.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    /// The answer, if it has that status.
    ///
    /// # Panics
    /// If it has another.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }
}
