//! Tallies: how many rows of some kind each slot has.

use super::lanes;
use super::rows::Bits;
use super::slots::{Slot, Slots, with_slots};

/// How many rows a slot has of some kind.
#[derive(Debug, Default)]
pub(super) struct Tally(pub(super) Vec<u32>);

impl Tally {
    pub(super) fn grow(&mut self, slots: usize) {
        self.0.resize(slots.max(self.0.len()), 0);
    }

    pub(super) fn add_all(&mut self, slots: Slots<'_>, rows: usize) {
        let counts = &mut self.0;
        if let Slots::Narrow(slots) = slots
            && lanes::are_worth_it(rows)
        {
            return lanes::count(slots, counts);
        }
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
