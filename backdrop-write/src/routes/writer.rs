//! Who may change a data set, and how they want it done: what all changes of records share.

use super::State;
use crate::auth::Caller;
use crate::body::Room;
use crate::error::WriteError;
use crate::idempotency::{IDEMPOTENT_REPLAYED, IdempotencyKey};
use crate::ingest::{Change, Submitted};
use crate::prefer::{PREFERENCE_APPLIED, Preference};
use crate::receipt;
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use backdrop_core::batch::{BatchKind, Handling, Idempotency};
use backdrop_core::origin::Origin;
use backdrop_core::record::Violation;
use backdrop_core::token::Scope;
use backdrop_postgres::{BatchRow, KnownDataSet};
use backdrop_service::request::RequestId;
use serde_json::{Value, json};
use std::sync::Arc;

/// Somebody who may change a data set.
pub(super) struct Writer {
    pub(super) known: Arc<KnownDataSet>,
    caller: Caller,
    preference: Preference,
    key: Option<IdempotencyKey>,
}

/// What a writer asks for.
pub(super) struct Asked {
    pub(super) kind: BatchKind,
    pub(super) origin: Origin,
    /// The JSON array of records; empty for a change without.
    pub(super) records: String,
    /// What is wrong with records already.
    pub(super) faults: Vec<Violation>,
    /// The key under which the request may be sent again.
    pub(super) idempotency: Option<Idempotency>,
    /// The place of the records in memory, if they came with the request.
    pub(super) room: Option<Room>,
}

impl Writer {
    /// Lets in who may write, in the order of the contract: data set, token, and then how.
    pub(super) fn admit(
        state: &State,
        known: Arc<KnownDataSet>,
        request: &HttpRequest,
    ) -> Result<Self, WriteError> {
        let headers = request.headers();
        let caller = state.guard.holder(Scope::Write, request, &known, &state.catalogue)?;
        let preference = Preference::of(headers, state.wait)?;
        let key = IdempotencyKey::of(headers)?;
        Ok(Self { known, caller, preference, key })
    }

    /// Does what is asked, and answers with `done`, or with a receipt.
    pub(super) async fn submit(
        self,
        state: &State,
        asked: Asked,
        request_id: RequestId,
        done: Value,
    ) -> Result<HttpResponse, WriteError> {
        let data_set = &self.known.data_set;
        let Asked { kind, origin, records, faults, idempotency, room } = asked;
        // Nothing else has good records beside faulty ones: a replay stores all or nothing.
        let preference = if kind == BatchKind::Append { self.preference } else { self.preference.strictly() };
        let change = Change {
            data_set,
            kind,
            origin,
            configuration: state.catalogue.version(),
            handling: preference.handling(),
            faults,
            idempotency,
            records,
            room,
            caller: self.caller,
            request_id,
            wait: preference.wait,
        };
        let submitted = state.ingest.submit(change).await?;
        Ok(answer(state, submitted, data_set.name.as_str(), preference, done).await)
    }

    /// What becomes of the good records of a batch if others are faulty.
    pub(super) fn handling(&self) -> Handling {
        self.preference.handling()
    }

    /// The key of the request, if it has one, with what it stands for: what is to be done, and the inflated body.
    pub(super) async fn key_standing_for(
        &self,
        kind: &BatchKind,
        body: &Bytes,
    ) -> Result<Option<Idempotency>, WriteError> {
        match &self.key {
            Some(key) => key.clone().standing_for(kind, body.clone()).await.map(Some),
            None => Ok(None),
        }
    }

    /// The answer to a list without records, which needs no batch.
    pub(super) fn nothing_to_store(&self, mut done: Value) -> HttpResponse {
        if self.handling() == Handling::Lenient {
            for (key, none) in [
                ("stored", json!(0)),
                ("rejected", json!(0)),
                ("errors", json!([])),
                ("errors_total", json!(0)),
            ] {
                done[key] = none;
            }
        }
        HttpResponse::Ok().json(done)
    }
}

/// The answer to a change: what it says when it is done, or a receipt.
pub(super) async fn answer(
    state: &State,
    submitted: Submitted,
    data_set: &str,
    preference: Preference,
    done: Value,
) -> HttpResponse {
    let mut response = match submitted {
        Submitted::Stored { details, is_repeated } => {
            let mut response = HttpResponse::Ok();
            if is_repeated {
                response.insert_header(IDEMPOTENT_REPLAYED);
            }
            response.json(details.into_iter().fold(done, |done, row| with_details(done, &row)))
        }
        Submitted::Queued(id) => receipt::accepted(id, data_set, state.ingest.durability().await),
    };
    if let Some(applied) = preference.applied() {
        response.headers_mut().insert(PREFERENCE_APPLIED, applied);
    }
    response
}

/// How much of a batch was stored, and what else there is to say of it.
fn with_details(mut done: Value, row: &BatchRow) -> Value {
    done["stored"] = json!(row.records);
    match (&row.changed, &row.violations) {
        (Some(changed), _) => {
            done["changed"] = json!(changed.changed);
            done["changed_total"] = json!(changed.changed_total);
        }
        (None, violations) => {
            done["rejected"] = json!(row.rejected);
            done["errors"] =
                violations.as_ref().map_or_else(|| json!([]), |violations| json!(violations.listed));
            done["errors_total"] = json!(violations.as_ref().map_or(0, |violations| violations.total));
        }
    }
    done
}
