//! Measures: what is added up of one field, slot by slot.
//!
//! Each measure is an array with a place for every slot. What is not asked for is not kept.

use super::decimal::Form;
use super::rows::{Bits, Rows, pick, pick_bits};
use super::slots::{Slot, Slots, with_slots};
use crate::column::{Codes, Mantissas, Numbers, Values};
use crate::frame::Run;

/// The numbers of a block.
#[derive(Clone, Copy, Debug)]
pub(super) struct Block<'b> {
    pub(super) mantissas: Picked<'b>,
    /// Which rows have a value.
    pub(super) present: Bits<'b>,
    /// Which rows have a value that is written with decimal places.
    pub(super) fractions: Bits<'b>,
}

/// Mantissas of a block; 0 where there is no value.
#[derive(Clone, Copy, Debug)]
pub(super) enum Picked<'b> {
    Narrow(&'b [i32]),
    Wide(&'b [i64]),
}

/// Does something with the mantissas of a block in the form they have.
macro_rules! with_mantissas {
    ($mantissas:expr, $each:ident => $do:expr) => {
        match $mantissas {
            Picked::Narrow($each) => $do,
            Picked::Wide($each) => $do,
        }
    };
}
pub(super) use with_mantissas;

/// Room for what is brought together of a block.
#[derive(Debug, Default)]
pub(super) struct Room {
    narrow: Vec<i32>,
    wide: Vec<i64>,
    present: Vec<bool>,
    fractions: Vec<bool>,
    bytes: Vec<u8>,
    words: Vec<u16>,
    codes: Vec<u32>,
}

impl Room {
    /// The numbers of a block.
    pub(super) fn numbers<'b>(&'b mut self, numbers: &'b Numbers, scale: u8, rows: Rows<'_>) -> Block<'b> {
        let Self { narrow, wide, present, fractions, .. } = self;
        let mantissas = match &numbers.mantissas {
            Mantissas::Narrow(mantissas) => Picked::Narrow(pick(rows, mantissas, narrow)),
            Mantissas::Wide(mantissas) => Picked::Wide(pick(rows, mantissas, wide)),
        };
        let present = pick_bits(rows, numbers.present.as_ref(), present);
        let whole = numbers.whole.as_ref().filter(|_| scale > 0);
        let fractions = match pick_bits(rows, whole, fractions) {
            Bits::All => Bits::None,
            Bits::None => present,
            Bits::Some(_) => {
                let both = fractions.iter_mut().enumerate();
                both.for_each(|(index, bit)| *bit = present.get(index) && !*bit);
                Bits::Some(fractions)
            }
        };
        Block { mantissas, present, fractions }
    }

    /// The codes of a block, as slots; `None` if the column has none.
    pub(super) fn codes<'b>(&'b mut self, run: &'b Run, field: usize, rows: Rows<'_>) -> Option<Slots<'b>> {
        match &run.columns[field] {
            Values::Codes(Codes::Narrow(codes)) => Some(Slots::Narrow(pick(rows, codes, &mut self.bytes))),
            Values::Codes(Codes::Medium(codes)) => Some(Slots::Medium(pick(rows, codes, &mut self.words))),
            Values::Codes(Codes::Wide(codes)) => Some(Slots::Wide(pick(rows, codes, &mut self.codes))),
            Values::None | Values::Numbers(_) => None,
        }
    }
}

/// How many rows a slot has of some kind.
#[derive(Debug, Default)]
pub(super) struct Tally(pub(super) Vec<u32>);

impl Tally {
    pub(super) fn grow(&mut self, slots: usize) {
        self.0.resize(slots.max(self.0.len()), 0);
    }

    pub(super) fn add_all(&mut self, slots: Slots<'_>, rows: usize) {
        let counts = &mut self.0;
        with_slots!(slots,
            One => counts[0] += rows as u32,
            slots => slots.iter().for_each(|slot| counts[slot.index()] += 1),
        );
    }

    /// As `add_all`, and notes the slots that had none before.
    pub(super) fn add_noting(&mut self, slots: Slots<'_>, rows: usize, noted: &mut Vec<u32>) {
        let counts = &mut self.0;
        with_slots!(slots,
            One => {
                if counts[0] == 0 && rows > 0 {
                    noted.push(0);
                }
                counts[0] += rows as u32;
            },
            slots => for slot in slots {
                let count = &mut counts[slot.index()];
                if *count == 0 {
                    noted.push(slot.index() as u32);
                }
                *count += 1;
            },
        );
    }

    /// Counts the rows without a value.
    pub(super) fn add_absent(&mut self, slots: Slots<'_>, rows: usize, present: Bits<'_>) {
        let Bits::Some(present) = present else {
            if matches!(present, Bits::None) {
                self.add_all(slots, rows);
            }
            return;
        };
        let counts = &mut self.0;
        with_slots!(slots,
            One => counts[0] += present.iter().map(|bit| u32::from(!bit)).sum::<u32>(),
            slots => slots.iter().zip(present).for_each(|(slot, bit)| counts[slot.index()] += u32::from(!bit)),
        );
    }

    /// Counts the rows whose code is 0.
    pub(super) fn add_uncoded(&mut self, slots: Slots<'_>, rows: usize, codes: Option<Slots<'_>>) {
        let counts = &mut self.0;
        let Some(codes) = codes else { return self.add_all(slots, rows) };
        with_slots!(codes, One => {}, codes => {
            let absent = codes.iter().map(|code| u32::from(code.index() == 0));
            with_slots!(slots,
                One => counts[0] += absent.sum::<u32>(),
                slots => slots.iter().zip(absent).for_each(|(slot, absent)| counts[slot.index()] += absent),
            );
        });
    }

    pub(super) fn merge(&mut self, other: &Self, slots: &[u32]) {
        for &slot in slots {
            self.0[slot as usize] += other.0[slot as usize];
        }
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        for &slot in slots {
            self.0[slot as usize] = 0;
        }
    }
}

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
