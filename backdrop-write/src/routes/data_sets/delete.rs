//! `DELETE /data-sets/{name}`: deletes a data set with all its records, in the order of its writes.

use super::super::State;
use super::super::writer::answer;
use crate::error::WriteError;
use crate::ingest::Change;
use crate::prefer::Preference;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::{BatchKind, Handling};
use backdrop_core::origin::Origin;
use backdrop_core::token::Scope;
use backdrop_service::request::RequestId;
use serde_json::json;

pub(super) async fn delete(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let (known, caller) = state.administered(&name, Scope::Admin, &request).await?;
    let preference = Preference::of(request.headers(), state.wait)?;
    let change = Change {
        data_set: &known.data_set,
        kind: BatchKind::DeleteDataSet,
        origin: Origin::Request,
        configuration: state.catalogue.version(),
        handling: Handling::Strict,
        faults: Vec::new(),
        idempotency: None,
        records: String::new(),
        room: None,
        caller,
        request_id,
        wait: preference.wait,
    };
    let submitted = state.ingest.submit(change).await?;
    state.learn_changes().await;
    let done = json!({"status": "ok", "message": format!("Deleted {name}")});
    Ok(answer(&state, submitted, &name, preference.strictly(), done).await)
}
