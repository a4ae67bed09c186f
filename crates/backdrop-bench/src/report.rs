//! What was measured, as a table in Markdown.

/// By which part two measurements of the same may differ.
const NOISE: f64 = 0.05;

/// What a figure counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// So many a second: more is better.
    PerSecond,
    /// Milliseconds: less is better.
    Ms,
    /// Bytes: less is better.
    Bytes,
}

/// What is asked of a figure, beside its baseline.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Demand {
    /// Nothing: it is there to be known.
    Nothing,
    /// At least this part of the baseline's rate.
    Share(f64),
    /// At least so many times faster than the baseline.
    Faster(f64),
    /// As fast as the baseline, but for what two measurements of the same differ by.
    NotSlower,
    /// At most so many times as long as the baseline.
    Times(f64),
    /// At most so many milliseconds more than the baseline.
    MsMore(f64),
    /// At most so much, whatever the baseline.
    AtMost(f64),
}

/// One line of the table.
#[derive(Debug)]
pub struct Line {
    /// What was measured.
    pub what: String,
    /// What its figures count.
    pub unit: Unit,
    /// What it is held against, if anything.
    pub baseline: Option<f64>,
    /// What was measured of Backdrop.
    pub subject: f64,
    /// What is asked.
    pub demand: Demand,
    /// On how many requests the two figures rest.
    pub requests: [usize; 2],
    /// What else is to be known: which engine answered, how long the slowest took.
    pub notes: String,
}

impl Unit {
    fn print(self, figure: f64) -> String {
        let digits = match figure.abs() {
            size if size >= 100.0 => 0,
            size if size >= 10.0 => 1,
            size if size >= 1.0 => 2,
            _ => 3,
        };
        match self {
            Self::PerSecond => format!("{figure:.digits$}/s"),
            Self::Ms => format!("{figure:.digits$} ms"),
            Self::Bytes => format!("{figure:.digits$} B"),
        }
    }
}

impl Demand {
    /// How the subject stands to the baseline, in the terms of what is asked.
    fn compared(self, unit: Unit, baseline: Option<f64>, subject: f64) -> Option<f64> {
        let baseline = match self {
            Self::AtMost(_) => return Some(subject),
            _ => baseline?,
        };
        Some(match (self, unit) {
            (Self::MsMore(_), _) => subject - baseline,
            (Self::Faster(_), _) | (Self::Nothing, Unit::Ms) => baseline / subject,
            _ => subject / baseline,
        })
    }

    fn is_met_by(self, compared: f64) -> bool {
        match self {
            Self::Nothing => true,
            Self::Share(least) | Self::Faster(least) => compared >= least,
            Self::NotSlower => compared <= 1.0 + NOISE,
            Self::Times(most) | Self::MsMore(most) | Self::AtMost(most) => compared <= most,
        }
    }

    fn print(self, unit: Unit) -> String {
        match self {
            Self::Nothing => "–".into(),
            Self::Share(least) => format!("≥ {:.0} %", least * 100.0),
            Self::Faster(least) => format!("≥ {least} × faster"),
            Self::NotSlower => "not slower".into(),
            Self::Times(most) => format!("≤ {most} × as long"),
            Self::MsMore(most) => format!("≤ {most} ms more"),
            Self::AtMost(most) => format!("≤ {}", unit.print(most)),
        }
    }

    fn print_compared(self, unit: Unit, compared: f64) -> String {
        match (self, unit) {
            (Self::MsMore(_), _) => format!("{compared:+.2} ms"),
            (Self::AtMost(_), _) => "–".into(),
            (Self::Times(_) | Self::NotSlower, _) => format!("{compared:.2} × as long"),
            (Self::Faster(_), _) | (_, Unit::Ms) => format!("{compared:.2} × faster"),
            _ => format!("{:.0} %", compared * 100.0),
        }
    }
}

impl Line {
    fn compared(&self) -> Option<f64> {
        self.demand.compared(self.unit, self.baseline, self.subject)
    }

    /// Whether it is as is demanded.
    pub fn is_met(&self) -> bool {
        self.demand == Demand::Nothing
            || self.compared().is_some_and(|compared| self.demand.is_met_by(compared))
    }

    fn cells(&self) -> [String; 8] {
        let verdict = match self.demand {
            Demand::Nothing => "–",
            _ if self.is_met() => "pass",
            _ => "short",
        };
        let compared = self.compared().map(|compared| self.demand.print_compared(self.unit, compared));
        let none = || "–".to_owned();
        [
            self.what.clone(),
            self.baseline.map_or_else(none, |figure| self.unit.print(figure)),
            self.unit.print(self.subject),
            compared.unwrap_or_else(none),
            self.demand.print(self.unit),
            format!("{} / {}", self.requests[0], self.requests[1]),
            self.notes.clone(),
            verdict.to_owned(),
        ]
    }
}

const HEAD: [&str; 8] = [
    "what",
    "baseline",
    "Backdrop",
    "ratio",
    "demanded",
    "requests (baseline / Backdrop)",
    "notes",
    "verdict",
];

/// The lines as a table in Markdown.
pub fn table(lines: &[Line]) -> String {
    backdrop_testing::table(HEAD, lines.iter().map(Line::cells))
}

/// The middle one of some figures, so that one disturbed round does not decide.
///
/// # Panics
/// If there is none.
pub fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    assert!(!figures.is_empty(), "every row was measured at least once");
    let middle = figures.len() / 2;
    if figures.len().is_multiple_of(2) {
        f64::midpoint(figures[middle - 1], figures[middle])
    } else {
        figures[middle]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(unit: Unit, baseline: f64, subject: f64, demand: Demand) -> Line {
        let (what, notes) = ("what".into(), String::new());
        Line { what, unit, baseline: Some(baseline), subject, demand, requests: [1, 1], notes }
    }

    #[test]
    fn each_demand_can_be_met_and_missed() {
        let is_met = |unit, subject, demand| line(unit, 100.0, subject, demand).is_met();
        assert!(is_met(Unit::PerSecond, 60.0, Demand::Share(0.6)));
        assert!(!is_met(Unit::PerSecond, 59.0, Demand::Share(0.6)));
        assert!(is_met(Unit::Ms, 1.0, Demand::Faster(100.0)));
        assert!(!is_met(Unit::Ms, 1.1, Demand::Faster(100.0)));
        assert!(is_met(Unit::Ms, 300.0, Demand::Times(3.0)));
        assert!(!is_met(Unit::Ms, 301.0, Demand::Times(3.0)));
        assert!(is_met(Unit::Ms, 104.0, Demand::NotSlower));
        assert!(!is_met(Unit::Ms, 106.0, Demand::NotSlower));
        assert!(is_met(Unit::Ms, 102.0, Demand::MsMore(2.0)));
        assert!(!is_met(Unit::Ms, 102.1, Demand::MsMore(2.0)));
        assert!(is_met(Unit::Bytes, 64.0, Demand::AtMost(64.0)));
        assert!(!is_met(Unit::Bytes, 65.0, Demand::AtMost(64.0)));
        assert!(is_met(Unit::Ms, 1e9, Demand::Nothing));
    }

    #[test]
    fn a_median_of_an_even_number_lies_between_the_middle_two() {
        assert!((median([4.0, 1.0, 3.0, 2.0]) - 2.5).abs() < f64::EPSILON);
        assert!((median([9.0, 1.0, 3.0]) - 3.0).abs() < f64::EPSILON);
    }
}
