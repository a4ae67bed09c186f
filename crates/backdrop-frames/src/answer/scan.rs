//! The scan: span by span through the selected rows, and the cells that come of it.
//!
//! **Invariant.** What is answered is not larger than what the other engine would answer; it says itself where
//! that ends.

use super::block::Room;
use super::collector::Collector;
use super::question::Question;
use super::rows::{BLOCK, Rows, Selector};
use super::slots::{Grouper, Slots};
use super::spans::{Span, Spans};
use super::tally::Tally;
use super::{Unanswerable, bytes};
use crate::Frame;
use crate::frame::Run;
use backdrop_core::query::{Grouping, Selection};
use backdrop_core::shape::{ANSWER_BYTES_MAX, Cell, cells_max};

/// In a span with more slots than so many times its rows, slots are noted as they come instead of looked for.
const SLOTS_PER_ROW: usize = 4;

/// A query on its way through a frame.
#[derive(Debug)]
pub(super) struct Scan<'f> {
    frame: &'f Frame,
    question: Question,
    selector: Selector,
    grouper: Grouper,
    spans: Spans<'f>,
    room: Room,
    found: Found,
}

/// The cells that are ready.
#[derive(Debug)]
struct Found {
    cells: Vec<Cell>,
    cells_max: usize,
    bytes: usize,
}

/// What is added up over some span.
#[derive(Debug)]
struct Sheet {
    /// How many rows each slot has.
    rows: Tally,
    collectors: Vec<Collector>,
    /// The slots that have rows, once they are known.
    slots: Vec<u32>,
}

impl<'f> Scan<'f> {
    pub(super) fn new(
        frame: &'f Frame,
        selection: &Selection,
        grouping: &Grouping,
    ) -> Result<Self, Unanswerable> {
        let mut question = Question::of(frame, selection, grouping)?;
        let spans = Spans::of(frame, selection, grouping)?;
        let cells_max = cells_max(grouping);
        let grouper = Grouper::new(frame, &question.keys, spans.base(), cells_max)?;
        let selector = Selector::new(std::mem::take(&mut question.predicates));
        let found = Found { cells: Vec::new(), cells_max, bytes: 0 };
        Ok(Self { frame, question, selector, grouper, spans, room: Room::default(), found })
    }

    /// The cells of all spans, and the totals if they are asked for.
    pub(super) fn cells(mut self, grouping: &Grouping) -> Result<Vec<Cell>, Unanswerable> {
        if self.selector.is_never() {
            return Ok(Vec::new());
        }
        let periods = grouping.periods().map_or(1, |periods| periods.len().max(1));
        // Both of the same rows, and so of the same form: only such can be merged.
        let rows = self.spans.rows() / periods;
        let mut sheet = self.sheet(rows);
        let mut totals = grouping.needs_totals().then(|| self.sheet(rows));
        while let Some(span) = self.spans.next() {
            self.take(&span, &mut sheet)?;
            if let Some(totals) = &mut totals {
                totals.merge(&sheet);
            }
            self.give(span.period, &mut sheet)?;
            sheet.reset();
        }
        if let Some(mut totals) = totals {
            totals.find_slots();
            self.give(None, &mut totals)?;
        }
        Ok(self.found.cells)
    }

    fn sheet(&self, rows: usize) -> Sheet {
        let slots = self.grouper.slots_max();
        let collector = |wanted| Collector::new(self.frame, wanted, slots, rows);
        let collectors = self.question.fields.iter().map(collector).collect();
        Sheet { rows: Tally::default(), collectors, slots: Vec::new() }
    }

