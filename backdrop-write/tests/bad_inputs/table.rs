//! What was tried and what came of it, for people.

/// The rows in the order in which they were tried.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, String, Vec<String>)>,
}

impl Table {
    /// Adds what came of a row.
    pub(crate) fn add(&mut self, name: &str, answer: String, faults: Vec<String>) {
        let name = name.chars().take(60).collect();
        self.rows.push((name, answer, faults));
    }

    /// Prints all rows, those that are wrong with what is.
    pub(crate) fn print(&self) {
        for (name, answer, faults) in &self.rows {
            println!("{} {name:<60} {answer}", if faults.is_empty() { "  " } else { "!!" });
            faults.iter().for_each(|fault| println!("       {fault}"));
        }
        println!("{} inputs, {} answers are wrong", self.rows.len(), self.wrong());
    }

    fn wrong(&self) -> usize {
        self.rows.iter().filter(|(_, _, faults)| !faults.is_empty()).count()
    }

    /// There must be none that is wrong.
    #[track_caller]
    pub(crate) fn assert_no_faults(&self) {
        let wrong: Vec<String> = self
            .rows
            .iter()
            .filter(|(_, _, faults)| !faults.is_empty())
            .map(|(name, answer, faults)| format!("{name}: {answer}\n    {}", faults.join("\n    ")))
            .collect();
        assert!(
            wrong.is_empty(),
            "{} of {} answers are wrong:\n{}",
            wrong.len(),
            self.rows.len(),
            wrong.join("\n")
        );
    }
}
