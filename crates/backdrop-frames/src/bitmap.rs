//! One bit per row.

/// A bit for each row that was pushed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    len: usize,
    ones: usize,
}

impl Bitmap {
    pub(crate) fn push(&mut self, bit: bool) {
        if self.len.is_multiple_of(64) {
            self.words.push(0);
        }
        self.len += 1;
        if bit {
            self.set(self.len - 1);
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

    /// 64 rows at a time; bits beyond the last row are 0.
    pub(crate) fn words(&self) -> &[u64] {
        &self.words
    }

    pub(crate) const fn len(&self) -> usize {
        self.len
    }

    /// How many bits are set.
    pub(crate) const fn ones(&self) -> usize {
        self.ones
    }
}
