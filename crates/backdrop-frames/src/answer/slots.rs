//! Slots: to which group each row of a block belongs.
//!
//! A slot is a place in the arrays in which groups are added up. Where there are few combinations of values, the
//! slot is computed from the codes of a row, and most slots may stay empty; else combinations are numbered as they
//! are met, from 1 on. A row that lacks one of the keys has a slot, too, of which nothing is answered.

use super::Unanswerable;
use super::decimal::{self, Form};
use super::keys::Key;
use super::rows::{Rows, pick};
use crate::Frame;
use crate::column::{Codes, Values};
use crate::frame::Run;
use backdrop_core::shape::Scalar;
use hashbrown::HashMap;
use std::ops::{Add, Mul, Range};

/// Up to how many combinations of values slots are computed: their arrays fit the cache of a core.
const COMPUTED_MAX: u64 = 65_536;

/// The slots of the rows of a block.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slots<'b> {
    /// There is one group.
    One,
    Narrow(&'b [u8]),
    Medium(&'b [u16]),
    Wide(&'b [u32]),
}

/// A slot in a narrow form.
pub(super) trait Slot: Copy {
    fn index(self) -> usize;
}

impl Slot for u8 {
    fn index(self) -> usize {
        self.into()
    }
}

impl Slot for u16 {
    fn index(self) -> usize {
        self.into()
    }
}

impl Slot for u32 {
    fn index(self) -> usize {
        self as usize
    }
}

/// Does something with the slots of a block in the form they have, or something else if there is one group.
macro_rules! with_slots {
    ($slots:expr, One => $one:expr, $many:ident => $each:expr $(,)?) => {
        match $slots {
            Slots::One => $one,
            Slots::Narrow($many) => $each,
            Slots::Medium($many) => $each,
            Slots::Wide($many) => $each,
        }
    };
}
pub(super) use with_slots;

/// Gives rows their slots.
#[derive(Debug)]
pub(super) struct Grouper {
    keys: Vec<Key>,
    numbering: Numbering,
    room: Room,
}

#[derive(Debug)]
enum Numbering {
    /// There are no keys.
    One,
    /// The slot is the code of the only key.
    Code { slots: usize },
    /// The slot is computed from the codes of all keys.
    Computed { slots: usize },
    /// Combinations are numbered as they are met.
    Met { slots: HashMap<u64, u32>, combinations: Vec<u64>, slots_max: usize },
}

#[derive(Debug, Default)]
struct Room {
    narrow: Vec<u8>,
    medium: Vec<u16>,
    wide: Vec<u32>,
    computed: Vec<u32>,
    combined: Vec<u64>,
}

impl Grouper {
    /// A grouper by the fields, for those rows of the base (and any of the tail). More groups than that are too many.
    pub(super) fn new(
        frame: &Frame,
        fields: &[usize],
        base: &Range<usize>,
        groups_max: usize,
    ) -> Result<Self, Unanswerable> {
        let keys: Vec<Key> = fields.iter().map(|field| Key::of(frame, *field, base)).collect();
        let combinations = keys.iter().try_fold(1_u64, |product, key| product.checked_mul(key.width()));
        // It takes four texts of which every record has another to have more.
        let combinations = combinations.ok_or(Unanswerable::Unfit)?;
        let numbering = match keys.as_slice() {
            [] => Numbering::One,
            [key] if key.is_coded() && combinations <= COMPUTED_MAX => {
                Numbering::Code { slots: combinations as usize }
            }
            _ if combinations <= COMPUTED_MAX && keys.iter().all(Key::is_bounded) => {
                Numbering::Computed { slots: combinations as usize }
            }
            _ => Numbering::Met { slots: HashMap::new(), combinations: vec![0], slots_max: groups_max + 1 },
        };
        Ok(Self { keys, numbering, room: Room::default() })
    }

    /// How many slots there are as yet.
    pub(super) fn slots(&self) -> usize {
        match &self.numbering {
            Numbering::One => 1,
            Numbering::Code { slots } | Numbering::Computed { slots } => *slots,
            Numbering::Met { combinations, .. } => combinations.len(),
        }
    }

    /// How many slots there can be, if that is known.
    pub(super) fn slots_max(&self) -> Option<usize> {
        match &self.numbering {
            Numbering::Met { .. } => None,
            Numbering::One | Numbering::Code { .. } | Numbering::Computed { .. } => Some(self.slots()),
        }
    }

    /// Gives the rows of a block their slots.
    pub(super) fn take(&mut self, run: &Run, rows: Rows<'_>) -> Result<(), Unanswerable> {
        let Self { keys, numbering, room } = self;
        match numbering {
            Numbering::One | Numbering::Code { .. } => {}
            Numbering::Computed { .. } => combine(keys, run, rows, &mut room.computed, |width| width as u32),
            Numbering::Met { slots, combinations, slots_max } => {
                combine(keys, run, rows, &mut room.combined, |width| width);
                room.computed.clear();
                room.computed.extend(room.combined.iter().map(|combination| {
                    *slots.entry(*combination).or_insert_with(|| {
                        if codes(keys, *combination).is_none() {
                            return 0;
                        }
                        combinations.push(*combination);
                        combinations.len() as u32 - 1
                    })
                }));
                if combinations.len() > *slots_max {
                    return Err(Unanswerable::TooLarge);
                }
            }
        }
        Ok(())
    }

    /// The slots of the rows of the block that was taken last.
    pub(super) fn taken<'b>(&'b mut self, run: &'b Run, rows: Rows<'_>) -> Slots<'b> {
        let Self { keys, numbering, room } = self;
        if !matches!(numbering, Numbering::Code { .. }) {
            return if keys.is_empty() { Slots::One } else { Slots::Wide(&room.computed) };
        }
        match &run.columns[keys[0].field()] {
            Values::Codes(Codes::Narrow(codes)) => Slots::Narrow(pick(rows, codes, &mut room.narrow)),
            Values::Codes(Codes::Medium(codes)) => Slots::Medium(pick(rows, codes, &mut room.medium)),
            Values::Codes(Codes::Wide(codes)) => Slots::Wide(pick(rows, codes, &mut room.wide)),
            Values::None | Values::Numbers(_) => {
                room.narrow.clear();
                room.narrow.resize(rows.len(), 0);
                Slots::Narrow(&room.narrow)
            }
        }
    }

    /// The keys of the group of a slot; `None` for the slots of rows that lack one.
    pub(super) fn keys(&self, frame: &Frame, slot: usize) -> Option<Vec<Scalar>> {
        let combination = match &self.numbering {
            Numbering::Met { .. } if slot == 0 => return None,
            Numbering::Met { combinations, .. } => combinations[slot],
            Numbering::One | Numbering::Code { .. } | Numbering::Computed { .. } => slot as u64,
        };
        let codes = codes(&self.keys, combination)?;
        Some(self.keys.iter().zip(codes).map(|(key, code)| Scalar(key.value(frame, code))).collect())
    }
}

/// Combines the codes of all keys, row by row, as the digits of one number.
fn combine<T>(keys: &mut [Key], run: &Run, rows: Rows<'_>, combined: &mut Vec<T>, narrow: fn(u64) -> T)
where
    T: Copy + From<u32> + Mul<Output = T> + Add<Output = T>,
{
    combined.clear();
    combined.resize(rows.len(), T::from(0));
    for key in keys {
        let width = narrow(key.width());
        key.take(run, rows, |index, code| combined[index] = combined[index] * width + T::from(code));
    }
}

/// The code of each key in a combination, if none is missing.
fn codes(keys: &[Key], mut combination: u64) -> Option<Vec<u32>> {
    let mut codes = vec![0; keys.len()];
    for (code, key) in codes.iter_mut().zip(keys).rev() {
        *code = (combination % key.width()) as u32;
        combination /= key.width();
    }
    (!codes.contains(&0)).then_some(codes)
}

/// The JSON of a number.
pub(super) fn json(mantissa: i64, scale: u8, form: Form) -> serde_json::Value {
    decimal::number(mantissa.into(), scale, form).to_json()
}
