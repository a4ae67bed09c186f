//! The columns of the table that records make: their names, and what their values are.

use super::records::Records;
use backdrop_core::record::TIME_KEYS;
use backdrop_core::time;
use std::collections::BTreeMap;

/// What all values of a column are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Integers of 64 bits.
    Integer,
    /// Numbers, whole or not.
    Number,
    /// `true` and `false`.
    Boolean,
    /// Moments.
    Time,
    /// Texts, or not all the same.
    Text,
}

/// The columns, in the order of their names.
#[derive(Debug)]
pub(super) struct Columns(Vec<(String, Kind)>);

impl Columns {
    /// Looks at all records: the columns are the keys of any of them.
    pub(super) fn look(records: &mut Records<'_>) -> anyhow::Result<Self> {
        let mut found: BTreeMap<String, Option<Kind>> = BTreeMap::new();
        records.each(|fields| {
            for (name, value) in fields {
                let kind = kind(&name, value.get());
                match found.get_mut(name.as_ref()) {
                    Some(known) => *known = joined(*known, kind),
                    None => {
                        found.insert(name.into_owned(), kind);
                    }
                }
            }
            Ok(())
        })?;
        // Of one that holds nothing but nulls nothing is known.
        Ok(Self(found.into_iter().map(|(name, kind)| (name, kind.unwrap_or(Kind::Text))).collect()))
    }

    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_str())
    }

    /// Their names and kinds.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, Kind)> {
        self.0.iter().map(|(name, kind)| (name.as_str(), *kind))
    }
}

/// The kind of a value; `None` of null.
fn kind(name: &str, value: &str) -> Option<Kind> {
    match value.as_bytes().first() {
        Some(b'n') => None,
        Some(b't' | b'f') => Some(Kind::Boolean),
        Some(b'-' | b'0'..=b'9') => Some(number_kind(value)),
        _ if is_time(name) && moment(value).is_some() => Some(Kind::Time),
        _ => Some(Kind::Text),
    }
}

/// An integer that has no room in 64 bits with a sign, and yet was sent as one, would lose digits as a number.
fn number_kind(value: &str) -> Kind {
    if value.parse::<i64>().is_ok() {
        Kind::Integer
    } else if value.parse::<u64>().is_ok() {
        Kind::Text
    } else {
        Kind::Number
    }
}

/// What holds values of both kinds.
fn joined(one: Option<Kind>, other: Option<Kind>) -> Option<Kind> {
    match (one, other) {
        (Some(one), Some(other)) if one == other => Some(one),
        (Some(Kind::Integer | Kind::Number), Some(Kind::Integer | Kind::Number)) => Some(Kind::Number),
        (Some(_), Some(_)) => Some(Kind::Text),
        (one, other) => one.or(other),
    }
}

/// Whether the values under a name are times, as Backdrop keeps them.
fn is_time(name: &str) -> bool {
    name == "_updated_at" || TIME_KEYS.contains(&name)
}

/// The microseconds from 1970 to the time in a JSON text.
pub(super) fn moment(value: &str) -> Option<i64> {
    let text = value.strip_prefix('"')?.strip_suffix('"')?;
    time::parse(text).ok().map(|time| time.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    fn kinds(lines: &str) -> Vec<(String, Kind)> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("records");
        std::fs::write(&path, lines).expect("written");
        let file = File::open(&path).expect("the file");
        Columns::look(&mut Records::new(&file)).expect("records").0
    }

    #[test]
    fn a_column_has_the_kind_of_all_its_values() {
        let lines = r#"{"whole": 1, "part": 1, "flag": true, "mixed": 1, "none": null, "_timestamp": "2013-03-11T00:00:00+00:00"}
{"whole": -9223372036854775808, "part": 0.5, "flag": null, "mixed": "a", "late": 1e300, "_timestamp": null}
{"whole": null, "large": 18446744073709551615, "mixed": true, "date": "2013-03-11"}
"#;
        let expected = [
            ("_timestamp", Kind::Time),
            ("date", Kind::Text),
            ("flag", Kind::Boolean),
            ("large", Kind::Text),
            ("late", Kind::Number),
            ("mixed", Kind::Text),
            ("none", Kind::Text),
            ("part", Kind::Number),
            ("whole", Kind::Integer),
        ];
        assert_eq!(kinds(lines), expected.map(|(name, kind)| (name.to_owned(), kind)));
    }
}
