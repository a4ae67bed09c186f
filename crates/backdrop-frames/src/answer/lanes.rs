//! Lanes: adding up by slots of a byte.
//!
//! Where there are few groups, the next row is often of the same group as this one, and an addition in memory waits
//! for the one before it. So rows go in turns to one of several lanes, each with a sum of every slot, which are added up
//! when the block is done. A lane has a place for each byte there is, which spares a check for each row.

use super::rows::BLOCK;
use std::ops::AddAssign;

/// How many lanes there are: by then one addition is done before the next to the same place begins.
const LANES: usize = 4;
/// From how many rows on it is worth it to make them and add them up. (Tests have few.)
const ROWS_MIN: usize = if cfg!(test) { 3 } else { 1_024 };

/// Whether so many rows of slots of a byte are better added up here.
pub(super) const fn are_worth_it(rows: usize) -> bool {
    rows >= ROWS_MIN
}

/// Counts the rows of a block.
pub(super) fn count(slots: &[u8], counts: &mut [u32]) {
    check(slots, counts);
    let mut lanes = [[0; 256]; LANES];
    let (fours, rest) = slots.as_chunks::<LANES>();
    for four in fours {
        for lane in 0..LANES {
            lanes[lane][usize::from(four[lane])] += 1;
        }
    }
    rest.iter().for_each(|slot| lanes[0][usize::from(*slot)] += 1);
    for (slot, count) in counts.iter_mut().enumerate().take(256) {
        *count += lanes.iter().map(|lane| lane[slot]).sum::<u32>();
    }
}

/// Adds up the mantissas of a block. They must fit: see [`sums_fit`].
pub(super) fn add<M, S>(slots: &[u8], mantissas: &[M], sums: &mut [S])
where
    M: Copy + Into<i64>,
    S: AddAssign + From<i64>,
{
    check(slots, sums);
    let lanes = added(slots, mantissas, M::into);
    for (slot, sum) in sums.iter_mut().enumerate().take(256) {
        *sum += S::from(lanes.iter().map(|lane| lane[slot]).sum());
    }
}

/// Adds up the mantissas of a block, and counts its rows in the same go.
pub(super) fn add_counting(slots: &[u8], mantissas: &[i32], sums: &mut [i64], counts: &mut [u32]) {
    /// Of the 64 bits, those below are for the sum.
    const SUM_BITS: u32 = 48;
    const { assert!(BLOCK << 31 < 1 << (SUM_BITS - 1) && BLOCK < 1 << (63 - SUM_BITS)) };
    check(slots, sums);
    let lanes = added(slots, mantissas, |mantissa| (1 << SUM_BITS) + i64::from(mantissa));
    for (slot, (sum, count)) in sums.iter_mut().zip(counts).enumerate().take(256) {
        let both: i64 = lanes.iter().map(|lane| lane[slot]).sum();
        let of_block = both << (64 - SUM_BITS) >> (64 - SUM_BITS);
        *sum += of_block;
        *count += ((both - of_block) >> SUM_BITS) as u32;
    }
}

/// Whether the sum of any of a block's mantissas is surely one of 64 bits. (Of 32-bit ones it always is.)
pub(super) fn sums_fit(mantissas: &[i64]) -> bool {
    debug_assert!(mantissas.len() <= BLOCK, "a block has no more rows");
    // Of a negative number the bits of -1 - n: its distance from zero is at most one more.
    let bits = mantissas.iter().fold(0, |bits, mantissa| bits | (mantissa ^ (mantissa >> 63)));
    const MOST: i64 = i64::MAX / BLOCK as i64;
    bits < MOST
}

/// What is added up for a slot that there is not would be lost.
fn check<T>(slots: &[u8], sums: &[T]) {
    debug_assert!(slots.iter().all(|slot| usize::from(*slot) < sums.len()), "a row has one of the slots");
}

