//! A client of the write service: what the commands send, and what they make of an answer.
//!
//! **Invariant.** A token is only ever sent in the `Authorization` header; no error and no `Debug` shows it.

mod answer;
mod pauses;
mod refusal;

pub(crate) use answer::{Answer, CallError, Page};
pub(crate) use pauses::Pauses;
pub(crate) use refusal::{Refusal, SamePlace};

use crate::home::Home;
use answer::{REPLAYED, Received};
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;
use ureq::Agent;
use ureq::http::{Method, Request, header};
use url::{Host, Url};

/// The service waits up to 60 s for the outcome of a write; then it has answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);
/// How long a connection may take to be made.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

/// How large an answer may be: a page of an export holds 8 MiB and one record of up to 10 MiB more, before which
/// the store puts some white space.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Where the write service is.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Service {
    /// The address of the write service
    #[arg(long, env = "BACKDROP_WRITE_URL", value_name = "URL", default_value = "http://127.0.0.1:3039")]
    write_url: Url,
    #[command(flatten)]
    home: Home,
    /// The administration token [default: the one `backdrop up` keeps in its home]
    #[arg(long, env = "BACKDROP_ADMIN_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    admin_token: Option<SecretString>,
}

impl Service {
    /// The administration token, given or kept by `backdrop up`.
    pub(crate) fn admin_token(&self) -> anyhow::Result<Option<SecretString>> {
        match &self.admin_token {
            Some(token) => Ok(Some(token.clone())),
            None => self.home.admin_token(),
        }
    }

    /// A client with the administration token.
    pub(crate) fn administrator(&self) -> anyhow::Result<Client> {
        let token = self.admin_token()?.with_context(|| {
            format!(
                "no administration token: set BACKDROP_ADMIN_TOKEN, or run where `backdrop up` keeps one ({})",
                self.home.admin_token_path().display()
            )
        })?;
        Ok(self.client(token))
    }

    /// A client with a token of the caller's choice.
    pub(crate) fn client(&self, token: SecretString) -> Client {
        Client::new(self.write_url.clone(), token)
    }
}

/// A client with one token.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    agent: Agent,
    base: Url,
    token: SecretString,
}

impl Client {
    /// A client of the service at `base`.
    pub(crate) fn new(base: Url, token: SecretString) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(ANSWER_WITHIN))
            .timeout_connect(Some(CONNECT_WITHIN));
        // A proxy set for the outer world cannot reach what runs on this machine.
        let config = if is_loopback(&base) { config.proxy(None) } else { config };
        Self { agent: config.build().new_agent(), base, token }
    }

    /// The address of the service.
    pub(crate) fn base(&self) -> &Url {
        &self.base
    }

    /// Asks for what is at a path.
    pub(crate) fn get(&self, path: &[&str]) -> Result<Answer, CallError> {
        self.call(Method::GET, self.url(path), None)
    }

    /// Asks for what is at an address the service gave.
    pub(crate) fn get_at(&self, location: &str) -> Result<Answer, CallError> {
        self.call(Method::GET, self.given(location)?, None)
    }

    /// Asks for a page of an export, by the query of its address.
    pub(crate) fn get_page(&self, path: &[&str], query: &str) -> Result<Page, CallError> {
        let mut url = self.url(path);
        url.set_query(Some(query));
        let received = self.receive(Method::GET, &url, None, None)?;
        let next = received.next();
        Ok(Page { lines: received.body, next })
    }

    /// Deletes what is at a path.
    pub(crate) fn delete(&self, path: &[&str]) -> Result<Answer, CallError> {
        self.call(Method::DELETE, self.url(path), None)
    }

    /// Sends JSON to a path.
    pub(crate) fn post(&self, path: &[&str], json: &str) -> Result<Answer, CallError> {
        self.post_with(path, &[], json)
    }

    /// Sends JSON to a path, with a query.
    pub(crate) fn post_with(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        json: &str,
    ) -> Result<Answer, CallError> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.call(Method::POST, url, Some(json))
    }

    /// Sends JSON that takes the place of what is at a path.
    pub(crate) fn put(&self, path: &[&str], query: &[(&str, &str)], json: &str) -> Result<Answer, CallError> {
        self.call(Method::PUT, self.url_with(path, query), Some(json))
    }

    /// Asks for what is at a path, in particular.
    pub(crate) fn get_with(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, CallError> {
        self.call(Method::GET, self.url_with(path, query), None)
    }

    /// Deletes what is at a path, in a particular way.
    pub(crate) fn delete_with(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Answer, CallError> {
        self.call(Method::DELETE, self.url_with(path, query), None)
    }

    fn url_with(&self, path: &[&str], query: &[(&str, &str)]) -> Url {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        url
    }

    /// Sends JSON to a path, which does something once, however often it is sent with the same key.
    pub(crate) fn post_once(&self, path: &[&str], json: &str, key: &str) -> Result<Answer, CallError> {
        self.receive(Method::POST, &self.url(path), Some(json), Some(key)).map(Answer::from)
    }

    /// The address of a path, below the address of the service.
    pub(crate) fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Fails only for addresses such as `mailto:`, to which no request gets anyway.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    /// An address the service gave. The token goes nowhere but to the service.
    fn given(&self, location: &str) -> Result<Url, CallError> {
        let url = self.base.join(location).ok().filter(|url| url.origin() == self.base.origin());
        let message = "the service named an address that is none of its own";
        url.ok_or_else(|| CallError::NoAnswer(anyhow::Error::msg(message)))
    }

    fn call(&self, method: Method, url: Url, json: Option<&str>) -> Result<Answer, CallError> {
        self.receive(method, &url, json, None).map(Answer::from)
    }

    fn receive(
        &self,
        method: Method,
        url: &Url,
        json: Option<&str>,
        key: Option<&str>,
    ) -> Result<Received, CallError> {
        let received = self.send(method, url, json, key).map_err(|error| {
            let hint = format!(
                "no answer from {} (is `backdrop up` running? else set BACKDROP_WRITE_URL)",
                self.base
            );
            CallError::NoAnswer(anyhow::Error::new(error).context(hint))
        })?;
        if received.status.is_success() {
            return Ok(received);
        }
        let retry_after = received.header(header::RETRY_AFTER).and_then(|text| text.parse().ok());
        let body = serde_json::from_slice(&received.body).unwrap_or(Value::Null);
        let mut refusal = Refusal::read(received.status, retry_after.map(Duration::from_secs), &body);
        refusal.is_replayed = received.header(REPLAYED).is_some();
        Err(CallError::Refused(refusal))
    }

    fn send(
        &self,
        method: Method,
        url: &Url,
        json: Option<&str>,
        key: Option<&str>,
    ) -> Result<Received, ureq::Error> {
        let mut request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .header(header::ACCEPT, "application/json");
        if let Some(key) = key {
            request = request.header("Idempotency-Key", key);
        }
        let response = match json {
            Some(json) => {
                self.agent.run(request.header(header::CONTENT_TYPE, "application/json").body(json)?)
            }
            None => self.agent.run(request.body(())?),
        }?;
        let (head, mut body) = response.into_parts();
        let body = body.with_config().limit(ANSWER_BYTES_MAX).read_to_vec()?;
        Ok(Received { status: head.status, headers: head.headers, body })
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
