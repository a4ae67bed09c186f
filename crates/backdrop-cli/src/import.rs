//! `backdrop import`: sends the records of a file to a data set, in chunks, whatever the file's size.

mod checkpoint;
mod chunk;
mod input;
mod progress;
mod sender;
mod source;
mod texts;

use crate::administration::Definition;
use crate::client::{CallError, Client, Service};
use crate::target::{Found, Target};
use anyhow::{Context, bail};
use checkpoint::Checkpoint;
use chunk::{Chunk, Chunks};
use input::Input;
use progress::Progress;
use secrecy::SecretString;
use sender::{Rejection, Sender, Sent};
use source::{Format, Reading, Source};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How many records are sent at a time: few enough that one that is refused costs little, many enough that the
/// wait for each commit does not count.
const CHUNK_RECORDS: u64 = 1000;

/// What `--help` says.
pub(crate) const LONG_ABOUT: &str = "\
Sends the records of a file to a data set.

The file is JSON (a list of records, or one record), JSON lines, what `mongoexport` or `backdrop export` wrote, or CSV, each \
of them plain or gzipped, or a sheet of an XLSX, XLS or ODS workbook; `-` is the standard input. It is read and sent in chunks; \
each is stored as a whole or not at all, in the order of the file.

In CSV and sheets the first row names the fields. A field of CSV that was written without quotes and looks like a number \
is one, unless the schema says that it is a string: which is known to the administrator; with a data \
set's own token name such fields by --text. What the store keeps beside each record (_updated_at, and the starts of periods that the original \
kept) is left out.

Importing a file again replaces the records that have an `_id`. The others are stored once, however often the same file \
is imported within 30 days; --again stores them once more.

How far it has come is kept in FILE.backdrop-import until all is stored: --resume goes on there, and sends \
what was rejected once more.

Without --token the administration token is used, which may write to every data set.";

/// What to import, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// JSON, JSON lines or CSV, plain or gzipped, or a workbook; `-` for the standard input
    file: PathBuf,
    /// What the file is made of [default: by the ending of its name, else json]
    #[arg(long, value_name = "FORMAT", value_enum)]
    format: Option<Format>,
    /// The sheet of the workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    sheet: Option<String>,
    /// A field of a CSV file or a sheet whose values are texts, such as codes that look like numbers; repeatable
    #[arg(long, value_name = "FIELD")]
    text: Vec<String>,
    /// The name of the data set; asks the service for its group and type, with the administration token
    #[arg(long, value_name = "NAME", required_unless_present = "data_group")]
    data_set: Option<String>,
    /// The group of the data set
    #[arg(long, value_name = "GROUP", requires = "data_type")]
    data_group: Option<String>,
    /// The type of the data set
    #[arg(long, value_name = "TYPE", requires = "data_group")]
    data_type: Option<String>,
    /// Make the data set of --data-group and --data-type if it does not exist
    #[arg(long, requires = "data_group")]
    create: bool,
    /// With --create: answer queries without `period` and `group_by`, too
    #[arg(long, requires = "create")]
    raw_queries_allowed: bool,
    /// The token of the data set [default: the administration token]
    #[arg(long, env = "BACKDROP_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<SecretString>,
    /// The most records to send at a time
    #[arg(long, value_name = "RECORDS", default_value_t = CHUNK_RECORDS, value_parser = clap::value_parser!(u64).range(1..=30_000))]
    chunk: u64,
    /// Go on with the next chunk when one is rejected
    #[arg(long)]
    keep_going: bool,
    /// Go on with an import of this file that was stopped, or had chunks rejected
    #[arg(long)]
    resume: bool,
    /// Store records without `_id` although an earlier import has stored them
    #[arg(long)]
    again: bool,
    #[command(flatten)]
    service: Service,
}

/// What to do when a chunk is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum OnRejection {
    /// Send nothing more.
    Stop,
    /// Go on with the next chunk.
    KeepGoing,
}

/// Does what the command line asks.
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let file = &arguments.file;
    if arguments.resume && !file.is_file() {
        bail!("--resume needs a file: only that can be read again from its beginning");
    }
    let format = arguments.format.unwrap_or_else(|| Format::of(file));
    if file.as_os_str() != "-" {
        // Before a data set is made for a file that is not there.
        std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?;
    }
    if arguments.create {
        create(arguments)?;
    }
    let (data_group, data_type) = target(arguments)?;
    let client = match &arguments.token {
        Some(token) => arguments.service.client(token.clone()),
        None => arguments.service.administrator()?,
    };
    let reading = reading(arguments, format, &client, &data_group, &data_type)?;
    let source = Source::open(file, format, reading)?;
    let target = Target { service: client.base().to_string(), data_group, data_type };
    let resumed = if arguments.resume { Checkpoint::resume(file, &target)? } else { None };
    let checkpoint = match resumed {
        Some(checkpoint) => checkpoint,
        None => Checkpoint::begin(file, target.clone(), arguments.chunk, Uuid::new_v4().to_string())?,
    };
    let import = Import {
        sender: Sender::new(client, target.data_group, target.data_type),
        progress: Progress::start(source.extent()),
        checkpoint,
        on_rejection: if arguments.keep_going { OnRejection::KeepGoing } else { OnRejection::Stop },
        again: arguments.again,
    };
    println!("{}", import.run(source)?);
    Ok(())
}

