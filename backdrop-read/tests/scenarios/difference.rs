//! In what two JSON values differ, place by place: rows are long, and what differs is short.

use serde_json::Value;

/// How far apart, in proportion, two ways to compute the same fraction may be.
const ROUNDING: f64 = 1e-12;
/// What is said at most about one answer.
const LINES_MAX: usize = 12;

/// The places at which an answer differs from what was expected; empty if it does not.
pub(crate) fn differences(what: &str, expected: &Value, found: &Value) -> Vec<String> {
    let mut lines = Vec::new();
    compare(what, expected, found, &mut lines);
    if lines.len() > LINES_MAX {
        let more = lines.len() - LINES_MAX;
        lines.truncate(LINES_MAX);
        lines.push(format!("… and {more} more differences"));
    }
    lines
}

fn compare(place: &str, expected: &Value, found: &Value, lines: &mut Vec<String>) {
    match (expected, found) {
        (Value::Array(expected), Value::Array(found)) => {
            if expected.len() != found.len() {
                lines.push(format!("{place} has {} items, expected {}", found.len(), expected.len()));
            }
            for (index, pair) in expected.iter().zip(found).enumerate() {
                compare(&format!("{place}[{index}]"), pair.0, pair.1, lines);
            }
            let (missing, surplus) = (expected.iter().skip(found.len()), found.iter().skip(expected.len()));
            lines.extend(missing.map(|item| format!("{place} lacks {item}")));
            lines.extend(surplus.map(|item| format!("{place} has besides {item}")));
        }
        (Value::Object(expected), Value::Object(found)) => {
            for (name, expected) in expected {
                match found.get(name) {
                    Some(found) => compare(&format!("{place}.{name}"), expected, found, lines),
                    None => lines.push(format!("{place} lacks {name:?}: {expected}")),
                }
            }
            let surplus = found.iter().filter(|(name, _)| !expected.contains_key(*name));
            lines.extend(surplus.map(|(name, value)| format!("{place} has besides {name:?}: {value}")));
        }
        (expected, found) if is_met(expected, found) => {}
        (expected, found) => lines.push(format!("{place} is {found}, expected {expected}")),
    }
}

/// Whether a value is the expected one. Whoever expects `9.0` is content with `9`, but not the reverse, and
/// with a fraction that was rounded in another place.
fn is_met(expected: &Value, found: &Value) -> bool {
    if expected == "(any)" || expected == found {
        return true;
    }
    match (expected, found) {
        (Value::Number(expected), Value::Number(found)) if expected.is_f64() => expected
            .as_f64()
            .zip(found.as_f64())
            .is_some_and(|(expected, found)| (expected - found).abs() <= expected.abs() * ROUNDING),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::differences;
    use serde_json::json;

    #[test]
    fn what_is_equal_differs_in_nothing() {
        let value = json!([{"a": 1, "b": [null, "x"]}, 2.5]);
        assert!(differences("data", &value, &value).is_empty());
        assert!(differences("data", &json!([9.0, "(any)"]), &json!([9, {}])).is_empty());
    }

    #[test]
    fn every_difference_is_named_by_its_place() {
        let expected = json!([{"a": 1, "b": 2, "sum": 9}, 1, 2]);
        let found = json!([{"a": 1, "c": 2, "sum": 9.0}, 1]);
        assert_eq!(
            differences("data", &expected, &found),
            [
                "data has 2 items, expected 3",
                "data[0] lacks \"b\": 2",
                "data[0].sum is 9.0, expected 9",
                "data[0] has besides \"c\": 2",
                "data lacks 2",
            ]
        );
        assert_eq!(differences("data", &json!(null), &json!([])), ["data is [], expected null"]);
    }
}
