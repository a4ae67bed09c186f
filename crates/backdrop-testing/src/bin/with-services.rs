//! Runs a command with a Postgres that all tests of the run share: `with-services -- cargo nextest run`.
//!
//! nextest runs every test in a process of its own, so that a server started by one test cannot be used
//! by the next. Without this program tests work just as well; each then starts a Postgres of its own.

use anyhow::{Context, bail};
use backdrop_testing::{SHARED_POSTGRES, SharedPostgres};
use secrecy::ExposeSecret;
use std::io::ErrorKind;
use std::process::{Command, ExitCode};

fn main() -> anyhow::Result<ExitCode> {
    let mut words = std::env::args_os().skip(1).skip_while(|word| word == "--");
    let Some(program) = words.next() else { bail!("usage: with-services -- COMMAND [ARGUMENT…]") };
    let postgres = SharedPostgres::start()?;
    let words: Vec<_> = std::iter::once(program.clone()).chain(words).collect();
    let run = |command: &mut Command| {
        command.args(&words).env(SHARED_POSTGRES, postgres.url().expose_secret()).status()
    };
    // It ends with us, whatever ends us; as far as that is to be had.
    let bound = run(Command::new("setpriv").args(["--pdeathsig", "TERM", "--"]));
    let status = match bound {
        Err(error) if error.kind() == ErrorKind::NotFound => run(&mut Command::new("env")),
        result => result,
    }
    .with_context(|| format!("cannot run {}", program.display()))?;
    drop(postgres);
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(1)).unwrap_or(1)))
}
