//! What a person sees of an import: a bar on a terminal, one line at the end in any case.

use super::input::Extent;
use indicatif::{HumanCount, HumanDuration, ProgressBar, ProgressStyle};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Counts what became of the records, and shows it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    /// How far the file has been read.
    extent: Extent,
    started: Instant,
    stored: u64,
    stored_before: u64,
    rejected: u64,
}

impl Progress {
    /// Begins. Without a known size of the file there is no bar to fill, only the counts. Where the error
    /// output is no terminal nothing is drawn.
    pub(super) fn start(extent: Extent) -> Self {
        let (bar, template) = match extent.size {
            Some(size) => (ProgressBar::new(size), "{bar:30} {percent:>3} %  {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg}"),
        };
        let style = ProgressStyle::with_template(template).expect("the templates are constants");
        bar.set_style(style.progress_chars("=> "));
        Self::new(bar, extent)
    }

    /// Begins, and shows nothing until the end.
    pub(super) fn start_hidden(extent: Extent) -> Self {
        Self::new(ProgressBar::hidden(), extent)
    }

    fn new(bar: ProgressBar, extent: Extent) -> Self {
        Self { bar, extent, started: Instant::now(), stored: 0, stored_before: 0, rejected: 0 }
    }

    /// More records are stored.
    pub(super) fn stored(&mut self, records: u64) {
        self.stored += records;
        self.draw();
    }

    /// More records turn out to have been stored before.
    pub(super) fn stored_before(&mut self, records: u64) {
        self.stored_before += records;
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
        let others = |count: u64, what: &str| match count {
            0 => String::new(),
            count => format!(", {} {what}", HumanCount(count)),
        };
        let before = others(self.stored_before, "stored before");
        let rejected = others(self.rejected, "not stored");
        let rate = HumanCount(self.rate());
        format!("{} records stored{before}{rejected} in {time} ({rate} records/s)", HumanCount(self.stored))
    }

    fn draw(&self) {
        self.bar.set_position(self.extent.position.load(Ordering::Relaxed));
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
