//! Sets: which values each slot has.

use super::block::{Block, Picked, mantissa, with_mantissas};
use super::decimal::Form;
use super::slots::{Slot, Slots, with_slots};

/// How many bytes a table of slots and codes may take: it stays in a cache.
const TABLE_BYTES_MAX: usize = 4 << 20;
/// From how many pairs on they are sorted and repeated ones dropped; then from twice as many as are left.
/// (Tests have few.)
const PAIRS_MIN: usize = if cfg!(test) { 4 } else { 65_536 };

/// The values of all slots.
#[derive(Debug)]
pub(super) enum Sets {
    /// For each slot and code whether it is there.
    Table { width: usize, seen: Vec<bool> },
    /// Slots and their values, in any order, some of them several times.
    Pairs { pairs: Vec<Pair>, sorted_from: usize },
}

/// A slot and a value of it: a code or a mantissa, and whether that is written with decimal places.
type Pair = (u32, i64, bool);

impl Sets {
    /// Sets of codes below `width`, if there are that many slots and, roughly, rows for each answer.
    pub(super) fn of_codes(width: usize, slots: usize, rows: usize) -> Self {
        // A table is looked through for every answer, so it must not be much larger than what fills it.
        if slots.saturating_mul(width) <= TABLE_BYTES_MAX && width <= 256 + rows.saturating_mul(16) {
            return Self::Table { width, seen: Vec::new() };
        }
        Self::of_numbers()
    }

    pub(super) const fn of_numbers() -> Self {
        Self::Pairs { pairs: Vec::new(), sorted_from: PAIRS_MIN }
    }

    pub(super) fn grow(&mut self, slots: usize) {
        if let Self::Table { width, seen } = self {
            seen.resize(seen.len().max(slots * *width), false);
        }
    }

    pub(super) fn add_codes(&mut self, slots: Slots<'_>, codes: Slots<'_>) {
        with_slots!(codes, One => {}, codes => match self {
            Self::Table { width, seen } => with_slots!(slots,
                // Where few values are repeated by many rows, all of them have soon been seen.
                One => if *width > codes.len() || !seen[1..*width].iter().all(|seen| *seen) {
                    codes.iter().for_each(|code| seen[code.index()] = true);
                },
                slots => slots.iter().zip(codes).for_each(|(slot, code)| {
                    seen[slot.index() * *width + code.index()] = true;
                }),
            ),
            Self::Pairs { pairs, .. } => with_slots!(slots,
                One => pairs.extend(codes.iter().map(|code| (0, code.index() as i64, false))),
                slots => pairs.extend(slots.iter().zip(codes).map(|(slot, code)| {
                    (slot.index() as u32, code.index() as i64, false)
                })),
            ),
        });
        self.shrink();
    }

    pub(super) fn add_numbers(&mut self, slots: Slots<'_>, block: Block<'_>) {
        let Self::Pairs { pairs, .. } = self else { return };
        with_mantissas!(block.mantissas, mantissas => {
            let present = (0..mantissas.len()).filter(|index| block.present.get(*index));
            let value = |index: usize| (mantissa(mantissas, index), block.fractions.get(index));
            with_slots!(slots,
                One => pairs.extend(present.map(|index| (0, value(index).0, value(index).1))),
                slots => pairs.extend(present.map(|index| {
                    (slots[index].index() as u32, value(index).0, value(index).1)
                })),
            );
        });
        self.shrink();
    }

    /// Drops what is there several times, if that may be worth it.
    fn shrink(&mut self) {
        if let Self::Pairs { pairs, sorted_from } = self
            && pairs.len() >= *sorted_from
        {
            sort(pairs);
            *sorted_from = PAIRS_MIN.max(pairs.len() * 2);
        }
    }

    /// Makes ready to be asked.
    pub(super) fn arrange(&mut self) {
        if let Self::Pairs { pairs, .. } = self {
            sort(pairs);
        }
    }

    /// Whether each code is there for a slot, if there is a table of that.
    pub(super) fn seen(&self, slot: usize) -> Option<&[bool]> {
        match self {
            Self::Table { width, seen } => Some(&seen[slot * width..][..*width]),
            Self::Pairs { .. } => None,
        }
    }

    /// Gives away the values of an arranged slot.
    pub(super) fn each(&self, slot: usize, mut give: impl FnMut(i64, Form)) {
        match self {
            Self::Table { width, .. } => {
                let seen = self.seen(slot).into_iter().flatten();
                let codes = seen.zip(0..*width).filter(|(seen, code)| **seen && *code > 0);
                codes.for_each(|(_, code)| give(code as i64, Form::Whole));
            }
            Self::Pairs { pairs, .. } => {
                let slot = slot as u32;
                let begin = pairs.partition_point(|pair| pair.0 < slot);
                let of_slot = pairs[begin..].iter().take_while(|pair| pair.0 == slot);
                of_slot.for_each(|(_, value, is_fraction)| give(*value, Form::of_fraction(*is_fraction)));
            }
        }
    }

    pub(super) fn merge(&mut self, other: &Self, slots: &[u32]) {
        match (&mut *self, other) {
            (Self::Table { width, seen }, Self::Table { seen: other, .. }) => {
                for slot in slots {
                    let places = *slot as usize * *width..(*slot as usize + 1) * *width;
                    let both = seen[places.clone()].iter_mut().zip(&other[places]);
                    both.for_each(|(seen, other)| *seen |= other);
                }
            }
            (Self::Pairs { pairs, .. }, Self::Pairs { pairs: other, .. }) => pairs.extend(other),
            (Self::Table { .. }, Self::Pairs { .. }) | (Self::Pairs { .. }, Self::Table { .. }) => {
                unreachable!("the sheets of a question are made for as many slots and rows")
            }
        }
        self.shrink();
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        match self {
            Self::Table { width, seen } => {
                for slot in slots {
                    seen[*slot as usize * *width..(*slot as usize + 1) * *width].fill(false);
                }
            }
            Self::Pairs { pairs, .. } => pairs.clear(),
        }
    }
}

/// Sorts pairs and keeps one of each value; of a number that is written in both ways, the integer.
fn sort(pairs: &mut Vec<Pair>) {
    pairs.sort_unstable();
    pairs.dedup_by_key(|pair| (pair.0, pair.1));
}
