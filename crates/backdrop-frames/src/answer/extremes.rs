//! The least and the greatest value of each slot.

use super::block::{Block, Picked, with_mantissas};
use super::decimal::Form;
use super::rows::Bits;
use super::slots::{Slot, Slots, with_slots};

/// The least and the greatest values.
#[derive(Debug, Default)]
pub(super) struct Extremes {
    /// Twice the mantissa, and 1 more if it is written with decimal places: of equal numbers that are written in
    /// both ways, the integer is answered.
    least: Vec<i128>,
    /// Twice the mantissa, and for the same reason 1 less.
    greatest: Vec<i128>,
}

impl Extremes {
    pub(super) fn grow(&mut self, slots: usize) {
        let slots = slots.max(self.least.len());
        self.least.resize(slots, i128::MAX);
        self.greatest.resize(slots, i128::MIN);
    }

    pub(super) fn add(&mut self, slots: Slots<'_>, block: Block<'_>) {
        with_mantissas!(block.mantissas, mantissas => {
            if matches!((block.present, block.fractions, slots), (Bits::All, Bits::None, Slots::One)) {
                let ends = mantissas.iter().min().zip(mantissas.iter().max());
                if let Some((least, greatest)) = ends {
                    self.note(0, i128::from(*least), false);
                    self.note(0, i128::from(*greatest), false);
                }
                return;
            }
            let present = (0..mantissas.len()).filter(|index| block.present.get(*index));
            let mut note = |slot, index: usize| {
                self.note(slot, mantissas[index].into(), block.fractions.get(index));
            };
            with_slots!(slots,
                One => present.for_each(|index| note(0, index)),
                slots => present.for_each(|index| note(slots[index].index(), index)),
            );
        });
    }

    fn note(&mut self, slot: usize, mantissa: i128, is_fraction: bool) {
        let places = i128::from(is_fraction);
        self.least[slot] = self.least[slot].min(mantissa * 2 + places);
        self.greatest[slot] = self.greatest[slot].max(mantissa * 2 - places);
    }

    pub(super) fn least(&self, slot: usize) -> (i128, Form) {
        (self.least[slot] >> 1, Form::of_fraction(self.least[slot] & 1 == 1))
    }

    pub(super) fn greatest(&self, slot: usize) -> (i128, Form) {
        ((self.greatest[slot] + 1) >> 1, Form::of_fraction(self.greatest[slot] & 1 == 1))
    }

    pub(super) fn merge(&mut self, other: &Self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            self.least[slot] = self.least[slot].min(other.least[slot]);
            self.greatest[slot] = self.greatest[slot].max(other.greatest[slot]);
        }
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            (self.least[slot], self.greatest[slot]) = (i128::MAX, i128::MIN);
        }
    }
}
