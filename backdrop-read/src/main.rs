//! `backdrop-read`: the query service as a process of its own.

use backdrop_read::{Application, Settings};
use backdrop_service::serve::Stop;
use backdrop_service::settings::LogArgs;
use backdrop_service::telemetry;
use clap::Parser;

/// Answers queries about the figures of data sets.
#[derive(Debug, Parser)]
#[command(name = "backdrop-read", version)]
struct Args {
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    log: LogArgs,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    telemetry::init(&args.log)?;
    let stop = Stop::on_signals(args.settings.serve.drain_grace)?;
    Application::build(args.settings).await?.run_until_stopped(stop).await
}
