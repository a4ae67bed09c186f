//! `make faults`: injects every fault, and prints what came of it.

use anyhow::{Context, bail};
use backdrop_faults::{Fault, Moments, Scale, faults, table};
use clap::Parser;
use std::path::PathBuf;
use std::process::ExitCode;

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
    let scale = if args.short { Scale::Short } else { Scale::Full };
    let seed = args.seed.unwrap_or_else(Moments::new_seed);
    println!("BACKDROP_TEST_SEED={seed}");
    let mut reports = Vec::new();
    for fault in chosen {
        eprintln!("{} …", fault.name);
        let report = fault.try_out(scale, seed)?;
        report.broken().iter().for_each(|finding| eprintln!("  {finding}"));
        reports.push(report);
    }
    let text = table(&reports);
    println!("\n{text}");
    if let Some(path) = args.output {
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    let is_kept = reports.iter().all(|report| report.broken().is_empty());
    Ok(if is_kept { ExitCode::SUCCESS } else { ExitCode::FAILURE })
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
