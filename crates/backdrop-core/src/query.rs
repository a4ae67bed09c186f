//! Queries: what a client asks of a data set, parsed and checked.
//!
//! A query selects records by time and by fields ([`Selection`]) and says what is to become of them
//! ([`Answer`]): the records themselves, or groups by fields, by period or by both.
//!
//! **Invariant.** A [`Query`] follows every rule of the contract that does not depend on the data set;
//! the rules for data sets that protect their records are a step of their own, [`Query::check_allowed`].
//! Whatever depends on the present moment was resolved when the query was parsed.

mod collect;
mod comparison;
mod cursor;
mod field;
mod filter;
mod format;
mod grouping;
mod listing;
mod parameters;
mod protection;
mod range;
mod sort;

pub use collect::{Collect, Method, Percent};
pub use comparison::Comparison;
pub use cursor::Cursor;
pub use field::FieldName;
pub use filter::{Filter, Inequality};
pub use format::Format;
pub use grouping::{Grouping, Layout};
pub use listing::Listing;
pub use parameters::PARAMETERS;
pub use range::{Counted, TimeRange};
pub use sort::{Direction, GroupColumn, GroupOrder, RowOrder};

use crate::error::{ApiError, ErrorCode};
use crate::period::Periods;
use crate::time::Timestamp;
use parameters::Parameters;

/// A checked query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    selection: Selection,
    answer: Answer,
    /// The ends as they were given, which protection judges; the selection holds what they came to.
    given: GivenEnds,
    follows_the_clock: bool,
    format: Option<Format>,
}

/// Which records a query is about.
#[derive(Clone, Debug, PartialEq)]
pub struct Selection {
    range: Option<TimeRange>,
    filters: Vec<Filter>,
}

/// What a query makes of the records it selects.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// The records themselves.
    Rows(Listing),
    /// Groups of them.
    Groups(Grouping),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct GivenEnds {
    start_at: Option<Timestamp>,
    end_at: Option<Timestamp>,
}

impl Query {
    /// Reads the parameters of a request, already percent-decoded, in the order in which they stand.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidQuery`], naming the parameter at fault and what it should be.
    pub fn parse(pairs: &[(String, String)], now: Timestamp) -> Result<Self, ApiError> {
        let parameters = Parameters::read(pairs)?;
        let format = parameters.format.map(Format::parse).transpose()?;
        let ends = range::read(&parameters, now)?;
        let selection = Selection { range: ends.range, filters: filter::read(&parameters)? };
        let (given, follows_the_clock) = (ends.given, ends.follow_the_clock);
        let keys = FieldName::parse_keys("group_by", &parameters.group_by)?;
        let answer = if keys.is_empty() && ends.periods.is_none() {
            Answer::Rows(Listing::read(&parameters)?)
        } else {
            Answer::Groups(Grouping::read(&parameters, keys, ends)?)
        };
        Ok(Self { selection, answer, given, follows_the_clock, format })
    }

    /// Which records the query is about.
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What the query makes of them.
    pub const fn answer(&self) -> &Answer {
        &self.answer
    }

    /// The form of the answer, if the query names one.
    pub const fn format(&self) -> Option<Format> {
        self.format
    }

    /// Whether the same parameters may come to another query at another time.
    pub const fn follows_the_clock(&self) -> bool {
        self.follows_the_clock
    }

    /// A text that two queries share only if they ask the same of every state of the data set: what
    /// `duration` and the present moment came to is in it.
    ///
    /// It is the derived `Debug` text, because that is complete by construction: a parameter that is added
    /// to the contract has to be kept in a field, and is then in the text. So a type within a query that
    /// writes its `Debug` by hand may leave out only what follows from the rest, as `Periods` does.
    pub fn fingerprint(&self) -> String {
        format!("{self:?}")
    }
}

impl Selection {
    /// The time the records are from; `None`: all of it.
    pub const fn range(&self) -> Option<&TimeRange> {
        self.range.as_ref()
    }

    /// What must hold for a record, all of it.
    pub fn filters(&self) -> &[Filter] {
        &self.filters
    }

    /// The same, but from all the time of these periods.
    pub(crate) fn over(&self, periods: &Periods) -> Self {
        Self { range: Some(TimeRange::of(periods)), filters: self.filters.clone() }
    }
}

/// An error of a query; the message begins with the name of the parameter.
pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidQuery, message)
}

#[cfg(test)]
pub(crate) mod tests;