/// Sends an example that is built in to a data set, and returns a line about it: what `up --examples` does.
pub(crate) fn send_example(
    client: Client,
    data_group: &str,
    data_type: &str,
    records: &'static [u8],
) -> anyhow::Result<String> {
    let source = Source::Json(Input::new(records, None).context("the example cannot be read")?);
    let (data_group, data_type) = (data_group.to_owned(), data_type.to_owned());
    let service = client.base().to_string();
    let target = Target { service, data_group: data_group.clone(), data_type: data_type.clone() };
    let import = Import {
        sender: Sender::new(client, data_group, data_type),
        progress: Progress::start_hidden(source.extent()),
        checkpoint: Checkpoint::begin(Path::new("-"), target, CHUNK_RECORDS, Uuid::new_v4().to_string())?,
        on_rejection: OnRejection::Stop,
        again: false,
    };
    import.run(source)
}

/// What has to be known to read a table. Only the administrator may see the schema.
fn reading(
    arguments: &Arguments,
    format: Format,
    client: &Client,
    data_group: &str,
    data_type: &str,
) -> anyhow::Result<Reading> {
    let mut texts = arguments.text.iter().cloned().collect();
    if format != Format::Json && arguments.token.is_none() {
        let query = format!("data-sets?data-group={data_group}&data-type={data_type}");
        let found = client.get_at(&query)?.body;
        texts = &texts | &texts::text_fields(&found[0]["schema"]);
    }
    Ok(Reading { sheet: arguments.sheet.clone(), texts })
}

/// Makes the data set unless there is one.
fn create(arguments: &Arguments) -> anyhow::Result<()> {
    let definition = Definition {
        data_group: arguments.data_group.clone().unwrap_or_default(),
        data_type: arguments.data_type.clone().unwrap_or_default(),
        name: arguments.data_set.clone(),
        raw_queries_allowed: arguments.raw_queries_allowed,
        ..Definition::default()
    };
    let body = definition.to_json()?.to_string();
    create_unless_there(&arguments.service.administrator()?, &body)
}

/// Makes a data set; that there is one already is as good.
pub(crate) fn create_unless_there(administrator: &Client, definition: &str) -> anyhow::Result<()> {
    match administrator.post(&["data-sets"], definition) {
        Ok(_) => Ok(()),
        Err(CallError::Refused(refusal)) if refusal.status == ureq::http::StatusCode::CONFLICT => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// The group and type of the data set.
fn target(arguments: &Arguments) -> anyhow::Result<(String, String)> {
    match (&arguments.data_group, &arguments.data_type, &arguments.data_set) {
        (Some(group), Some(data_type), _) => Ok((group.clone(), data_type.clone())),
        (_, _, Some(name)) => {
            let found = Found::by_name(&arguments.service, name)?;
            Ok((found.data_group, found.data_type))
        }
        _ => bail!("name the data set by --data-set, or by --data-group and --data-type"),
    }
}

/// An import under way.
struct Import {
    sender: Sender,
    progress: Progress,
    checkpoint: Checkpoint,
    on_rejection: OnRejection,
    again: bool,
}

impl Import {
    /// Sends all records; a line that says how many.
    fn run(mut self, source: Source) -> anyhow::Result<String> {
        let mut chunks = Chunks::new(self.checkpoint.chunk_records(), source.layout());
        let result = source.records(|record| chunks.add(&record).map_or(Ok(()), |chunk| self.send(&chunk)));
        // Of a file that breaks off, the chunk that was begun is not sent: the person has to look at it anyway.
        let result = result.and_then(|()| chunks.finish().map_or(Ok(()), |chunk| self.send(&chunk)));
        let summary = self.progress.finish();
        match result {
            Err(error) => Err(error.context(summary)),
            Ok(()) if self.progress.rejected_so_far() > 0 => bail!("{summary}"),
            Ok(()) => {
                self.checkpoint.end();
                Ok(summary)
            }
        }
    }

    fn send(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        if self.checkpoint.is_stored(chunk) {
            self.progress.stored_before(chunk.records);
            return Ok(());
        }
        let mut sent = self.sender.send(chunk, &self.checkpoint.key(chunk, self.again))?;
        if matches!(sent, Sent::Rejected(Rejection { is_replayed: true, .. })) {
            // The schema may be another one since. Nothing of the chunk was stored, so a new key doubles nothing.
            sent = self.sender.send(chunk, &Uuid::new_v4().to_string())?;
        }
        self.checkpoint.note(chunk, !matches!(sent, Sent::Rejected(_)));
        match sent {
            Sent::Stored => self.progress.stored(chunk.records),
            Sent::StoredBefore => self.progress.stored_before(chunk.records),
            Sent::Rejected(rejection) => {
                self.progress.rejected(chunk.records, &rejection.faults);
                if self.on_rejection == OnRejection::Stop {
                    let (place, hint) = (chunk.place(), self.checkpoint.hint());
                    bail!(
                        "{place}: not stored, and nothing after; --keep-going sends what comes after{hint}"
                    );
                }
            }
        }
        Ok(())
    }
}
