//! Judging: what is wrong with an answer.

use crate::difference::differences;
use crate::file::Case;
use backdrop_testing::Answer;
use serde_json::{Map, Value};

/// Compares two values.
pub(crate) fn compare(what: &str, expected: &Value, found: &Value) -> Vec<String> {
    differences(what, expected, found)
}

/// What is wrong with the answer to a case.
pub(crate) fn complaints(case: &Case, answer: &Answer) -> Vec<String> {
    let mut complaints = Vec::new();
    if answer.status != case.status {
        let text: String = answer.text.chars().take(300).collect();
        return vec![format!("status {}, expected {}: {text}", answer.status, case.status)];
    }
    judge_headers(case, answer, &mut complaints);
    if case.status >= 400 && case.method.as_deref() != Some("HEAD") {
        judge_error(case, answer, &mut complaints);
    }
    if case.status == 304 && !answer.text.is_empty() {
        complaints.push(format!("a 304 has no body, this one has {} bytes", answer.text.len()));
    }
    judge_body(case, answer, &mut complaints);
    judge_rows(case, answer, &mut complaints);
    complaints
}

fn judge_headers(case: &Case, answer: &Answer, complaints: &mut Vec<String>) {
    for (name, expected) in &case.headers {
        let found = answer.header(name);
        let is_met = match (expected.as_deref(), found) {
            (Some("(any)"), Some(_)) => true,
            (Some(expected), Some(found)) => match expected.strip_prefix("(holds) ") {
                Some(part) => found.contains(part),
                None => found == expected,
            },
            (expected, found) => expected == found,
        };
        if !is_met {
            complaints.push(format!("{name} is {found:?}, expected {expected:?}"));
        }
    }
}

/// An error says what it is about, in one envelope.
fn judge_error(case: &Case, answer: &Answer, complaints: &mut Vec<String>) {
    let Ok(error) = serde_json::from_str::<Value>(&answer.text) else {
        return complaints.push(format!("the error is not JSON: {:?}", answer.text));
    };
    let code = case.code.as_deref().or((case.status == 400).then_some("invalid_query"));
    if let Some(code) = code
        && error["code"] != code
    {
        complaints.push(format!("the code is {}, expected {code:?}", error["code"]));
    }
    let message = error["message"].as_str().or_else(|| error["detail"].as_str()).unwrap_or_default();
    for fragment in case.says.iter().filter(|fragment| !message.contains(*fragment)) {
        complaints.push(format!("the message does not hold {fragment:?}: {message:?}"));
    }
}

fn judge_body(case: &Case, answer: &Answer, complaints: &mut Vec<String>) {
    if let Some(expected) = &case.body {
        complaints.extend(compare("body", expected, &json(&answer.text)));
    }
    if let Some(expected) = &case.csv {
        let expected: String = expected.iter().map(|line| format!("{line}\r\n")).collect();
        if answer.text != expected {
            complaints.push(format!("the body is {:?}\n         expected {expected:?}", answer.text));
        }
    }
    if let Some(expected) = &case.ndjson {
        let lines: Vec<Value> = answer.text.lines().map(json).collect();
        complaints.extend(compare("ndjson", &Value::from(expected.clone()), &as_expected(expected, lines)));
        if !answer.text.is_empty() && !answer.text.ends_with('\n') {
            complaints.push("the last line of the body does not end".into());
        }
    }
    if let Some(expected) = &case.warning {
        let expected = expected.clone().map_or(Value::Null, Value::from);
        complaints.extend(compare("warning", &expected, &json(&answer.text)["warning"]));
    }
}

fn judge_rows(case: &Case, answer: &Answer, complaints: &mut Vec<String>) {
    if let Some(expected) = &case.data {
        let found = as_expected(expected, rows(answer));
        complaints.extend(compare("data", &Value::from(expected.clone()), &found));
    }
    if let Some(expected) = &case.rows {
        let absent = Value::from("(absent)");
        let pick = |row: &Value| -> Value {
            case.columns.iter().map(|column| row.get(column).unwrap_or(&absent).clone()).collect()
        };
        let found = rows(answer).iter().map(pick).collect();
        let what = format!("[{}]", case.columns.join(", "));
        complaints.extend(compare(&what, &Value::from_iter(expected.clone()), &found));
    }
    if let Some(expected) = &case.ids {
        let found = ids(&rows(answer));
        if found != Value::from(expected.clone()) {
            complaints.push(format!("the ids are {found}, expected {}", Value::from(expected.clone())));
        }
    }
    if let Some(expected) = case.count {
        let found = rows(answer).len();
        if found != expected {
            complaints.push(format!("{found} rows, expected {expected}"));
        }
    }
}

/// Rows to be compared: without `_updated_at`, which no scenario can foresee, unless it is expected.
fn as_expected(expected: &[Value], rows: Vec<Value>) -> Value {
    let is_expected = |index: usize| expected.get(index).is_some_and(|row| row.get("_updated_at").is_some());
    let strip = |(index, mut row): (usize, Value)| {
        if let (false, Some(row)) = (is_expected(index), row.as_object_mut()) {
            row.remove("_updated_at");
        }
        row
    };
    rows.into_iter().enumerate().map(strip).collect()
}

/// The rows of an answer; none if it has another form.
pub(crate) fn rows(answer: &Answer) -> Vec<Value> {
    match json(&answer.text) {
        Value::Object(mut envelope) => match envelope.remove("data") {
            Some(Value::Array(rows)) => rows,
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The ids of rows.
pub(crate) fn ids(rows: &[Value]) -> Value {
    rows.iter().map(|row| row["_id"].clone()).collect()
}

fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| {
        Value::Object(Map::from_iter([("not JSON".to_owned(), Value::from(format!("{error}: {text:?}")))]))
    })
}
