//! Codes of booleans and texts.

use crate::room;

/// Codes of rows; 0: the row has no value there, or null.
#[derive(Debug)]
pub(crate) enum Codes {
    /// Up to 255 different values.
    Narrow(Vec<u8>),
    /// Up to 65,535.
    Medium(Vec<u16>),
    /// More.
    Wide(Vec<u32>),
}

impl Codes {
    /// Of rows that have no value.
    pub(crate) fn zeros(rows: usize) -> Self {
        Self::Narrow(vec![0; rows])
    }

    /// The codes that an iterator gives, none greater than the given one, in the narrowest form.
    pub(crate) fn of(codes: impl Iterator<Item = u32>, max: u32) -> Self {
        match max {
            ..=0xFF => Self::Narrow(codes.map(|code| code as u8).collect()),
            0x100..=0xFFFF => Self::Medium(codes.map(|code| code as u16).collect()),
            _ => Self::Wide(codes.collect()),
        }
    }

    pub(crate) fn get(&self, row: usize) -> u32 {
        match self {
            Self::Narrow(codes) => codes[row].into(),
            Self::Medium(codes) => codes[row].into(),
            Self::Wide(codes) => codes[row],
        }
    }

    /// Sets the code of a row, which may be the one after the last.
    pub(crate) fn put(&mut self, row: usize, code: u32) {
        self.widen_for(code);
        match self {
            Self::Narrow(codes) => room::put(codes, row, code as u8),
            Self::Medium(codes) => room::put(codes, row, code as u16),
            Self::Wide(codes) => room::put(codes, row, code),
        }
    }

    fn widen_for(&mut self, code: u32) {
        let is_narrow = match self {
            Self::Narrow(_) => code > 0xFF,
            Self::Medium(_) => code > 0xFFFF,
            Self::Wide(_) => false,
        };
        if is_narrow {
            *self = Self::of((0..self.len()).map(|row| self.get(row)), code);
        }
    }

    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Narrow(codes) => codes.len(),
            Self::Medium(codes) => codes.len(),
            Self::Wide(codes) => codes.len(),
        }
    }

    /// The memory they take.
    pub(crate) const fn bytes(&self) -> usize {
        match self {
            Self::Narrow(codes) => room::bytes(codes),
            Self::Medium(codes) => room::bytes(codes),
            Self::Wide(codes) => room::bytes(codes),
        }
    }

    pub(crate) fn shrink(&mut self) {
        match self {
            Self::Narrow(codes) => codes.shrink_to_fit(),
            Self::Medium(codes) => codes.shrink_to_fit(),
            Self::Wide(codes) => codes.shrink_to_fit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_widen_when_one_does_not_fit() {
        let mut codes = Codes::zeros(2);
        for (row, code) in (2..).zip([255, 256, 65_535, 65_536, 1]) {
            codes.put(row, code);
        }
        codes.put(0, 70_000);
        let all: Vec<u32> = (0..codes.len()).map(|row| codes.get(row)).collect();
        assert_eq!(all, [70_000, 0, 255, 256, 65_535, 65_536, 1]);
        assert!(matches!(codes, Codes::Wide(_)));
    }

    #[test]
    fn they_are_made_in_the_narrowest_form() {
        for (max, bytes) in [(255, 1), (256, 2), (65_535, 2), (65_536, 4)] {
            let codes = Codes::of([max].into_iter(), max);
            assert_eq!((codes.bytes(), codes.get(0)), (bytes, max));
        }
    }
}
