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
use backdrop_service::trace::TraceParent;
use serde_json::json;

pub(super) async fn delete(
    state: Data<State>,
    name: Path<String>,
    request: HttpRequest,
    request_id: RequestId,
) -> Result<HttpResponse, WriteError> {
    let (known, caller) = state.administered(&name, Scope::Admin, &request).await?;
    let preference = Preference::of(request.headers(), state.wait)?;
    // The original took the modules that showed it with it, after showing which; here somebody changes them first.
    state.database.expect_not_shown(known.data_set.id).await?;
    let change = Change {
        data_set: &known.data_set,
        kind: BatchKind::DeleteDataSet,
        origin: Origin::Request,
        configuration: state.catalogue.version(),
        handling: Handling::Strict,
        faults: Vec::new(),
        idempotency: None,
        records: String::new(),
        count: 0,
        room: None,
        caller,
        request_id,
        traceparent: TraceParent::of(request.headers()),
        wait: preference.wait,
    };
    let submitted = state.ingest.submit(change).await?;
    state.learn_changes().await;
    let done = json!({"status": "ok", "message": format!("Deleted {name}")});
    Ok(answer(&state, submitted, &name, preference.strictly(), done).await)
}
