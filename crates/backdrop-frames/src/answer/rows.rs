//! Rows: which of a run are selected, some thousand at a time, and what their columns hold.
//!
//! Where all rows of a block are selected, columns are looked at in place; else the selected rows are listed, and
//! what is needed of them is brought together, so that what adds up sees slices only.

use super::predicate::{Predicate, Test};
use crate::bitmap::Bitmap;
use crate::column::{Codes, Mantissas, Numbers, Values};
use crate::frame::Run;

/// How many rows are looked at together: what is brought together of them stays in the nearest cache.
/// Tests have few rows, and want several blocks of them.
pub(super) const BLOCK: usize = if cfg!(test) { 8 } else { 4_096 };

/// Selected rows of a run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Rows<'r> {
    /// All from the first to before the second.
    All(usize, usize),
    /// These.
    Listed(&'r [u32]),
}

impl Rows<'_> {
    pub(super) const fn len(self) -> usize {
        match self {
            Self::All(from, to) => to - from,
            Self::Listed(rows) => rows.len(),
        }
    }
}

/// Selects rows.
#[derive(Debug)]
pub(super) struct Selector {
    /// The one that leaves the fewest rows first.
    predicates: Vec<Predicate>,
    listed: Vec<u32>,
}

impl Selector {
    pub(super) fn new(mut predicates: Vec<Predicate>) -> Self {
        predicates.sort_by(|one, other| one.share().total_cmp(&other.share()));
        Self { predicates, listed: Vec::with_capacity(BLOCK) }
    }

    /// Whether no row can be selected.
    pub(super) fn is_never(&self) -> bool {
        self.predicates.iter().any(|predicate| matches!(predicate.test, Test::Never))
    }

    /// The selected ones of the given rows of a run.
    pub(super) fn select<'s>(&'s mut self, run: &Run, rows: Rows<'s>) -> Rows<'s> {
        let mut listing = Listing { rows, listed: &mut self.listed, is_listed: false };
        for predicate in &self.predicates {
            predicate.keep(run, &mut listing);
        }
        if listing.may_be_gone(&run.gone) {
            listing.keep(|row| !run.gone.get(row));
        }
        if listing.is_listed { Rows::Listed(&self.listed) } else { rows }
    }
}

/// Rows that become fewer.
struct Listing<'r, 'l> {
    /// All of them, as long as nothing was asked of them.
    rows: Rows<'r>,
    listed: &'l mut Vec<u32>,
    is_listed: bool,
}

impl Listing<'_, '_> {
    /// Keeps the rows that pass. Without a branch for each, for what passes is not to be foretold.
    fn keep(&mut self, passes: impl Fn(usize) -> bool) {
        let listed = &mut *self.listed;
        let mut kept = 0;
        match self.rows {
            _ if self.is_listed => {
                for index in 0..listed.len() {
                    let row = listed[index];
                    listed[kept] = row;
                    kept += usize::from(passes(row as usize));
                }
            }
            Rows::All(from, to) => {
                listed.resize(to - from, 0);
                for row in from..to {
                    listed[kept] = row as u32;
                    kept += usize::from(passes(row));
                }
            }
            Rows::Listed(rows) => {
                listed.resize(rows.len(), 0);
                for &row in rows {
                    listed[kept] = row;
                    kept += usize::from(passes(row as usize));
                }
            }
        }
        listed.truncate(kept);
        self.is_listed = true;
    }

    fn may_be_gone(&self, gone: &Bitmap) -> bool {
        match self.rows {
            _ if gone.ones() == 0 => false,
            Rows::All(from, to) if !self.is_listed => gone.ones_in(from..to) > 0,
            _ => true,
        }
    }
}

impl Predicate {
    fn keep(&self, run: &Run, rows: &mut Listing<'_, '_>) {
        match (&self.test, &run.columns[self.field]) {
            (Test::Codes(wanted), Values::Codes(codes)) => match codes {
                Codes::Narrow(codes) => rows.keep(|row| wanted[usize::from(codes[row])]),
                Codes::Medium(codes) => rows.keep(|row| wanted[usize::from(codes[row])]),
                Codes::Wide(codes) => rows.keep(|row| wanted[codes[row] as usize]),
            },
            (test, Values::Numbers(Numbers { mantissas, present, .. })) => {
                match mantissas {
                    Mantissas::Narrow(mantissas) => keep_numbers(test, rows, |row| mantissas[row].into()),
                    Mantissas::Wide(mantissas) => keep_numbers(test, rows, |row| mantissas[row]),
                }
                if let Some(present) = present {
                    rows.keep(|row| present.get(row));
                }
            }
            (_, Values::None | Values::Codes(_)) => rows.keep(|_| false),
        }
    }
}

fn keep_numbers(test: &Test, rows: &mut Listing<'_, '_>, mantissa: impl Fn(usize) -> i64) {
    match test {
        Test::Between(least, greatest) => rows.keep(|row| (*least..=*greatest).contains(&mantissa(row))),
        Test::OneOf(wanted) => rows.keep(|row| wanted.contains(&mantissa(row))),
        Test::NoneOf(unwanted) => rows.keep(|row| !unwanted.contains(&mantissa(row))),
        Test::Never | Test::Codes(_) => rows.keep(|_| false),
    }
}

/// The values of a column in the rows of a block, in their order.
pub(super) fn pick<'b, T: Copy>(rows: Rows<'_>, column: &'b [T], room: &'b mut Vec<T>) -> &'b [T] {
    match rows {
        Rows::All(from, to) => &column[from..to],
        Rows::Listed(rows) => {
            room.clear();
            room.extend(rows.iter().map(|row| column[*row as usize]));
            room
        }
    }
}

/// Which rows of a block a bit is set for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Bits<'b> {
    All,
    None,
    Some(&'b [bool]),
}

impl Bits<'_> {
    /// The bit of a row of the block.
    pub(super) fn get(self, index: usize) -> bool {
        match self {
            Bits::All => true,
            Bits::None => false,
            Bits::Some(bits) => bits[index],
        }
    }
}

/// The bits of the rows of a block.
pub(super) fn pick_bits<'b>(rows: Rows<'_>, bitmap: Option<&Bitmap>, room: &'b mut Vec<bool>) -> Bits<'b> {
    let Some(bitmap) = bitmap else { return Bits::All };
    if bitmap.ones() == 0 {
        return Bits::None;
    }
    room.clear();
    match rows {
        Rows::All(from, to) => match bitmap.ones_in(from..to) {
            0 => return Bits::None,
            ones if ones == to - from => return Bits::All,
            _ => room.extend((from..to).map(|row| bitmap.get(row))),
        },
        Rows::Listed(rows) => room.extend(rows.iter().map(|row| bitmap.get(*row as usize))),
    }
    Bits::Some(room)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_of_a_block_are_picked(bits in prop::collection::vec(any::<bool>(), 0..300), from in 0_usize..300, len in 0_usize..300) {
            let mut bitmap = Bitmap::default();
            bits.iter().for_each(|bit| bitmap.push(*bit));
            let from = from.min(bits.len());
            let to = (from + len).min(bits.len());
            let mut room = Vec::new();
            let found: Vec<bool> = match pick_bits(Rows::All(from, to), Some(&bitmap), &mut room) {
                Bits::All => vec![true; to - from],
                Bits::None => vec![false; to - from],
                Bits::Some(found) => found.to_vec(),
            };
            prop_assert_eq!(&found, &bits[from..to]);
        }
    }
}
