//! `make bench`: measures, and prints the table.

use anyhow::{Context, bail, ensure};
use backdrop_bench::{Durability, Line, Options, Row, Stage, rows, table};
use backdrop_testing::measured_on;
use clap::Parser;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// What the records follow from, unless it is said: the same in every run, so that runs can be compared.
const SEED: u64 = 6;
/// How long each side of a row is measured in each round, in seconds.
const SECONDS: f64 = 1.0;
/// How often baseline and Backdrop take turns.
const ROUNDS: usize = 3;
/// For a look whether everything still works: records, and seconds.
const SHORT: (u64, f64) = (10_000, 0.1);

/// Measures how fast Backdrop is, beside what the same machine can do at best.
#[derive(Debug, Parser)]
#[command(name = "bench")]
struct Args {
    /// Only these rows; without any, all
    #[arg(long, num_args = 1.., value_name = "NAME")]
    only: Vec<String>,
    /// Lists the rows, and measures none
    #[arg(long)]
    list: bool,
    /// Ten thousand records, and a fraction of a second for everything
    #[arg(long)]
    short: bool,
    /// How many records the large data set has; the others have a tenth
    #[arg(long, default_value_t = 1_000_000, conflicts_with = "short")]
    records: u64,
    /// How long each side of a row is measured in each round
    #[arg(long, default_value_t = SECONDS, conflicts_with = "short")]
    seconds: f64,
    /// How often baseline and Backdrop take turns
    #[arg(long, default_value_t = ROUNDS)]
    rounds: usize,
    /// What the records follow from
    #[arg(long, default_value_t = SEED)]
    seed: u64,
    /// Where the table goes besides
    #[arg(long)]
    output: Option<PathBuf>,
}

fn main() -> anyhow::Result<()> {
    let args = Args::parse();
    let chosen = chosen(&args.only)?;
    if args.list {
        chosen.iter().for_each(|row| println!("{}", row.name));
        return Ok(());
    }
    let (records, seconds) = if args.short { SHORT } else { (args.records, args.seconds) };
    let options = Options {
        records,
        time: Duration::try_from_secs_f64(seconds).context("--seconds")?,
        rounds: args.rounds.max(1),
        seed: args.seed,
        durability: Durability::OnDisk,
    };
    let machine = measured_on(&format!("{records} records, `--seed {}`", args.seed));
    println!("{machine}");
    let mut stage = Stage::build(options)?;
    let (mut lines, mut failed): (Vec<Line>, _) = (Vec::new(), Vec::new());
    for row in chosen {
        eprintln!("{}", row.name);
        let began = Instant::now();
        match (row.measure)(&mut stage) {
            Ok(measured) => lines.extend(measured),
            Err(error) => {
                eprintln!("  FAILED: {error:#}");
                failed.push(row.name);
            }
        }
        eprintln!("  took {:.1} s", began.elapsed().as_secs_f64());
    }
    println!("\n{}", table(&lines));
    if let Some(path) = args.output {
        let text = format!("{machine}\n{}", table(&lines));
        std::fs::write(&path, &text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    ensure!(failed.is_empty(), "these rows failed: {}", failed.join(", "));
    Ok(())
}

fn chosen(names: &[String]) -> anyhow::Result<Vec<Row>> {
    if names.is_empty() {
        return Ok(rows::ALL.to_vec());
    }
    let known = |name: &String| match rows::ALL.iter().find(|row| row.name == name) {
        Some(row) => Ok(*row),
        None => bail!("there is no row {name:?}; --list tells which there are"),
    };
    names.iter().map(known).collect()
}
