//! The process that reads one sheet and ends.
//!
//! **Invariant.** The limits are set before the first byte of the workbook is read.

use super::{Said, workbook};
use crate::formats::{Decoded, Reading};
use rustix::process::{Resource, Rlimit, setrlimit};
use std::io::{self, Read, Write};
use std::process::ExitCode;

/// The argument that starts the program as the reader of a sheet. No user gives it.
pub(super) const TOLD: &str = "--read-sheet-from-stdin";

/// How much address space the process may have. The program itself takes some 60 MiB of it; a workbook of
/// 10 MiB with 30,000 full rows takes less than 200.
const ADDRESS_SPACE_BYTES: u64 = 384 << 20;
/// How much of the processor it may use.
const PROCESSOR_SECONDS: u64 = 20;

/// Reads the sheet that comes on standard input, if this process was started for that, and answers on standard
/// output. Programs with the service inside call it before anything else; if there is an exit code, they end.
pub fn read_sheet_if_told() -> Option<ExitCode> {
    let is_told = std::env::args_os().nth(1).is_some_and(|argument| argument == TOLD);
    is_told.then(|| if read_sheet().is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn read_sheet() -> io::Result<()> {
    limit()?;
    let mut told = Vec::new();
    io::stdin().lock().read_to_end(&mut told)?;
    let end = told.iter().position(|byte| *byte == b'\n').unwrap_or(told.len());
    let reading: Reading = serde_json::from_slice(&told[..end])?;
    told.drain(..=end);
    let (said, records) = match workbook::decode(told, &reading) {
        Ok(Decoded { records, count, origin, faults }) => (Said::Decoded { count, origin, faults }, records),
        Err(error) => {
            let (code, message, violations) = (error.code, error.message, error.violations);
            (Said::Refused { code, message, violations }, String::new())
        }
    };
    let mut out = io::stdout().lock();
    serde_json::to_writer(&mut out, &said)?;
    out.write_all(b"\n")?;
    out.write_all(records.as_bytes())?;
    out.flush()
}

/// Limits what the process may take; none of it can be raised again.
fn limit() -> io::Result<()> {
    for (resource, most) in [
        (Resource::As, ADDRESS_SPACE_BYTES),
        (Resource::Cpu, PROCESSOR_SECONDS),
        // A crash leaves no image of somebody's figures behind, and nothing is written to any file.
        (Resource::Core, 0),
        (Resource::Fsize, 0),
    ] {
        setrlimit(resource, Rlimit { current: Some(most), maximum: Some(most) })?;
    }
    Ok(())
}
