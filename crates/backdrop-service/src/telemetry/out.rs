//! Standard error, written by a thread of its own: a line that is logged costs its request no system call, and a
//! reader of the log that stands still stops nobody.
//!
//! **Invariant.** Lines keep their order, and each is out within milliseconds, or at the latest when the process ends in
//! order. If they pile up, further ones are counted instead, and the log says how many are missing.

use std::io::{self, Write, stderr};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;
use tracing::warn;
use tracing_subscriber::fmt::MakeWriter;

/// How long lines are gathered before they are written together.
const GATHERED_FOR: Duration = Duration::from_millis(2);
/// How many bytes may wait: about a second of a process that logs all it can.
const WAITING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long the end of the process waits until all is written: a pipe that nobody reads takes nothing.
const END_WITHIN: Duration = Duration::from_secs(1);

/// Where lines are put. Cheap to clone.
#[derive(Clone, Debug)]
pub(super) struct Out(Arc<Shared>);

/// Has all lines written when it is dropped.
#[derive(Debug)]
pub(super) struct Writing(Out);

#[derive(Debug, Default)]
struct Shared {
    waiting: Mutex<Waiting>,
    /// Told when there is something to write, and when everything is written.
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    /// Lines that had no room.
    missing: u64,
    is_ending: bool,
    has_ended: bool,
}

impl Out {
    /// Begins to write.
    pub(super) fn start() -> (Self, Writing) {
        let out = Self(Arc::default());
        let writer = out.clone();
        thread::spawn(move || writer.write_all());
        (out.clone(), Writing(out))
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, line: &[u8]) {
        let mut waiting = self.waiting();
        if waiting.bytes.len() + line.len() > WAITING_BYTES_MAX {
            waiting.missing += 1;
            return;
        }
        let is_first = waiting.bytes.is_empty();
        waiting.bytes.extend_from_slice(line);
        if waiting.has_ended {
            // What is logged after the end goes out by itself.
            let _ = stderr().write_all(&mem::take(&mut waiting.bytes));
        } else if is_first {
            self.0.changed.notify_all();
        }
    }

    /// Writes what comes until the end.
    fn write_all(&self) {
        let mut lines = Vec::new();
        loop {
            let waiting = self.waiting();
            let is_idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && !waiting.is_ending;
            let mut waiting =
                self.0.changed.wait_while(waiting, is_idle).unwrap_or_else(PoisonError::into_inner);
            if !waiting.is_ending {
                drop(waiting);
                thread::sleep(GATHERED_FOR);
            } else if waiting.bytes.is_empty() {
                // Under the same lock: a line that comes from now on goes out by itself.
                waiting.has_ended = true;
                self.0.changed.notify_all();
                return;
            } else {
                drop(waiting);
            }
            let missing = {
                let mut waiting = self.waiting();
                mem::swap(&mut lines, &mut waiting.bytes);
                mem::take(&mut waiting.missing)
            };
            // There is nobody left to whom a failure could be told.
            let _ = stderr().write_all(&lines);
            lines.clear();
            if missing > 0 {
                warn!(missing, "lines of the log had no room");
            }
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let Self(out) = self;
        let mut waiting = out.waiting();
        waiting.is_ending = true;
        out.0.changed.notify_all();
        let is_at_work = |waiting: &mut Waiting| !waiting.has_ended;
        drop(out.0.changed.wait_timeout_while(waiting, END_WITHIN, is_at_work));
    }
}

impl Write for Out {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.put(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Out {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}
