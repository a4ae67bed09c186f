//! The file to import, as records: JSON, what `mongoexport` writes, CSV or a sheet, one record in memory at a
//! time.
//!
//! To read a further format: a file below this one that hands on [`Record`]s, and an arm in [`Source`].

mod book;
mod cell;
mod columns;
mod csv;
mod field;
mod json;
mod manner;
mod mongo;
mod rows;
mod sheet;

use self::csv::CsvSource;
use super::input::{Extent, Input};
use anyhow::{Context, bail};
use backdrop_core::origin::Origin;
use backdrop_core::schema::TextFields;
use serde::{Deserialize, Serialize};
use sheet::SheetSource;
use std::collections::BTreeMap;
use std::path::Path;

pub(super) use manner::Manner;

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    /// A list of records, one record, JSON lines, or what `mongoexport` writes
    #[value(alias = "jsonl", alias = "ndjson", alias = "mongo")]
    Json,
    /// CSV in UTF-8, the first row are the keys
    Csv,
    /// One sheet of a workbook: XLSX, XLS or ODS, the first row are the keys
    #[value(alias = "xlsx", alias = "xls", alias = "ods")]
    Sheet,
}

impl Format {
    /// The format by the ending of the name.
    pub(super) fn of(path: &Path) -> Self {
        let name = path.to_string_lossy().to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        match name.rsplit_once('.') {
            Some((_, "csv")) => Self::Csv,
            Some((_, "xlsx" | "xls" | "ods")) => Self::Sheet,
            _ => Self::Json,
        }
    }

    /// Its name on the command line.
    fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Sheet => "sheet",
        }
    }
}

/// What has to be known to read a table as records.
#[derive(Clone, Debug, Default)]
pub(super) struct Reading {
    /// The sheet to read; `None`: the first.
    pub(super) sheet: Option<String>,
    /// The fields whose values are texts, whatever they look like.
    pub(super) texts: TextFields,
}

/// A record of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// The record as JSON.
    pub(super) json: String,
    /// The line or row in which it begins, counted from 1.
    pub(super) line: u32,
}

/// Where records stand in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// In the lines of a text.
    Lines,
    /// In the rows of a sheet.
    Sheet {
        /// Its name.
        sheet: String,
        /// The letters of the column of each field.
        columns: BTreeMap<String, String>,
    },
}

impl Layout {
    /// The origin of records that begin in those lines or rows.
    pub(super) fn origin(&self, lines: impl Iterator<Item = u32>) -> Origin {
        match self {
            Self::Lines => Origin::Lines { lines: lines.collect() },
            Self::Sheet { sheet, columns } => {
                Origin::Sheet { sheet: sheet.clone(), rows: lines.collect(), columns: columns.clone() }
            }
        }
    }
}

/// What takes the records of a file, one after the other. An error of it ends the reading, and comes out of it as it is.
pub(super) trait Take: FnMut(Record) -> anyhow::Result<()> {}
impl<F: FnMut(Record) -> anyhow::Result<()>> Take for F {}

/// An opened file.
pub(super) enum Source {
    /// JSON in any of its forms.
    Json(Input),
    /// CSV. Boxed, because its parser is large.
    Csv(Box<CsvSource>),
    /// A sheet. Boxed, because a workbook is.
    Sheet(Box<SheetSource>),
}

impl Source {
    /// Opens a file; `-` is the standard input.
    pub(super) fn open(path: &Path, format: Format, reading: Reading) -> anyhow::Result<Self> {
        let in_file = || path.display().to_string();
        match format {
            Format::Json => Ok(Self::Json(Input::open(path)?)),
            Format::Csv => {
                let source = CsvSource::new(Input::open(path)?, &reading.texts);
                Ok(Self::Csv(Box::new(source.with_context(in_file)?)))
            }
            Format::Sheet if path.as_os_str() == "-" => {
                bail!("a sheet cannot be read from the standard input; save it as a file")
            }
            Format::Sheet => {
                let source = SheetSource::open(path, &reading);
                Ok(Self::Sheet(Box::new(source.with_context(in_file)?)))
            }
        }
    }

    /// How far the file has been read, to be asked while it is.
    pub(super) fn extent(&self) -> Extent {
        match self {
            Self::Json(input) => input.extent.clone(),
            Self::Csv(source) => source.extent(),
            Self::Sheet(source) => source.extent(),
        }
    }

    /// In which manner it is read.
    pub(super) fn manner(&self) -> Manner {
        match self {
            Self::Json(_) => Manner::json(),
            Self::Csv(source) => Manner { format: Format::Csv, sheet: None, texts: source.texts() },
            Self::Sheet(source) => {
                let sheet = Some(source.sheet().to_owned());
                Manner { format: Format::Sheet, sheet, texts: source.texts() }
            }
        }
    }

    /// Where its records stand.
    pub(super) fn layout(&self) -> Layout {
        match self {
            Self::Json(_) | Self::Csv(_) => Layout::Lines,
            Self::Sheet(source) => source.layout(),
        }
    }

    /// Hands each record to `take`, in order.
    pub(super) fn records(self, mut take: impl Take) -> anyhow::Result<()> {
        match self {
            Self::Json(input) => json::records(input.reader, &mut take),
            Self::Csv(source) => source.records(&mut take),
            Self::Sheet(source) => source.records(&mut take),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_of_the_name_tells_the_format() {
        for (name, format) in [
            ("a.csv", Format::Csv),
            ("A.CSV.GZ", Format::Csv),
            ("a.xlsx", Format::Sheet),
            ("a.b.ods", Format::Sheet),
            ("a.jsonl.gz", Format::Json),
            ("-", Format::Json),
            ("csv", Format::Json),
        ] {
            assert_eq!(Format::of(Path::new(name)), format, "{name}");
        }
    }
}
