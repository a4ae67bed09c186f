//! `make faults`: injects every fault, and prints what came of it.

use anyhow::{Context, bail};
use backdrop_faults::{Fault, Moments, Report, Scale, faults, soak_for, table};
use backdrop_testing::measured_on;
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;
use tokio::signal::unix::{SignalKind, signal};

/// What a program that was ended by Ctrl-C exits with.
const INTERRUPTED: i32 = 130;

/// Injects faults into Backdrop under load, and prints what was lost.
#[derive(Debug, Parser)]
#[command(name = "faults")]
struct Args {
    /// Only these faults; without any, all
    names: Vec<String>,
    /// Lists the faults, and injects none
    #[arg(long)]
    list: bool,
    /// A few times each, for seconds instead of minutes
    #[arg(long)]
    short: bool,
    /// Only the soak, for so many minutes
    #[arg(long, value_name = "MINUTES", conflicts_with_all = ["names", "short"])]
    soak: Option<u64>,
    /// Where moments and choices come from, as an earlier run has printed it
    #[arg(long, env = "BACKDROP_TEST_SEED")]
    seed: Option<u64>,
    /// Where the table goes besides
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> anyhow::Result<ExitCode> {
    let args = Args::parse();
    let chosen = chosen(&args.names)?;
    if args.list {
        chosen.iter().for_each(|fault| println!("{}", fault.name));
        return Ok(ExitCode::SUCCESS);
    }
    end_on_signals()?;
    let scale = if args.short { Scale::Short } else { Scale::Full };
    let seed = args.seed.unwrap_or_else(Moments::new_seed);
    let machine = measured_on(&format!("`BACKDROP_TEST_SEED={seed}`"));
    println!("{machine}");
    let reports = match args.soak {
        Some(minutes) => vec![told(1, 1, "soak", || soak_for(minutes, seed))?],
        None => {
            let count = chosen.len();
            let numbered = chosen.into_iter().enumerate();
            let try_out = |(index, fault): (usize, Fault)| {
                told(index + 1, count, fault.name, || fault.try_out(scale, seed))
            };
            numbered.map(try_out).collect::<anyhow::Result<_>>()?
        }
    };
    let text = format!("{machine}\n{}", table(&reports));
    println!("\n{}", table(&reports));
    if let Some(path) = args.output {
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let is_kept = reports.iter().all(|report| report.broken().is_empty());
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Tells how it goes.
fn told(
    number: usize,
    of: usize,
    name: &str,
    try_out: impl FnOnce() -> anyhow::Result<Report>,
) -> anyhow::Result<Report> {
    eprintln!("[{number}/{of}] {name}");
    let began = Instant::now();
    let report = try_out()?;
    let broken = report.broken();
    broken.iter().for_each(|finding| eprintln!("  {finding}"));
    let kept = if broken.is_empty() { "kept" } else { "BROKEN" };
    eprintln!("  {kept}: {} times in {:.1} s", report.injected, began.elapsed().as_secs_f64());
    Ok(report)
}

/// Ends at once when it is interrupted. What was started hears of it from the kernel, unless it is frozen.
fn end_on_signals() -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(async {
            let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened to");
            tokio::select! {
                _ = terminate.recv() => {}
                _ = tokio::signal::ctrl_c() => {}
            }
        });
        backdrop_testing::wake_children();
        std::process::exit(INTERRUPTED);
    })?;
    Ok(())
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Fault>> {
    if names.is_empty() {
        return Ok(faults::ALL.to_vec());
    }
    let known = |name: &String| match faults::named(name) {
        Some(fault) => Ok(fault),
        None => bail!("there is no fault {name:?}; --list tells which there are"),
    };
    names.iter().map(known).collect()
}
