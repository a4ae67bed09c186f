//! How arrays grow.
//!
//! By an eighth, not to the double as `Vec` would: a frame is mostly full arrays, and the first row after a build
//! must not double what it takes.

/// By how much of its length an array grows.
const GROWTH: usize = 8;

/// By how many values it grows at least, so that the first ones do not come one by one.
const GROWTH_MIN: usize = 32;

/// Sets a value, or adds it if it is the one after the last.
pub(crate) fn put<T>(array: &mut Vec<T>, place: usize, value: T) {
    match array.get_mut(place) {
        Some(old) => *old = value,
        None => push(array, value),
    }
}

/// Adds a value.
pub(crate) fn push<T>(array: &mut Vec<T>, value: T) {
    if array.len() == array.capacity() {
        array.reserve_exact((array.len() / GROWTH).max(GROWTH_MIN));
    }
    array.push(value);
}

/// The memory of an array, in bytes.
pub(crate) const fn bytes<T>(array: &Vec<T>) -> usize {
    array.capacity() * size_of::<T>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_array_grows_by_an_eighth() {
        let mut array = vec![0_u8; 8_000];
        push(&mut array, 1);
        assert_eq!((array.len(), bytes(&array)), (8_001, 9_000));
    }

    #[test]
    fn a_value_is_set_or_added() {
        let mut array = vec![1, 2];
        put(&mut array, 1, 5);
        put(&mut array, 2, 6);
        assert_eq!(array, [1, 5, 6]);
    }
}
