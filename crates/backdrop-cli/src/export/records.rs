//! Records in a file, one a line, which can be read more than once.

use anyhow::Context;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};

/// How many bytes are asked from the system at a time.
const READ_BYTES: usize = 128 * 1024;

/// The fields of a record; their values are JSON still, so that numbers are what they were.
pub(super) type Fields<'l> = BTreeMap<Cow<'l, str>, &'l RawValue>;

/// Records in a file.
pub(super) struct Records<'f> {
    reader: BufReader<&'f File>,
}

impl<'f> Records<'f> {
    /// Those in that file.
    pub(super) fn new(file: &'f File) -> Self {
        Self { reader: BufReader::with_capacity(READ_BYTES, file) }
    }

    /// Hands each record to `take`, from the first on, one in memory at a time.
    pub(super) fn each(
        &mut self,
        mut take: impl FnMut(Fields<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.reader.seek(SeekFrom::Start(0)).context("cannot read the records")?;
        let mut line = String::new();
        while self.reader.read_line(&mut line).context("cannot read the records")? > 0 {
            take(serde_json::from_str(&line).context("the service sent what is no record")?)?;
            line.clear();
        }
        Ok(())
    }
}
