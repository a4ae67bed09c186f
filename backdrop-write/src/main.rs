//! The ingest service as a process of its own.

use backdrop_service::serve::Stop;
use backdrop_service::settings::LogArgs;
use backdrop_service::telemetry;
use backdrop_write::{Application, Settings, read_sheet_if_told};
use clap::Parser;
use std::process::ExitCode;

/// Takes records and queues them for the worker; administers data sets.
#[derive(Debug, Parser)]
#[command(name = "backdrop-write", version)]
struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    log: LogArgs,
}

fn main() -> anyhow::Result<ExitCode> {
    match read_sheet_if_told() {
        Some(code) => Ok(code),
        None => run_service().map(|()| ExitCode::SUCCESS),
    }
}

#[tokio::main]
async fn run_service() -> anyhow::Result<()> {
    let args = Args::parse();
    telemetry::init(&args.log)?;
    let stop = Stop::on_signals(args.settings.serve.drain_grace)?;
    Application::build(args.settings).await?.run_until_stopped(stop).await
}
