//! The worker as a process of its own.

use backdrop_service::serve::Stop;
use backdrop_service::settings::LogArgs;
use backdrop_service::telemetry;
use backdrop_worker::{Application, Settings};
use clap::Parser;
use std::time::Duration;

/// Validates queued batches and persists them.
#[derive(Debug, Parser)]
#[command(name = "backdrop-worker", version)]
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
    // Nobody sends requests here, so nobody has to notice.
    let stop = Stop::on_signals(Duration::ZERO)?;
    Application::build(args.settings).await?.run_until_stopped(stop).await
}
