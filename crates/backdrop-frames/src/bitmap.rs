//! One bit per row.

use crate::room;
use std::ops::Range;

/// A bit for each row that was pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bitmap {
    /// 64 rows each; bits beyond the last row are 0.
    words: Vec<u64>,
    len: usize,
    ones: usize,
}

impl Bitmap {
    pub(crate) fn zeros(len: usize) -> Self {
        Self { words: vec![0; len.div_ceil(64)], len, ones: 0 }
    }

    pub(crate) fn all_ones(len: usize) -> Self {
        let mut words = vec![u64::MAX; len.div_ceil(64)];
        if let (Some(last), used @ 1..) = (words.last_mut(), len % 64) {
            *last = (1 << used) - 1;
        }
        Self { words, len, ones: len }
    }

    pub(crate) fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            room::push(&mut self.words, 0);
        }
        self.len += 1;
        if bit {
            self.set(self.len - 1);
        }
    }

    /// Sets or clears a bit, or adds it if it is the one after the last.
    pub(crate) fn put(&mut self, index: usize, bit: bool) {
        if index == self.len {
            self.push(bit);
        } else if bit {
            self.set(index);
        } else {
            self.clear(index);
        }
    }

    pub(crate) fn set(&mut self, index: usize) {
        let (word, bit) = (&mut self.words[index / 64], 1 << (index % 64));
        self.ones += usize::from(*word & bit == 0);
        *word |= bit;
    }

    pub(crate) fn clear(&mut self, index: usize) {
        let (word, bit) = (&mut self.words[index / 64], 1 << (index % 64));
        self.ones -= usize::from(*word & bit != 0);
        *word &= !bit;
    }

    pub(crate) fn get(&self, index: usize) -> bool {
        self.words[index / 64] & (1 << (index % 64)) != 0
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// How many bits are set.
    pub(crate) const fn ones(&self) -> usize {
        self.ones
    }

    /// How many bits are set in a range.
    pub(crate) fn ones_in(&self, range: Range<usize>) -> usize {
        let ones = |words: &[u64]| words.iter().map(|word| word.count_ones() as usize).sum::<usize>();
        let before = |index: usize| match index % 64 {
            0 => 0,
            used => (self.words[index / 64] & ((1 << used) - 1)).count_ones() as usize,
        };
        match self.ones {
            0 => 0,
            _ if range.is_empty() => 0,
            all if all == self.len => range.len(),
            _ => {
                ones(&self.words[range.start / 64..range.end / 64]) + before(range.end) - before(range.start)
            }
        }
    }

    /// The memory it takes.
    pub(crate) const fn bytes(&self) -> usize {
        room::bytes(&self.words)
    }

    pub(crate) fn shrink(&mut self) {
        self.words.shrink_to_fit();
    }
}

impl FromIterator<bool> for Bitmap {
    fn from_iter<I: IntoIterator<Item = bool>>(bits: I) -> Self {
        let mut bitmap = Self::default();
        bits.into_iter().for_each(|bit| bitmap.push(bit));
        bitmap
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_holds_the_bits(bits in prop::collection::vec(any::<bool>(), 0..200), from in 0..200_usize, to in 0..200_usize) {
            let bitmap: Bitmap = bits.iter().copied().collect();
            prop_assert_eq!((0..bits.len()).map(|index| bitmap.get(index)).collect::<Vec<_>>(), &bits[..]);
            let count = |bits: &[bool]| bits.iter().filter(|bit| **bit).count();
            prop_assert_eq!((bitmap.len(), bitmap.ones()), (bits.len(), count(&bits)));
            let words = bitmap.words.iter().map(|word| word.count_ones() as usize);
            prop_assert_eq!(words.sum::<usize>(), bitmap.ones());
            let (from, to) = (from.min(bits.len()), to.min(bits.len()));
            let range = from.min(to)..from.max(to);
            prop_assert_eq!(bitmap.ones_in(range.clone()), count(&bits[range]));
        }

        #[test]
        fn bits_can_be_put(len in 0..200_usize, places in prop::collection::vec((any::<prop::sample::Index>(), any::<bool>()), 0..20)) {
            let (mut bitmap, mut bits) = (Bitmap::all_ones(len), vec![true; len]);
            for (place, bit) in places {
                let place = place.index(bits.len() + 1);
                bitmap.put(place, bit);
                room::put(&mut bits, place, bit);
            }
            prop_assert_eq!(bitmap, bits.into_iter().collect::<Bitmap>());
        }
    }

    #[test]
    fn all_of_a_kind() {
        for len in [0, 1, 63, 64, 65, 128] {
            assert_eq!(Bitmap::zeros(len), vec![false; len].into_iter().collect());
            assert_eq!(Bitmap::all_ones(len), vec![true; len].into_iter().collect());
        }
    }
}
