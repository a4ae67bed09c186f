//! Numbers of one scale.

use crate::bitmap::Bitmap;
use crate::room;

/// Mantissas of rows; 0 where there is no value.
#[derive(Debug)]
pub(crate) struct Numbers {
    pub(crate) mantissas: Mantissas,
    /// Which rows have a value; `None`: all.
    pub(crate) present: Option<Bitmap>,
    /// Which rows have a number that is written as an integer (no decimal places); `None`: all that have a value, as
    /// is so wherever the scale is 0. `1` and `1.0` are equal, but sums of integers print as integers.
    pub(crate) whole: Option<Bitmap>,
}

/// Mantissas in the narrowest form that holds all of them.
#[derive(Debug)]
pub(crate) enum Mantissas {
    /// Up to 32 bits, with sign.
    Narrow(Vec<i32>),
    /// Up to 64 bits, with sign.
    Wide(Vec<i64>),
}

/// A number of the column's scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Scaled {
    pub(crate) mantissa: i64,
    pub(crate) is_whole: bool,
}

impl Numbers {
    /// Of rows that have no value.
    pub(crate) fn absent(rows: usize) -> Self {
        let present = (rows > 0).then(|| Bitmap::zeros(rows));
        Self { mantissas: Mantissas::Narrow(vec![0; rows]), present, whole: None }
    }

    /// The numbers that an iterator gives, in the narrowest form.
    pub(crate) fn of(numbers: impl Iterator<Item = Option<Scaled>> + Clone) -> Self {
        let is_present = |number: &Option<Scaled>| number.is_some();
        let is_whole = |number: &Option<Scaled>| number.is_some_and(|number| number.is_whole);
        let present: Bitmap = numbers.clone().map(|number| is_present(&number)).collect();
        let whole: Bitmap = numbers.clone().map(|number| is_whole(&number)).collect();
        let mantissas = numbers.map(|number| number.map_or(0, |number| number.mantissa));
        let mut numbers = Self { mantissas: Mantissas::of(mantissas.collect()), present: None, whole: None };
        numbers.whole = (whole.ones() < present.ones()).then_some(whole);
        numbers.present = (present.ones() < present.len()).then_some(present);
        numbers.shrink();
        numbers
    }

    pub(crate) fn get(&self, row: usize) -> Option<Scaled> {
        let is_set = |bits: &Option<Bitmap>| bits.as_ref().is_none_or(|bits| bits.get(row));
        let number = || Scaled { mantissa: self.mantissas.get(row), is_whole: is_set(&self.whole) };
        is_set(&self.present).then(number)
    }

    /// Sets the number of a row, which may be the one after the last.
    pub(crate) fn put(&mut self, row: usize, number: Option<Scaled>) {
        let rows = self.mantissas.len();
        let all = || Bitmap::all_ones(rows);
        if number.is_some_and(|number| !number.is_whole) && self.whole.is_none() {
            self.whole = Some(self.present.clone().unwrap_or_else(all));
        }
        if number.is_none() && self.present.is_none() {
            self.present = Some(all());
        }
        if let Some(whole) = &mut self.whole {
            whole.put(row, number.is_some_and(|number| number.is_whole));
        }
        if let Some(present) = &mut self.present {
            present.put(row, number.is_some());
        }
        self.mantissas.put(row, number.map_or(0, |number| number.mantissa));
    }

    /// The memory they take.
    pub(crate) fn bytes(&self) -> usize {
        let bits = |bits: &Option<Bitmap>| bits.as_ref().map_or(0, Bitmap::bytes);
        self.mantissas.bytes() + bits(&self.present) + bits(&self.whole)
    }

    pub(crate) fn shrink(&mut self) {
        self.mantissas.shrink();
        [&mut self.present, &mut self.whole].into_iter().flatten().for_each(Bitmap::shrink);
    }
}

impl Mantissas {
    /// In the narrowest form.
    fn of(mantissas: Vec<i64>) -> Self {
        let narrow: Result<_, _> = mantissas.iter().copied().map(i32::try_from).collect();
        narrow.map_or(Self::Wide(mantissas), Self::Narrow)
    }

    pub(crate) fn get(&self, row: usize) -> i64 {
        match self {
            Self::Narrow(mantissas) => mantissas[row].into(),
            Self::Wide(mantissas) => mantissas[row],
        }
    }

