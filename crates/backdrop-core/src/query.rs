//! Queries: what a client asks of a data set, parsed and checked.
//!
//! A query selects records by time and by fields ([`Selection`]) and says what is to become of them
//! ([`Answer`]): the records themselves, or groups by fields, by period or by both.
//!
//! **Invariant.** A [`Query`] follows every rule of the contract that does not depend on the data set;
//! the rules for data sets that protect their records are a step of their own, [`Query::check_allowed`].
//! Whatever depends on the present moment was resolved when the query was parsed.

mod collect;
mod field;
mod filter;
mod parameters;
mod protection;
mod range;
mod sort;

pub use collect::{Collect, Method};
pub use field::FieldName;
pub use filter::Filter;
pub use parameters::PARAMETERS;
pub use range::TimeRange;
pub use sort::{Direction, GroupColumn, GroupOrder, RowOrder};

use crate::error::{ApiError, ErrorCode};
use crate::period::Periods;
use crate::time::Timestamp;
use parameters::Parameters;

/// How many fields one query may group by; each is a column of the statement.
const GROUP_BY_MAX: usize = 10;
/// How many values one query may collect: each is up to three columns, and Postgres has 1,664.
const COLLECT_MAX: usize = 100;

/// A checked query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    selection: Selection,
    answer: Answer,
    /// The ends as they were given, which protection judges; the selection holds what they came to.
    given: GivenEnds,
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

/// How records are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    order: RowOrder,
    limit: Option<u32>,
}

/// How records are grouped.
#[derive(Clone, Debug, PartialEq)]
pub struct Grouping {
    keys: Vec<FieldName>,
    periods: Option<Periods>,
    collect: Vec<Collect>,
    order: Option<GroupOrder>,
    limit: Option<u32>,
    layout: Layout,
}

/// How groups by field and period are laid out in rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// One row per group, which holds its periods.
    Nested,
    /// One row per group and period.
    Flat,
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
        check_format(parameters.format)?;
        let ends = range::read(&parameters, now)?;
        let selection = Selection { range: ends.range, filters: filter::read(&parameters)? };
        let limit = parameters.limit.map(|text| parameters::read_count("limit", text)).transpose()?;
        let flatten = parameters::read_flag("flatten", parameters.flatten)?;
        let keys = read_keys(&parameters.group_by)?;
        let collect = read_collect(&parameters.collect, &keys)?;
        let answer = if keys.is_empty() && ends.periods.is_none() {
            if let Some(first) = collect.first() {
                return Err(invalid(format!(
                    "collect needs `group_by` or `period`: there is nothing to collect `{}` over",
                    first.field()
                )));
            }
            Answer::Rows(Listing { order: sort::read_row_order(parameters.sort_by)?, limit })
        } else {
            let layout = if flatten { Layout::Flat } else { Layout::Nested };
            let mut grouping = Grouping { keys, periods: ends.periods, collect, order: None, limit, layout };
            grouping.check_names()?;
            grouping.check_sort_and_limit(parameters.sort_by.is_some())?;
            grouping.order = sort::read_group_order(parameters.sort_by, &grouping)?;
            Answer::Groups(grouping)
        };
        Ok(Self { selection, answer, given: ends.given })
    }

    /// Which records the query is about.
    pub const fn selection(&self) -> &Selection {
        &self.selection
    }

    /// What the query makes of them.
    pub const fn answer(&self) -> &Answer {
        &self.answer
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
}

impl Listing {
    /// In which order.
    pub const fn order(&self) -> &RowOrder {
        &self.order
    }

    /// How many of them at most; `None`: all.
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }
}

impl Grouping {
    /// The fields by whose values records are grouped; none if only by period.
    pub fn keys(&self) -> &[FieldName] {
        &self.keys
    }

    /// The periods by which records are grouped; `None` if only by fields.
    pub const fn periods(&self) -> Option<&Periods> {
        self.periods.as_ref()
    }

    /// What is collected over each group.
    pub fn collect(&self) -> &[Collect] {
        &self.collect
    }

    /// The order of the groups; `None`: by their keys.
    pub const fn order(&self) -> Option<&GroupOrder> {
        self.order.as_ref()
    }

    /// How many groups at most; `None`: all.
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// How groups by field and period are laid out.
    pub const fn layout(&self) -> Layout {
        self.layout
    }

    /// Whether the rows are groups that hold their periods.
    pub const fn is_nested(&self) -> bool {
        !self.keys.is_empty() && self.periods.is_some() && matches!(self.layout, Layout::Nested)
    }

    /// A nested row holds its periods in `values`, so no other column can have that name.
    fn check_names(&self) -> Result<(), ApiError> {
        let is_values = |field: &FieldName| field.as_str() == "values";
        let plain = self.collect.iter().filter(|collect| collect.is_plain());
        let parameter = if self.keys.iter().any(is_values) {
            "group_by"
        } else if plain.map(Collect::field).any(is_values) {
            "collect"
        } else {
            return Ok(());
        };
        if !self.is_nested() {
            return Ok(());
        }
        Err(invalid(format!(
            "{parameter}=values cannot be shown: each group holds its periods under the name `values`; \
             ask with flatten=true"
        )))
    }

    fn check_sort_and_limit(&self, is_sorted: bool) -> Result<(), ApiError> {
        if !self.keys.is_empty() {
            return Ok(());
        }
        let parameter = match (is_sorted, self.limit) {
            (true, _) => "sort_by",
            (false, Some(_)) => "limit",
            (false, None) => return Ok(()),
        };
        Err(invalid(format!(
            "{parameter} cannot be used with `period` unless there is a `group_by`: periods are always \
             complete and in the order of time"
        )))
    }
}

fn check_format(format: Option<&str>) -> Result<(), ApiError> {
    match format {
        None | Some("json") => Ok(()),
        Some(other) => {
            Err(invalid(format!("format must be json, which is the supported one, not {other:?}")))
        }
    }
}

fn read_keys(values: &[&str]) -> Result<Vec<FieldName>, ApiError> {
    let mut keys = Vec::new();
    for value in values {
        let key = FieldName::parse("group_by", value)?;
        if key.is_internal() {
            return Err(invalid(format!(
                "group_by={key}: fields that begin with an underscore are internal and cannot be grouped by"
            )));
        }
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    if keys.len() > GROUP_BY_MAX {
        return Err(invalid(format!(
            "group_by can name at most {GROUP_BY_MAX} fields, found {}",
            keys.len()
        )));
    }
    Ok(keys)
}

fn read_collect(values: &[&str], keys: &[FieldName]) -> Result<Vec<Collect>, ApiError> {
    let mut all: Vec<Collect> = Vec::new();
    for value in values {
        let collect = Collect::parse(value)?;
        if keys.contains(collect.field()) {
            return Err(invalid(format!(
                "collect={value}: `{}` is grouped by, so there is only one value of it in each group",
                collect.field()
            )));
        }
        match all.iter_mut().find(|other| other.is_same_column(&collect)) {
            Some(other) => other.merge(&collect),
            None => all.push(collect),
        }
    }
    if all.len() > COLLECT_MAX {
        return Err(invalid(format!(
            "collect can be given at most {COLLECT_MAX} times, found {}",
            all.len()
        )));
    }
    Ok(all)
}

/// An error of a query; the message begins with the name of the parameter.
pub(crate) fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidQuery, message)
}

#[cfg(test)]
pub(crate) mod tests;
