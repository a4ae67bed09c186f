//! What transforms can compute, by the names of the original.

use super::invalid;
use crate::error::ApiError;

/// What a transform computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Function {
    /// The share of some records in others, per period.
    Rate,
    /// The mean of ratings from 1 to 5 as a number from 0 to 1, per period.
    UserSatisfaction,
    /// The newest value, for each published dashboard that shows the data set.
    LatestDatasetValue,
    /// The newest figures of each service, for each published dashboard that shows them.
    LatestTransactionExplorerValues,
    /// Nothing: to see that a transform is run.
    Nothing,
}

impl Function {
    /// All functions.
    pub const ALL: [Self; 5] = [
        Self::Rate,
        Self::UserSatisfaction,
        Self::LatestDatasetValue,
        Self::LatestTransactionExplorerValues,
        Self::Nothing,
    ];

    /// The name, as the original has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rate => "backdrop.transformers.tasks.rate.compute",
            Self::UserSatisfaction => "backdrop.transformers.tasks.user_satisfaction.compute",
            Self::LatestDatasetValue => "backdrop.transformers.tasks.latest_dataset_value.compute",
            Self::LatestTransactionExplorerValues => {
                "backdrop.transformers.tasks.latest_transaction_explorer_values.compute"
            }
            Self::Nothing => "backdrop.transformers.tasks.debug.logging",
        }
    }

    /// The function of that name.
    ///
    /// # Errors
    /// If there is none; the message lists those there are.
    pub fn parse(name: &str) -> Result<Self, ApiError> {
        if name == "backdrop.transformers.tasks.mapping.compute" {
            return Err(invalid(
                "function: mapping is not offered. In the original it could not run: it was called with an \
                 argument that it did not take. Send records with the wanted labels instead",
            ));
        }
        Self::ALL.into_iter().find(|function| function.as_str() == name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            invalid(format!("function: there is no function {name:?}. There are: {names}"))
        })
    }

    /// Whether it computes one record per period, and so needs a query with `period`.
    pub const fn is_per_period(self) -> bool {
        matches!(self, Self::Rate | Self::UserSatisfaction)
    }

    /// Whether its results stand for the newest state of things, so that an older one never replaces a newer one.
    pub const fn is_latest(self) -> bool {
        matches!(self, Self::LatestDatasetValue | Self::LatestTransactionExplorerValues)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_have_the_names_of_the_original() {
        for function in Function::ALL {
            assert_eq!(Function::parse(function.as_str()), Ok(function));
        }
    }

    #[test]
    fn mapping_is_refused_with_words_and_others_with_a_list() {
        let mapping = Function::parse("backdrop.transformers.tasks.mapping.compute").expect_err("refused");
        assert!(mapping.message.contains("mapping"), "{mapping}");
        let unknown = Function::parse("os.system").expect_err("unknown");
        assert!(unknown.message.contains("rate.compute"), "{unknown}");
    }
}
