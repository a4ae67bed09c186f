//! The columns of a table, by its first row, and the records that its other rows make.

use super::TextFields;
use super::mongo::is_kept_beside;
use anyhow::bail;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

/// A column with this name is for people.
const COMMENT: &str = "comment";

/// The columns of a table.
#[derive(Debug)]
pub(super) struct Columns(Vec<Column>);

#[derive(Debug)]
enum Column {
    /// A field.
    Field {
        name: String,
        /// Its name as JSON, with a colon.
        key: String,
        /// Its values are texts, whatever they look like.
        is_text: bool,
    },
    /// Not to be sent.
    LeftOut,
    /// Without a name: nothing may stand in it.
    Unnamed,
}

impl Columns {
    /// The columns with these names.
    ///
    /// # Errors
    /// If two fields have the same name, or there is none.
    pub(super) fn new(names: Vec<String>, texts: &TextFields) -> anyhow::Result<Self> {
        let columns: Vec<Column> = names.into_iter().map(|name| Column::of(name, texts)).collect();
        // Several columns may be left out, or have no name: they make no fields.
        let mut seen = BTreeSet::new();
        let mut fields = columns.iter().filter_map(Column::field);
        if let Some(twice) = fields.find(|name| !seen.insert(*name)) {
            bail!(
                "two columns have the name {twice:?}; rename one of them, or name it `comment` to leave it out"
            );
        }
        if seen.is_empty() {
            bail!("its first row names no field; the names of the fields must stand there");
        }
        Ok(Self(columns))
    }

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// The place of each field, counted from 0.
    pub(super) fn places(&self) -> BTreeMap<String, usize> {
        let columns = self.0.iter().enumerate();
        columns.filter_map(|(index, column)| Some((column.field()?.to_owned(), index))).collect()
    }

    /// The fields whose values are texts.
    pub(super) fn texts(&self) -> BTreeSet<String> {
        let texts = self.0.iter().filter_map(|column| match column {
            Column::Field { name, is_text: true, .. } => Some(name.clone()),
            _ => None,
        });
        texts.collect()
    }

    /// The record of a row: `value` gives what stands in a column as JSON, told whether that must be a text.
    ///
    /// # Errors
    /// Those of `value`; and the place of the column, if something stands in one without a name.
    pub(super) fn record<'v>(
        &self,
        mut value: impl FnMut(usize, bool) -> anyhow::Result<Cow<'v, str>>,
    ) -> anyhow::Result<Result<String, usize>> {
        let mut record = String::from("{");
        for (index, column) in self.0.iter().enumerate() {
            match column {
                Column::LeftOut => {}
                Column::Unnamed if value(index, false)? != "null" => return Ok(Err(index)),
                Column::Unnamed => {}
                Column::Field { key, is_text, .. } => {
                    if record.len() > 1 {
                        record.push(',');
                    }
                    record.push_str(key);
                    record.push_str(&value(index, *is_text)?);
                }
            }
        }
        record.push('}');
        Ok(Ok(record))
    }
}

impl Column {
    fn of(name: String, texts: &TextFields) -> Self {
        if name.is_empty() {
            return Self::Unnamed;
        }
        if name == COMMENT || is_kept_beside(&name) {
            return Self::LeftOut;
        }
        let key = format!("{}:", serde_json::Value::from(name.as_str()));
        let is_text = texts.contains(&name);
        Self::Field { name, key, is_text }
    }

    /// The name of its field, if it is one.
    fn field(&self) -> Option<&str> {
        match self {
            Self::Field { name, .. } => Some(name),
            Self::LeftOut | Self::Unnamed => None,
        }
    }
}

/// The letters of a column, counted from 0, as spreadsheets name it.
pub(super) fn letters(index: usize) -> String {
    let mut letters = Vec::new();
    let mut rest = index + 1;
    while rest > 0 {
        letters.push(char::from(b'A' + u8::try_from((rest - 1) % 26).expect("it is less than 26")));
        rest = (rest - 1) / 26;
    }
    letters.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(names: &[&str]) -> anyhow::Result<Columns> {
        Columns::new(
            names.iter().map(|name| (*name).to_owned()).collect(),
            &TextFields::from_iter(["code".to_owned()]),
        )
    }

    #[test]
    fn a_row_makes_a_record_without_what_is_for_people() {
        let columns = columns(&["_id", "comment", "code", "", "_updated_at"]).expect("columns");
        let values = ["1", "\"x\"", "7", "null", "1"];
        let record = columns.record(|index, is_text| {
            let value = values[index];
            Ok(if is_text { Cow::Owned(format!("\"{value}\"")) } else { Cow::Borrowed(value) })
        });
        assert_eq!(record.expect("values"), Ok(r#"{"_id":"1","code":"7"}"#.into()));
        assert_eq!(columns.record(|_, _| Ok("1".into())).expect("values"), Err(3));
        assert_eq!(columns.texts().into_iter().collect::<Vec<_>>(), ["_id", "code"]);
        assert_eq!(columns.places().into_iter().collect::<Vec<_>>(), [("_id".into(), 0), ("code".into(), 2)]);
    }

    #[test]
    fn names_must_be_there_once() {
        let error = columns(&["aa", "bb", "aa"]).expect_err("twice").to_string();
        assert!(error.contains("\"aa\""), "{error}");
        assert!(columns(&["", "comment"]).is_err());
        let several = columns(&["comment", "aa", "comment", "", ""])
            .expect("what is left out needs no name of its own");
        assert_eq!(several.places().into_iter().collect::<Vec<_>>(), [("aa".into(), 1)]);
    }

    #[test]
    fn columns_have_letters() {
        let found: Vec<String> = [0, 25, 26, 51, 701, 702].map(letters).into();
        assert_eq!(found, ["A", "Z", "AA", "AZ", "ZZ", "AAA"]);
    }
}
