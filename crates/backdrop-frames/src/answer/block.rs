//! Blocks: what the column of a field holds in the rows that are looked at together.

use super::rows::{Bits, Rows, pick, pick_bits};
use super::slots::Slots;
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

/// One of the mantissas of a block.
pub(super) fn mantissa<M: Copy + Into<i64>>(mantissas: &[M], index: usize) -> i64 {
    mantissas[index].into()
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
