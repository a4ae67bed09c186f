//! Sets that have most of their values in common, such as those of the periods of a query.

use super::Scalar;
use serde::ser::{Serialize, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use std::fmt;
use std::sync::Arc;

/// Values of which many sets consist. Each is there once, and written down once.
#[derive(Debug)]
pub struct Values {
    scalars: Vec<Scalar>,
    printed: Vec<Box<RawValue>>,
}

/// A set of some of them, which takes no more than their places.
#[derive(Clone)]
pub struct Subset {
    all: Arc<Values>,
    /// Ascending.
    places: Vec<u32>,
}

impl Values {
    /// The given values, which are different and in their order.
    ///
    /// # Panics
    /// If a value cannot be written as JSON, which none is.
    pub fn new(scalars: Vec<Scalar>) -> Self {
        debug_assert!(scalars.is_sorted_by(|one, next| one < next), "values are in order, each once");
        let printed = |scalar: &Scalar| to_raw_value(&scalar.0).expect("a JSON value can be written as JSON");
        Self { printed: scalars.iter().map(printed).collect(), scalars }
    }
}

impl Subset {
    /// The values at these places, which ascend.
    pub fn new(all: &Arc<Values>, places: Vec<u32>) -> Self {
        debug_assert!(places.is_sorted_by(|one, next| one < next), "places ascend");
        debug_assert!(
            places.last().is_none_or(|place| (*place as usize) < all.scalars.len()),
            "a value has a place"
        );
        Self { all: Arc::clone(all), places }
    }

    /// The values, in their order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Scalar> {
        self.places.iter().map(|place| &self.all.scalars[*place as usize])
    }

    /// The values as JSON, in their order.
    pub fn printed(&self) -> impl ExactSizeIterator<Item = &RawValue> {
        self.places.iter().map(|place| &*self.all.printed[*place as usize])
    }
}

impl PartialEq for Subset {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl fmt::Debug for Subset {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_set().entries(self.iter()).finish()
    }
}

/// As JSON.
impl Serialize for Subset {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.printed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_subset_is_the_values_at_its_places() {
        let scalars = [json!(1.5), json!(2), json!("a\"b\n"), json!("é"), json!(true)].map(Scalar);
        let all = Arc::new(Values::new(scalars.to_vec()));
        for places in [vec![], vec![0, 2, 4], vec![1, 3], vec![0, 1, 2, 3, 4]] {
            let expected: Vec<Scalar> = places.iter().map(|place| scalars[*place as usize].clone()).collect();
            let subset = Subset::new(&all, places);
            assert_eq!(subset.iter().cloned().collect::<Vec<_>>(), expected);
            let values: Vec<_> = expected.iter().map(|scalar| &scalar.0).collect();
            assert_eq!(json!(subset), json!(values));
            assert_eq!(serde_json::to_string(&subset).ok(), serde_json::to_string(&values).ok());
        }
    }
}
