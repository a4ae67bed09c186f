//! One bad input: what is sent, and what the answer must be.
//!
//! **Invariant.** What is expected comes from `docs/http-api.md` and `docs/errors.md`, never from what the service
//! happens to answer. Where they leave the code open, all that fit are named.

use crate::wire::Body;

/// The data set most rows are sent to: record rules only.
pub(crate) const RECORDS: &str = "/data/bad/records";
/// A data set with a schema: `count` is an integer and must be there.
pub(crate) const STRICT: &str = "/data/bad/strict";
/// A data set that makes the `_id` of `aa` and `bb`.
pub(crate) const MADE: &str = "/data/bad/made";
/// The token that may write to the three.
pub(crate) const TOKEN: &str = "token-for-the-bad-ones";

/// A request and the answer it must get.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) method: &'static str,
    pub(crate) target: String,
    pub(crate) headers: Vec<(&'static str, Vec<u8>)>,
    pub(crate) body: Body,
    /// How often it is sent; the last answer is judged.
    pub(crate) times: usize,
    pub(crate) expected: Expected,
}

/// What the answer must be.
#[derive(Default)]
pub(crate) struct Expected {
    /// One of these statuses.
    pub(crate) statuses: Vec<u16>,
    /// One of these codes; none: the HTTP layer answers before there is a request, without a body of ours.
    pub(crate) codes: Vec<&'static str>,
    /// The code of one of `errors`.
    pub(crate) inner: Option<&'static str>,
    /// What the person must be told, each of them anywhere in the answer.
    pub(crate) says: Vec<String>,
    /// A header that must be there.
    pub(crate) header: Option<&'static str>,
}

impl Row {
    /// A request as whoever may write would send it, but for its body.
    pub(crate) fn post(name: impl Into<String>, body: impl Into<Vec<u8>>) -> Self {
        Self::of(name, "POST", RECORDS, Body::Announced(body.into()))
    }

    /// Any method; JSON, and the token of the data sets.
    pub(crate) fn of(
        name: impl Into<String>,
        method: &'static str,
        target: impl Into<String>,
        body: Body,
    ) -> Self {
        let headers = vec![
            ("Content-Type", b"application/json".to_vec()),
            ("Authorization", format!("Bearer {TOKEN}").into_bytes()),
        ];
        let (name, target) = (name.into(), target.into());
        Self { name, method, target, headers, body, times: 1, expected: Expected::default() }
    }

    /// A request without a body.
    pub(crate) fn bare(name: impl Into<String>, method: &'static str, target: impl Into<String>) -> Self {
        Self::of(name, method, target, Body::Nothing).without("Content-Type")
    }

    pub(crate) fn to(mut self, target: impl Into<String>) -> Self {
        self.target = target.into();
        self
    }

    pub(crate) fn by(self, token: &str) -> Self {
        self.without("Authorization").header("Authorization", format!("Bearer {token}"))
    }

    pub(crate) fn of_type(self, content_type: &str) -> Self {
        self.without("Content-Type").header("Content-Type", content_type)
    }

    pub(crate) fn header(mut self, name: &'static str, value: impl Into<Vec<u8>>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(header, _)| *header != name);
        self
    }

    pub(crate) fn body(mut self, body: Body) -> Self {
        self.body = body;
        self
    }

    pub(crate) const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    /// It must be refused so.
    pub(crate) fn refused(mut self, status: u16, code: &'static str) -> Self {
        self.expected.statuses.push(status);
        if !code.is_empty() {
            self.expected.codes.push(code);
        }
        self
    }

    /// It must be taken.
    pub(crate) fn taken(mut self) -> Self {
        self.expected.statuses.push(200);
        self
    }

    /// It must be refused because of a record, with this code among `errors`.
    pub(crate) fn blamed(mut self, inner: &'static str) -> Self {
        self.expected.inner = Some(inner);
        self.refused(400, "invalid_records")
    }

    /// The answer must hold this text.
    pub(crate) fn says(mut self, text: impl Into<String>) -> Self {
        self.expected.says.push(text.into());
        self
    }

    /// The answer must have this header.
    pub(crate) const fn answers_with(mut self, header: &'static str) -> Self {
        self.expected.header = Some(header);
        self
    }
}
