//! The command line of an import.

use super::CHUNK_RECORDS;
use super::source::Format;
use crate::client::Service;
use secrecy::SecretString;
use std::path::PathBuf;

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
is imported within 30 days with the same --chunk; --again stores them once more.

How far it has come is kept in FILE.backdrop-import until all is stored: --resume goes on there, and sends \
what was rejected once more.

Without --token the administration token is used, which may write to every data set.";

/// What to import, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// JSON, JSON lines or CSV, plain or gzipped, or a workbook; `-` for the standard input
    pub(super) file: PathBuf,
    /// What the file is made of [default: by the ending of its name, else json]
    #[arg(long, value_name = "FORMAT", value_enum)]
    pub(super) format: Option<Format>,
    /// The sheet of the workbook [default: the first]
    #[arg(long, value_name = "NAME")]
    pub(super) sheet: Option<String>,
    /// A field of a CSV file or a sheet whose values are texts, such as codes that look like numbers; repeatable
    #[arg(long, value_name = "FIELD")]
    pub(super) text: Vec<String>,
    /// The name of the data set; asks the service for its group and type, with the administration token
    #[arg(long, value_name = "NAME", required_unless_present = "data_group")]
    pub(super) data_set: Option<String>,
    /// The group of the data set
    #[arg(long, value_name = "GROUP", requires = "data_type")]
    pub(super) data_group: Option<String>,
    /// The type of the data set
    #[arg(long, value_name = "TYPE", requires = "data_group")]
    pub(super) data_type: Option<String>,
    /// Make the data set of --data-group and --data-type if it does not exist
    #[arg(long, requires = "data_group")]
    pub(super) create: bool,
    /// With --create: answer queries without `period` and `group_by`, too
    #[arg(long, requires = "create")]
    pub(super) raw_queries_allowed: bool,
    /// The token of the data set [default: the administration token]
    #[arg(long, env = "BACKDROP_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    pub(super) token: Option<SecretString>,
    /// The most records to send at a time; with --resume the same as before
    #[arg(long, value_name = "RECORDS", default_value_t = CHUNK_RECORDS, value_parser = clap::value_parser!(u64).range(1..=30_000))]
    pub(super) chunk: u64,
    /// Go on with the next chunk when one is rejected
    #[arg(long)]
    pub(super) keep_going: bool,
    /// Go on with an import of this file that was stopped, or had chunks rejected
    #[arg(long)]
    pub(super) resume: bool,
    /// Store records without `_id` although an earlier import has stored them
    #[arg(long)]
    pub(super) again: bool,
    #[command(flatten)]
    pub(super) service: Service,
}
