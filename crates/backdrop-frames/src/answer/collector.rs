//! Collectors: everything that is to be known of one field, slot by slot.

use super::Unanswerable;
use super::block::Room;
use super::decimal::{self, Form, to_f64};
use super::extremes::Extremes;
use super::ordered::Ordered;
use super::question::Wanted;
use super::ranks::Ranks;
use super::rows::Rows;
use super::sets::Sets;
use super::slots::{Slots, json};
use super::sums::Sums;
use super::tally::Tally;
use crate::Frame;
use crate::column::{Kind, Values};
use crate::frame::Run;
use backdrop_core::query::Method;
use backdrop_core::shape::{Collected, Number, Scalar};
use serde_json::Value;
use std::sync::Arc;

/// What is collected of a field. What no method needs is `None`.
#[derive(Debug)]
pub(super) struct Collector {
    field: usize,
    /// 0 where the values are no numbers.
    scale: u8,
    /// Rows without a value: where all have one, there is nothing to count.
    absent: Option<Tally>,
    sums: Option<Sums>,
    extremes: Option<Extremes>,
    ranks: Option<Ranks>,
    sets: Option<Sets>,
    /// The texts of the field, if sets of them are wanted and they are few: such sets are made much faster.
    ordered: Option<Arc<Ordered>>,
}

impl Collector {
    /// A collector of what is wanted, for that many slots (`None`: nobody knows) and, roughly, rows for each answer.
    pub(super) fn new(frame: &Frame, wanted: &Wanted, slots: Option<usize>, rows: usize) -> Self {
        let kind = &frame.fields[wanted.field].kind;
        let (scale, is_number) = match kind {
            Kind::Numbers { scale } => (*scale, true),
            Kind::Empty | Kind::Booleans | Kind::Texts(_) | Kind::Unfit => (0, false),
        };
        let needs = |needs: fn(&Method) -> bool| wanted.methods.iter().any(needs);
        let needs_number = |needs: fn(&Method) -> bool| is_number && wanted.methods.iter().any(needs);
        let sets = || match (kind.codes(), slots) {
            (Some(width), Some(slots)) => Sets::of_codes(width, slots, rows),
            _ => Sets::of_numbers(),
        };
        let is_set = |method: &Method| matches!(method, Method::Set);
        Self {
            field: wanted.field,
            scale,
            absent: needs(|method| !matches!(method, Method::Set)).then(Tally::default),
            sums: needs_number(|method| matches!(method, Method::Sum | Method::Mean))
                .then(|| Sums::new(frame, wanted.field, needs(|method| matches!(method, Method::Sum)))),
            extremes: needs_number(|method| matches!(method, Method::Min | Method::Max))
                .then(Extremes::default),
            ranks: needs_number(|method| matches!(method, Method::Median | Method::Percentile(_)))
                .then(Ranks::default),
            sets: needs(is_set).then(sets),
            ordered: wanted.ordered.clone(),
        }
    }

    pub(super) fn grow(&mut self, slots: usize) {
        self.absent.iter_mut().for_each(|absent| absent.grow(slots));
        self.sums.iter_mut().for_each(|sums| sums.grow(slots));
        self.extremes.iter_mut().for_each(|extremes| extremes.grow(slots));
        self.ranks.iter_mut().for_each(|ranks| ranks.grow(slots));
        self.sets.iter_mut().for_each(|sets| sets.grow(slots));
    }

    /// Adds up a block, and counts its rows if they are uncounted and that comes with it.
    pub(super) fn add(
        &mut self,
        run: &Run,
        rows: Rows<'_>,
        slots: Slots<'_>,
        room: &mut Room,
        uncounted: &mut Option<&mut Tally>,
    ) {
        let Values::Numbers(numbers) = &run.columns[self.field] else {
            let codes = room.codes(run, self.field, rows);
            if let Some(absent) = &mut self.absent {
                absent.add_uncoded(slots, rows.len(), codes);
            }
            if let (Some(sets), Some(codes)) = (&mut self.sets, codes) {
                sets.add_codes(slots, codes);
            }
            return;
        };
        let block = room.numbers(numbers, self.scale, rows);
        if let Some(absent) = &mut self.absent {
            absent.add_absent(slots, rows.len(), block.present);
        }
        self.extremes.iter_mut().for_each(|extremes| extremes.add(slots, block));
        self.ranks.iter_mut().for_each(|ranks| ranks.add(slots, block));
        self.sets.iter_mut().for_each(|sets| sets.add_numbers(slots, block));
        self.sums.iter_mut().for_each(|sums| sums.add(slots, block, uncounted));
    }

