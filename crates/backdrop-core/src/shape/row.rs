//! Rows: what stands in them under which name.
//!
//! **Invariant.** A row shows its values in the order of their names, each name once.

use super::columns::Column;
use super::group::Group;
use super::rows::GroupedRows;
use super::{Cell, Collected, Scalar};
use serde::ser::{Serialize, Serializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// A row of an answer.
pub type Row = Map<String, Value>;

/// What is known of one period (of a group).
#[derive(Clone, Copy, Debug)]
pub(super) struct PeriodFigures<'g> {
    /// Which of the periods it is, counted from 0.
    pub(super) place: usize,
    /// Its records, if it has any.
    pub(super) cell: Option<&'g Cell>,
    /// The records of the period it is compared with, if there are any.
    pub(super) earlier: Option<&'g Cell>,
}

/// A row that is still to be written.
#[derive(Clone, Copy, Debug)]
pub(super) enum RowView<'r> {
    /// A group: over all its periods, if there are any.
    OfGroup(&'r Group),
    /// A period (of a group, whose keys stand in the row or not).
    OfPeriod(&'r [Scalar], PeriodFigures<'r>),
}

/// A row with what tells how it is written.
#[derive(Debug)]
pub(super) struct Written<'r> {
    pub(super) rows: &'r GroupedRows,
    pub(super) view: RowView<'r>,
}

/// A value of a row.
#[derive(Debug)]
enum Shown<'r> {
    Nothing,
    Key(&'r Scalar),
    Boundary(&'r RawValue),
    Count(u64),
    Collected(&'r Collected),
    PeriodsOf(&'r GroupedRows, &'r Group),
}

impl<'r> Written<'r> {
    fn shown(&self, column: Column) -> Shown<'r> {
        let Self { rows, view } = *self;
        let boundary = |place: usize| Shown::Boundary(rows.boundary(place));
        match (column, view) {
            (Column::Key(index), RowView::OfGroup(group)) => Shown::Key(&group.keys[index]),
            (Column::Key(index), RowView::OfPeriod(keys, _)) => Shown::Key(&keys[index]),
            (Column::Start, RowView::OfPeriod(_, figures)) => boundary(figures.place),
            (Column::End, RowView::OfPeriod(_, figures)) => boundary(figures.place + 1),
            (Column::Count, _) => count(view.cell()),
            (Column::Collected(index), _) => collected(view.cell(), index),
            (Column::EarlierCount, RowView::OfPeriod(_, figures)) => count(figures.earlier),
            (Column::EarlierCollected(index), RowView::OfPeriod(_, figures)) => {
                collected(figures.earlier, index)
            }
            (Column::GroupCount, RowView::OfGroup(group)) => Shown::Count(group.cells.len() as u64),
            (Column::Periods, RowView::OfGroup(group)) => Shown::PeriodsOf(rows, group),
            // Columns are chosen by the kind of row.
            _ => Shown::Nothing,
        }
    }
}

impl<'r> RowView<'r> {
    const fn cell(self) -> Option<&'r Cell> {
        match self {
            Self::OfGroup(group) => group.whole.as_ref(),
            Self::OfPeriod(_, figures) => figures.cell,
        }
    }
}

fn count<'r>(cell: Option<&Cell>) -> Shown<'r> {
    Shown::Count(cell.map_or(0, |cell| cell.count))
}

/// Without records every collected column is null, even those that would be 0 or empty over records
/// without values.
fn collected(cell: Option<&Cell>, index: usize) -> Shown<'_> {
    cell.map_or(Shown::Nothing, |cell| Shown::Collected(&cell.collected[index]))
}

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let columns = self.rows.columns_of(self.view);
        serializer.collect_map(columns.iter().map(|(name, column)| (name, self.shown(*column))))
    }
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => serializer.serialize_unit(),
            Self::Key(key) => key.0.serialize(serializer),
            Self::Boundary(text) => text.serialize(serializer),
            Self::Count(count) => serializer.serialize_u64(*count),
            Self::Collected(collected) => collected.serialize(serializer),
            Self::PeriodsOf(rows, group) => {
                serializer.collect_seq(rows.periods_of(group).map(|view| Written { rows, view }))
            }
        }
    }
}
