//! `backdrop import`: sends the records of a file to a data set, in chunks, whatever the file's size.

mod arguments;
mod checkpoint;
mod chunk;
mod input;
mod progress;
mod sender;
mod source;

pub(crate) use arguments::{Arguments, LONG_ABOUT};

use crate::administration::Definition;
use crate::client::{CallError, Client};
use crate::stdout::say;
use crate::target::{Found, Target};
use anyhow::{Context, bail};
use backdrop_core::schema::TextFields;
use checkpoint::Checkpoint;
use chunk::{Chunk, Chunks};
use input::Input;
use progress::Progress;
use sender::{Rejection, Sender, Sent};
use serde_json::Value;
use source::{Format, Manner, Reading, Source};
use uuid::Uuid;

/// How many records are sent at a time: few enough that one that is refused costs little, many enough that the
/// wait for each commit does not count.
const CHUNK_RECORDS: u64 = 1000;

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
    let checkpoint = checkpoint(arguments, &target, source.manner())?;
    let import = Import {
        sender: Sender::new(client, target.data_group, target.data_type),
        progress: Progress::start(source.extent()),
        checkpoint,
        on_rejection: if arguments.keep_going { OnRejection::KeepGoing } else { OnRejection::Stop },
        again: arguments.again,
        was_stored_before: false,
    };
    say!("{}", import.run(source)?)?;
    Ok(())
}

/// How far the import has come: nowhere yet, unless it goes on with an earlier one.
fn checkpoint(arguments: &Arguments, target: &Target, manner: Manner) -> anyhow::Result<Checkpoint> {
    let file = &arguments.file;
    if arguments.resume
        && let Some(resumed) = Checkpoint::resume(file, target, &manner)?
    {
        return Ok(resumed);
    }
    let kept = (file.as_os_str() != "-").then_some(file.as_path());
    Checkpoint::begin(kept, target.clone(), manner, arguments.chunk, Uuid::new_v4().to_string())
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
        checkpoint: Checkpoint::begin(
            None,
            target,
            source.manner(),
            CHUNK_RECORDS,
            Uuid::new_v4().to_string(),
        )?,
        on_rejection: OnRejection::Stop,
        again: false,
        was_stored_before: false,
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
    let schema = if format != Format::Json && arguments.token.is_none() {
        schema(client, data_group, data_type)?
    } else {
        Value::Null
    };
    let by_schema = TextFields::of(&schema);
    let texts = by_schema.names().map(str::to_owned).chain(arguments.text.iter().cloned()).collect();
    Ok(Reading { sheet: arguments.sheet.clone(), texts })
}

/// The schema of a data set; null if it has none.
///
/// # Errors
/// If there is no such data set: no record could be stored, and that is better told before the file is read.
fn schema(client: &Client, data_group: &str, data_type: &str) -> anyhow::Result<Value> {
    let query = format!("data-sets?data-group={data_group}&data-type={data_type}");
    let data_set = client.get_at(&query)?.body.pointer("/0").cloned().with_context(|| {
        format!(
            "there is no data set {data_group}/{data_type} at {}; make it by `backdrop data-set create`, or import \
             with --create",
            client.base()
        )
    })?;
    Ok(data_set.get("schema").cloned().unwrap_or_default())
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
    /// Whether the service has said of any chunk that an earlier import stored it.
    was_stored_before: bool,
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
                let hint = "; what an earlier import stored is stored once more only with --again";
                Ok(if self.was_stored_before { summary + hint } else { summary })
            }
        }
    }

    fn send(&mut self, chunk: &Chunk) -> anyhow::Result<()> {
        if self.checkpoint.is_stored(chunk) {
            self.progress.stored_before(chunk.records);
            return Ok(());
        }
        let mut key = self.checkpoint.key(chunk, self.again);
        let mut sent = self.sender.send(chunk, &key)?;
        while matches!(sent, Sent::Rejected(Rejection { is_replayed: true, .. })) {
            // The schema may be another one since. Nothing of the chunk was stored, so a further key doubles nothing;
            // and it is the same one if this is stopped before it is noted.
            key = checkpoint::further_key(&key);
            sent = self.sender.send(chunk, &key)?;
        }
        self.checkpoint.note(chunk, !matches!(sent, Sent::Rejected(_)));
        match sent {
            Sent::Stored => self.progress.stored(chunk.records),
            Sent::StoredBefore => {
                self.was_stored_before = true;
                self.progress.stored_before(chunk.records);
            }
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
