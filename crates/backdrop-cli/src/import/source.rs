//! The file to import, as records: JSON (a list or one object) or JSON lines, plain or gzipped, from a
//! file or the standard input, one record in memory at a time.

use anyhow::{Context, bail};
use flate2::bufread::MultiGzDecoder;
use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;
use std::fs::File;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many bytes are asked from the system at a time.
const READ_BYTES: usize = 128 * 1024;
const GZIP_MAGIC: [u8; 2] = [0x1f, 0x8b];
/// What some editors put in front of UTF-8.
const BYTE_ORDER_MARK: [u8; 3] = [0xef, 0xbb, 0xbf];

/// An opened file.
pub(super) struct Source {
    reader: Box<dyn BufRead>,
    /// How many bytes of the file have been read.
    position: Arc<AtomicU64>,
    /// How many it has, if that is known.
    size: Option<u64>,
}

impl Source {
    /// Opens a file; `-` is the standard input.
    pub(super) fn open(path: &Path) -> anyhow::Result<Self> {
        if path.as_os_str() == "-" {
            return Self::new(std::io::stdin(), None).context("cannot read the standard input");
        }
        let read = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            Self::new(file, metadata.is_file().then_some(metadata.len()))
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }

    /// Reads from any input, inflating it if it is gzipped.
    pub(super) fn new(input: impl Read + 'static, size: Option<u64>) -> std::io::Result<Self> {
        let position = Arc::new(AtomicU64::new(0));
        let counted = Counted { input, position: Arc::clone(&position) };
        let mut reader = BufReader::with_capacity(READ_BYTES, counted);
        let start = take_start(&mut reader, GZIP_MAGIC.len())?;
        let is_gzipped = start == GZIP_MAGIC;
        let reader = Cursor::new(start).chain(reader);
        let mut reader: Box<dyn BufRead> = if is_gzipped {
            Box::new(BufReader::with_capacity(READ_BYTES, MultiGzDecoder::new(reader)))
        } else {
            Box::new(reader)
        };
        let start = take_start(&mut reader, BYTE_ORDER_MARK.len())?;
        if start != BYTE_ORDER_MARK {
            reader = Box::new(Cursor::new(start).chain(reader));
        }
        Ok(Self { reader, position, size })
    }

    /// How far the file has been read, to be asked while it is.
    pub(super) fn position(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.position)
    }

    /// The size of the file, if it is known.
    pub(super) fn size(&self) -> Option<u64> {
        self.size
    }

    /// Hands each record to `take`, in order, as it stands in the file.
    pub(super) fn records(
        mut self,
        mut take: impl FnMut(Box<RawValue>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let first = skip_white_space(&mut self.reader).context("cannot read the records")?;
        let mut count = 0;
        let mut counted = |record| {
            count += 1;
            take(record)
        };
        let result = match first {
            None => bail!("there is nothing in it"),
            Some(b'[') => read_list(self.reader, &mut counted),
            Some(_) => read_lines(self.reader, &mut counted),
        };
        result.map_err(|error| match error {
            Failure::Taking(error) => error,
            Failure::Reading(error) => anyhow::Error::new(error)
                .context(format!("the file is not JSON or JSON lines after record {count}")),
        })
    }
}

enum Failure {
    Reading(serde_json::Error),
    Taking(anyhow::Error),
}

fn read_lines(
    reader: impl BufRead,
    take: &mut impl FnMut(Box<RawValue>) -> anyhow::Result<()>,
) -> Result<(), Failure> {
    for record in serde_json::Deserializer::from_reader(reader).into_iter::<Box<RawValue>>() {
        take(record.map_err(Failure::Reading)?).map_err(Failure::Taking)?;
    }
    Ok(())
}

fn read_list(
    reader: impl BufRead,
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

/// Reads the first bytes; fewer only if there are no more. A pipe may hand out one at a time.
fn take_start(reader: &mut impl BufRead, len: usize) -> std::io::Result<Vec<u8>> {
    let mut start = Vec::with_capacity(len);
    reader.take(len as u64).read_to_end(&mut start)?;
    Ok(start)
}

/// The first byte that is not white space, not taken yet.
fn skip_white_space(reader: &mut impl BufRead) -> std::io::Result<Option<u8>> {
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() {
            return Ok(None);
        }
        match bytes.iter().position(|byte| !byte.is_ascii_whitespace()) {
            Some(place) => {
                let first = bytes[place];
                reader.consume(place);
                return Ok(Some(first));
            }
            None => {
                let len = bytes.len();
                reader.consume(len);
            }
        }
    }
}

struct Counted<R> {
    input: R,
    position: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.input.read(buffer)?;
        self.position.fetch_add(len as u64, Ordering::Relaxed);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn read(bytes: impl Into<Vec<u8>>) -> Result<Vec<String>, String> {
        let mut records = Vec::new();
        let source = Source::new(Cursor::new(bytes.into()), None).expect("readable");
        let result = source.records(|record| {
            records.push(record.get().to_owned());
            Ok(())
        });
        result.map(|()| records).map_err(|error| format!("{error:#}"))
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("in memory");
        encoder.finish().expect("in memory")
    }

    #[test]
    fn every_form_gives_the_records_as_they_stand_there() {
        let both = Ok(vec![r#"{"n":1.10}"#.to_owned(), r#"{"n":2}"#.to_owned()]);
        assert_eq!(read("{\"n\":1.10}\n{\"n\":2}\n"), both);
        assert_eq!(read("\u{feff} [ {\"n\":1.10},\n{\"n\":2} ]\n"), both);
        assert_eq!(read(gzipped(b"{\"n\":1.10}\n\n{\"n\":2}")), both);
        // Gzipped files that were joined are one file.
        assert_eq!(read([gzipped(b"{\"n\":1.10}\n"), gzipped(b"{\"n\":2}\n")].concat()), both);
        assert_eq!(read("{\n \"n\": 1\n}"), Ok(vec!["{\n \"n\": 1\n}".to_owned()]));
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
        let source = Source::new(Cursor::new(b"[{},{}]".to_vec()), None).expect("readable");
        let error = source.records(|_| bail!("no more")).expect_err("refused");
        assert_eq!(error.to_string(), "no more");
    }
}