/// Adds up numbers made of the mantissas, for each slot there may be.
fn added<M: Copy>(slots: &[u8], mantissas: &[M], number: impl Fn(M) -> i64) -> [[i64; 256]; LANES] {
    let mut lanes = [[0; 256]; LANES];
    let (fours, rest) = slots.as_chunks::<LANES>();
    let (four_mantissas, rest_mantissas) = mantissas.as_chunks::<LANES>();
    for (four, mantissas) in fours.iter().zip(four_mantissas) {
        for lane in 0..LANES {
            lanes[lane][usize::from(four[lane])] += number(mantissas[lane]);
        }
    }
    for (slot, mantissa) in rest.iter().zip(rest_mantissas) {
        lanes[0][usize::from(*slot)] += number(*mantissa);
    }
    lanes
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn all_rows_are_added_up(rows in prop::collection::vec((any::<u8>(), any::<i32>()), 0..60)) {
            let (slots, mantissas): (Vec<u8>, Vec<i32>) = rows.iter().copied().unzip();
            let (mut counts, mut sums) = (vec![1; 256], vec![1; 256]);
            count(&slots, &mut counts);
            add(&slots, &mantissas, &mut sums);
            for slot in 0..=u8::MAX {
                let of_slot = rows.iter().filter(|row| row.0 == slot);
                prop_assert_eq!(counts[usize::from(slot)] as usize, 1 + of_slot.clone().count());
                prop_assert_eq!(sums[usize::from(slot)], 1 + of_slot.map(|row| i64::from(row.1)).sum::<i64>());
            }
            let (mut both_counts, mut both_sums) = (vec![1; 256], vec![1; 256]);
            add_counting(&slots, &mantissas, &mut both_sums, &mut both_counts);
            prop_assert_eq!((both_sums, both_counts), (sums, counts));
        }

        #[test]
        fn what_is_said_to_fit_fits(mantissas in prop::collection::vec(any_mantissa(), 0..=BLOCK)) {
            let most: i128 = mantissas.iter().map(|mantissa| i128::from(*mantissa).abs()).sum();
            if sums_fit(&mantissas) {
                prop_assert!(most <= i128::from(i64::MAX));
            } else {
                prop_assert!(mantissas.iter().any(|mantissa| mantissa.unsigned_abs() > (i64::MAX as u64 / BLOCK as u64) / 2));
            }
        }
    }

    /// Of any length.
    fn any_mantissa() -> impl Strategy<Value = i64> {
        (any::<i64>(), 0..64_u32).prop_map(|(mantissa, shift)| mantissa >> shift)
    }

    #[test]
    fn as_many_of_the_greatest_as_a_block_has_are_added_up_with_their_count() {
        const ROWS: usize = 4_096;
        for mantissa in [i32::MIN, i32::MAX, 0, -1] {
            let (mut sums, mut counts) = ([0; 10], [0; 10]);
            add_counting(&[9; ROWS], &[mantissa; ROWS], &mut sums, &mut counts);
            assert_eq!((sums[9], counts[9]), (i64::from(mantissa) * ROWS as i64, ROWS as u32));
            assert_eq!((sums[8], counts[8]), (0, 0));
        }
    }

    #[test]
    fn what_might_not_fit_is_said_not_to() {
        let most = i64::MAX / BLOCK as i64;
        for mantissas in [[i64::MIN; BLOCK], [i64::MAX; BLOCK], [most; BLOCK], [-1 - most; BLOCK]] {
            assert!(!sums_fit(&mantissas), "{mantissas:?}");
        }
        // Their bits together are below the greatest that is sure.
        let (great, less) = ((1 << most.ilog2()) - 1, -(1 << most.ilog2()));
        for mantissas in [[great; BLOCK], [less; BLOCK]] {
            assert!(sums_fit(&mantissas));
            let mut sums = [0_i128; 8];
            add(&[7; BLOCK], &mantissas, &mut sums);
            assert_eq!(sums[7], i128::from(mantissas[0]) * BLOCK as i128);
        }
        assert!(sums_fit(&[]));
    }
}
