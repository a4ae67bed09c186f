//! The first row of a table: the keys of its records.

use super::gathering::push_text;
use backdrop_core::json;
use backdrop_core::record::{TIME_KEYS, is_field_name};
use backdrop_core::schema::TextFields;
use std::collections::HashMap;

/// The column that is for people only.
const COMMENT: &str = "comment";

/// The widest table: each of its columns is kept in memory, and tables of people have a few dozen.
pub(super) const COLUMNS_MAX: usize = 4_096;
/// How many names that cannot be keys are told.
const NAMES_TOLD_MAX: usize = 10;
/// How much of a name is told: enough to find it.
const NAME_CHARACTERS_MAX: usize = 60;

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// A field of the records.
    Field {
        /// Its name.
        key: String,
        /// Its name as JSON with a colon, ready to be written.
        label: String,
        /// Whether its values are strings, whatever they look like.
        is_text: bool,
        /// Whether it is one of the keys with a `_`. None of them may be null, so an empty value is left out.
        is_reserved: bool,
    },
    /// Something for people, which is skipped.
    Comment,
    /// It has no name, so nothing may stand in it.
    Unnamed,
}

/// The columns that these names make. `place` tells where a column stands, by its index.
pub(super) fn of<N: AsRef<str>>(
    names: &[N],
    texts: &TextFields,
    place: impl Fn(usize) -> String,
) -> Result<Vec<Column>, String> {
    if names.len() > COLUMNS_MAX {
        return Err(format!("there are more than {COLUMNS_MAX} columns"));
    }
    let mut seen: HashMap<&str, usize> = HashMap::new();
    let mut columns = Vec::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        let key = name.as_ref().trim();
        columns.push(match key {
            "" => Column::Unnamed,
            COMMENT => Column::Comment,
            _ => {
                if let Some(first) = seen.insert(key, index) {
                    let (first, second) = (place(first), place(index));
                    return Err(format!(
                        "the columns {first} and {second} both have the name {key:?}; rename one"
                    ));
                }
                let mut label = String::new();
                push_text(&mut label, key);
                label.push(':');
                let (is_text, is_reserved) = (texts.contains(key), key.starts_with('_'));
                Column::Field { key: key.to_owned(), label, is_text, is_reserved }
            }
        });
    }
    if columns.iter().all(|column| key(column).is_none()) {
        return Err("expected the names of the columns in the first row, found none".into());
    }
    Ok(columns)
}

fn key(column: &Column) -> Option<&str> {
    match column {
        Column::Field { key, .. } => Some(key),
        Column::Comment | Column::Unnamed => None,
    }
}

/// Checks the names at once, as strictly as the keys of a JSON body: else each record would be at fault. `row` tells
/// where they stand.
pub(super) fn check_keys(
    columns: &[Column],
    row: &str,
    place: impl Fn(usize) -> String,
) -> Result<(), String> {
    let is_bad = |key: &str| {
        let is_known = key == "_id" || TIME_KEYS.contains(&key);
        !is_known && (key.starts_with('_') || !is_field_name(key))
    };
    let bad: Vec<(usize, &str)> = (0..)
        .zip(columns)
        .filter_map(|(index, column)| Some((index, key(column)?)))
        .filter(|(_, key)| is_bad(key))
        .collect();
    if bad.is_empty() {
        return check_as_json(columns);
    }
    let told = bad.iter().take(NAMES_TOLD_MAX).map(|(index, key)| {
        let key: String = key.chars().take(NAME_CHARACTERS_MAX).collect();
        format!("{key:?} (column {})", place(*index))
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let more = match bad.len().saturating_sub(NAMES_TOLD_MAX) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let advice = title_advice(columns, row);
    Err(format!(
        "cannot be keys of records: {told}{more}. A key consists of letters, digits and `_`, begins with a letter, and \
         has two characters or more; with a `_` in front there are only `_timestamp`, `_start_at`, `_end_at` and \
         `_id`{advice}"
    ))
}

/// What to do if the only name is none: many a table has a title above the names of its columns.
pub(super) fn title_advice(columns: &[Column], row: &str) -> String {
    let mut keys = columns.iter().filter_map(key);
    let (Some(only), None) = (keys.next(), keys.next()) else { return String::new() };
    let only: String = only.chars().take(NAME_CHARACTERS_MAX).collect();
    format!(
        "; {row} was taken for the names of the columns ({only:?}): if it is a title, delete all rows above the names"
    )
}

/// What else holds for the keys of a JSON body.
fn check_as_json(columns: &[Column]) -> Result<(), String> {
    let labels: Vec<String> = columns
        .iter()
        .filter_map(|column| match column {
            Column::Field { label, .. } => Some(format!("{label}null")),
            Column::Comment | Column::Unnamed => None,
        })
        .collect();
    let record = format!("{{{}}}", labels.join(","));
    json::record_line(record.as_bytes())
        .map(|_| ())
        .map_err(|detail| format!("a name cannot be a key: {detail}"))
}

/// The letters of a column of a sheet, by its index.
pub(super) fn letters(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        rest -= 1;
        letters.push(char::from(b'A' + u8::try_from(rest % 26).expect("a remainder of 26 is small")));
        rest /= 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_and_can_be_kept() {
        let columns = |names: &[&str]| of(names, &TextFields::default(), letters);
        let made = columns(&[" count ", "comment", "", "_id"]).expect("columns");
        let field = |key: &str, is| Column::Field {
            key: key.to_owned(),
            label: format!("\"{key}\":"),
            is_text: is,
            is_reserved: is,
        };
        assert_eq!(made, [field("count", false), Column::Comment, Column::Unnamed, field("_id", true)]);
        for (names, part) in
            [(&["aa", "bb", "aa"][..], "columns A and C both"), (&["", "comment"], "found none")]
        {
            let error = columns(names).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn names_that_cannot_be_keys_are_told_at_once() {
        let check = |names: &[&str]| {
            let columns = of(names, &TextFields::default(), letters).expect("columns");
            check_keys(&columns, "row 1", letters)
        };
        assert_eq!(check(&["_id", "_timestamp", "count", "", "comment"]), Ok(()));
        let error = check(&["aa", "Date of visit", "_foo", "a\0", "$serde_json::private::RawValue"]);
        let error = error.expect_err("bad names");
        assert!(error.contains("\"Date of visit\" (column B), \"_foo\" (column C), \"a\\0\""), "{error}");
        assert!(error.contains("RawValue") && error.ends_with("and `_id`"), "{error}");
        let error = check(&["Parking figures 2026"]).expect_err("a title");
        assert!(
            error.contains("row 1 was taken for the names of the columns (\"Parking figures 2026\")"),
            "{error}"
        );
        let many: Vec<String> = (0..20).map(|number| number.to_string()).collect();
        let error = check(&many.iter().map(String::as_str).collect::<Vec<_>>()).expect_err("bad names");
        assert!(error.contains(" and 10 more."), "{error}");
    }

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        let told: Vec<String> = [0, 25, 26, 701, 702, 16_383].into_iter().map(letters).collect();
        assert_eq!(told, ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
