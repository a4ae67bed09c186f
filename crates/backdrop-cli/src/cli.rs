//! The command line: which commands there are, and how they end.

use crate::stdout::ReaderGone;
use crate::{administration, export, health, import, migrate, up};
use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// A time-series datastore for performance figures.
#[derive(Debug, Parser)]
#[command(name = "backdrop", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs all of Backdrop in one process, with nothing to configure
    #[command(long_about = up::LONG_ABOUT)]
    Up(Box<up::Arguments>),
    /// Brings the database to the form this version expects
    Migrate(migrate::Arguments),
    /// Makes, lists, shows, changes and deletes data sets
    #[command(subcommand)]
    DataSet(administration::DataSetCommand),
    /// Shows, sets and tries the schema that the records of a data set must follow
    #[command(subcommand)]
    Schema(administration::SchemaCommand),
    /// Makes, lists and revokes the tokens by which services use a data set
    #[command(subcommand)]
    Token(administration::TokenCommand),
    /// Lists, shows, replays and discards batches that were refused
    #[command(subcommand)]
    Rejected(administration::RejectedCommand),
    /// Tells who changed what, and when
    Audit(administration::AuditArguments),
    /// Sends the records of a file to a data set
    #[command(long_about = import::LONG_ABOUT)]
    Import(import::Arguments),
    /// Writes all records of a data set to a file
    #[command(long_about = export::LONG_ABOUT)]
    Export(export::Arguments),
    /// Asks an address whether a service is well: for the health checks of containers
    Health(health::Arguments),
}

/// Runs the command the process was called with.
///
/// Ends with 0 if it did what was asked, 1 if not, 2 if the command line is not understood.
pub fn main() -> ExitCode {
    let result = match Cli::parse().command {
        Command::Up(arguments) => up::run(&arguments),
        Command::Migrate(arguments) => migrate::run(&arguments),
        Command::DataSet(command) => command.run(),
        Command::Schema(command) => command.run(),
        Command::Token(command) => command.run(),
        Command::Rejected(command) => command.run(),
        Command::Audit(arguments) => arguments.run(),
        Command::Import(arguments) => import::run(&arguments),
        Command::Export(arguments) => export::run(&arguments),
        Command::Health(arguments) => health::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is::<ReaderGone>() => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backdrop: {error:#}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use backdrop_service::settings::LogArgs;
    use clap::{Arg, Args, CommandFactory};
    use std::collections::BTreeSet;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// All arguments of a command and the commands below it that are settings, too.
    fn settings_of(command: &clap::Command) -> Vec<Arg> {
        let own = command.get_arguments().filter(|argument| argument.get_env().is_some()).cloned();
        own.chain(command.get_subcommands().flat_map(settings_of)).collect()
    }

    #[test]
    fn the_table_of_settings_holds_them_all_with_their_defaults() {
        let table = include_str!("../../../docs/settings.md");
        let services = clap::Command::new("services").subcommands([
            backdrop_read::Settings::augment_args(clap::Command::new("read")),
            backdrop_write::Settings::augment_args(clap::Command::new("write")),
            LogArgs::augment_args(backdrop_worker::Settings::augment_args(clap::Command::new("worker"))),
        ]);
        let mut names = BTreeSet::new();
        for setting in settings_of(&Cli::command()).iter().chain(&settings_of(&services)) {
            let name =
                setting.get_env().expect("a setting has a variable").to_str().expect("ASCII").to_owned();
            let row = table.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
            let row = row.unwrap_or_else(|| panic!("docs/settings.md lacks {name}"));
            let flag = format!("`--{}`", setting.get_long().expect("a setting has a flag"));
            let defaults = setting.get_default_values().iter().map(|value| format!("`{}`", value.display()));
            for part in defaults.chain([flag]) {
                assert!(row.contains(&part), "docs/settings.md lacks {part} in the row of {name}");
            }
            names.insert(name);
        }
        let rows = table.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, names.len(), "docs/settings.md has rows of settings that are no more");
    }
}
