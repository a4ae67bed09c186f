//! The records that have come so far, in `FILE.part`, and beside them, in `FILE.part.state`, how far that is.
//!
//! **Invariant.** A page is noted only after all of it is on the disk, and what is beyond the last page that was noted is
//! cut off before the next one is written. So whenever the program is stopped, at most the page in flight is lost,
//! and no record is missing or there twice.

use super::columns::Columns;
use super::records::Records;
use crate::client::Page;
use crate::target::Target;
use crate::whole_file::{beside, write_whole};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Goes with the form of the state, so that a later one can tell them apart.
const VERSION: u32 = 1;

#[derive(Debug, Serialize, Deserialize)]
struct State {
    version: u32,
    source: Target,
    /// How many bytes of the part belong to pages that are there as a whole.
    bytes: u64,
    records: u64,
    /// The query of the next page; `None`: all are there.
    next: Option<String>,
}

/// An export under way.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    state_path: PathBuf,
    file: File,
    state: State,
}

impl Part {
    /// Begins anew, with the page of that query.
    pub(super) fn begin(output: &Path, source: Target, first: String) -> anyhow::Result<Self> {
        let (path, file) = open(output)?;
        let state_path = state_path(output);
        let state = State { version: VERSION, source, bytes: 0, records: 0, next: Some(first) };
        let mut part = Self { path, state_path, file, state };
        // First, so that what another export has left is not taken for this one's.
        part.note()?;
        part.cut()?;
        Ok(part)
    }

    /// Goes on with an export that was stopped; `None` if there is none.
    pub(super) fn resume(output: &Path, source: &Target) -> anyhow::Result<Option<Self>> {
        let state_path = state_path(output);
        let shown = state_path.display().to_string();
        let state: State = match std::fs::read(&state_path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("cannot read {shown}")),
            Ok(bytes) => serde_json::from_slice(&bytes)
                .ok()
                .filter(|state: &State| state.version == VERSION)
                .with_context(|| format!("{shown} was not kept by this version; export without --resume"))?,
        };
        if state.source != *source {
            bail!(
                "{shown} is of an export of {}; name that data set, or export without --resume",
                state.source
            );
        }
        let (path, file) = open(output)?;
        let mut part = Self { path, state_path, file, state };
        let len = part.file.metadata().with_context(|| part.failed("read"))?.len();
        if len < part.state.bytes {
            bail!("{} is shorter than {shown} says; export without --resume", part.path.display());
        }
        part.cut()?;
        Ok(Some(part))
    }

    /// What to do if the next page is not to be had, in words for an error.
    pub(super) fn hint(&self) -> String {
        format!("{} records are kept in {}; --resume goes on", self.state.records, self.path.display())
    }

    /// How many records are there.
    pub(super) fn records(&self) -> u64 {
        self.state.records
    }

    /// The query of the page to ask for next; `None`: all are there.
    pub(super) fn next(&self) -> Option<&str> {
        self.state.next.as_deref()
    }

    /// Adds a page.
    pub(super) fn append(&mut self, page: &Page) -> anyhow::Result<()> {
        let written = self.file.write_all(&page.lines).and_then(|()| self.file.sync_data());
        written.with_context(|| self.failed("write"))?;
        self.state.bytes += page.lines.len() as u64;
        self.state.records += page.records();
        self.state.next.clone_from(&page.next);
        self.note()
    }

    /// Makes it the file itself, which it is as JSON lines.
    pub(super) fn become_file(self, output: &Path) -> anyhow::Result<()> {
        std::fs::rename(&self.path, output).with_context(|| failed(output, "write"))?;
        remove(&self.state_path)
    }

    /// Makes the file of it: `write` reads the records and writes them as a table with these columns.
    pub(super) fn convert(
        self,
        output: &Path,
        write: impl FnOnce(&mut Records<'_>, &Columns, &File) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let new = beside(output, ".new");
        let file = File::create(&new).with_context(|| failed(&new, "write"))?;
        let mut records = Records::new(&self.file);
        let written = Columns::look(&mut records).and_then(|columns| write(&mut records, &columns, &file));
        written.with_context(|| {
            format!("cannot make {}; all records are in {}", output.display(), self.path.display())
        })?;
        let renamed = file.sync_data().and_then(|()| std::fs::rename(&new, output));
        renamed.with_context(|| failed(output, "write"))?;
        // The state first: a part without one is begun anew.
        remove(&self.state_path)?;
        remove(&self.path)
    }

    /// Cuts off what is beyond the last page that was noted.
    fn cut(&mut self) -> anyhow::Result<()> {
        let cut = self.file.set_len(self.state.bytes).and_then(|()| self.file.seek(SeekFrom::End(0)));
        cut.map(|_| ()).with_context(|| self.failed("write"))
    }

    fn note(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec(&self.state).expect("numbers and texts can be written");
        write_whole(&self.state_path, &text).with_context(|| failed(&self.state_path, "write"))
    }

    fn failed(&self, what: &str) -> String {
        failed(&self.path, what)
    }
}

