//! The rows of a grouped query, which are written straight from what was found: rows as maps of names and values would
//! take many times longer to make than to write.

use super::columns::{Columns, Shown};
use super::group::{self, Group};
use super::order::{self, FlatRow};
use super::row::{PeriodFigures, Row, RowView, Written};
use super::{Earlier, bounds};
use crate::error::ApiError;
use crate::period::Periods;
use crate::query::Grouping;
use crate::time;
use serde::ser::{Serialize, SerializeSeq, Serializer};
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

/// The rows of a grouped query: few enough for an answer, in their order, and written when they are serialized, as
/// JSON.
#[derive(Debug)]
pub struct GroupedRows {
    grouping: Grouping,
    /// Those that are shown, in the order of the query, or of their keys where rows have an order of their own.
    groups: Vec<Group>,
    earlier: Option<Earlier>,
    of_groups: Shown,
    of_periods: Shown,
    /// When each period begins, and then when the last ends, as rows show it.
    boundaries: Vec<Box<RawValue>>,
}

impl GroupedRows {
    /// The rows that come of some groups.
    ///
    /// # Errors
    /// If they are too many.
    pub(super) fn of(
        grouping: Grouping,
        groups: Vec<Group>,
        earlier: Option<Earlier>,
    ) -> Result<Self, ApiError> {
        let columns = Columns::of(&grouping);
        let groups = shown_groups(&grouping, groups)?;
        let periods = grouping.periods().map_or(1, Periods::len);
        bounds::check(&groups, periods, &columns)?;
        let (of_groups, of_periods) = match (grouping.periods(), grouping.is_nested()) {
            (None, _) => (columns.of_groups(), Vec::new()),
            (Some(_), true) => (columns.of_nested_groups(), columns.of_periods()),
            (Some(_), false) => (Vec::new(), columns.of_flat()),
        };
        let boundaries = grouping.periods().map(boundaries).unwrap_or_default();
        Ok(Self { grouping, groups, earlier, of_groups, of_periods, boundaries })
    }

    /// The rows as maps.
    ///
    /// # Panics
    /// If a row cannot be written as JSON, which all can.
    pub fn to_maps(&self) -> Vec<Row> {
        let row = |view| match serde_json::to_value(Written { rows: self, view }) {
            Ok(Value::Object(row)) => row,
            other => unreachable!("a row is written as an object: {other:?}"),
        };
        self.views().into_iter().map(row).collect()
    }

    /// All rows, in their order.
    fn views(&self) -> Vec<RowView<'_>> {
        if self.grouping.periods().is_none() || self.grouping.is_nested() {
            return self.groups.iter().map(RowView::OfGroup).collect();
        }
        let of_group =
            |group| self.figures(group).into_iter().map(|figures| FlatRow { keys: &group.keys, figures });
        let mut rows: Vec<FlatRow<'_>> = self.groups.iter().flat_map(of_group).collect();
        if let Some(order) = self.grouping.order() {
            order::sort_flat_rows(&mut rows, *order);
        }
        rows.into_iter().map(|row| RowView::OfPeriod(row.keys, row.figures)).collect()
    }

    /// The rows of the periods that a group holds.
    pub(super) fn periods_of<'r>(&'r self, group: &'r Group) -> impl Iterator<Item = RowView<'r>> {
        self.figures(group).into_iter().map(|figures| RowView::OfPeriod(&[], figures))
    }

    pub(super) fn columns_of(&self, view: RowView<'_>) -> &Shown {
        match view {
            RowView::OfGroup(_) => &self.of_groups,
            RowView::OfPeriod(..) => &self.of_periods,
        }
    }

    pub(super) fn boundary(&self, place: usize) -> &RawValue {
        &self.boundaries[place]
    }

    /// What is known of each period of a group, in the order of time, whether it has records or not.
    fn figures<'g>(&'g self, group: &'g Group) -> Vec<PeriodFigures<'g>> {
        let Some(periods) = self.grouping.periods() else { return Vec::new() };
        let earlier = self.earlier.as_ref();
        let earlier = earlier.map_or_else(|| vec![None; periods.len()], |earlier| earlier.cells(&group.keys));
        let cells = group.by_period(periods).into_iter().zip(earlier);
        cells.enumerate().map(|(place, (cell, earlier))| PeriodFigures { place, cell, earlier }).collect()
    }
}

impl Serialize for GroupedRows {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let views = self.views();
        let mut rows = serializer.serialize_seq(Some(views.len()))?;
        for view in views {
            rows.serialize_element(&Written { rows: self, view })?;
        }
        rows.end()
    }
}

/// The groups that are shown, those without records included.
fn shown_groups(grouping: &Grouping, groups: Vec<Group>) -> Result<Vec<Group>, ApiError> {
    if grouping.periods().is_none() || grouping.is_nested() {
        return Ok(selected(grouping, groups));
    }
    if grouping.keys().is_empty() {
        let all = groups.into_iter().next();
        return Ok(vec![all.unwrap_or_else(|| Group::without_records(Vec::new()))]);
    }
    let mut groups = selected(grouping, group::all_combinations(groups)?);
    // The order of the query holds for rows; what is equal in it goes by group, then by time.
    groups.sort_by(|one, other| one.keys.cmp(&other.keys));
    Ok(groups)
}

/// The groups that the query asks for, in its order.
fn selected(grouping: &Grouping, mut groups: Vec<Group>) -> Vec<Group> {
    if let Some(order) = grouping.order() {
        order::sort_groups(&mut groups, *order);
    }
    if let Some(limit) = grouping.limit() {
        groups.truncate(limit as usize);
    }
    groups
}

/// The boundaries of periods by the clock of their zone.
fn boundaries(periods: &Periods) -> Vec<Box<RawValue>> {
    let zone = periods.calendar().zone;
    let boundaries = periods.starts().iter().copied().chain([periods.end()]);
    let printed =
        |boundary| to_raw_value(&time::format_in(zone, boundary)).expect("a text can be written as JSON");
    boundaries.map(printed).collect()
}
