//! How far an import has come, kept beside its file, so that one that was stopped can go on.
//!
//! **Invariant.** A chunk is noted only after it was stored. One that was stored and not noted, because the program
//! was killed between, is sent again with the same key, and counts once.

use super::chunk::Chunk;
use super::source::Manner;
use crate::target::Target;
use crate::whole_file::{beside, write_whole};
use anyhow::{Context, bail};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Goes with the form of the file, so that a later one can tell them apart.
const VERSION: u32 = 2;
/// How many bytes of the file tell it from another of the same size and age.
const HEAD_BYTES: u64 = 64 * 1024;

/// What tells a file from another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Identity {
    size: u64,
    modified_ns: u128,
    head_sha256: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Kept {
    version: u32,
    target: Target,
    file: Identity,
    manner: Manner,
    chunk_records: u64,
    run: String,
    /// How many chunks have been tried, one after the other.
    chunks: u64,
    /// Those of them that are not stored.
    rejected: BTreeSet<u64>,
}

/// How far an import has come.
#[derive(Debug)]
pub(super) struct Checkpoint {
    /// Where it is kept; `None`: nowhere, since the standard input cannot be read again.
    path: Option<PathBuf>,
    kept: Kept,
}

impl Checkpoint {
    /// Begins anew. `run` tells this import from every other; it is kept beside the file, if it is one that can be read
    /// again.
    pub(super) fn begin(
        file: Option<&Path>,
        target: Target,
        manner: Manner,
        chunk_records: u64,
        run: String,
    ) -> anyhow::Result<Self> {
        let file = file.filter(|file| file.is_file());
        let identity = file.map_or_else(|| Ok(Identity::unknown()), Identity::of)?;
        let kept = Kept {
            version: VERSION,
            target,
            file: identity,
            manner,
            chunk_records,
            run,
            chunks: 0,
            rejected: BTreeSet::new(),
        };
        let mut checkpoint = Self { path: file.map(path_for), kept };
        checkpoint.keep();
        Ok(checkpoint)
    }

    /// Goes on with an import of the file that was stopped; `None` if there is none.
    ///
    /// # Errors
    /// If it was another file then, was read in another manner, or went to another data set.
    pub(super) fn resume(file: &Path, target: &Target, manner: &Manner) -> anyhow::Result<Option<Self>> {
        let path = path_for(file);
        let text = match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            read => read.with_context(|| format!("cannot read {}", path.display()))?,
        };
        let shown = path.display();
        let kept: Kept = serde_json::from_str(&text)
            .ok()
            .filter(|kept: &Kept| kept.version == VERSION)
            .with_context(|| format!("{shown} was not kept by this version; import without --resume"))?;
        if kept.target != *target {
            bail!(
                "{shown} is of an import into {}; name that data set, or import without --resume",
                kept.target
            );
        }
        if kept.file != Identity::of(file)? {
            bail!("{} has changed since {shown} was kept; import without --resume", file.display());
        }
        // Its chunks would have other records under the same numbers.
        if let Some(difference) = kept.manner.difference(manner) {
            bail!(
                "{shown} is of an import that read {} in another manner: {difference}; read it as then, by --format, \
                 --sheet and --text, or import without --resume",
                file.display()
            );
        }
        Ok(Some(Self { path: Some(path), kept }))
    }

    /// How many records a chunk holds: the same from beginning to end.
    pub(super) fn chunk_records(&self) -> u64 {
        self.kept.chunk_records
    }

    /// Whether the chunk is stored.
    pub(super) fn is_stored(&self, chunk: &Chunk) -> bool {
        chunk.number <= self.kept.chunks && !self.kept.rejected.contains(&chunk.number)
    }

    /// The key of a chunk: of records without `_id` the same whenever they are sent, so that they are stored once;
    /// of others the same within this import only, so that a later one can bring them back. `again` asks for
    /// the latter in any case.
    pub(super) fn key(&self, chunk: &Chunk, again: bool) -> String {
        let Target { data_group, data_type, .. } = &self.kept.target;
        let mut hash = Sha256::new();
        for part in [data_group.as_str(), data_type, &chunk.number.to_string()] {
            hash.update(part);
            hash.update([0]);
        }
        if again || chunk.has_ids {
            hash.update(&self.kept.run);
        }
        hash.update([0]);
        hash.update(&chunk.body);
        format!("{:x}", hash.finalize())
    }

    /// Notes that a chunk was stored, or not.
    pub(super) fn note(&mut self, chunk: &Chunk, is_stored: bool) {
        self.kept.chunks = self.kept.chunks.max(chunk.number);
        if is_stored {
            self.kept.rejected.remove(&chunk.number);
        } else {
            self.kept.rejected.insert(chunk.number);
        }
        self.keep();
    }

    /// All is stored: there is nothing to go on with.
    pub(super) fn end(self) {
        if let Some(path) = self.path {
            // What stays behind harms nothing: an import without --resume begins anew.
            let _ = std::fs::remove_file(path);
        }
    }

    /// Where to go on, in words for an error; empty if that is nowhere.
    pub(super) fn hint(&self) -> &'static str {
        if self.path.is_some() { "; --resume goes on from there" } else { "" }
    }

    /// Keeps it: written beside and renamed, so that a half of one is never found. An import goes on where nothing
    /// can be written; it cannot be gone on with, which is said once.
    fn keep(&mut self) {
        let Some(path) = &self.path else { return };
        let text = serde_json::to_vec(&self.kept).expect("numbers and texts can be written");
        if let Err(error) = write_whole(path, &text) {
            eprintln!("backdrop: {}: {error}; an import that is stopped cannot go on", path.display());
            self.path = None;
        }
    }
}

