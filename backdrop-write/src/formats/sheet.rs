//! Spreadsheets: XLSX, XLS and ODS, read by a process of their own.
//!
//! A workbook is a hostile thing: a few kilobytes can ask for gigabytes (a zip bomb, a cell repeated a billion
//! times, a sheet whose only two cells are at its corners), and the readers of its formats are large programs. No
//! check beforehand is as tight as a limit that the kernel keeps. So each is read by a short-lived child of this
//! process (`child`), which is the same program started for that: it limits its own memory and time, inherits
//! no setting and no secret, and says what it found. If it dies, by a limit or by a fault of a reader, the sheet
//! is refused, and nothing else happens.
//!
//! **Invariant.** One sheet is read at a time, so that all of them together take no more memory than one.

mod archive;
mod cell;
mod child;
mod table;
mod workbook;

pub use child::read_sheet_if_told;

use super::{Decoded, Reading};
use crate::error::WriteError;
use actix_web::web::Bytes;
use backdrop_core::error::{ApiError, ErrorCode};
use backdrop_core::origin::Origin;
use backdrop_core::record::{Violation, Violations};
use serde::{Deserialize, Serialize};
use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::Command;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{error, warn};

/// How long a request waits for the sheets of others.
const TURN_WAIT: Duration = Duration::from_secs(10);
/// How long reading a sheet may take, by the clock: twice what the child allows itself of the processor.
const READING_WAIT: Duration = Duration::from_secs(40);
/// What the child says besides the records: where they stand, and what is wrong with them.
const REMARKS_BYTES_MAX: usize = 4 << 20;

/// What the child says, in the first line; the records follow, if there are any.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Said {
    Decoded { count: usize, origin: Origin, faults: Vec<Violation> },
    Refused { code: ErrorCode, message: String, violations: Option<Box<Violations>> },
}

/// Has sheets read, one at a time.
#[derive(Debug)]
pub(super) struct SheetReader {
    turn: Semaphore,
}

impl Default for SheetReader {
    fn default() -> Self {
        Self { turn: Semaphore::new(1) }
    }
}

impl SheetReader {
    /// The records of a sheet.
    pub(super) async fn read(&self, workbook: Bytes, reading: Reading) -> Result<Decoded, WriteError> {
        let bound = reading.bounds.bytes + REMARKS_BYTES_MAX;
        let Ok(Ok(_turn)) = timeout(TURN_WAIT, self.turn.acquire()).await else {
            let message = "Other spreadsheets are being read just now, nothing was accepted. Try again.";
            return Err(WriteError::new(ErrorCode::SheetsBusy, message));
        };
        match timeout(READING_WAIT, ask_child(workbook, &reading, bound)).await {
            Err(_) => Err(exhausted().into()),
            Ok(Err(cause)) => {
                error!(error = %cause, "a sheet could not be handed to a process of its own");
                Err(WriteError::new(ErrorCode::Internal, "Something went wrong on our side; it was logged."))
            }
            Ok(Ok((status, said))) => Ok(understood(status, said)?),
        }
    }
}

/// Starts the child, gives it the workbook and takes what it says, up to so many bytes.
async fn ask_child(workbook: Bytes, reading: &Reading, bound: usize) -> io::Result<(ExitStatus, Vec<u8>)> {
    let mut child = Command::new("/proc/self/exe")
        .arg(child::TOLD)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let (Some(mut stdin), Some(stdout)) = (child.stdin.take(), child.stdout.take()) else {
        return Err(io::Error::other("the child has no pipes"));
    };
    let mut told = serde_json::to_vec(reading)?;
    told.push(b'\n');
    let telling = async move {
        // If the child has ended meanwhile, its status tells all there is to know.
        let _told = stdin.write_all(&told).await;
        let _told = stdin.write_all(&workbook).await;
    };
    let listening = async {
        let mut said = Vec::new();
        let bound = u64::try_from(bound).unwrap_or(u64::MAX);
        stdout.take(bound).read_to_end(&mut said).await.map(|_| said)
    };
    let ((), said) = tokio::join!(telling, listening);
    Ok((child.wait().await?, said?))
}

/// What the child has said, if it has.
fn understood(status: ExitStatus, mut said: Vec<u8>) -> Result<Decoded, ApiError> {
    let first = said.iter().position(|byte| *byte == b'\n').filter(|_| status.success());
    let Some(end) = first else {
        warn!(%status, "the process that read a sheet ended without an answer");
        return Err(exhausted());
    };
    match serde_json::from_slice(&said[..end]) {
        Ok(Said::Decoded { count, origin, faults }) => {
            said.drain(..=end);
            let records = String::from_utf8(said).map_err(|_| exhausted())?;
            Ok(Decoded { records, count, origin, faults })
        }
        Ok(Said::Refused { code, message, violations }) => Err(ApiError { code, message, violations }),
        Err(_) => Err(exhausted()),
    }
}

/// The answer to a sheet that its process could not read to the end.
fn exhausted() -> ApiError {
    let message = "The spreadsheet cannot be read: it is damaged, or takes too much memory or time. Delete what is not \
                   needed (other sheets, pictures, formats of whole rows and columns), or save the sheet as CSV UTF-8 \
                   and send that.";
    ApiError::new(ErrorCode::InvalidSheet, message)
}
