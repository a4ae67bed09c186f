//! Numbers that are added up and compared: integers exactly, everything else in floating point.

use serde_json::Value;
use std::cmp::Ordering;

/// A number.
///
/// Integers have 128 bits, so that adding up 64-bit ones cannot overflow on the way.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// A whole number that was written as one.
    Integer(i128),
    /// Any other; finite, unless a sum went beyond what there is.
    Float(f64),
}

impl Number {
    /// Nothing added up.
    pub const ZERO: Self = Self::Integer(0);

    /// Reads the decimal form that databases print: digits, perhaps a sign, a point, an exponent.
    pub fn parse(text: &str) -> Option<Self> {
        match text.parse() {
            Ok(integer) => Some(Self::Integer(integer)),
            Err(_) => text.parse().ok().map(Self::Float),
        }
    }

    /// The number a JSON number stands for.
    pub fn from_json(number: &serde_json::Number) -> Self {
        match (number.as_i64(), number.as_u64()) {
            (Some(integer), _) => Self::Integer(integer.into()),
            (None, Some(integer)) => Self::Integer(integer.into()),
            (None, None) => {
                Self::Float(number.as_f64().expect("a JSON number that is no integer is a float"))
            }
        }
    }

    /// The number as JSON: an integer if it is one of 64 bits; null if it is beyond all numbers.
    pub fn to_json(self) -> Value {
        if let Self::Integer(integer) = self {
            if let Ok(integer) = i64::try_from(integer) {
                return integer.into();
            }
            if let Ok(integer) = u64::try_from(integer) {
                return integer.into();
            }
        }
        self.to_f64().into()
    }

    /// The number in floating point, rounded to the nearest.
    pub const fn to_f64(self) -> f64 {
        match self {
            Self::Integer(integer) => integer as f64,
            Self::Float(float) => float,
        }
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Self) -> Self {
        if let (Self::Integer(left), Self::Integer(right)) = (self, other)
            && let Some(sum) = left.checked_add(right)
        {
            return Self::Integer(sum);
        }
        Self::Float(self.to_f64() + other.to_f64())
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Number {}

impl PartialOrd for Number {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Number {
    /// By value, exactly: 1 equals 1.0, and 2^53 + 1 is greater than 2^53 as a float.
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Integer(left), Self::Integer(right)) => left.cmp(right),
            // Adding zero makes -0 to 0: they are the same number.
            (Self::Float(left), Self::Float(right)) => (left + 0.0).total_cmp(&(right + 0.0)),
            (Self::Integer(left), Self::Float(right)) => compare(*left, *right),
            (Self::Float(left), Self::Integer(right)) => compare(*right, *left).reverse(),
        }
    }
}

fn compare(integer: i128, float: f64) -> Ordering {
    /// 2^127: from here on a float is beyond all integers of 128 bits.
    const BEYOND: f64 = 170_141_183_460_469_231_731_687_303_715_884_105_728.0;
    if float >= BEYOND {
        return Ordering::Less;
    }
    if float < -BEYOND {
        return Ordering::Greater;
    }
    let fraction = 0.0_f64.total_cmp(&(float.fract() + 0.0));
    integer.cmp(&(float.trunc() as i128)).then(fraction)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn sums_of_integers_stay_integers_and_exact() {
        let sum = |texts: &[&str]| {
            let numbers = texts.iter().map(|text| Number::parse(text).expect("a number"));
            numbers.fold(Number::ZERO, Number::plus).to_json()
        };
        assert_eq!(sum(&[]), json!(0));
        assert_eq!(sum(&["9007199254740993", "1"]), json!(9_007_199_254_740_994_u64));
        assert_eq!(sum(&["9223372036854775807", "1"]), json!(9_223_372_036_854_775_808_u64));
        assert_eq!(sum(&["18446744073709551615", "1"]), json!(18_446_744_073_709_551_616.0));
        assert_eq!(sum(&["18446744073709551615", "1", "-2"]), json!(18_446_744_073_709_551_614_u64));
        assert_eq!(sum(&["2", "1.0"]), json!(3.0));
        assert_eq!(sum(&["1e308", "1e308"]), json!(null));
    }

    #[test]
    fn numbers_compare_by_value_across_their_forms() {
        let ordered = [
            "-1e300",
            "-2",
            "-1.5",
            "-1",
            "0",
            "0.5",
            "1",
            "9007199254740992.0",
            "9007199254740993",
            "1e300",
        ];
        let numbers: Vec<_> = ordered.iter().map(|text| Number::parse(text).expect("a number")).collect();
        for pair in numbers.windows(2) {
            assert_eq!(pair[0].cmp(&pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(pair[1].cmp(&pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(Number::Integer(1), Number::Float(1.0));
        assert_eq!(Number::Float(0.0), Number::Float(-0.0));
        assert_eq!(Number::Integer(0), Number::Float(-0.0));
    }

    fn any_number() -> impl Strategy<Value = Number> {
        prop_oneof![
            any::<i64>().prop_map(|n| Number::Integer(n.into())),
            (-5..5_i128).prop_map(Number::Integer),
            (-20..20_i32).prop_map(|n| Number::Float(f64::from(n) / 4.0)),
            any::<f64>().prop_filter("finite", |n| n.is_finite()).prop_map(Number::Float),
        ]
    }

    proptest! {
        #[test]
        fn the_order_is_total(a in any_number(), b in any_number(), c in any_number()) {
            prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
            if a <= b && b <= c {
                prop_assert!(a <= c);
            }
        }
    }
}
