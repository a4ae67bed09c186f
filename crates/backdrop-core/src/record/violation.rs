//! What is wrong with records: grouped, bounded, and each with the place where it stands.

use crate::error::ErrorCode;
use crate::origin::{Origin, Place};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// How many violations of one batch are told; more help nobody, and a batch may hold 30,000 records.
pub const VIOLATIONS_MAX: usize = 100;
/// How many further places of the same violation are told.
const ALSO_MAX: usize = 9;

/// One rule that records break.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation {
    /// The first record that breaks it, counted from 1; 0: no record is to blame.
    pub record: usize,
    /// Where that record, or the field of it, stands in what was sent.
    #[serde(flatten)]
    pub place: Place,
    /// The JSON pointer of the value at fault, empty for the record itself.
    pub pointer: String,
    /// What kind of rule.
    pub code: ErrorCode,
    /// What is wrong and what was expected.
    pub message: String,
    /// In how many records the same is wrong.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub count: usize,
    /// The next few of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<RecordPlace>,
}

/// A record and where it stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordPlace {
    /// The record, counted from 1.
    pub record: usize,
    /// Its place.
    #[serde(flatten)]
    pub place: Place,
}

const fn one() -> usize {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form serde asks for")]
const fn is_one(count: &usize) -> bool {
    *count == 1
}

impl Violation {
    /// A violation of one record, its place not told yet. The texts are cut off: they may repeat a value, and
    /// an answer must not become larger than what was sent.
    pub fn of(
        record: usize,
        pointer: impl Into<String>,
        code: ErrorCode,
        message: impl Into<String>,
    ) -> Self {
        let (pointer, message) = (cut_off(pointer.into()), cut_off(message.into()));
        Self { record, place: Place::default(), pointer, code, message, count: 1, also: Vec::new() }
    }

    /// The violation as one line that names place and field, for clients that only show texts.
    pub fn line(&self) -> String {
        let Place { line, sheet, cell } = &self.place;
        let place = match (cell, sheet, line) {
            (Some(cell), ..) => format!("cell {cell}: "),
            (None, Some(_), Some(row)) => format!("row {row}: "),
            (None, None, Some(line)) => format!("line {line}: "),
            _ if self.record == 0 => String::new(),
            _ => format!("record {}: ", self.record),
        };
        let field = self.pointer.strip_prefix('/').map(|field| format!("{field}: ")).unwrap_or_default();
        let more = match self.count {
            0 | 1 => String::new(),
            2 => " (and in 1 more record)".into(),
            count => format!(" (and in {} more records)", count - 1),
        };
        format!("{place}{field}{}{more}", self.message)
    }
}

/// The violations of a batch: the first ones, and how many there are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violations {
    /// The first [`VIOLATIONS_MAX`] different ones.
    pub listed: Vec<Violation>,
    /// How many there are in all, the same one in two records counted twice.
    pub total: usize,
}

impl Violations {
    /// One violation that no record is to blame for.
    pub fn blame(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { listed: vec![Violation::of(0, "", code, message)], total: 1 }
    }

    /// Whether records are to blame, and not the request for them.
    pub fn blame_records(&self) -> bool {
        self.listed.first().is_some_and(|violation| violation.record > 0)
    }

    /// Gives each record its number in `numbers`: they were counted among some of the records of a request, and
    /// are told as they stood in it.
    #[must_use]
    pub fn numbered(mut self, numbers: &[usize]) -> Self {
        let number = |record: usize| record.checked_sub(1).and_then(|index| numbers.get(index).copied());
        for Violation { record, also, .. } in &mut self.listed {
            for record in also.iter_mut().map(|further| &mut further.record).chain([record]) {
                *record = number(*record).unwrap_or(*record);
            }
        }
        self
    }

    /// Adds further violations, each of a record of its own.
    pub fn append(&mut self, further: Vec<Violation>) {
        self.total += further.len();
        let room = VIOLATIONS_MAX.saturating_sub(self.listed.len());
        self.listed.extend(further.into_iter().take(room));
    }

    /// Adds where everything stands in what was sent.
    #[must_use]
    pub fn located(mut self, origin: &Origin) -> Self {
        for Violation { record, place, pointer, also, .. } in &mut self.listed {
            *place = origin.place(*record, pointer);
            for further in also {
                further.place = origin.place(further.record, pointer);
            }
        }
        self
    }

    /// The violations as lines, with a last one that tells how many are left out.
    pub fn lines(&self) -> Vec<String> {
        let mut lines: Vec<String> = self.listed.iter().map(Violation::line).collect();
        let told: usize = self.listed.iter().map(|violation| violation.count).sum();
        if self.total > told {
            lines.push(format!("{} more errors are not listed", self.total - told));
        }
        lines
    }
}

