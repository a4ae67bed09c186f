//! Decimal numbers: the bounds of filters brought to the scale of a column, and what is answered made of
//! mantissas.
//!
//! **Invariant.** Nothing is rounded on the way; only a number that is answered in floating point is, once,
//! to the nearest.

use backdrop_core::shape::Number;

/// The greatest power of ten that 128 bits hold.
const POWER_MAX: u32 = 38;
/// Up to here integers are floating point numbers exactly (2^53).
const EXACT_MAX: u128 = 1 << 53;
/// The greatest power of ten that is a floating point number exactly.
const EXACT_POWER_MAX: u8 = 22;

/// Where a number lies among the mantissas of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// The greatest mantissa that is not above the number; what is far beyond 64 bits is only somewhere beyond.
    pub(super) floor: i128,
    /// Whether that is the number itself.
    pub(super) is_exact: bool,
}

impl Place {
    /// The place of a JSON number among mantissas of a scale.
    pub(super) fn of(number: &serde_json::Number, scale: u8) -> Self {
        let text = number.to_string();
        let (text, exponent) = text.split_once(['e', 'E']).unwrap_or((&text, "0"));
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        let exponent: i64 = exponent.parse().expect("the exponent of a 64-bit number is small");
        let digits = [whole, fraction].concat();
        // 20 digits at most of an integer, 17 of a float, and up to three zeros around its point.
        let mantissa: i128 = digits.parse().expect("a 64-bit number has few digits");
        Self::shifted(mantissa, exponent - fraction.len() as i64 + i64::from(scale))
    }

    /// Of `mantissa * 10^places`.
    fn shifted(mantissa: i128, places: i64) -> Self {
        let power = u32::try_from(places.unsigned_abs()).ok().filter(|power| *power <= POWER_MAX);
        let power = power.map(|power| 10_i128.pow(power));
        if places >= 0 {
            let product = power.and_then(|power| mantissa.checked_mul(power));
            let beyond = || mantissa.signum().saturating_mul(i128::MAX);
            return Self {
                floor: product.unwrap_or_else(beyond),
                is_exact: product.is_some() || mantissa == 0,
            };
        }
        match power {
            Some(power) => {
                Self { floor: mantissa.div_euclid(power), is_exact: mantissa.rem_euclid(power) == 0 }
            }
            None => Self { floor: if mantissa < 0 { -1 } else { 0 }, is_exact: mantissa == 0 },
        }
    }

    /// The mantissa of the number, if there is one.
    pub(super) fn mantissa(self) -> Option<i64> {
        if self.is_exact { i64::try_from(self.floor).ok() } else { None }
    }
}

/// `mantissa / 10^scale` in floating point, rounded to the nearest.
pub(super) fn to_f64(mantissa: i128, scale: u8) -> f64 {
    if scale == 0 {
        return mantissa as f64;
    }
    if mantissa.unsigned_abs() <= EXACT_MAX && scale <= EXACT_POWER_MAX {
        // Both are exact, so the quotient is rounded once.
        return mantissa as f64 / 10_f64.powi(scale.into());
    }
    format!("{mantissa}e-{scale}").parse().expect("digits and an exponent are a number")
}

/// The number as Postgres prints it: with a point only if one of the values it is made of is written with one.
pub(super) fn number(mantissa: i128, scale: u8, form: Form) -> Number {
    match form {
        // Beyond 38 places only 0 is a whole number.
        Form::Whole => Number::Integer(10_i128.checked_pow(scale.into()).map_or(0, |power| mantissa / power)),
        Form::Fraction => Number::Float(to_f64(mantissa, scale)),
    }
}

/// How a number is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Without decimal places.
    Whole,
    /// With some, be they zeros.
    Fraction,
}

impl Form {
    pub(super) const fn of_fraction(is_fraction: bool) -> Self {
        if is_fraction { Self::Fraction } else { Self::Whole }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn place(number: &serde_json::Value, scale: u8) -> (i128, bool) {
        let place = Place::of(number.as_number().expect("a number"), scale);
        (place.floor, place.is_exact)
    }

    #[test]
    fn bounds_are_brought_to_the_scale_exactly() {
        assert_eq!(place(&json!(7), 0), (7, true));
        assert_eq!(place(&json!(7.0), 2), (700, true));
        assert_eq!(place(&json!(1.255), 2), (125, false));
        assert_eq!(place(&json!(-1.255), 2), (-126, false));
        assert_eq!(place(&json!(-0.0), 2), (0, true));
        assert_eq!(place(&json!(1e-300), 2), (0, false));
        assert_eq!(place(&json!(-1e-300), 2), (-1, false));
        assert_eq!(place(&json!(1.5e10), 1), (150_000_000_000, true));
        assert_eq!(place(&json!(u64::MAX), 18).0, i128::from(u64::MAX) * 10_i128.pow(18));
        assert!(place(&json!(1e300), 0).0 > i128::from(i64::MAX));
        assert!(place(&json!(-1.7e308), 18).0 < i128::from(i64::MIN));
        assert_eq!(Place::of(json!(u64::MAX).as_number().expect("a number"), 0).mantissa(), None);
    }

    #[test]
    fn great_mantissas_are_rounded_once() {
        assert_eq!(to_f64(9_007_199_254_740_993, 0), 9_007_199_254_740_992.0);
        assert_eq!(to_f64(90_071_992_547_409_935, 1), 9_007_199_254_740_994.0);
        assert_eq!(to_f64(-3, 1), -0.3);
        assert_eq!(to_f64(0, 5), 0.0);
    }

    proptest! {
        #[test]
        fn rounding_is_that_of_the_text(mantissa in any::<i64>(), narrow in any::<i32>(), scale in 1_u8..19) {
            for mantissa in [i128::from(mantissa), narrow.into()] {
                let power = 10_i128.pow(scale.into());
                let sign = if mantissa < 0 { "-" } else { "" };
                let (whole, rest) = ((mantissa / power).abs(), (mantissa % power).abs());
                let text = format!("{sign}{whole}.{rest:0width$}", width = scale.into());
                prop_assert_eq!(to_f64(mantissa, scale), text.parse::<f64>().expect("a number"));
            }
        }

        #[test]
        fn every_float_has_its_place(float in -1e6..1e6_f64, scale in 0_u8..10) {
            let Place { floor, is_exact } = Place::of(json!(float).as_number().expect("a number"), scale);
            let below = to_f64(floor, scale);
            let is_right = if is_exact { below == float } else { below <= float && float <= to_f64(floor + 1, scale) };
            prop_assert!(is_right, "{float} has {floor}, {is_exact}");
        }
    }
}
