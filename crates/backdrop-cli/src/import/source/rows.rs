//! The rows of a CSV text, one in memory at a time.
//!
//! `csv-core` takes a row apart but does not tell whether a field stood in quotes, which decides whether `007` was
//! meant as a number or as a text. So the first byte of each field is looked at before it is parsed.

use anyhow::{Context, bail};
use csv_core::{ReadFieldResult, Reader};
use std::io::BufRead;

/// How large a row may be. No record that the service takes is larger; a quote that is never closed makes one of
/// the whole rest of the file.
const ROW_BYTES_MAX: usize = 10 * 1024 * 1024;

/// Reads rows.
pub(super) struct Rows<R> {
    reader: R,
    parser: Reader,
    /// The line that is being read, counted from 1.
    line: u32,
    row: Row,
}

/// A row that was read.
#[derive(Debug, Default)]
pub(super) struct Row {
    /// The line in which it begins.
    pub(super) line: u32,
    bytes: Vec<u8>,
    /// Where each field ends, and whether it stood in quotes.
    fields: Vec<(usize, bool)>,
}

impl Row {
    /// How many fields it has.
    pub(super) fn len(&self) -> usize {
        self.fields.len()
    }

    /// Whether nothing stands in any of them.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A field, and whether it stood in quotes.
    pub(super) fn field(&self, index: usize) -> anyhow::Result<(&str, bool)> {
        let begin = index.checked_sub(1).map_or(0, |before| self.fields[before].0);
        let (end, is_quoted) = self.fields[index];
        let text = std::str::from_utf8(&self.bytes[begin..end]);
        let text =
            text.with_context(|| format!("line {}: not UTF-8; save the file as CSV (UTF-8)", self.line))?;
        Ok((text, is_quoted))
    }
}

impl<R: BufRead> Rows<R> {
    /// Reads rows from the first line on.
    pub(super) fn new(reader: R) -> Self {
        Self { reader, parser: Reader::new(), line: 1, row: Row::default() }
    }

    /// The next row that is neither empty nor a comment.
    pub(super) fn next(&mut self) -> anyhow::Result<Option<&Row>> {
        if !self.skip().context("cannot read the rows")? {
            return Ok(None);
        }
        self.row.line = self.line;
        self.row.bytes.clear();
        self.row.fields.clear();
        while !self.field()? {}
        Ok(Some(&self.row))
    }

    /// Skips empty lines and those that begin with `#`; whether anything comes after them.
    fn skip(&mut self) -> std::io::Result<bool> {
        let mut in_comment = false;
        loop {
            let bytes = self.reader.fill_buf()?;
            let Some(first) = bytes.first().copied() else { return Ok(false) };
            if first == b'\n' {
                self.line += 1;
                in_comment = false;
            } else if first == b'#' {
                in_comment = true;
            } else if !in_comment && first != b'\r' {
                return Ok(true);
            }
            self.reader.consume(1);
        }
    }

    /// Reads one field; whether it is the last of its row.
    fn field(&mut self) -> anyhow::Result<bool> {
        let is_quoted = self.reader.fill_buf()?.first() == Some(&b'"');
        let mut quotes = 0;
        let mut output = [0; 4096];
        loop {
            let input = self.reader.fill_buf().context("cannot read the rows")?;
            let (result, read, written) = self.parser.read_field(input, &mut output);
            let count = |wanted: u8| input[..read].iter().filter(|byte| **byte == wanted).count();
            quotes += count(b'"');
            self.line += u32::try_from(count(b'\n')).unwrap_or(u32::MAX);
            self.reader.consume(read);
            self.row.bytes.extend_from_slice(&output[..written]);
            if self.row.bytes.len() > ROW_BYTES_MAX {
                let line = self.row.line;
                bail!(
                    "line {line}: the row that begins here does not end within 10 MiB; is a quote not closed?"
                );
            }
            match result {
                ReadFieldResult::InputEmpty | ReadFieldResult::OutputFull => {}
                ReadFieldResult::Field { .. } | ReadFieldResult::End if is_quoted && quotes % 2 == 1 => {
                    bail!("line {}: a quote of the row that begins here is not closed", self.row.line);
                }
                ReadFieldResult::Field { record_end } => {
                    self.row.fields.push((self.row.bytes.len(), is_quoted));
                    return Ok(record_end);
                }
                ReadFieldResult::End => return Ok(true),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufReader, Cursor};

    /// Line, fields, and which stood in quotes.
    type Read = Vec<(u32, Vec<(String, bool)>)>;

    fn read_with(text: &[u8], capacity: usize) -> Result<Read, String> {
        let mut rows = Rows::new(BufReader::with_capacity(capacity, Cursor::new(text.to_vec())));
        let mut read = Vec::new();
        while let Some(row) = rows.next().map_err(|error| format!("{error:#}"))? {
            let field = |index| row.field(index).map(|(text, is_quoted)| (text.to_owned(), is_quoted));
            let fields: anyhow::Result<Vec<_>> = (0..row.len()).map(field).collect();
            read.push((row.line, fields.map_err(|error| format!("{error:#}"))?));
        }
        Ok(read)
    }

    /// The same, however the bytes arrive.
    fn read(text: &[u8]) -> Result<Read, String> {
        let read = read_with(text, 8192);
        for capacity in 1..8 {
            assert_eq!(read_with(text, capacity), read);
        }
        read
    }

    fn bare(line: u32, fields: &[&str]) -> (u32, Vec<(String, bool)>) {
        (line, fields.iter().map(|field| ((*field).to_owned(), false)).collect())
    }

    #[test]
    fn rows_have_their_lines_whatever_ends_them() {
        for end in ["\n", "\r\n"] {
            let text = ["# first, a \"comment", "", "aa,bb", "1,", "#,x", ",", "x", ""].join(end);
            let expected =
                vec![bare(3, &["aa", "bb"]), bare(4, &["1", ""]), bare(6, &["", ""]), bare(7, &["x"])];
            assert_eq!(read(text.as_bytes()), Ok(expected.clone()), "{end:?}");
            assert_eq!(read(text.trim_end().as_bytes()), Ok(expected), "{end:?}");
        }
        assert_eq!(read(b""), Ok(vec![]));
        assert_eq!(read(b"#only"), Ok(vec![]));
    }

    #[test]
    fn quotes_are_told_and_may_hold_anything() {
        let read = read(b"\"a,\"\"b\"\"\r\n#c\",7,\"7\",\"\"\ng\"e,f\n").expect("rows");
        let text = |text: &str, is_quoted| (text.to_owned(), is_quoted);
        assert_eq!(
            read[0],
            (1, vec![text("a,\"b\"\r\n#c", true), text("7", false), text("7", true), text("", true)])
        );
        assert_eq!(read[1], bare(3, &["g\"e", "f"]));
    }

    #[test]
    fn what_is_no_csv_is_told_with_its_line() {
        assert_eq!(
            read(b"aa\n\"b\n").expect_err("open"),
            "line 2: a quote of the row that begins here is not closed"
        );
        let error = read(b"aa\n\xff\n").expect_err("no UTF-8");
        assert!(error.starts_with("line 2: not UTF-8"), "{error}");
        let endless = [b"aa\n\"", "x".repeat(ROW_BYTES_MAX + 1).as_bytes()].concat();
        let error = read_with(&endless, 8192).expect_err("too large");
        assert!(error.starts_with("line 2: the row that begins here does not end"), "{error}");
    }
}
