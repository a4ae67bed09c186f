//! Keys: a field that is grouped by, and the codes of its values.

use super::decimal::Form;
use super::rows::{Bits, Rows, pick_bits};
use super::slots::json;
use crate::Frame;
use crate::column::{Codes, Kind, Mantissas, Numbers, Values};
use crate::frame::Run;
use hashbrown::HashMap;
use serde_json::Value;
use std::ops::Range;

/// Up to how many numbers lie between the least and the greatest of a key whose codes are computed.
const COMPUTED_MAX: i128 = 65_535;

/// A field that is grouped by. Code 0 stands for no value.
#[derive(Debug)]
pub(super) struct Key {
    field: usize,
    /// More than the greatest code.
    width: u64,
    coding: Coding,
}

#[derive(Debug)]
enum Coding {
    /// The column has codes.
    Codes,
    /// Numbers near each other: the code is 1 plus how far one is above the least.
    Near { least: i64, scale: u8, whole: Vec<bool> },
    /// Any numbers, numbered as they are met.
    Met { codes: HashMap<i64, u32>, mantissas: Vec<i64>, scale: u8, whole: Vec<bool> },
}

impl Key {
    /// The key of a field, for those rows of the base, and any of the tail.
    pub(super) fn of(frame: &Frame, field: usize, base: &Range<usize>) -> Self {
        let kind = &frame.fields[field].kind;
        let Kind::Numbers { scale } = *kind else {
            return Self { field, width: kind.codes().unwrap_or(1) as u64, coding: Coding::Codes };
        };
        let ends = [(&frame.base, base.clone()), (&frame.tail, 0..frame.tail.times.len())]
            .into_iter()
            .filter_map(|(run, rows)| ends(&run.columns[field], rows))
            .reduce(|one, other| (one.0.min(other.0), one.1.max(other.1)));
        let (least, greatest) = ends.unwrap_or_default();
        let distance = i128::from(greatest) - i128::from(least);
        if distance < COMPUTED_MAX {
            let codes = distance as usize + 2;
            let whole = if scale == 0 { Vec::new() } else { vec![false; codes] };
            return Self { field, width: codes as u64, coding: Coding::Near { least, scale, whole } };
        }
        // No more numbers can be met than there are rows.
        let width = (base.len() + frame.tail.times.len() + 1) as u64;
        let (mantissas, whole) = (vec![0], vec![false]);
        Self { field, width, coding: Coding::Met { codes: HashMap::new(), mantissas, scale, whole } }
    }

    pub(super) const fn field(&self) -> usize {
        self.field
    }

    pub(super) const fn width(&self) -> u64 {
        self.width
    }

    /// Whether its codes are those of the column.
    pub(super) const fn is_coded(&self) -> bool {
        matches!(self.coding, Coding::Codes)
    }

    /// Whether the width is near to what there is.
    pub(super) const fn is_bounded(&self) -> bool {
        matches!(self.coding, Coding::Codes | Coding::Near { .. })
    }

    /// Gives away the code of each row of a block, with its place there.
    pub(super) fn take(&mut self, run: &Run, rows: Rows<'_>, mut give: impl FnMut(usize, u32)) {
        match &run.columns[self.field] {
            Values::None => (0..rows.len()).for_each(|index| give(index, 0)),
            Values::Codes(Codes::Narrow(codes)) => each(rows, |index, row| give(index, codes[row].into())),
            Values::Codes(Codes::Medium(codes)) => each(rows, |index, row| give(index, codes[row].into())),
            Values::Codes(Codes::Wide(codes)) => each(rows, |index, row| give(index, codes[row])),
            Values::Numbers(numbers) => self.take_numbers(numbers, rows, give),
        }
    }

    fn take_numbers(&mut self, numbers: &Numbers, rows: Rows<'_>, mut give: impl FnMut(usize, u32)) {
        let (mut present_room, mut whole_room) = (Vec::new(), Vec::new());
        let present = pick_bits(rows, numbers.present.as_ref(), &mut present_room);
        let whole = pick_bits(rows, numbers.whole.as_ref(), &mut whole_room);
        each(rows, |index, row| {
            if !present.get(index) {
                give(index, 0);
                return;
            }
            let mantissa = match &numbers.mantissas {
                Mantissas::Narrow(mantissas) => mantissas[row].into(),
                Mantissas::Wide(mantissas) => mantissas[row],
            };
            let code = self.coding.code(mantissa);
            self.coding.note_form(code, whole, index);
            give(index, code);
        });
    }

    /// The value of a code.
    pub(super) fn value(&self, frame: &Frame, code: u32) -> Value {
        let form = |whole: &[bool]| Form::of_fraction(whole.get(code as usize) == Some(&false));
        match &self.coding {
            Coding::Codes => frame.fields[self.field].kind.value(code),
            Coding::Near { least, scale, whole } => json(least + i64::from(code - 1), *scale, form(whole)),
            Coding::Met { mantissas, scale, whole, .. } => {
                let form = if *scale == 0 { Form::Whole } else { form(whole) };
                json(mantissas[code as usize], *scale, form)
            }
        }
    }
}

impl Coding {
    fn code(&mut self, mantissa: i64) -> u32 {
        match self {
            Self::Codes => 0,
            Self::Near { least, .. } => (mantissa - *least) as u32 + 1,
            Self::Met { codes, mantissas, whole, .. } => *codes.entry(mantissa).or_insert_with(|| {
                mantissas.push(mantissa);
                whole.push(false);
                mantissas.len() as u32 - 1
            }),
        }
    }

    /// A number that is somewhere written as an integer is answered as one.
    fn note_form(&mut self, code: u32, is_whole: Bits<'_>, index: usize) {
        let (Self::Near { whole, .. } | Self::Met { whole, .. }) = self else { return };
        if let Some(whole) = whole.get_mut(code as usize) {
            *whole |= is_whole.get(index);
        }
    }
}

/// The least and the greatest mantissa of some rows.
fn ends(column: &Values, rows: Range<usize>) -> Option<(i64, i64)> {
    let Values::Numbers(numbers) = column else { return None };
    match &numbers.mantissas {
        Mantissas::Narrow(mantissas) => {
            let rows = &mantissas[rows];
            Some(((*rows.iter().min()?).into(), (*rows.iter().max()?).into()))
        }
        Mantissas::Wide(mantissas) => {
            let rows = &mantissas[rows];
            Some((*rows.iter().min()?, *rows.iter().max()?))
        }
    }
}

fn each(rows: Rows<'_>, mut take: impl FnMut(usize, usize)) {
    match rows {
        Rows::All(from, to) => (from..to).enumerate().for_each(|(index, row)| take(index, row)),
        Rows::Listed(rows) => rows.iter().enumerate().for_each(|(index, row)| take(index, *row as usize)),
    }
}