impl Identity {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let read = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            let mut head = Vec::new();
            file.take(HEAD_BYTES).read_to_end(&mut head)?;
            let modified = metadata.modified()?.duration_since(UNIX_EPOCH).unwrap_or_default();
            std::io::Result::Ok(Self {
                size: metadata.len(),
                modified_ns: modified.as_nanos(),
                head_sha256: format!("{:x}", Sha256::digest(&head)),
            })
        };
        read().with_context(|| format!("cannot read {}", path.display()))
    }

    fn unknown() -> Self {
        Self { size: 0, modified_ns: 0, head_sha256: String::new() }
    }
}

/// The key under which a chunk is tried once more whose try under another key was rejected.
pub(super) fn further_key(key: &str) -> String {
    format!("{:x}", Sha256::digest(key))
}

/// Where the checkpoint of a file is kept.
fn path_for(file: &Path) -> PathBuf {
    beside(file, ".backdrop-import")
}

#[cfg(test)]
mod tests {
    use super::super::chunk::Chunks;
    use super::super::source::{Format, Layout, Record};
    use super::*;

    fn target() -> Target {
        Target { service: "http://here".into(), data_group: "g".into(), data_type: "t".into() }
    }

    fn manner(texts: &[&str]) -> Manner {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        Manner { format: Format::Csv, sheet: None, texts }
    }

    fn resume(file: &Path, target: &Target) -> anyhow::Result<Option<Checkpoint>> {
        Checkpoint::resume(file, target, &manner(&["code"]))
    }

    fn chunks(records: &[&str]) -> Vec<Chunk> {
        let mut chunks = Chunks::new(1, Layout::Lines);
        let mut made: Vec<Chunk> = Vec::new();
        for json in records {
            made.extend(chunks.add(&Record { json: (*json).to_owned(), line: 1 }));
        }
        made.extend(chunks.finish());
        made
    }

    #[test]
    fn what_was_stored_is_known_when_the_same_file_goes_to_the_same_place() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("records.jsonl");
        std::fs::write(&file, "{}\n{}\n{}\n").expect("written");
        let made = chunks(&["{}", "{}", "{}"]);
        assert!(resume(&file, &target()).expect("readable").is_none());
        let mut checkpoint =
            Checkpoint::begin(Some(&file), target(), manner(&["code"]), 1, "run".into()).expect("begun");
        checkpoint.note(&made[0], true);
        checkpoint.note(&made[1], false);
        drop(checkpoint);

        let checkpoint = resume(&file, &target()).expect("readable").expect("kept");
        let stored: Vec<bool> = made.iter().map(|chunk| checkpoint.is_stored(chunk)).collect();
        assert_eq!((stored, checkpoint.chunk_records()), (vec![true, false, false], 1));
        let elsewhere = Target { data_type: "other".into(), ..target() };
        let error = resume(&file, &elsewhere).expect_err("another data set").to_string();
        assert!(error.contains("an import into g/t at http://here"), "{error}");
        let error =
            Checkpoint::resume(&file, &target(), &manner(&[])).expect_err("another manner").to_string();
        assert!(
            error.contains("the fields that are texts (then code, now none); read it as then"),
            "{error}"
        );
        std::fs::write(&file, "{}\n{}\n{}\n{}\n").expect("written");
        let error = resume(&file, &target()).expect_err("another file").to_string();
        assert!(error.contains("has changed"), "{error}");
        checkpoint.end();
        assert!(resume(&file, &target()).expect("readable").is_none());
    }

    #[test]
    fn a_key_is_the_same_where_a_second_time_would_double_records() {
        let begin = |run: &str| Checkpoint::begin(None, target(), manner(&[]), 1, run.into()).expect("begun");
        let (one, other) = (begin("one"), begin("other"));
        let without = chunks(&["{}", "{}"]);
        let with = chunks(&[r#"{"_id":"a"}"#]);
        assert_eq!(one.key(&without[0], false), other.key(&without[0], false));
        assert_ne!(one.key(&without[0], false), one.key(&without[1], false));
        assert_ne!(one.key(&without[0], true), other.key(&without[0], true));
        assert_ne!(one.key(&with[0], false), other.key(&with[0], false));
        assert_eq!(one.key(&with[0], false), one.key(&with[0], false));
        assert_eq!(one.key(&with[0], false).len(), 64);
    }
}
