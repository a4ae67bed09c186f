//! Sums of each slot.

use super::block::{Block, Picked};
use super::decimal::Form;
use super::rows::Bits;
use super::slots::{Slot, Slots, with_slots};

/// Sums of mantissas.
#[derive(Debug, Default)]
pub(super) struct Sums {
    /// Of 32-bit mantissas: of all rows that a frame can have, they fit 64 bits.
    narrow: Vec<i64>,
    /// Of 64-bit ones.
    wide: Vec<i128>,
    /// Whether any of the values is written with decimal places.
    fractions: Vec<bool>,
}

impl Sums {
    pub(super) fn grow(&mut self, slots: usize) {
        let slots = slots.max(self.narrow.len());
        self.narrow.resize(slots, 0);
        self.wide.resize(slots, 0);
        self.fractions.resize(slots, false);
    }

    pub(super) fn add(&mut self, slots: Slots<'_>, block: Block<'_>) {
        match block.mantissas {
            Picked::Narrow(mantissas) => {
                let sums = &mut self.narrow;
                with_slots!(slots,
                    One => sums[0] += mantissas.iter().map(|mantissa| i64::from(*mantissa)).sum::<i64>(),
                    slots => slots.iter().zip(mantissas).for_each(|(slot, mantissa)| {
                        sums[slot.index()] += i64::from(*mantissa);
                    }),
                );
            }
            Picked::Wide(mantissas) => {
                let sums = &mut self.wide;
                with_slots!(slots,
                    One => sums[0] += mantissas.iter().map(|mantissa| i128::from(*mantissa)).sum::<i128>(),
                    slots => slots.iter().zip(mantissas).for_each(|(slot, mantissa)| {
                        sums[slot.index()] += i128::from(*mantissa);
                    }),
                );
            }
        }
        self.note_fractions(slots, block.fractions);
    }

    fn note_fractions(&mut self, slots: Slots<'_>, bits: Bits<'_>) {
        let fractions = &mut self.fractions;
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

    pub(super) fn get(&self, slot: usize) -> (i128, Form) {
        (i128::from(self.narrow[slot]) + self.wide[slot], Form::of_fraction(self.fractions[slot]))
    }

    pub(super) fn merge(&mut self, other: &Self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            self.narrow[slot] += other.narrow[slot];
            self.wide[slot] += other.wide[slot];
            self.fractions[slot] |= other.fractions[slot];
        }
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        for slot in slots.iter().map(|slot| *slot as usize) {
            (self.narrow[slot], self.wide[slot], self.fractions[slot]) = (0, 0, false);
        }
    }
}
