//! From the rows that a run has read to the records it stores.

use super::definition::Place;
use super::latest::LatestValue;
use super::output::AdditionalFields;
use super::rate::Rate;
use super::{Function, satisfaction, service};
use crate::error::ApiError;
use crate::shape::Row;
use std::collections::HashMap;

/// A function with the options it needs, checked.
#[derive(Clone, Debug)]
pub struct Computation {
    method: Method,
    additional: AdditionalFields,
}

#[derive(Clone, Debug)]
enum Method {
    Rate(Rate),
    UserSatisfaction,
    LatestValue(LatestValue),
    LatestOfServices,
    Nothing,
}

/// What a computation can know besides the rows: the published dashboards that show the data set, by their slugs.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// All of them.
    pub dashboards: Vec<String>,
    /// Those with a module that shows one service, by that service's id.
    pub by_service: HashMap<String, Vec<String>>,
}

impl Computation {
    /// Checks the options of a function.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`](crate::error::ErrorCode::InvalidDefinition), naming the option at fault.
    pub fn new(function: Function, input: &Place, options: &Row) -> Result<Self, ApiError> {
        let method = match function {
            Function::Rate => Method::Rate(Rate::read(options)?),
            Function::UserSatisfaction => Method::UserSatisfaction,
            Function::LatestDatasetValue => Method::LatestValue(LatestValue::of(&input.data_type)?),
            Function::LatestTransactionExplorerValues => Method::LatestOfServices,
            Function::Nothing => Method::Nothing,
        };
        Ok(Self { method, additional: AdditionalFields::read(options)? })
    }

    /// The records to store. May take a core a second.
    pub fn records(&self, rows: &[Row], surroundings: &Surroundings) -> Vec<Row> {
        let mut records = match &self.method {
            Method::Rate(rate) => rate.records(rows),
            Method::UserSatisfaction => satisfaction::records(rows),
            Method::LatestValue(latest) => latest.records(rows, &surroundings.dashboards),
            Method::LatestOfServices => service::records(rows, &surroundings.by_service),
            Method::Nothing => Vec::new(),
        };
        for record in &mut records {
            self.additional.add_to(record);
        }
        records
    }
}
