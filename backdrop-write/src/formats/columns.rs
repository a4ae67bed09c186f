//! The first row of a table: the keys of its records.

use super::gathering::push_text;
use backdrop_core::json;
use backdrop_core::schema::TextFields;
use std::collections::HashMap;

/// The column that is for people only.
const COMMENT: &str = "comment";

/// The widest table: each of its columns is kept in memory, and tables of people have a few dozen.
pub(super) const COLUMNS_MAX: usize = 4_096;

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
    check(&columns)?;
    Ok(columns)
}

/// As strictly as the keys of a JSON body.
fn check(columns: &[Column]) -> Result<(), String> {
    let labels: Vec<String> = columns
        .iter()
        .filter_map(|column| match column {
            Column::Field { label, .. } => Some(format!("{label}null")),
            Column::Comment | Column::Unnamed => None,
        })
        .collect();
    if labels.is_empty() {
        return Err("expected the names of the columns in the first row, found none".into());
    }
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
        for (names, part) in [
            (&["aa", "bb", "aa"][..], "columns A and C both"),
            (&["", "comment"], "found none"),
            (&["a\0"], "NUL"),
            (&["$serde_json::private::RawValue"], "not allowed"),
        ] {
            let error = columns(names).expect_err(part);
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn columns_have_the_letters_of_spreadsheets() {
        let told: Vec<String> = [0, 25, 26, 701, 702, 16_383].into_iter().map(letters).collect();
        assert_eq!(told, ["A", "Z", "AA", "ZZ", "AAA", "XFD"]);
    }
}
