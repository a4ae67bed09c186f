//! `/dashboard`: pages of figures; and those that show one data set.

use super::{State, documents};
use crate::error::WriteError;
use actix_web::web::{self, Data, Path, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::document::DocumentKind;
use backdrop_core::token::Scope;
use backdrop_service::routing::{get, only};

pub(super) fn configure(config: &mut ServiceConfig) {
    documents::configure(config, "/dashboard", DocumentKind::Dashboard);
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
    let views: Vec<_> = rows.iter().map(|row| documents::view(row.id, &row.body)).collect();
    Ok(HttpResponse::Ok().json(views))
}
