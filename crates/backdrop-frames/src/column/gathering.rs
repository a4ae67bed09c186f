//! The values of a column in a new order of rows.

use super::{Codes, Kind, Numbers, Values};
use crate::place::Place;

/// The values of the given rows of both runs, in that order, in the narrowest form.
pub(crate) fn gather(runs: [&Values; 2], order: &[Place]) -> Values {
    match runs {
        [Values::Codes(base), Values::Codes(tail)] => {
            let runs = [base, tail];
            let codes = order.iter().map(|place| runs[place.run()].get(place.row()));
            let max = codes.clone().max().unwrap_or(0);
            Values::Codes(Codes::of(codes, max))
        }
        [Values::Numbers(base), Values::Numbers(tail)] => {
            let runs = [base, tail];
            Values::Numbers(Numbers::of(order.iter().map(|place| runs[place.run()].get(place.row()))))
        }
        _ => Values::None,
    }
}

/// Leaves out the texts that no row has any more: the kind without them, and the values with its codes.
pub(crate) fn keep_used_texts(kind: &Kind, values: Values) -> (Kind, Values) {
    let (Kind::Texts(dictionary), Values::Codes(codes)) = (kind, &values) else {
        return (kind.clone(), values);
    };
    let mut is_used = vec![false; dictionary.texts.len() + 1];
    is_used[0] = true;
    (0..codes.len()).for_each(|row| is_used[codes.get(row) as usize] = true);
    if is_used.iter().all(|is_used| *is_used) {
        return (kind.clone(), values);
    }
    let (dictionary, new_codes) = dictionary.only(&is_used);
    let texts = u32::try_from(dictionary.texts.len()).expect("it was made of codes of 32 bits");
    let codes = Codes::of((0..codes.len()).map(|row| new_codes[codes.get(row) as usize]), texts);
    (Kind::Texts(dictionary), Values::Codes(codes))
}
