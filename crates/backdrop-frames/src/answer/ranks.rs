//! Ranks: the values of which percentiles are taken.

use super::block::{Block, Picked, mantissa, with_mantissas};
use super::decimal::to_f64;
use super::slots::{Slot, Slots, with_slots};

/// The values of all slots, as they come; then slot by slot.
#[derive(Debug, Default)]
pub(super) struct Ranks {
    mantissas: Vec<i64>,
    /// The slot of each of them; none at all if there is one slot.
    slots: Vec<u32>,
    arranged: Vec<i64>,
    /// From where to where the values of a slot are, once they are arranged.
    places: Vec<(usize, usize)>,
}

impl Ranks {
    pub(super) fn grow(&mut self, slots: usize) {
        self.places.resize(slots.max(self.places.len()), (0, 0));
    }

    pub(super) fn add(&mut self, slots: Slots<'_>, block: Block<'_>) {
        let is_present = |index: &usize| block.present.get(*index);
        with_mantissas!(block.mantissas, mantissas => {
            let present = (0..mantissas.len()).filter(is_present);
            self.mantissas.extend(present.map(|index| mantissa(mantissas, index)));
            let present = (0..mantissas.len()).filter(is_present);
            with_slots!(slots,
                One => {},
                slots => self.slots.extend(present.map(|index| slots[index].index() as u32)),
            );
        });
    }

    /// Brings the values of each slot together.
    pub(super) fn arrange(&mut self, slots: &[u32]) {
        if self.slots.is_empty() {
            if let Some(place) = self.places.first_mut() {
                *place = (0, self.mantissas.len());
            }
            std::mem::swap(&mut self.arranged, &mut self.mantissas);
            return;
        }
        for slot in &self.slots {
            self.places[*slot as usize].1 += 1;
        }
        let mut begin = 0;
        for slot in slots {
            let place = &mut self.places[*slot as usize];
            let len = place.1;
            *place = (begin, begin);
            begin += len;
        }
        self.arranged.clear();
        self.arranged.resize(begin, 0);
        for (slot, mantissa) in self.slots.iter().zip(&self.mantissas) {
            let end = &mut self.places[*slot as usize].1;
            self.arranged[*end] = *mantissa;
            *end += 1;
        }
    }

    /// The value that so many of a hundred of an arranged slot lie below, as `percentile_cont` interpolates it.
    pub(super) fn percentile(&mut self, slot: usize, percent: u8, scale: u8) -> Option<f64> {
        let (begin, end) = self.places[slot];
        let values = &mut self.arranged[begin..end];
        let position = f64::from(percent) / 100.0 * values.len().checked_sub(1)? as f64;
        let (lower, upper) = (position.floor() as usize, position.ceil() as usize);
        let (_, least, above) = values.select_nth_unstable(lower);
        let least = to_f64((*least).into(), scale);
        if lower == upper {
            return Some(least);
        }
        let next = above.iter().min().expect("a position above is one of the values");
        let next = to_f64((*next).into(), scale);
        Some(least + (position - position.floor()) * (next - least))
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.mantissas.extend(&other.mantissas);
        self.slots.extend(&other.slots);
    }

    pub(super) fn reset(&mut self, slots: &[u32]) {
        self.mantissas.clear();
        self.slots.clear();
        for slot in slots {
            self.places[*slot as usize] = (0, 0);
        }
    }
}
