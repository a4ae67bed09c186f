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
mod parameters;
mod protection;
mod range;
mod sort;

pub use collect::{Collect, Method, Percent};
pub use comparison::Comparison;
pub use cursor::Cursor;
pub use field::FieldName;
pub use filter::{Filter, Inequality};
pub use parameters::PARAMETERS;
pub use range::{Counted, TimeRange};
pub use sort::{Direction, GroupColumn, GroupOrder, RowOrder};

use crate::error::{ApiError, ErrorCode};
use crate::period::Periods;
use crate::time::Timestamp;
use parameters::Parameters;
use range::Ends;

/// How many fields one query may ask for by name.
const FIELDS_MAX: usize = 100;
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
#[derive(Clone, Debug, PartialEq)]
pub struct Listing {
    order: RowOrder,
    limit: Option<u32>,
    after: Option<Cursor>,
    latest_by: Vec<FieldName>,
    fields: Vec<FieldName>,
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
    counted: Option<Counted>,
    comparison: Option<Comparison>,
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
        let given = ends.given;
        let keys = FieldName::parse_keys("group_by", &parameters.group_by)?;
        let answer = if keys.is_empty() && ends.periods.is_none() {
            Answer::Rows(Listing::read(&parameters)?)
        } else {
            Answer::Groups(Grouping::read(&parameters, keys, ends)?)
        };
        Ok(Self { selection, answer, given })
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

    /// The same, but from all the time of these periods.
    pub(crate) fn over(&self, periods: &Periods) -> Self {
        Self { range: Some(TimeRange::of(periods)), filters: self.filters.clone() }
    }
}

impl Listing {
    fn read(parameters: &Parameters<'_>) -> Result<Self, ApiError> {
        for (name, is_given, reason) in [
            ("collect", !parameters.collect.is_empty(), "`group_by` or `period`: it collects over groups"),
            ("compare", parameters.compare.is_some(), "`period`: it compares periods with earlier ones"),
        ] {
            if is_given {
                return Err(invalid(format!("{name} needs {reason}")));
            }
        }
        parameters::read_flag("flatten", parameters.flatten)?;
        let order = sort::read_row_order(parameters.sort_by)?;
        let limit = parameters.read_limit()?;
        let after = parameters.cursor.map(|text| Cursor::decode(text, &order)).transpose()?;
        if after.is_some() && limit.is_none() {
            return Err(invalid("cursor needs `limit`: it goes on after a page of that many rows"));
        }
        let latest_by = FieldName::parse_keys("latest_by", &parameters.latest_by)?;
        Ok(Self { order, limit, after, latest_by, fields: read_fields(&parameters.fields)? })
    }

    /// In which order.
    pub const fn order(&self) -> &RowOrder {
        &self.order
    }

    /// How many of them at most; `None`: all.
    pub const fn limit(&self) -> Option<u32> {
        self.limit
    }

    /// After which place of the order they begin.
    pub const fn after(&self) -> Option<&Cursor> {
        self.after.as_ref()
    }

    /// The fields of which each combination of values is shown once, by its newest record. If there are
    /// none, all records are shown.
    pub fn latest_by(&self) -> &[FieldName] {
        &self.latest_by
    }

    /// The fields that are shown of each record; none: all.
    pub fn fields(&self) -> &[FieldName] {
        &self.fields
    }
}

impl Grouping {
    fn read(parameters: &Parameters<'_>, keys: Vec<FieldName>, ends: Ends) -> Result<Self, ApiError> {
        for (name, is_given) in [
            ("cursor", parameters.cursor.is_some()),
            ("fields", !parameters.fields.is_empty()),
            ("latest_by", !parameters.latest_by.is_empty()),
        ] {
            if is_given {
                return Err(invalid(format!(
                    "{name} is for records and cannot be used with `group_by` or `period`"
                )));
            }
        }
        let is_flat = parameters::read_flag("flatten", parameters.flatten)?;
        let mut grouping = Self {
            collect: read_collect(&parameters.collect, &keys)?,
            keys,
            order: None,
            limit: parameters.read_limit()?,
            layout: if is_flat { Layout::Flat } else { Layout::Nested },
            counted: ends.counted,
            comparison: parameters.compare.map(Comparison::parse).transpose()?,
            periods: ends.periods,
        };
        grouping.check_names()?;
        grouping.check_periods(parameters.sort_by.is_some())?;
        grouping.order = sort::read_group_order(parameters.sort_by, &grouping)?;
        Ok(grouping)
    }

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

    /// With which earlier periods these are compared.
    pub const fn comparison(&self) -> Option<Comparison> {
        self.comparison
    }

    /// From which end the periods were counted, if that makes them a window that moves to where the data
    /// is.
    pub const fn moving_window(&self) -> Option<Counted> {
        match self.layout {
            Layout::Nested => self.counted,
            Layout::Flat => None,
        }
    }

    /// Whether the rows are groups that hold their periods.
    pub const fn is_nested(&self) -> bool {
        !self.keys.is_empty() && self.periods.is_some() && matches!(self.layout, Layout::Nested)
    }

    /// Whether rows, or which of them are shown, depend on groups over all of their periods.
    pub const fn needs_totals(&self) -> bool {
        let limits_sorted = self.limit.is_some() && self.order.is_some();
        !self.keys.is_empty() && self.periods.is_some() && (self.is_nested() || limits_sorted)
    }

    /// The same over other periods.
    pub(crate) fn over(&self, periods: Periods) -> Self {
        Self { periods: Some(periods), counted: None, ..self.clone() }
    }

    /// The same over earlier periods, of which nothing but the periods themselves is wanted.
    pub(crate) fn compared_over(&self, periods: Periods) -> Self {
        Self { limit: None, order: None, layout: Layout::Flat, comparison: None, ..self.over(periods) }
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

    fn check_periods(&self, is_sorted: bool) -> Result<(), ApiError> {
        if self.periods.is_none() && self.comparison.is_some() {
            return Err(invalid("compare needs `period`: it compares periods with earlier ones"));
        }
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

impl Parameters<'_> {
    fn read_limit(&self) -> Result<Option<u32>, ApiError> {
        self.limit.map(|text| parameters::read_count("limit", text)).transpose()
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

fn read_fields(texts: &[&str]) -> Result<Vec<FieldName>, ApiError> {
    let mut fields = Vec::new();
    for name in texts.iter().flat_map(|text| text.split(',')) {
        let field = FieldName::parse("fields", name)?;
        if !fields.contains(&field) {
            fields.push(field);
        }
    }
    if fields.len() > FIELDS_MAX {
        return Err(invalid(format!("fields can name at most {FIELDS_MAX} fields, found {}", fields.len())));
    }
    Ok(fields)
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
