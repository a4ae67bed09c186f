//! `backdrop export`: all records of a data set in a file, whatever their number.
//!
//! The service gives them page by page. The pages are gathered beside the file, where they survive a stop
//! at any moment, and become the file when the last one is there.

mod columns;
mod csv;
mod parquet;
mod part;
mod progress;
mod records;

use crate::client::{CallError, Client, Page, Pauses, Service};
use crate::stdout::{say, written};
use crate::target::{Found, Target};
use anyhow::{Context, bail};
use part::Part;
use progress::Progress;
use secrecy::SecretString;
use std::io::Write;
use std::path::{Path, PathBuf};
use ureq::http::StatusCode;

/// What `--help` says.
pub(crate) const LONG_ABOUT: &str = "\
Writes all records of a data set to a file: JSON lines, CSV or Parquet, by the ending of its name.

Records come in the order of their `_id`, each with its fields and `_updated_at`. What is written while the export runs may be \
in it or not; nothing is in it twice. JSON lines hold exactly what is stored, and `backdrop import` takes them again. In CSV, \
texts that a spreadsheet would take for formulas have a `'` in front. In Parquet, columns have the type \
of their values.

Until all are there they are kept in FILE.part: --resume goes on after a stop.

Without --token the administration token is used, which may read every data set. A token of the data set must have the scope \
`read`, or one that includes it.";

/// How many records are asked for at a time: the most that the service gives.
const PAGE_RECORDS: u64 = 10_000;

/// What a file is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// One record a line, as JSON
    #[value(alias = "ndjson")]
    Jsonl,
    /// A table with a column for every field
    Csv,
    /// A table with a column for every field, typed and compressed
    Parquet,
}

impl Format {
    fn of(path: &Path) -> anyhow::Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        match ending.as_str() {
            "jsonl" | "ndjson" => Ok(Self::Jsonl),
            "csv" => Ok(Self::Csv),
            "parquet" => Ok(Self::Parquet),
            _ if path.as_os_str() == "-" => Ok(Self::Jsonl),
            _ => {
                bail!("{}: name the file .jsonl, .csv or .parquet, or say which by --format", path.display())
            }
        }
    }
}

/// What to export, and where to.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// The name of the data set; asks the service for its group and type, with the administration token
    #[arg(required_unless_present = "data_group", conflicts_with = "data_group")]
    name: Option<String>,
    /// The group of the data set
    #[arg(long, value_name = "GROUP", requires = "data_type")]
    data_group: Option<String>,
    /// The type of the data set
    #[arg(long, value_name = "TYPE", requires = "data_group")]
    data_type: Option<String>,
    /// The file to write; `-` for the standard output, as JSON lines
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
    /// What to write [default: by the ending of the file's name]
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<Format>,
    /// Go on with an export to this file that was stopped
    #[arg(long)]
    resume: bool,
    /// The token of the data set [default: the administration token]
    #[arg(long, env = "BACKDROP_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// The most records to ask for at a time
    #[arg(long, value_name = "RECORDS", default_value_t = PAGE_RECORDS, value_parser = clap::value_parser!(u64).range(1..=PAGE_RECORDS))]
    page: u64,
    #[command(flatten)]
    service: Service,
}

/// Does what the command line asks.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let format = arguments.format.map_or_else(|| Format::of(&arguments.output), Ok)?;
    let to_stdout = arguments.output.as_os_str() == "-";
    if to_stdout && (format != Format::Jsonl || arguments.resume) {
        bail!("to the standard output go only JSON lines, and not with --resume; name a file by --output");
    }
    let client = match &arguments.token {
        Some(token) => arguments.service.client(token.clone()),
        None => arguments.service.administrator()?,
    };
    let found = find(arguments)?;
    let progress = Progress::start(found.records);
    let pages = Pages { client, data_group: found.data_group, data_type: found.data_type };
    if to_stdout {
        let summary = write_to_stdout(&pages, arguments.page, progress)?;
        eprintln!("{summary}");
        return Ok(());
    }
    let summary = write_to_file(&pages, arguments, format, progress)?;
    say!("{summary}")?;
    Ok(())
}

/// The data set that is meant.
fn find(arguments: &Arguments) -> anyhow::Result<Found> {
    match (&arguments.name, &arguments.data_group, &arguments.data_type) {
        (Some(name), ..) => Found::by_name(&arguments.service, name),
        (None, Some(group), Some(data_type)) => {
            Ok(Found { data_group: group.clone(), data_type: data_type.clone(), records: None })
        }
        _ => bail!("name the data set, or give --data-group and --data-type"),
    }
}

fn write_to_stdout(pages: &Pages, page_records: u64, mut progress: Progress) -> anyhow::Result<String> {
    let mut output = std::io::stdout().lock();
    let mut next = Some(first_query(page_records));
    while let Some(query) = next {
        let page = pages.get(&query)?;
        written(output.write_all(&page.lines).and_then(|()| output.flush()))
            .context("cannot write the records")?;
        progress.add(&page);
        next = page.next;
    }
    Ok(progress.finish("exported"))
}

fn write_to_file(
    pages: &Pages,
    arguments: &Arguments,
    format: Format,
    mut progress: Progress,
) -> anyhow::Result<String> {
    let output = &arguments.output;
    let source = pages.target();
    let resumed = if arguments.resume { Part::resume(output, &source)? } else { None };
    let mut part = match resumed {
        Some(part) => part,
        None => Part::begin(output, source, first_query(arguments.page))?,
    };
    progress.skip(part.records());
    while let Some(query) = part.next() {
        let page = match pages.get(query) {
            Err(CallError::Refused(refusal)) if refusal.status == StatusCode::GONE => {
                bail!("the data set was emptied during the export; export it anew, without --resume")
            }
            got => got.map_err(anyhow::Error::from).with_context(|| part.hint())?,
        };
        part.append(&page)?;
        progress.add(&page);
    }
    match format {
        Format::Jsonl => part.become_file(output)?,
        Format::Csv => part.convert(output, |records, columns, file| csv::write(records, columns, file))?,
        Format::Parquet => {
            part.convert(output, |records, columns, file| parquet::write(records, columns, file))?
        }
    }
    Ok(progress.finish(&format!("exported to {}", output.display())))
}

fn first_query(page_records: u64) -> String {
    format!("limit={page_records}")
}

/// The pages of one data set.
struct Pages {
    client: Client,
    data_group: String,
    data_type: String,
}

impl Pages {
    fn target(&self) -> Target {
        let (data_group, data_type) = (self.data_group.clone(), self.data_type.clone());
        Target { service: self.client.base().to_string(), data_group, data_type }
    }

    /// Asks for a page until it is there: asking changes nothing, so it can be asked for again.
    fn get(&self, query: &str) -> Result<Page, CallError> {
        let path = ["data", self.data_group.as_str(), self.data_type.as_str(), "records"];
        let mut pauses = Pauses::start();
        loop {
            let (error, at_least) = match self.client.get_page(&path, query) {
                Ok(page) => return Ok(page),
                Err(CallError::Refused(refusal)) if !refusal.is_transient() => {
                    return Err(CallError::Refused(refusal));
                }
                Err(CallError::Refused(refusal)) => {
                    let retry_after = refusal.retry_after;
                    (CallError::Refused(refusal), retry_after)
                }
                Err(error) => (error, None),
            };
            if !pauses.pause(at_least) {
                return Err(error);
            }
        }
    }
}
