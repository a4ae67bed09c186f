//! Sums of each slot.

use super::block::{Block, Picked};
use super::decimal::Form;
use super::lanes;
use super::rows::Bits;
use super::slots::{Slot, Slots, with_slots};
use super::tally::Tally;
use crate::Frame;
use crate::column::{Kind, Numbers, Values};
use std::iter::Sum;
use std::ops::AddAssign;

/// Sums of mantissas.
#[derive(Debug)]
pub(super) struct Sums {
    /// Of 32-bit mantissas: of all rows that a frame can have, they fit 64 bits.
    narrow: Vec<i64>,
    /// Of 64-bit ones.
    wide: Vec<i128>,
    fractions: Fractions,
}

/// Whether any of the values of a slot is written with decimal places.
#[derive(Debug)]
enum Fractions {
    /// None is, or nobody asks: means are floating point in any case.
    Never,
    /// All are.
    Always,
    /// Some may be.
    Noted(Vec<bool>),
}

impl Sums {
    /// Sums of a field's numbers; only how sums themselves are written depends on how the values are.
    pub(super) fn new(frame: &Frame, field: usize, are_answered: bool) -> Self {
        let runs = [&frame.base, &frame.tail].map(|run| &run.columns[field]);
        let fractions = match frame.fields[field].kind {
            Kind::Numbers { scale: 1.. } if !are_answered => Fractions::Never,
            Kind::Numbers { scale: 1.. } if runs.into_iter().all(are_fractions) => Fractions::Always,
            Kind::Numbers { scale: 1.. } => Fractions::Noted(Vec::new()),
            _ => Fractions::Never,
        };
        Self { narrow: Vec::new(), wide: Vec::new(), fractions }
    }

    pub(super) fn grow(&mut self, slots: usize) {
        let slots = slots.max(self.narrow.len());
        self.narrow.resize(slots, 0);
        self.wide.resize(slots, 0);
        if let Fractions::Noted(fractions) = &mut self.fractions {
            fractions.resize(slots, false);
        }
    }

    /// Adds up a block, and counts its rows if they are uncounted and that comes with it.
    pub(super) fn add(&mut self, slots: Slots<'_>, block: Block<'_>, uncounted: &mut Option<&mut Tally>) {
        match (slots, block.mantissas) {
            (Slots::Narrow(slots), Picked::Narrow(mantissas)) if lanes::are_worth_it(slots.len()) => {
                match uncounted.take() {
                    Some(Tally(counts)) => lanes::add_counting(slots, mantissas, &mut self.narrow, counts),
                    None => lanes::add(slots, mantissas, &mut self.narrow),
                }
            }
            (Slots::Narrow(slots), Picked::Wide(mantissas))
                if lanes::are_worth_it(slots.len()) && lanes::sums_fit(mantissas) =>
            {
                lanes::add(slots, mantissas, &mut self.wide);
            }
            (slots, Picked::Narrow(mantissas)) => add_each(&mut self.narrow, slots, mantissas),
            (Slots::One, Picked::Wide(mantissas)) if lanes::sums_fit(mantissas) => {
                self.wide[0] += i128::from(mantissas.iter().sum::<i64>());
            }
            (slots, Picked::Wide(mantissas)) => add_each(&mut self.wide, slots, mantissas),
        }
        if let Fractions::Noted(fractions) = &mut self.fractions {
            note(fractions, slots, block.fractions);
        }
    }

    pub(super) fn get(&self, slot: usize) -> (i128, Form) {
        let is_fraction = match &self.fractions {
            Fractions::Never => false,
            Fractions::Always => true,
            Fractions::Noted(fractions) => fractions[slot],
        };
        (i128::from(self.narrow[slot]) + self.wide[slot], Form::of_fraction(is_fraction))
    }

    pub(super) fn merge(&mut self, other: &Self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            self.narrow[slot] += other.narrow[slot];
            self.wide[slot] += other.wide[slot];
            if let (Fractions::Noted(one), Fractions::Noted(other)) = (&mut self.fractions, &other.fractions)
            {
                one[slot] |= other[slot];
            }
        }
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            (self.narrow[slot], self.wide[slot]) = (0, 0);
            if let Fractions::Noted(fractions) = &mut self.fractions {
                fractions[slot] = false;
            }
        }
    }
}

/// Whether all values of a column are written with decimal places.
fn are_fractions(values: &Values) -> bool {
    match values {
        Values::Numbers(Numbers { whole: Some(whole), .. }) => whole.ones() == 0,
        Values::Numbers(Numbers { whole: None, present: Some(present), .. }) => present.ones() == 0,
        Values::Numbers(Numbers { mantissas, .. }) => mantissas.len() == 0,
        Values::None | Values::Codes(_) => true,
    }
}

fn add_each<S, M>(sums: &mut [S], slots: Slots<'_>, mantissas: &[M])
where
    S: AddAssign + From<M> + Sum<S>,
    M: Copy,
{
    with_slots!(slots,
        One => sums[0] += mantissas.iter().map(|mantissa| S::from(*mantissa)).sum(),
        slots => slots.iter().zip(mantissas).for_each(|(slot, mantissa)| {
            sums[slot.index()] += S::from(*mantissa);
        }),
    );
}

fn note(fractions: &mut [bool], slots: Slots<'_>, bits: Bits<'_>) {
    match bits {
        Bits::None => {}
        Bits::All => with_slots!(slots,
            One => fractions[0] = true,
            slots => slots.iter().for_each(|slot| fractions[slot.index()] = true),
        ),
        Bits::Some(bits) => with_slots!(slots,
            One => fractions[0] |= bits.contains(&true),
            slots => slots.iter().zip(bits).for_each(|(slot, bit)| fractions[slot.index()] |= bit),
        ),
    }
}
