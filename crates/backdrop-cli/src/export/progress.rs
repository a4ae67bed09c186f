//! What a person sees of an export: a bar on a terminal, one line at the end in any case.

use crate::client::Page;
use indicatif::{HumanCount, ProgressBar, ProgressStyle};
use std::time::Instant;

/// Counts the records, and shows it.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
    started: Instant,
}

impl Progress {
    /// Begins. Without a known number of records there is no bar to fill, only the count. Where the error
    /// output is no terminal nothing is drawn.
    pub(super) fn start(records: Option<u64>) -> Self {
        let (bar, template) = match records {
            Some(records) => (ProgressBar::new(records), "{bar:30} {percent:>3} %  {human_pos} records"),
            None => (ProgressBar::new_spinner(), "{spinner} {human_pos} records"),
        };
        let style = ProgressStyle::with_template(template).expect("the templates are constants");
        bar.set_style(style.progress_chars("=> "));
        Self { bar, started: Instant::now() }
    }

    /// That many records were there already.
    pub(super) fn skip(&mut self, records: u64) {
        self.bar.set_position(records);
    }

    /// One more page is there.
    pub(super) fn add(&mut self, page: &Page) {
        self.bar.inc(page.records());
    }

    /// Ends; what there is to say.
    pub(super) fn finish(&self, what: &str) -> String {
        let records = self.bar.position();
        self.bar.finish_and_clear();
        let seconds = self.started.elapsed().as_secs_f64();
        format!("{} records {what} in {seconds:.1} s", HumanCount(records))
    }
}
