//! What a run ran on.

use backdrop_testing::versions;
use std::process::Command;
use std::thread::available_parallelism;

/// The commit, the machine and the servers, in a line each, as a list in Markdown.
pub fn described(records: u64, seed: u64) -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let servers = versions().map_or_else(|error| error.to_string(), |versions| versions.join("; "));
    let commit = commit().unwrap_or_else(|| "unknown".into());
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let kernel = kernel.trim();
    format!(
        "- commit {commit}, {records} records, `--seed {seed}`\n\
         - {cores} cores, Linux {kernel}, {build} build; load of the machine at the start {load}\n- {servers}\n"
    )
}

/// The commit that is checked out, if this is a repository; with a plus if it was changed since.
fn commit() -> Option<String> {
    let git = |words: &[&str]| {
        let output = Command::new("git").args(words).output().ok()?;
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    let is_changed = !git(&["status", "--porcelain", "--untracked-files=no"])?.is_empty();
    Some(format!("{}{}", git(&["rev-parse", "--short", "HEAD"])?, if is_changed { "+" } else { "" }))
}
