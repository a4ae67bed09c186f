//! `backdrop import`: sends the records of a file to a data set, in chunks, whatever the file's size.

mod chunk;
mod progress;
mod sender;
mod source;

use crate::administration::Definition;
use crate::client::{CallError, Client, Service};
use anyhow::{Context, bail};
use chunk::{Chunk, Chunks};
use progress::Progress;
use secrecy::SecretString;
use sender::{Sender, Sent};
use serde_json::Value;
use source::Source;
use std::path::PathBuf;

/// How many records are sent at a time: few enough that one that is refused costs little, many enough that the
/// wait for each commit does not count.
const CHUNK_RECORDS: u64 = 1000;

/// What `--help` says.
pub(crate) const LONG_ABOUT: &str = "\
Sends the records of a file to a data set.

The file is JSON (a list of records, or one record) or JSON lines, plain or gzipped; `-` is the standard \
input. It is read and sent in chunks; each is stored as a whole or not at all, in the order of the file.

A record without `_id` gets a random one before it is first sent, so that no record is stored twice when \
a chunk is sent again because its answer was lost. Importing the same file a second time replaces the \
records with an `_id` of their own, and adds the others once more.

Without --token the administration token is used, which may write to every data set.";

/// What to import, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// JSON or JSON lines, plain or gzipped; `-` for the standard input
    file: PathBuf,
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
    let source = Source::open(&arguments.file)?;
    if arguments.create {
        create(arguments)?;
    }
    let (data_group, data_type) = target(arguments)?;
    let client = match &arguments.token {
        Some(token) => arguments.service.client(token.clone()),
        None => arguments.service.administrator()?,
    };
    let on_rejection = if arguments.keep_going { OnRejection::KeepGoing } else { OnRejection::Stop };
    let sender = Sender::new(client, data_group, data_type);
    let progress = Progress::start(source.position(), source.size());
    let summary = Import { sender, progress, on_rejection }.run(source, arguments.chunk)?;
    println!("{summary}");
    Ok(())
}

/// Sends an example that is built in to a data set, and returns a line about it: what `up --examples` does.
pub(crate) fn send_example(
    client: Client,
    data_group: &str,
    data_type: &str,
    records: &'static [u8],
) -> anyhow::Result<String> {
    let source = Source::new(records, None).context("the example cannot be read")?;
    let sender = Sender::new(client, data_group.to_owned(), data_type.to_owned());
    let progress = Progress::start_hidden(source.position());
    Import { sender, progress, on_rejection: OnRejection::Stop }.run(source, CHUNK_RECORDS)
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
            let hint = "with a data set's own token, name it by --data-group and --data-type";
            let data_set = arguments.service.administrator().context(hint)?.get(&["data-sets", name])?.body;
            let text = |key: &str| -> anyhow::Result<String> {
                let value: &Value = &data_set[key];
                value.as_str().map(str::to_owned).with_context(|| format!("the answer holds no {key}"))
            };
            Ok((text("data_group")?, text("data_type")?))
        }
        _ => bail!("name the data set by --data-set, or by --data-group and --data-type"),
    }
}

/// An import under way.
struct Import {
    sender: Sender,
    progress: Progress,
    on_rejection: OnRejection,
}

impl Import {
    /// Sends all records; a line that says how many.
    fn run(mut self, source: Source, chunk_records: u64) -> anyhow::Result<String> {
        let mut chunks = Chunks::new(chunk_records);
        let result = source.records(|record| chunks.add(&record).map_or(Ok(()), |chunk| self.send(&chunk)));
        // Of a file that breaks off, the chunk that was begun is not sent: the person has to look at it anyway.
        let result = result.and_then(|()| chunks.finish().map_or(Ok(()), |chunk| self.send(&chunk)));
        let summary = self.progress.finish();
        match result {
            Err(error) => Err(error.context(summary)),
            Ok(()) if self.progress.rejected_so_far() > 0 => bail!("{summary}"),
            Ok(()) => Ok(summary),
        }
    }

    fn send(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        match self.sender.send(chunk)? {
            Sent::Stored => self.progress.stored(chunk.records),
            Sent::Rejected(faults) => {
                self.progress.rejected(chunk.records, &faults);
                if self.on_rejection == OnRejection::Stop {
                    let place = chunk.place();
                    bail!("{place}: not stored, and nothing after; --keep-going sends what comes after");
                }
            }
        }
        Ok(())
    }
}
