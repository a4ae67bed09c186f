//! How many bytes the other engine would count for a cell; never less.

use backdrop_core::shape::{Cell, Collected, Scalar};
use serde_json::Value;

/// What a number takes at most: an integer of 128 bits, or a decimal with as many places as there are.
const NUMBER_BYTES: usize = 64;
/// A count, or the place of a period.
const COUNT_BYTES: usize = 8;
/// What stands around a value: quotes, or a comma and a space.
const AROUND_BYTES: usize = 4;
/// What a character takes at most that is written with a backslash.
const ESCAPED_BYTES: usize = 6;

/// The bytes of the row of a cell.
pub(super) fn of_cell(cell: &Cell) -> usize {
    let keys: usize = cell.keys.iter().map(of_scalar).sum();
    let collected: usize = cell.collected.iter().map(of_collected).sum();
    keys + 2 * COUNT_BYTES + collected
}

fn of_collected(collected: &Collected) -> usize {
    match collected {
        Collected::Count(_) => COUNT_BYTES,
        // With how many values there are, and whether there are others.
        Collected::Number(_) => NUMBER_BYTES + COUNT_BYTES + 1,
        Collected::Set(values) => AROUND_BYTES + values.iter().map(of_scalar).sum::<usize>(),
        // These are texts, which both write in the same way, and they have their quotes.
        Collected::Subset(subset) => {
            AROUND_BYTES + subset.printed().map(|value| AROUND_BYTES + value.get().len()).sum::<usize>()
        }
    }
}

fn of_scalar(scalar: &Scalar) -> usize {
    match &scalar.0 {
        Value::String(text) => {
            let is_escaped = |byte: &u8| *byte < b' ' || *byte == b'"' || *byte == b'\\';
            let escaped = text.bytes().filter(|byte| is_escaped(byte)).count();
            AROUND_BYTES + text.len() + escaped * (ESCAPED_BYTES - 1)
        }
        _ => AROUND_BYTES + NUMBER_BYTES,
    }
}
