//! The order of rows and of groups.

use super::{Collect, FieldName, Grouping, invalid};
use crate::error::ApiError;
use std::fmt;

/// Which way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The least first.
    Ascending,
    /// The greatest first.
    Descending,
}

/// The order of records: by a field, then by `_id`, both in the same direction, so that every record has
/// its one place. What a record does not have comes last either way.
///
/// Where the field is `_timestamp`, a record without one has the place of the time of its acceptance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowOrder {
    /// By which field.
    pub field: FieldName,
    /// Which way.
    pub direction: Direction,
}

impl RowOrder {
    /// By time, which is the order nobody asked for.
    fn by_time() -> Self {
        Self { field: FieldName::timestamp(), direction: Direction::Ascending }
    }
}

impl fmt::Display for RowOrder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let direction = match self.direction {
            Direction::Ascending => "ascending",
            Direction::Descending => "descending",
        };
        write!(f, "{}:{direction}", self.field)
    }
}

/// The order of groups. Groups that are equal in it keep the order of their keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupOrder {
    /// By which column of the result.
    pub column: GroupColumn,
    /// Which way.
    pub direction: Direction,
}

/// A column of a result row of groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GroupColumn {
    /// A field that is grouped by, counted from 0.
    Key(usize),
    /// How many records: `_count`.
    Count,
    /// How many periods have records: `_group_count`.
    GroupCount,
    /// When the period begins, which also orders by when it ends.
    Period,
    /// A collected value, counted from 0.
    Collected(usize),
    /// How many records the period has that is compared with.
    EarlierCount,
    /// A collected value of the period that is compared with.
    EarlierCollected(usize),
}

pub(super) fn read_row_order(text: Option<&str>) -> Result<RowOrder, ApiError> {
    let Some(text) = text else { return Ok(RowOrder::by_time()) };
    let (field, direction) = split(text)?;
    Ok(RowOrder { field: FieldName::parse("sort_by", field)?, direction })
}

pub(super) fn read_group_order(
    text: Option<&str>,
    grouping: &Grouping,
) -> Result<Option<GroupOrder>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    let (name, direction) = split(text)?;
    let columns = columns(grouping);
    match columns.iter().find(|(known, _)| known == name) {
        Some((_, column)) => Ok(Some(GroupOrder { column: *column, direction })),
        None => {
            let names: Vec<&str> = columns.iter().map(|(known, _)| known.as_str()).collect();
            Err(invalid(format!(
                "sort_by: the rows of this query have no {name:?} to sort by; they have {}",
                names.join(", ")
            )))
        }
    }
}

/// The names of the columns of a row that can be sorted by.
fn columns(grouping: &Grouping) -> Vec<(String, GroupColumn)> {
    let mut columns = vec![("_count".to_owned(), GroupColumn::Count)];
    if grouping.is_nested() {
        columns.push(("_group_count".to_owned(), GroupColumn::GroupCount));
    } else if grouping.periods().is_some() {
        columns.push(("_start_at".to_owned(), GroupColumn::Period));
        columns.push(("_end_at".to_owned(), GroupColumn::Period));
    }
    let key = |(index, field): (usize, &FieldName)| (field.to_string(), GroupColumn::Key(index));
    columns.extend(grouping.keys().iter().enumerate().map(key));
    columns.extend(collected(grouping, "", GroupColumn::Collected));
    if let Some(comparison) = grouping.comparison().filter(|_| !grouping.is_nested()) {
        columns.push((format!("_count:{comparison}"), GroupColumn::EarlierCount));
        columns.extend(collected(grouping, &format!(":{comparison}"), GroupColumn::EarlierCollected));
    }
    columns
}

/// The collected columns, with something added to their names.
fn collected(
    grouping: &Grouping,
    suffix: &str,
    column: fn(usize) -> GroupColumn,
) -> Vec<(String, GroupColumn)> {
    let names = |(index, collect): (usize, &Collect)| {
        let plain = collect.is_plain().then(|| format!("{}{suffix}", collect.field()));
        let names = [Some(format!("{}{suffix}", collect.column())), plain];
        names.into_iter().flatten().map(move |name| (name, column(index)))
    };
    grouping.collect().iter().enumerate().flat_map(names).collect()
}

/// Splits at the last colon: a collected column has one in its name.
fn split(text: &str) -> Result<(&str, Direction), ApiError> {
    let Some((name, direction)) = text.rsplit_once(':') else {
        return Err(invalid(format!(
            "sort_by must be a field name and sort direction separated by a colon (:) eg. \
             authority:ascending, not {text:?}"
        )));
    };
    match direction {
        "ascending" => Ok((name, Direction::Ascending)),
        "descending" => Ok((name, Direction::Descending)),
        _ => Err(invalid(format!(
            "sort_by: unrecognised sort direction {direction:?}. Supported directions include: ascending, \
             descending"
        ))),
    }
}
