//! What a person sees of an import: a bar on a terminal, one line at the end in any case.

use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Counts what became of the records, and shows it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// How many bytes of the file have been read.
    position: Arc<AtomicU64>,
    started: Instant,
    stored: u64,
    rejected: u64,
}

impl Progress {
    /// Begins. Without a known size of the file there is no bar to fill, only the counts. Where the error
    /// output is no terminal nothing is drawn.
    pub(super) fn start(position: Arc<AtomicU64>, size: Option<u64>) -> Self {
        let (bar, template) = match size {
            Some(size) => (ProgressBar::new(size), "{bar:30} {percent:>3} %  {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(template).expect("the templates are constants");
        bar.set_style(style.progress_chars("=> "));
        Self { bar, position, started: Instant::now(), stored: 0, rejected: 0 }
    }

    /// Begins, and shows nothing until the end.
    pub(super) fn start_hidden(position: Arc<AtomicU64>) -> Self {
        Self { bar: ProgressBar::hidden(), position, started: Instant::now(), stored: 0, rejected: 0 }
    }

    /// More records are stored.
    pub(super) fn stored(&mut self, records: u64) {
        self.stored += records;
        self.draw();
    }

    /// More records are rejected; `faults` says why.
    pub(super) fn rejected(&mut self, records: u64, faults: &[String]) {
        self.rejected += records;
        // Above the bar, which is drawn again below.
        self.bar.suspend(|| faults.iter().for_each(|fault| eprintln!("{fault}")));
        self.draw();
    }

    /// How many records were rejected.
    pub(super) fn rejected_so_far(&self) -> u64 {
        self.rejected
    }

    /// Ends; what there is to say.
    pub(super) fn finish(&self) -> String {
        self.bar.finish_and_clear();
        let elapsed = self.started.elapsed();
        let time = if elapsed < Duration::from_secs(60) {
            format!("{:.1} s", elapsed.as_secs_f64())
        } else {
            HumanDuration(elapsed).to_string()
        };
        let rejected = match self.rejected {
            0 => String::new(),
            rejected => format!(", {} not stored", HumanCount(rejected)),
        };
        let rate = HumanCount(self.rate());
        format!("{} records stored{rejected} in {time} ({rate} records/s)", HumanCount(self.stored))
    }

    fn draw(&self) {
        self.bar.set_position(self.position.load(Ordering::Relaxed));
        self.bar.set_message(format!("{} records, {}/s", HumanCount(self.stored), HumanCount(self.rate())));
    }

    fn rate(&self) -> u64 {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a rate to look at"
        )]
        let rate = (self.stored as f64 / seconds) as u64;
        rate
    }
}
