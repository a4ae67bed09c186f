//! `/data-sets`: the administration of data sets, in the shapes of the original's administration.

mod change;
mod create;
mod delete;
mod list;
mod view;

use super::State;
use crate::error::WriteError;
use actix_web::web::{self, ServiceConfig};
use backdrop_core::error::ErrorCode;
use backdrop_postgres::DataSetRow;
use backdrop_service::routing::{get, only};

pub(super) fn configure(config: &mut ServiceConfig) {
    for path in ["/data-sets", "/data-sets/"] {
        config.service(
            web::resource(path)
                .route(get().to(list::list))
                .post(create::create)
                .default_service(only("GET, HEAD, POST")),
        );
    }
    config.service(
        web::resource("/data-sets/{name}")
            .route(get().to(list::show))
            .put(change::change)
            .delete(delete::delete)
            .default_service(only("GET, HEAD, PUT, DELETE")),
    );
}

/// The data set as the store has it now.
async fn find(state: &State, name: &str) -> Result<DataSetRow, WriteError> {
    state.database.data_set_named(name.to_owned()).await?.ok_or_else(|| super::no_data_set(name))
}

/// An error about a field of a data set.
fn invalid(message: impl Into<String>) -> WriteError {
    WriteError::new(ErrorCode::InvalidDefinition, message)
}