    /// Sets the mantissa of a row, which may be the one after the last.
    pub(crate) fn put(&mut self, row: usize, mantissa: i64) {
        match (&mut *self, i32::try_from(mantissa)) {
            (Self::Narrow(mantissas), Ok(mantissa)) => room::put(mantissas, row, mantissa),
            (Self::Wide(mantissas), _) => room::put(mantissas, row, mantissa),
            (Self::Narrow(mantissas), Err(_)) => {
                let mut wide = mantissas.iter().copied().map(i64::from).collect();
                room::put(&mut wide, row, mantissa);
                *self = Self::Wide(wide);
            }
        }
    }

    /// All of them times a factor; `None` if one does not fit then.
    pub(crate) fn times(&self, factor: i64) -> Option<Self> {
        (0..self.len()).map(|row| self.get(row).checked_mul(factor)).collect::<Option<_>>().map(Self::of)
    }

    pub(crate) const fn len(&self) -> usize {
        match self {
            Self::Narrow(mantissas) => mantissas.len(),
            Self::Wide(mantissas) => mantissas.len(),
        }
    }

    const fn bytes(&self) -> usize {
        match self {
            Self::Narrow(mantissas) => room::bytes(mantissas),
            Self::Wide(mantissas) => room::bytes(mantissas),
        }
    }

    fn shrink(&mut self) {
        match self {
            Self::Narrow(mantissas) => mantissas.shrink_to_fit(),
            Self::Wide(mantissas) => mantissas.shrink_to_fit(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn whole(mantissa: i64) -> Option<Scaled> {
        Some(Scaled { mantissa, is_whole: true })
    }

    const fn decimal(mantissa: i64) -> Option<Scaled> {
        Some(Scaled { mantissa, is_whole: false })
    }

    fn all(numbers: &Numbers) -> Vec<Option<Scaled>> {
        (0..numbers.mantissas.len()).map(|row| numbers.get(row)).collect()
    }

    #[test]
    fn bits_are_kept_only_where_they_tell_something() {
        let mut numbers = Numbers::absent(0);
        numbers.put(0, whole(3));
        numbers.put(1, whole(4));
        assert!(numbers.present.is_none() && numbers.whole.is_none());
        numbers.put(2, None);
        assert!(numbers.present.is_some() && numbers.whole.is_none());
        numbers.put(3, decimal(5));
        assert_eq!(numbers.whole.as_ref().map(Bitmap::ones), Some(2));
        numbers.put(0, decimal(7));
        numbers.put(1, None);
        numbers.put(2, whole(9));
        assert_eq!(all(&numbers), [decimal(7), None, whole(9), decimal(5)]);
    }

    #[test]
    fn rows_before_the_first_number_have_none() {
        let mut numbers = Numbers::absent(2);
        numbers.put(2, decimal(1));
        numbers.put(0, whole(2));
        assert_eq!(all(&numbers), [whole(2), None, decimal(1)]);
    }

    #[test]
    fn they_are_made_in_the_narrowest_form() {
        let numbers = Numbers::of([whole(1), whole(-2)].into_iter());
        assert_eq!(numbers.bytes(), 8);
        let given = [whole(1), None, decimal(1 << 31)];
        let numbers = Numbers::of(given.into_iter());
        assert_eq!((numbers.bytes(), &all(&numbers)[..]), (3 * 8 + 2 * 8, &given[..]));
    }

    #[test]
    fn mantissas_widen_when_one_does_not_fit() {
        let mut numbers = Numbers::absent(0);
        for (row, mantissa) in
            [i32::MIN.into(), i32::MAX.into(), i64::from(i32::MIN) - 1, i64::MAX].into_iter().enumerate()
        {
            numbers.put(row, whole(mantissa));
            assert_eq!(matches!(numbers.mantissas, Mantissas::Narrow(_)), row < 2);
        }
        assert_eq!(
            all(&numbers),
            [whole(i32::MIN.into()), whole(i32::MAX.into()), whole(-2_147_483_649), whole(i64::MAX)]
        );
    }

    #[test]
    fn mantissas_are_multiplied_or_do_not_fit() {
        let mantissas = Mantissas::of(vec![5, 300_000_000]);
        assert!(matches!(mantissas.times(7), Some(Mantissas::Narrow(times)) if times == [35, 2_100_000_000]));
        assert!(matches!(mantissas.times(10), Some(Mantissas::Wide(times)) if times == [50, 3_000_000_000]));
        assert!(mantissas.times(1_000_000_000_000).is_none());
    }
}
