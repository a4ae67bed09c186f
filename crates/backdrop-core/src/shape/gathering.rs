//! What has to be asked of an engine to answer a grouped query, one question after the other.
//!
//! Most queries are one question. A window with `duration` may have to move to where the data is, and
//! then its cells are asked for anew; a comparison needs the cells of earlier periods besides. All
//! questions of one query must be answered from the same state of the data set.

use super::group::{self, Group};
use super::{Cell, Earlier, GroupedRows, Row};
use crate::error::ApiError;
use crate::period::{Periods, PeriodsError};
use crate::query::{Counted, Grouping, Selection, invalid};

/// A grouped query on its way to an answer.
#[derive(Debug)]
pub struct Gathering {
    selection: Selection,
    grouping: Grouping,
    /// What was found for the query itself, once it is sure which periods it is about.
    groups: Option<Vec<Group>>,
    comparison: Comparing,
    values: usize,
}

/// How far it is with the earlier periods that those of the query are compared with.
#[derive(Debug)]
enum Comparing {
    /// They are not, or not yet.
    Not,
    /// Their cells are to be asked for.
    Asked { selection: Selection, grouping: Grouping, periods: Periods, positions: Vec<usize> },
    /// They are known.
    Done(Earlier),
}

impl Gathering {
    /// Nothing is gathered yet.
    pub fn new(selection: &Selection, grouping: &Grouping) -> Self {
        Self {
            selection: selection.clone(),
            grouping: grouping.clone(),
            groups: None,
            comparison: Comparing::Not,
            values: 0,
        }
    }

    /// How many values its rows will have at most, about, long texts counted as several.
    pub fn values(&self) -> usize {
        let keys = self.grouping.keys().len();
        let groups = self.groups.as_ref().map_or(0, Vec::len).max(1);
        // Flat rows of periods are of all combinations of keys.
        let is_combined = self.grouping.periods().is_some() && !self.grouping.is_nested();
        let exponent = if is_combined { keys } else { 1 };
        let groups = groups.saturating_pow(u32::try_from(exponent).unwrap_or(u32::MAX));
        let periods = self.grouping.periods().map_or(1, Periods::len);
        // Beside keys and ends: the number of records and what is collected, perhaps of an earlier period, too.
        let width = keys + 2 + 2 * (1 + self.grouping.collect().len());
        self.values.saturating_add(groups.saturating_mul(periods).saturating_mul(width))
    }

    /// The records whose cells are needed next, and the groups these are to be of; `None` if nothing is
    /// missing any more.
    pub fn question(&self) -> Option<(&Selection, &Grouping)> {
        match (&self.groups, &self.comparison) {
            (None, _) => Some((&self.selection, &self.grouping)),
            (Some(_), Comparing::Asked { selection, grouping, .. }) => Some((selection, grouping)),
            (Some(_), Comparing::Not | Comparing::Done(_)) => None,
        }
    }

    /// Takes the cells that [`question`](Self::question) asked for.
    ///
    /// # Errors
    /// If the query cannot be answered, because what it compares with lies before all years.
    pub fn answered(&mut self, cells: Vec<Cell>) -> Result<(), ApiError> {
        self.values += cells.iter().map(Cell::values).sum::<usize>();
        let groups = group::groups(cells);
        if self.groups.is_none() {
            match moved(&self.grouping, &groups) {
                Some(periods) => {
                    self.selection = self.selection.over(&periods);
                    self.grouping = self.grouping.over(periods);
                }
                None => {
                    self.groups = Some(groups);
                    self.ask_for_earlier()?;
                }
            }
        } else if let Comparing::Asked { periods, positions, .. } =
            std::mem::replace(&mut self.comparison, Comparing::Not)
        {
            self.comparison = Comparing::Done(Earlier::new(periods, groups, positions));
        }
        Ok(())
    }

    /// The rows of the answer.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidQuery`](crate::error::ErrorCode::InvalidQuery) if there would be too many.
    pub fn grouped_rows(self) -> Result<GroupedRows, ApiError> {
        let earlier = match self.comparison {
            Comparing::Done(earlier) => Some(earlier),
            Comparing::Not | Comparing::Asked { .. } => None,
        };
        GroupedRows::of(self.grouping, self.groups.unwrap_or_default(), earlier)
    }

    /// The rows of the answer, as maps: for forms that are made of those.
    ///
    /// # Errors
    /// As [`grouped_rows`](Self::grouped_rows).
    pub fn rows(self) -> Result<Vec<Row>, ApiError> {
        self.grouped_rows().map(|rows| rows.to_maps())
    }

    fn ask_for_earlier(&mut self) -> Result<(), ApiError> {
        let (Some(comparison), Some(periods)) = (self.grouping.comparison(), self.grouping.periods()) else {
            return Ok(());
        };
        let refused = |error: PeriodsError| invalid(format!("compare={comparison}: {error}"));
        let (periods, positions) = periods.compared(comparison).map_err(refused)?;
        let selection = self.selection.over(&periods);
        let grouping = self.grouping.compared_over(periods.clone());
        self.comparison = Comparing::Asked { selection, grouping, periods, positions };
        Ok(())
    }
}

/// The periods to which a window moves: as many places as there are empty periods, in all groups, where
/// its counting began. `None` if it stays: there are none, or no others, or no years to move to.
fn moved(grouping: &Grouping, groups: &[Group]) -> Option<Periods> {
    let (counted, periods) = (grouping.moving_window()?, grouping.periods()?);
    let occupied = groups.iter().flat_map(|group| &group.cells).filter_map(|cell| cell.period);
    let moved = match counted {
        Counted::Forward => {
            let places = occupied.min()?;
            (places > 0).then(|| periods.later(places))
        }
        Counted::Back => {
            let places = periods.len() - 1 - occupied.max()?;
            (places > 0).then(|| periods.earlier(places))
        }
    };
    moved?.ok()
}
