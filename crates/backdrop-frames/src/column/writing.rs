//! Writing values into a column.
//!
//! The first value decides what the column holds. From then on a value is taken as it is, changes the form of all
//! values (more decimal places, more codes), or makes the column unfit, for good.

use super::decimal::{self, Decimal};
use super::dictionary::Room;
use super::numbers::Scaled;
use super::{Codes, Dictionary, Kind, Literal, Numbers, Values};
use crate::hash_key::HashKey;
use crate::place::Place;

/// How much of a frame the texts of one column may take: a quarter, so that a column of long texts becomes unfit
/// before the frame is full.
const TEXTS_SHARE: usize = 4;

/// What a frame may take.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) hash_key: HashKey,
    /// Of memory.
    pub(crate) bytes_max: usize,
}

/// A column with its values in both runs, to be written to.
#[derive(Debug)]
pub(crate) struct Column<'f> {
    pub(crate) kind: &'f mut Kind,
    /// Base and tail: their values, and how many there are.
    pub(crate) runs: [(&'f mut Values, usize); 2],
}

/// A value in the form of the column.
enum Entry {
    Code(u32),
    Number(Option<Scaled>),
}

impl Column<'_> {
    /// Writes the value of a row, which may be the one after the last of its run.
    pub(crate) fn write(&mut self, place: Place, literal: &Literal<'_>, bounds: &Bounds) {
        let (values, rows) = &mut self.runs[place.run()];
        if place.row() < *rows {
            values.erase(place.row());
        }
        let entry = match literal {
            Literal::Absent => absent(values),
            literal => self.admit(literal, bounds),
        };
        let values = &mut *self.runs[place.run()].0;
        match (entry, values) {
            (Some(Entry::Code(code)), Values::Codes(codes)) => codes.put(place.row(), code),
            (Some(Entry::Number(number)), Values::Numbers(numbers)) => numbers.put(place.row(), number),
            _ => {}
        }
    }

    /// Makes the column hold a value; `None` if it is unfit now.
    fn admit(&mut self, literal: &Literal<'_>, bounds: &Bounds) -> Option<Entry> {
        if matches!(self.kind, Kind::Empty) {
            self.begin(literal, bounds);
        }
        let rows = self.runs[0].1 + self.runs[1].1 + 1;
        let room = Room { rows, texts_bytes_max: bounds.bytes_max / TEXTS_SHARE };
        let entry = match (&mut *self.kind, literal) {
            (Kind::Booleans, Literal::Boolean(boolean)) => Some(Entry::Code(1 + u32::from(*boolean))),
            (Kind::Texts(dictionary), Literal::Text(text)) => {
                dictionary.code_or_add(text, room).map(Entry::Code)
            }
            (Kind::Numbers { .. }, Literal::Number(number)) => {
                self.fit(*number).map(|number| Entry::Number(Some(number)))
            }
            _ => None,
        };
        if entry.is_none() {
            self.give_up();
        }
        entry
    }

    /// Decides what an empty column holds.
    fn begin(&mut self, literal: &Literal<'_>, bounds: &Bounds) {
        *self.kind = match literal {
            Literal::Boolean(_) => Kind::Booleans,
            Literal::Text(_) => Kind::Texts(Dictionary::new(bounds.hash_key)),
            Literal::Number(number) => Kind::Numbers { scale: number.places },
            Literal::Absent | Literal::Other => return,
        };
        for (values, rows) in &mut self.runs {
            **values = match self.kind {
                Kind::Numbers { .. } => Values::Numbers(Numbers::absent(*rows)),
                _ => Values::Codes(Codes::zeros(*rows)),
            };
        }
    }

    /// The number at the scale of the column, which is raised if the number has more places.
    fn fit(&mut self, number: Decimal) -> Option<Scaled> {
        let Kind::Numbers { scale } = self.kind else { return None };
        if number.places > *scale {
            let factor = decimal::power_of_ten(number.places - *scale);
            for (values, _) in &mut self.runs {
                let Values::Numbers(numbers) = &mut **values else { return None };
                numbers.mantissas = numbers.mantissas.times(factor)?;
            }
            *scale = number.places;
        }
        let mantissa = number.mantissa.checked_mul(decimal::power_of_ten(*scale - number.places))?;
        Some(Scaled { mantissa, is_whole: number.places == 0 })
    }

    fn give_up(&mut self) {
        *self.kind = Kind::Unfit;
        for (values, _) in &mut self.runs {
            **values = Values::None;
        }
    }
}

const fn absent(values: &Values) -> Option<Entry> {
    match values {
        Values::None => None,
        Values::Codes(_) => Some(Entry::Code(0)),
        Values::Numbers(_) => Some(Entry::Number(None)),
    }
}
