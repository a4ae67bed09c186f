//! Where a row is.

/// The run of a row and its number there, in 32 bits: the highest one is set in the tail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place(u32);

const TAIL: u32 = 1 << 31;

impl Place {
    /// How many rows a run can have.
    pub(crate) const ROWS_MAX: usize = TAIL as usize;

    pub(crate) fn base(row: usize) -> Self {
        debug_assert!(row < Self::ROWS_MAX, "row {row} has no place");
        Self(row as u32)
    }

    pub(crate) fn tail(row: usize) -> Self {
        debug_assert!(row < Self::ROWS_MAX, "row {row} has no place");
        Self(row as u32 | TAIL)
    }

    /// 0: the base, 1: the tail.
    pub(crate) const fn run(self) -> usize {
        (self.0 >> 31) as usize
    }

    pub(crate) const fn row(self) -> usize {
        (self.0 & !TAIL) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rows_have_places() {
        let last = Place::ROWS_MAX - 1;
        for (place, run) in [(Place::base(last), 0), (Place::tail(last), 1), (Place::tail(0), 1)] {
            assert_eq!(place.run(), run);
        }
        assert_eq!((Place::base(last).row(), Place::tail(last).row()), (last, last));
    }
}
