//! What was measured, and on what, in Markdown that can go into the documentation as it is.

use crate::versions;
use std::fmt::Write as _;
use std::iter;
use std::process::Command;
use std::thread::available_parallelism;

/// On what a run runs: the commit with the words of the run, the machine and the servers, as a list.
pub fn measured_on(run: &str) -> String {
    let cores = available_parallelism().map_or(0, usize::from);
    let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or("unknown");
    let servers = versions().map_or_else(|error| error.to_string(), |versions| versions.join("; "));
    let commit = commit().unwrap_or_else(|| "unknown".into());
    let build = if cfg!(debug_assertions) { "debug" } else { "release" };
    let kernel = kernel.trim();
    format!(
        "- commit {commit}, {run}\n\
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

/// A table, whose columns are wide enough to be read as text, too.
pub fn table<const COLUMNS: usize>(
    head: [&str; COLUMNS],
    rows: impl IntoIterator<Item = [String; COLUMNS]>,
) -> String {
    let rows: Vec<_> = iter::once(head.map(str::to_owned)).chain(rows).collect();
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
    let rule = widths.map(|width| "-".repeat(width));
    let mut text = String::new();
    for row in iter::once(&rows[0]).chain([&rule]).chain(&rows[1..]) {
        for (cell, width) in row.iter().zip(&widths) {
            let padding = " ".repeat(width - cell.chars().count());
            // Writing to a string does not fail.
            let _ = write!(text, "| {cell}{padding} ");
        }
        text.push_str("|\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = [["é".to_owned(), "12345".to_owned()], ["bcd".to_owned(), String::new()]];
        let expected = "| a   | b     |\n| --- | ----- |\n| é   | 12345 |\n| bcd |       |\n";
        assert_eq!(table(["a", "b"], rows), expected);
    }
}
