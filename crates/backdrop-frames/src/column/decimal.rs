//! Decimal numbers, as the store prints them.

/// How many decimal places are kept: the greatest power of ten in 64 bits is 10^18.
pub(crate) const PLACES_MAX: u8 = 18;

/// A number: `mantissa / 10^places`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Decimal {
    pub(crate) mantissa: i64,
    /// As many as are written, zeros at the end included: 0 is an integer that prints as one.
    pub(crate) places: u8,
}

impl Decimal {
    /// Reads a number without an exponent (`jsonb` prints none); `None` if it is not one, or does not fit.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
        if !digits.starts_with(|first: char| first.is_ascii_digit()) || digits.ends_with('.') {
            return None;
        }
        let mut mantissa: i64 = 0;
        let mut places = None;
        for byte in digits.bytes() {
            match (byte, &mut places) {
                (b'0'..=b'9', places) => {
                    mantissa = mantissa.checked_mul(10)?.checked_add(sign * i64::from(byte - b'0'))?;
                    *places = places.map(|places: u8| places + 1);
                }
                (b'.', None) => places = Some(0),
                _ => return None,
            }
            if places > Some(PLACES_MAX) {
                return None;
            }
        }
        Some(Self { mantissa, places: places.unwrap_or(0) })
    }
}

/// The factor between numbers of this many more decimal places.
pub(crate) fn power_of_ten(places: u8) -> i64 {
    debug_assert!(places <= PLACES_MAX, "10^{places} does not fit");
    10_i64.pow(places.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Option<(i64, u8)> {
        Decimal::parse(text).map(|decimal| (decimal.mantissa, decimal.places))
    }

    #[test]
    fn numbers_are_read_as_they_are_written() {
        assert_eq!(parse("0"), Some((0, 0)));
        assert_eq!(parse("1.50"), Some((150, 2)));
        assert_eq!(parse("-0.007"), Some((-7, 3)));
        assert_eq!(parse("9223372036854775807"), Some((i64::MAX, 0)));
        assert_eq!(parse("-9223372036854775808"), Some((i64::MIN, 0)));
        assert_eq!(parse("-0.000000000000000001"), Some((-1, 18)));
    }

    #[test]
    fn what_does_not_fit_is_not_rounded() {
        for text in
            ["9223372036854775808", "100000000000000000000", "0.0000000000000000001", "10.000000000000000000"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn other_texts_are_no_numbers() {
        for text in ["", "-", ".", "1.", ".5", "1.2.3", "1e3", "1E3", "+1", "--1", "[1]", "1 ", "٣"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn numbers_of_any_length(mantissa in any::<i64>(), places in 1..=PLACES_MAX) {
            let (sign, digits) = (if mantissa < 0 { "-" } else { "" }, mantissa.unsigned_abs());
            let power = power_of_ten(places).unsigned_abs();
            let text = format!("{sign}{}.{:0width$}", digits / power, digits % power, width = places.into());
            prop_assert_eq!(parse(&text), Some((mantissa, places)));
        }
    }
}