    /// Adds up the rows of a span.
    fn take(&mut self, span: &Span, sheet: &mut Sheet) -> Result<(), Unanswerable> {
        let frame = self.frame;
        let is_sparse = self.grouper.slots() > SLOTS_PER_ROW * (span.base.len() + span.tail.len());
        let noting = if is_sparse { Noting::AtOnce } else { Noting::Later };
        for from in span.base.clone().step_by(BLOCK) {
            let rows = Rows::All(from, span.base.end.min(from + BLOCK));
            self.take_rows(&frame.base, rows, noting, sheet)?;
        }
        for rows in frame.tail_order[span.tail.clone()].chunks(BLOCK) {
            self.take_rows(&frame.tail, Rows::Listed(rows), noting, sheet)?;
        }
        if matches!(noting, Noting::Later) {
            sheet.find_slots();
        }
        Ok(())
    }

    fn take_rows(
        &mut self,
        run: &Run,
        rows: Rows<'_>,
        noting: Noting,
        sheet: &mut Sheet,
    ) -> Result<(), Unanswerable> {
        let rows = self.selector.select(run, rows);
        if rows.len() > 0 {
            self.grouper.take(run, rows)?;
            sheet.grow(self.grouper.slots());
            sheet.add(run, rows, self.grouper.taken(run, rows), noting, &mut self.room);
        }
        Ok(())
    }

    /// Makes cells of a sheet.
    fn give(&mut self, period: Option<usize>, sheet: &mut Sheet) -> Result<(), Unanswerable> {
        let Sheet { rows, collectors, slots } = sheet;
        collectors.iter_mut().for_each(|collector| collector.arrange(slots));
        for slot in slots.iter().map(|slot| *slot as usize) {
            let Some(keys) = self.grouper.keys(self.frame, slot) else { continue };
            let count = rows.0[slot];
            let collected = self
                .question
                .collect
                .iter()
                .map(|(index, method)| collectors[*index].collected(self.frame, *method, slot, count));
            let collected = collected.collect::<Result<_, _>>()?;
            self.found.push(Cell { keys, period, count: count.into(), collected })?;
        }
        Ok(())
    }
}

impl Found {
    fn push(&mut self, cell: Cell) -> Result<(), Unanswerable> {
        self.bytes += bytes::of_cell(&cell);
        self.cells.push(cell);
        if self.cells.len() > self.cells_max || self.bytes > ANSWER_BYTES_MAX {
            return Err(Unanswerable::TooLarge);
        }
        Ok(())
    }
}

/// When the slots that have rows are noted.
#[derive(Clone, Copy, Debug)]
enum Noting {
    /// As they come.
    AtOnce,
    /// When all have come, by looking through all slots.
    Later,
}

impl Sheet {
    fn grow(&mut self, slots: usize) {
        if slots > self.rows.0.len() {
            self.rows.grow(slots);
            self.collectors.iter_mut().for_each(|collector| collector.grow(slots));
        }
    }

    fn add(&mut self, run: &Run, rows: Rows<'_>, slots: Slots<'_>, noting: Noting, room: &mut Room) {
        let mut uncounted = match noting {
            Noting::AtOnce => {
                self.rows.add_noting(slots, rows.len(), &mut self.slots);
                None
            }
            Noting::Later => Some(&mut self.rows),
        };
        for collector in &mut self.collectors {
            collector.add(run, rows, slots, room, &mut uncounted);
        }
        if let Some(counts) = uncounted {
            counts.add_all(slots, rows.len());
        }
    }

    fn find_slots(&mut self) {
        let counts = self.rows.0.iter().enumerate();
        self.slots.extend(counts.filter(|(_, count)| **count > 0).map(|(slot, _)| slot as u32));
    }

    /// Adds another sheet, of which the slots are known.
    fn merge(&mut self, other: &Self) {
        self.grow(other.rows.0.len());
        self.rows.merge(&other.rows, &other.slots);
        for (one, other_one) in self.collectors.iter_mut().zip(&other.collectors) {
            one.merge(other_one, &other.slots);
        }
    }

    fn reset(&mut self) {
        self.rows.reset(&self.slots);
        self.collectors.iter_mut().for_each(|collector| collector.reset(&self.slots));
        self.slots.clear();
    }
}
