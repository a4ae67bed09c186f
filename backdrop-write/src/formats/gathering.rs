//! Gathering the records of a body one by one, and what is wrong with them.

use super::{Bounds, Decoded};
use backdrop_core::batch::Handling;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::origin::{Origin, Places};
use backdrop_core::record::{Findings, Violation};

/// How many faults a batch may bring with it in lenient handling. Whoever has more sent something else than what
/// was meant; and they travel through the queue, where space is bounded.
const LENIENT_FAULTS_MAX: usize = 1_000;

/// The records of a body so far.
#[derive(Debug)]
pub(super) struct Gathering {
    bounds: Bounds,
    handling: Handling,
    records: String,
    /// On which line or row each record begins.
    places: Vec<u32>,
    findings: Findings,
    faults: Vec<Violation>,
}

impl Gathering {
    pub(super) fn new(bounds: Bounds, handling: Handling) -> Self {
        Self {
            bounds,
            handling,
            records: String::from("["),
            places: Vec::new(),
            findings: Findings::default(),
            faults: Vec::new(),
        }
    }

    /// Makes room for so many bytes of records at once, where it is known how many there will be: a text that
    /// grows is copied.
    pub(super) fn with_room(mut self, bytes: usize) -> Self {
        self.records.reserve(bytes.min(self.bounds.bytes));
        self
    }

    /// Notes that something is wrong with the record that is added next. `rule` tells faults of one kind from
    /// those of another.
    pub(super) fn fault(&mut self, pointer: &str, code: ErrorCode, rule: &str, message: impl Fn() -> String) {
        let record = self.places.len() + 1;
        if self.handling == Handling::Lenient && self.faults.len() < LENIENT_FAULTS_MAX {
            self.faults.push(Violation::of(record, pointer, code, message()));
        }
        self.findings.add(record, pointer, code, rule, message);
    }

    /// Adds a record, which begins on this line or row, as JSON.
    pub(super) fn add(&mut self, place: u32, json: &str) -> Result<(), ApiError> {
        if self.places.len() == self.bounds.records {
            let most = self.bounds.records;
            let message = format!(
                "There are more than {most} records. Send them in several requests, {most} at most in each."
            );
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        self.places.push(place);
        if self.is_refused() {
            // Only what is wrong counts from now on.
            return Ok(());
        }
        if self.records.len() + json.len() + 2 > self.bounds.bytes {
            let most = self.bounds.bytes;
            let message = format!(
                "The records are larger than {most} bytes when written as JSON. Send them in several requests."
            );
            return Err(ApiError::new(ErrorCode::TooLarge, message));
        }
        if self.records.len() > 1 {
            self.records.push(',');
        }
        self.records.push_str(json);
        Ok(())
    }

    fn is_refused(&self) -> bool {
        match self.handling {
            Handling::Strict => self.findings.total() > 0,
            Handling::Lenient => self.findings.total() > LENIENT_FAULTS_MAX,
        }
    }

    /// What was gathered, unless its faults refuse it as a whole, with this code.
    pub(super) fn finish(
        mut self,
        code: ErrorCode,
        origin: impl FnOnce(Places) -> Origin,
    ) -> Result<Decoded, ApiError> {
        let is_refused = self.is_refused();
        let count = self.places.len();
        let origin = origin(self.places.into_iter().collect());
        if is_refused {
            let violations = self.findings.finish().located(&origin);
            let message = match self.handling {
                Handling::Strict => "Nothing was stored: what was sent has faults, see messages.".to_owned(),
                Handling::Lenient => format!(
                    "Nothing was stored: what was sent has more than {LENIENT_FAULTS_MAX} faults, see messages."
                ),
            };
            return Err(ApiError { violations: Some(Box::new(violations)), ..ApiError::new(code, message) });
        }
        self.records.push(']');
        Ok(Decoded { records: self.records, count, origin, faults: self.faults })
    }
}

/// Adds a text as JSON.
pub(super) fn push_text(json: &mut String, text: &str) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if text.bytes().all(is_plain) {
        json.push('"');
        json.push_str(text);
        json.push('"');
    } else {
        json.push_str(&serde_json::to_string(text).expect("a text can be written as JSON"));
    }
}

/// What is kept of a line or a row that is no record: a text, which never passes for one. A long one is cut off.
pub(super) fn kept(line: &[u8]) -> String {
    let beginning = &line[..line.len().min(KEPT_BYTES_MAX)];
    let mut json = String::new();
    push_text(&mut json, &String::from_utf8_lossy(beginning).replace('\0', "\u{fffd}"));
    json
}

/// How much of it: enough to see what it was meant to be.
const KEPT_BYTES_MAX: usize = 64 * 1024;

/// What is said of a text that cannot be kept.
pub(super) const NUL: &str = "the character NUL cannot be stored; take it out";
