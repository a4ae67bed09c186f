//! JSON (a list of records, or one record), JSON lines, and what `mongoexport` writes.

use super::{Record, Take, mongo};
use anyhow::{Context, bail};
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::cell::Cell;
use std::fmt;
use std::io::{BufRead, Read};
use std::rc::Rc;

/// Hands each record to `take`, in order, as it stands in the file.
pub(super) fn records(mut reader: Box<dyn BufRead>, take: &mut impl Take) -> anyhow::Result<()> {
    let mut breaks = 0;
    let first = skip_white_space(&mut reader, &mut breaks).context("cannot read the records")?;
    let lines = Lines { reader, breaks: Rc::new(Cell::new(breaks)) };
    let breaks = Rc::clone(&lines.breaks);
    let mut count = 0;
    let mut counted = |record: Box<RawValue>| {
        count += 1;
        // What was read ends with the record, so the breaks within it tell where it begins.
        let within = record.get().bytes().filter(|byte| *byte == b'\n').count();
        let line = breaks.get().saturating_sub(within as u64) + 1;
        take(Record {
            json: mongo::plain(record.get()).into_owned(),
            line: u32::try_from(line).unwrap_or(u32::MAX),
        })
    };
    let result = match first {
        None => bail!("there is nothing in it"),
        Some(b'[') => read_list(lines, &mut counted),
        Some(_) => read_lines(lines, &mut counted),
    };
    result.map_err(|error| match error {
        Failure::Taking(error) => error,
        Failure::Reading(error) => anyhow::Error::new(error)
            .context(format!("the file is not JSON or JSON lines after record {count}")),
    })
}

enum Failure {
    Reading(serde_json::Error),
    Taking(anyhow::Error),
}

fn read_lines(
    reader: impl Read,
    take: &mut impl FnMut(Box<RawValue>) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    for record in serde_json::Deserializer::from_reader(reader).into_iter::<Box<RawValue>>() {
        take(record.map_err(Failure::Reading)?).map_err(Failure::Taking)?;
    }
    Ok(())
}

fn read_list(
    reader: impl Read,
    take: &mut impl FnMut(Box<RawValue>) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    let mut deserializer = serde_json::Deserializer::from_reader(reader);
    let mut failed = None;
    let result = List { take, failed: &mut failed }.deserialize(&mut deserializer);
    match failed {
        Some(error) => Err(Failure::Taking(error)),
        None => result.and_then(|()| deserializer.end()).map_err(Failure::Reading),
    }
}

/// Reads a list without keeping it. An error of `take` ends the reading and is kept apart, since it is not
/// one of the file's form.
struct List<'a, F> {
    take: &'a mut F,
    failed: &'a mut Option<anyhow::Error>,
}

impl<'de, F: FnMut(Box<RawValue>) -> anyhow::Result<()>> DeserializeSeed<'de> for List<'_, F> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(Box<RawValue>) -> anyhow::Result<()>> Visitor<'de> for List<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of records")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while let Some(record) = list.next_element()? {
            if let Err(error) = (self.take)(record) {
                *self.failed = Some(error);
                return Err(A::Error::custom("the record was not taken"));
            }
        }
        Ok(())
    }
}

/// The first byte that is not white space, not taken yet. Counts the breaks of lines before it.
fn skip_white_space(reader: &mut impl BufRead, breaks: &mut u64) -> std::io::Result<Option<u8>> {
    loop {
        let bytes = reader.fill_buf()?;
        let Some(first) = bytes.first().copied() else { return Ok(None) };
        if !first.is_ascii_whitespace() {
            return Ok(Some(first));
        }
        *breaks += u64::from(first == b'\n');
        reader.consume(1);
    }
}

/// Counts the breaks of lines in what is read. The parser reads byte by byte, and no further than a record goes.
struct Lines<R> {
    reader: R,
    breaks: Rc<Cell<u64>>,
}

impl<R: Read> Read for Lines<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.reader.read(buffer)?;
        let breaks = buffer[..len].iter().filter(|byte| **byte == b'\n').count();
        self.breaks.set(self.breaks.get() + breaks as u64);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::input::Input;
    use super::*;
    use std::io::{Cursor, Write};

    fn read(bytes: impl Into<Vec<u8>>) -> Result<Vec<(u32, String)>, String> {
        let mut read = Vec::new();
        let input = Input::new(Cursor::new(bytes.into()), None).expect("readable");
        let result = records(input.reader, &mut |record: Record| {
            read.push((record.line, record.json));
            Ok(())
        });
        result.map(|()| read).map_err(|error| format!("{error:#}"))
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn every_form_gives_the_records_as_they_stand_there_with_their_lines() {
        let both = |first: u32, second: u32| {
            Ok(vec![(first, r#"{"n":1.10}"#.to_owned()), (second, r#"{"n":2}"#.to_owned())])
        };
        assert_eq!(read("{\"n\":1.10}\n{\"n\":2}\n"), both(1, 2));
        assert_eq!(read("{\"n\":1.10}{\"n\":2}"), both(1, 1));
        assert_eq!(read("\u{feff} [ {\"n\":1.10},\n{\"n\":2} ]\n"), both(1, 2));
        assert_eq!(read("\r\n\n[\n {\"n\":1.10}\n,\n{\"n\":2} ]\n"), both(4, 6));
        assert_eq!(read(gzipped(b"{\"n\":1.10}\n\n{\"n\":2}")), both(1, 3));
        // Gzipped files that were joined are one file.
        assert_eq!(read([gzipped(b"{\"n\":1.10}\n"), gzipped(b"{\"n\":2}\n")].concat()), both(1, 2));
        assert_eq!(read("\n{\n \"n\": 1\n}"), Ok(vec![(2, "{\n \"n\": 1\n}".to_owned())]));
        assert_eq!(read("[]"), Ok(vec![]));
    }

    #[test]
    fn what_is_no_json_is_told_with_its_place() {
        for (text, expected) in [
            ("", "there is nothing in it"),
            (" \n", "there is nothing in it"),
            ("{\"n\":1}\n{\"n\":", "after record 1: EOF while parsing a value at line 2 column 5"),
            ("[{\"n\":1},", "after record 1: EOF while parsing a value at line 1 column 9"),
            ("[{\"n\":1}] x", "after record 1: trailing characters at line 1 column 11"),
            ("name,count\n", "after record 0: expected ident at line 1 column 2"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.ends_with(expected), "{error}");
        }
    }

    #[test]
    fn an_error_while_taking_a_record_comes_through() {
        let input = Input::new(Cursor::new(b"[{},{}]".to_vec()), None).expect("readable");
        let error = records(input.reader, &mut |_: Record| bail!("no more")).expect_err("refused");
        assert_eq!(error.to_string(), "no more");
    }
}
