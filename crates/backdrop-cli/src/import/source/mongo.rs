//! Records as `mongoexport` writes them, and as `backdrop export` does, in the form in which they can be sent.
//!
//! Mongo's extended JSON wraps what JSON has no form for; and the original kept fields of its own with each record:
//! the start of every period it lies in, and when it was stored. Neither can be mistaken for anything a client may
//! send, so a record that is free of them comes through as it is.

use backdrop_core::time::{self, Timestamp};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::fmt;

/// What the store keeps with a record beside what was sent.
const KEPT_BESIDE: [&str; 7] = [
    "_hour_start_at",
    "_day_start_at",
    "_week_start_at",
    "_month_start_at",
    "_quarter_start_at",
    "_year_start_at",
    "_updated_at",
];

/// Whether a field is the store's own, and not to be sent.
pub(super) fn is_kept_beside(key: &str) -> bool {
    KEPT_BESIDE.contains(&key)
}

/// The record without what the store kept beside it, and without wrappings. What cannot be unwrapped stays for the
/// service to refuse, with its place.
pub(super) fn plain(record: &str) -> Cow<'_, str> {
    let may_hold_any = ["\"$", "_start_at\"", "_updated_at\""].iter().any(|part| record.contains(part));
    let Some(Entries(entries)) = may_hold_any.then(|| serde_json::from_str(record).ok()).flatten() else {
        return Cow::Borrowed(record);
    };
    let mut text = String::with_capacity(record.len());
    for (key, value) in entries.into_iter().filter(|(key, _)| !is_kept_beside(key)) {
        text.push(if text.is_empty() { '{' } else { ',' });
        text.push_str(&serde_json::to_string(&key).expect("a text can be written"));
        text.push(':');
        text.push_str(&unwrapped(value.get()));
    }
    if text.is_empty() {
        text.push('{');
    }
    text.push('}');
    Cow::Owned(text)
}

/// The value in `{"$date": …}` and the like, as JSON.
fn unwrapped(value: &str) -> Cow<'_, str> {
    let Some((kind, inner)) = wrapping(value) else { return Cow::Borrowed(value) };
    let unwrapped = match kind.as_ref() {
        "$oid" => text(inner).map(|_| Cow::Borrowed(inner)),
        "$numberInt" | "$numberLong" => {
            text(inner).and_then(|text| text.parse::<i64>().ok()).map(|number| Cow::Owned(number.to_string()))
        }
        // Infinity and NaN are no numbers of JSON.
        "$numberDouble" | "$numberDecimal" => text(inner)
            .filter(|text| serde_json::from_str::<serde_json::Number>(text).is_ok())
            .map(Cow::Owned),
        "$date" => date(inner),
        _ => None,
    };
    unwrapped.unwrap_or(Cow::Borrowed(value))
}

/// A time: as text, as milliseconds since 1970, or as those in a wrapping of their own.
fn date(value: &str) -> Option<Cow<'_, str>> {
    if value.starts_with('"') {
        return Some(Cow::Borrowed(value));
    }
    let milliseconds = unwrapped(value).parse().ok()?;
    let time = time::format(Timestamp::from_timestamp_millis(milliseconds)?);
    Some(Cow::Owned(format!("\"{time}\"")))
}

/// The key and the value of an object of one key that begins with `$`.
fn wrapping(value: &str) -> Option<(Cow<'_, str>, &str)> {
    if !value.starts_with('{') {
        return None;
    }
    let Entries(entries) = serde_json::from_str(value).ok()?;
    let [(key, inner)] = <[_; 1]>::try_from(entries).ok()?;
    key.starts_with('$').then_some((key, inner.get()))
}

fn text(value: &str) -> Option<String> {
    serde_json::from_str(value).ok()
}

/// The entries of an object in their order, doubled ones too: the service is to see and refuse them.
struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entries<'de>, A::Error> {
        let mut entries = Vec::new();
        while let Some((Key(key), value)) = map.next_entry()? {
            entries.push((key, value));
        }
        Ok(Entries(entries))
    }
}

/// A key, borrowed unless it holds escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Key<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_mongo_wraps_is_unwrapped() {
        for (wrapped, expected) in [
            (r#"{"$date":"2013-03-11T00:00:00.000Z"}"#, r#""2013-03-11T00:00:00.000Z""#),
            (r#"{"$date":{"$numberLong":"1362960000500"}}"#, r#""2013-03-11T00:00:00.5+00:00""#),
            (r#"{ "$date" : 1362960000000 }"#, r#""2013-03-11T00:00:00+00:00""#),
            (r#"{"$date":{"$numberLong":"-1"}}"#, r#""1969-12-31T23:59:59.999+00:00""#),
            (r#"{"$oid":"51b6e4e6f4c1d6a1b2c3d4e5"}"#, r#""51b6e4e6f4c1d6a1b2c3d4e5""#),
            (r#"{"$numberLong":"9007199254740993"}"#, "9007199254740993"),
            (r#"{"$numberInt":"-7"}"#, "-7"),
            (r#"{"$numberDouble":"1.50"}"#, "1.50"),
            (r#"{"$numberDecimal":"1E+3"}"#, "1E+3"),
        ] {
            assert_eq!(
                plain(&format!("{{\"aa\":{wrapped},\"bb\":1}}")),
                format!("{{\"aa\":{expected},\"bb\":1}}")
            );
        }
    }

    #[test]
    fn what_the_store_kept_beside_a_record_is_left_out() {
        let record =
            r#"{"_id":"a","_day_start_at":{"$date":1},"_week_start_at":1,"_updated_at":"x","count":1.10}"#;
        assert_eq!(plain(record), r#"{"_id":"a","count":1.10}"#);
        assert_eq!(plain(r#"{"_updated_at":"x"}"#), "{}");
    }

    #[test]
    fn what_a_client_may_send_comes_through_as_it_is() {
        for record in [
            r#"{ "_id": "a", "_start_at": "2013-03-11" }"#,
            r#"{"cost":"\"$5","_end_at":"2013"}"#,
            r#"{"aa":1,"aa":{"$numberDouble":"NaN"}}"#,
            r#"{"aa":{"$binary":"x"}}"#,
            r#"{"aa":{"$numberLong":"many"}}"#,
            r#"{"aa":{"bb":1}}"#,
            "[\"$\"]",
            "\"$\"",
        ] {
            let compact =
                |text: &str| text.replace(": ", ":").replace(", ", ",").replace("{ ", "{").replace(" }", "}");
            assert_eq!(compact(&plain(record)), compact(record));
        }
    }
}
