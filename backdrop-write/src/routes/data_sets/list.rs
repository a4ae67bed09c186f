//! `GET /data-sets` lists them, `GET /data-sets/{name}` shows one.

use super::super::State;
use super::find;
use super::view::View;
use crate::auth::Sight;
use crate::error::WriteError;
use actix_web::web::{Data, Path, Query};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::token::Scope;
use backdrop_postgres::DataSetRow;
use serde::Deserialize;

/// Which data sets to list; older clients write the names with an underscore.
#[derive(Deserialize)]
pub(super) struct Filter {
    #[serde(rename = "data-group", alias = "data_group")]
    data_group: Option<String>,
    #[serde(rename = "data-type", alias = "data_type")]
    data_type: Option<String>,
}

impl Filter {
    fn takes(&self, row: &DataSetRow) -> bool {
        let data_set = &row.data_set;
        self.data_group.as_ref().is_none_or(|group| group == data_set.data_group.as_str())
            && self.data_type.as_ref().is_none_or(|data_type| data_type == data_set.data_type.as_str())
    }
}

pub(super) async fn list(
    state: Data<State>,
    filter: Query<Filter>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    let sight = state.guard.lister(&request, &state.catalogue)?;
    let is_seen = |row: &DataSetRow| match &sight {
        Sight::All => true,
        Sight::Only(ids) => ids.contains(&row.data_set.id),
    };
    let rows = state.database.data_sets().await?;
    let wanted = rows.iter().filter(|row| is_seen(row) && filter.takes(row));
    Ok(HttpResponse::Ok().json(wanted.map(|row| View::of(row, "")).collect::<Vec<_>>()))
}

pub(super) async fn show(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
) -> Result<HttpResponse, WriteError> {
    state.administered(&name, Scope::Admin, &request).await?;
    let row = find(&state, &name).await?;
    Ok(HttpResponse::Ok().json(View::of(&row, "")))
}
