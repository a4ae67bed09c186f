//! CSV: the first row are the keys, each other row is a record.

use super::columns::Columns;
use super::field::json_of_field;
use super::rows::Rows;
use super::{Extent, Input, Record, Take, TextFields};
use anyhow::{Context, bail};
use std::collections::BTreeSet;
use std::io::BufRead;

/// A CSV text whose first row was read.
pub(crate) struct CsvSource {
    rows: Rows<Box<dyn BufRead>>,
    columns: Columns,
    extent: Extent,
}

impl CsvSource {
    /// Reads the first row.
    pub(super) fn new(input: Input, texts: &TextFields) -> anyhow::Result<Self> {
        let mut rows = Rows::new(input.reader);
        let header = rows.next()?.context("there is nothing in it")?;
        let name = |index| header.field(index).map(|(text, _)| text.trim().to_owned());
        let names = (0..header.len()).map(name).collect::<anyhow::Result<Vec<String>>>()?;
        if let [name] = names.as_slice()
            && let Some(other) = [';', '\t'].into_iter().find(|other| name.contains(*other))
        {
            let line = header.line;
            bail!("line {line}: its fields are divided by {other:?}; save the file with commas between them");
        }
        let columns = Columns::new(names, texts).with_context(|| format!("line {}", header.line))?;
        Ok(Self { rows, columns, extent: input.extent })
    }

    /// How far it has been read.
    pub(super) fn extent(&self) -> Extent {
        self.extent.clone()
    }

    /// Its fields whose values are texts.
    pub(super) fn texts(&self) -> BTreeSet<String> {
        self.columns.texts()
    }

    /// Hands each record to `take`, in order.
    pub(super) fn records(mut self, take: &mut impl Take) -> anyhow::Result<()> {
        while let Some(row) = self.rows.next()? {
            if row.is_empty() {
                continue;
            }
            let (line, found, expected) = (row.line, row.len(), self.columns.len());
            if found != expected {
                bail!("line {line}: {found} fields, and the first row has {expected}; mend the row");
            }
            let record = self.columns.record(|index, is_text| {
                let (text, is_quoted) = row.field(index)?;
                Ok(json_of_field(text, is_quoted, is_text))
            })?;
            match record {
                Ok(json) => take(Record { json, line })?,
                Err(column) => bail!(
                    "line {line}: field {} holds something, and its column has no name in the first row; \
                     name it `comment` to leave it out",
                    column + 1
                ),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn read(text: &str) -> Result<Vec<(u32, String)>, String> {
        let input = Input::new(Cursor::new(text.to_owned().into_bytes()), None).expect("readable");
        let mut read = Vec::new();
        let source = CsvSource::new(input, &TextFields::from_iter(["code".to_owned()]));
        let result = source.and_then(|source| {
            source.records(&mut |record: Record| {
                read.push((record.line, record.json));
                Ok(())
            })
        });
        result.map(|()| read).map_err(|error| format!("{error:#}"))
    }

    #[test]
    fn rows_become_records_with_their_lines() {
        let text = "\u{feff}# made by hand\n_timestamp,count,code,comment,name\r\n\
                    2013-03-11,1,12,x,\"a\nb\"\n#skipped\n,,,,\n2013-03-12,007,,,true\n";
        assert_eq!(
            read(text),
            Ok(vec![
                (3, r#"{"_timestamp":"2013-03-11","count":1,"code":"12","name":"a\nb"}"#.into()),
                (7, r#"{"_timestamp":"2013-03-12","count":"007","code":null,"name":true}"#.into()),
            ])
        );
        assert_eq!(read("aa,bb\n"), Ok(vec![]));
        assert_eq!(read("aa,\n1,\n"), Ok(vec![(2, r#"{"aa":1}"#.into())]));
    }

    #[test]
    fn what_fits_no_column_is_told_with_its_line() {
        for (text, expected) in [
            ("", "there is nothing in it"),
            ("aa,bb\n1,2\n\n3\n", "line 4: 1 fields, and the first row has 2"),
            ("aa;bb\n1;2\n", "line 1: its fields are divided by ';'"),
            ("aa,aa\n", "line 1: two columns have the name \"aa\""),
            ("aa,\n1,2\n", "line 2: field 2 holds something"),
            ("comment\n", "line 1: its first row names no field"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.starts_with(expected), "{error}");
        }
    }
}
