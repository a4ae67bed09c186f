//! `/dashboard`: pages of figures; and those that show one data set.

use super::State;
use super::documents::OfKind;
use super::resources::{self, views};
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::document::DocumentKind;
use backdrop_core::token::Scope;
use backdrop_service::routing::{get, only};

enum Dashboards {}

impl OfKind for Dashboards {
    const KIND: DocumentKind = DocumentKind::Dashboard;
}

pub(super) fn configure(config: &mut ServiceConfig) {
    resources::configure::<Dashboards>(config, "/dashboard");
    config.service(
        web::resource("/data-sets/{name}/dashboard")
            .route(get().to(of_data_set))
            .default_service(only("GET, HEAD")),
    );
}

async fn of_data_set(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let (known, _) = state.administered(&name, Scope::Admin, &request).await?;
    let rows = state.database.dashboards_of(known.data_set.id).await?;
    Ok(views::<Dashboards>(&rows))
}