/// Opens the part of a file, for this export alone.
fn open(output: &Path) -> anyhow::Result<(PathBuf, File)> {
    let path = beside(output, ".part");
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let file = file.with_context(|| failed(&path, "write"))?;
    match file.try_lock() {
        Ok(()) => Ok((path, file)),
        Err(TryLockError::WouldBlock) => bail!("another export writes to {}", path.display()),
        Err(TryLockError::Error(error)) => Err(error).with_context(|| failed(&path, "lock")),
    }
}

fn state_path(output: &Path) -> PathBuf {
    beside(output, ".part.state")
}

fn remove(path: &Path) -> anyhow::Result<()> {
    std::fs::remove_file(path).with_context(|| failed(path, "remove"))
}

fn failed(path: &Path, what: &str) -> String {
    format!("cannot {what} {}", path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(data_type: &str) -> Target {
        Target { service: "http://here".into(), data_group: "g".into(), data_type: data_type.into() }
    }

    fn page(lines: &str, next: Option<&str>) -> Page {
        Page { lines: lines.into(), next: next.map(str::to_owned) }
    }

    #[test]
    fn what_is_beyond_the_last_whole_page_is_not_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("a.jsonl");
        assert!(Part::resume(&output, &source("t")).expect("readable").is_none());
        let mut part = Part::begin(&output, source("t"), "limit=2".into()).expect("begun");
        part.append(&page("{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n", Some("after=b"))).expect("written");
        let busy = Part::begin(&output, source("t"), "limit=2".into()).expect_err("locked").to_string();
        assert!(busy.starts_with("another export writes to"), "{busy}");
        // Killed while it wrote a page, or before it noted that.
        part.file.write_all(b"{\"_id\":\"c\"}\n{\"_i").expect("written");
        drop(part);

        let mut part = Part::resume(&output, &source("t")).expect("readable").expect("kept");
        assert_eq!((part.records(), part.next()), (2, Some("after=b")));
        part.append(&page("{\"_id\":\"c\"}\n", None)).expect("written");
        assert_eq!((part.records(), part.next()), (3, None));
        part.become_file(&output).expect("renamed");
        let text = std::fs::read_to_string(&output).expect("the file");
        assert_eq!(text, "{\"_id\":\"a\"}\n{\"_id\":\"b\"}\n{\"_id\":\"c\"}\n");
        assert_eq!(std::fs::read_dir(folder.path()).expect("a folder").count(), 1);
    }

    #[test]
    fn another_data_set_is_not_gone_on_with() {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("a.jsonl");
        let mut part = Part::begin(&output, source("t"), "limit=2".into()).expect("begun");
        part.append(&page("{}\n", Some("after=b"))).expect("written");
        drop(part);
        let error = Part::resume(&output, &source("other")).expect_err("another").to_string();
        assert!(error.contains("an export of g/t at http://here"), "{error}");
        let part = Part::begin(&output, source("other"), "limit=2".into()).expect("begun");
        assert_eq!((part.records(), part.file.metadata().expect("a file").len()), (0, 0));
    }
}