    pub(super) fn merge(&mut self, other: &Self, slots: &[u32]) {
        self.absent.iter_mut().zip(&other.absent).for_each(|(one, other)| one.merge(other, slots));
        self.sums.iter_mut().zip(&other.sums).for_each(|(one, other)| one.merge(other, slots));
        self.extremes.iter_mut().zip(&other.extremes).for_each(|(one, other)| one.merge(other, slots));
        self.ranks.iter_mut().zip(&other.ranks).for_each(|(one, other)| one.merge(other));
        self.sets.iter_mut().zip(&other.sets).for_each(|(one, other)| one.merge(other, slots));
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        self.absent.iter_mut().for_each(|absent| absent.reset(slots));
        self.sums.iter_mut().for_each(|sums| sums.reset(slots));
        self.extremes.iter_mut().for_each(|extremes| extremes.reset(slots));
        self.ranks.iter_mut().for_each(|ranks| ranks.reset(slots));
        self.sets.iter_mut().for_each(|sets| sets.reset(slots));
    }

    /// Makes ready to be asked about those slots.
    pub(super) fn arrange(&mut self, slots: &[u32]) {
        self.ranks.iter_mut().for_each(|ranks| ranks.arrange(slots));
        self.sets.iter_mut().for_each(Sets::arrange);
    }

    /// What was collected for a slot that has so many rows, of a collector that was arranged.
    pub(super) fn collected(
        &mut self,
        frame: &Frame,
        method: Method,
        slot: usize,
        rows: u32,
    ) -> Result<Collected, Unanswerable> {
        if method == Method::Set {
            return Ok(self.set(frame, slot));
        }
        let values = rows - self.absent.as_ref().map_or(0, |absent| absent.0[slot]);
        if method == Method::Count {
            return Ok(Collected::Count(values.into()));
        }
        if values == 0 {
            return Ok(Collected::Number(None));
        }
        // The other engine has the words for values that are no numbers.
        let number = self.number(method, slot, values).ok_or(Unanswerable::Unfit)?;
        Ok(Collected::Number(Some(number)))
    }

    fn number(&mut self, method: Method, slot: usize, values: u32) -> Option<Number> {
        let scale = self.scale;
        let number = |(mantissa, form): (i128, Form)| decimal::number(mantissa, scale, form);
        let percent = match method {
            Method::Sum => return Some(number(self.sums.as_ref()?.get(slot))),
            Method::Mean => {
                let (sum, _) = self.sums.as_ref()?.get(slot);
                return Some(Number::Float(to_f64(sum, scale) / f64::from(values)));
            }
            Method::Min => return Some(number(self.extremes.as_ref()?.least(slot))),
            Method::Max => return Some(number(self.extremes.as_ref()?.greatest(slot))),
            Method::Median => 50,
            Method::Percentile(percent) => percent.get(),
            Method::Count | Method::Set => return None,
        };
        self.ranks.as_mut()?.percentile(slot, percent, scale).map(Number::Float)
    }

    fn set(&self, frame: &Frame, slot: usize) -> Collected {
        if let (Some(ordered), Some(seen)) =
            (&self.ordered, self.sets.as_ref().and_then(|sets| sets.seen(slot)))
        {
            return Collected::Subset(ordered.subset(seen));
        }
        let kind = &frame.fields[self.field].kind;
        let mut values = Vec::new();
        let value = |value: i64, form: Form| -> Value {
            match kind {
                Kind::Numbers { scale } => json(value, *scale, form),
                Kind::Empty | Kind::Booleans | Kind::Texts(_) | Kind::Unfit => kind.value(value as u32),
            }
        };
        if let Some(sets) = &self.sets {
            sets.each(slot, |code, form| match value(code, form) {
                Value::Null => {}
                value => values.push(Scalar(value)),
            });
        }
        Collected::Set(values.into_iter().collect())
    }
}
