//! Grouped queries: by fields, by period, or by both.

use super::parameters::{Parameters, read_flag};
use super::range::Ends;
use super::{Collect, Comparison, Counted, FieldName, GroupOrder, invalid, sort};
use crate::error::ApiError;
use crate::period::Periods;

/// How many values one query may collect: each is up to three columns, and Postgres has 1,664.
const COLLECT_MAX: usize = 100;

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

impl Grouping {
    pub(super) fn read(
        parameters: &Parameters<'_>,
        keys: Vec<FieldName>,
        ends: Ends,
    ) -> Result<Self, ApiError> {
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
        let is_flat = read_flag("flatten", parameters.flatten)?;
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
