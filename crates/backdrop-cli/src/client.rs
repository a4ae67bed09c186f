//! A client of the write service: what the commands send, and what they make of an answer.
//!
//! **Invariant.** A token is only ever sent in the `Authorization` header; no error and no `Debug` shows it.

mod refusal;

pub(crate) use refusal::Refusal;

use crate::home::Home;
use anyhow::Context;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use std::time::Duration;
use ureq::http::{Method, Request, Response, StatusCode, header};
use ureq::{Agent, Body};
use url::{Host, Url};

/// The service waits up to 60 s for the outcome of a write; then it has answered.
const ANSWER_WITHIN: Duration = Duration::from_secs(90);
/// How long a connection may take to be made.
pub(crate) const CONNECT_WITHIN: Duration = Duration::from_secs(5);

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

/// Why there is no good answer.
#[derive(Debug)]
pub(crate) enum CallError {
    /// There is no answer: nothing tells whether the service has done what was asked.
    NoAnswer(anyhow::Error),
    /// The service has answered that it did not.
    Refused(Refusal),
}

impl From<CallError> for anyhow::Error {
    fn from(error: CallError) -> Self {
        match error {
            CallError::NoAnswer(error) => error,
            CallError::Refused(refusal) => Self::msg(refusal.to_string()),
        }
    }
}

/// A good answer.
#[derive(Debug)]
pub(crate) struct Answer {
    /// Accepted but not done yet (202): where to ask for the outcome.
    pub(crate) receipt: Option<String>,
    /// The body; null if it is empty.
    pub(crate) body: Value,
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

    /// Asks for what is at a path.
    pub(crate) fn get(&self, path: &[&str]) -> Result<Answer, CallError> {
        self.call(Method::GET, self.url(path), None)
    }

    /// Asks for what is at an address the service gave.
    pub(crate) fn get_receipt(&self, location: &str) -> Result<Answer, CallError> {
        let url = self.base.join(location).context("the service named an address that is none");
        self.call(Method::GET, url.map_err(CallError::NoAnswer)?, None)
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

    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        // Fails only for addresses such as `mailto:`, to which no request gets anyway.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        url
    }

    fn call(&self, method: Method, url: Url, json: Option<&str>) -> Result<Answer, CallError> {
        let no_answer = |error: ureq::Error| {
            let hint = format!(
                "no answer from {} (is `backdrop up` running? else set BACKDROP_WRITE_URL)",
                self.base
            );
            CallError::NoAnswer(anyhow::Error::new(error).context(hint))
        };
        let response = self.send(method, &url, json).map_err(no_answer)?;
        let status = response.status();
        let text = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (retry_after, location) = (text(header::RETRY_AFTER), text(header::LOCATION));
        let body = response.into_body().read_to_vec().map_err(no_answer)?;
        let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if status.is_success() {
            let receipt = location.filter(|_| status == StatusCode::ACCEPTED);
            return Ok(Answer { receipt, body });
        }
        let retry_after = retry_after.and_then(|text| Some(Duration::from_secs(text.parse().ok()?)));
        Err(CallError::Refused(Refusal::read(status, retry_after, &body)))
    }

    fn send(&self, method: Method, url: &Url, json: Option<&str>) -> Result<Response<Body>, ureq::Error> {
        let request = Request::builder()
            .method(method)
            .uri(url.as_str())
            .header(header::AUTHORIZATION, format!("Bearer {}", self.token.expose_secret()))
            .header(header::ACCEPT, "application/json");
        match json {
            Some(json) => {
                self.agent.run(request.header(header::CONTENT_TYPE, "application/json").body(json)?)
            }
            None => self.agent.run(request.body(())?),
        }
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