/// Gathers violations: what is wrong in the same way is listed once.
#[derive(Debug, Default)]
pub struct Findings {
    found: Violations,
    /// Where in the list a rule of a value stands.
    groups: HashMap<(String, ErrorCode, String), usize>,
}

impl Findings {
    /// Notes that a record breaks a rule. `rule` tells violations of the same pointer and code apart that are not
    /// the same; the text is only made if it will be told.
    pub fn add(
        &mut self,
        record: usize,
        pointer: &str,
        code: ErrorCode,
        rule: &str,
        message: impl FnOnce() -> String,
    ) {
        self.found.total += 1;
        let group = (cut_off(pointer.to_owned()), code, rule.to_owned());
        if let Some(index) = self.groups.get(&group) {
            let violation = &mut self.found.listed[*index];
            violation.count += 1;
            if violation.also.len() < ALSO_MAX {
                violation.also.push(RecordPlace { record, place: Place::default() });
            }
        } else if self.found.listed.len() < VIOLATIONS_MAX {
            self.found.listed.push(Violation::of(record, pointer, code, message()));
            self.groups.insert(group, self.found.listed.len() - 1);
        }
    }

    /// Notes a violation that was found before.
    pub fn note(&mut self, violation: &Violation) {
        let Violation { record, pointer, code, message, .. } = violation;
        self.add(*record, pointer, *code, message, || message.clone());
    }

    /// How many there are so far.
    pub const fn total(&self) -> usize {
        self.found.total
    }

    /// What was found.
    pub fn finish(self) -> Violations {
        self.found
    }
}

/// Cuts a text off after so many bytes that a person can still make out what it is about.
fn cut_off(mut text: String) -> String {
    const BYTES_MAX: usize = 300;
    if text.len() > BYTES_MAX {
        text.truncate(text.floor_char_boundary(BYTES_MAX));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(records: impl Iterator<Item = usize>) -> Violations {
        let mut findings = Findings::default();
        for record in records {
            findings.add(record, "/count", ErrorCode::SchemaViolation, "type", || format!("record {record}"));
        }
        findings.finish()
    }

    #[test]
    fn what_is_wrong_in_the_same_way_is_told_once() {
        let violations = found(3..=45);
        assert_eq!((violations.listed.len(), violations.total), (1, 43));
        let violation = &violations.listed[0];
        assert_eq!((violation.record, violation.count, violation.also.len()), (3, 43, ALSO_MAX));
        assert_eq!(violation.line(), "record 3: count: record 3 (and in 42 more records)");
        assert_eq!(violations.lines().len(), 1);
    }

    #[test]
    fn the_list_is_capped_and_says_so() {
        let mut findings = Findings::default();
        for record in 1..=150 {
            findings.add(record, &format!("/f{record}"), ErrorCode::InvalidKey, "", String::new);
        }
        let violations = findings.finish();
        assert_eq!((violations.listed.len(), violations.total), (VIOLATIONS_MAX, 150));
        assert_eq!(violations.lines().last().map(String::as_str), Some("50 more errors are not listed"));
    }

    #[test]
    fn lines_name_the_place_in_the_words_of_what_was_sent() {
        let rows = [4, 6].into_iter().collect();
        let columns = [("count".to_owned(), "C".to_owned())].into();
        let sheet = Origin::Sheet { sheet: "One".into(), rows, columns };
        let violations = found(1..=2).located(&sheet);
        assert_eq!(violations.lines(), ["cell C4: count: record 1 (and in 1 more record)"]);
        assert_eq!(violations.listed[0].also[0].place.cell.as_deref(), Some("C6"));
        let lines = Origin::Lines { lines: [7].into_iter().collect() };
        assert_eq!(found(1..=1).located(&lines).lines(), ["line 7: count: record 1"]);
        assert_eq!(Violations::blame(ErrorCode::DeadLetter, "away").lines(), ["away"]);
    }

    #[test]
    fn records_get_the_numbers_they_had() {
        let violations = found(1..=2).numbered(&[4, 9]);
        assert_eq!((violations.listed[0].record, violations.listed[0].also[0].record), (4, 9));
        assert!(violations.blame_records());
        let refusal = Violations::blame(ErrorCode::RecordNotFound, "none").numbered(&[4, 9]);
        assert!(refusal.listed[0].record == 0 && !refusal.blame_records());
    }

    #[test]
    fn violations_of_the_version_before_are_read() {
        let text =
            r#"{"listed":[{"record":2,"pointer":"/aa","code":"invalid_key","message":"m"}],"total":1}"#;
        let read: Violations = serde_json::from_str(text).expect("readable");
        assert_eq!(read.listed[0], Violation::of(2, "/aa", ErrorCode::InvalidKey, "m"));
    }
}
