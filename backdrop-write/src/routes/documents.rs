//! Documents that are kept for clients of the original: what dashboards, types of modules and nodes of the tree of
//! organisations have in common.

use super::State;
use super::resources::{Resource, taken};
use crate::error::WriteError;
use actix_web::web::Bytes;
use backdrop_core::document::{Document, DocumentKind};
use backdrop_postgres::{Actor, DocumentRow};
use serde_json::Value;
use uuid::Uuid;

/// The documents of one kind.
pub(super) trait OfKind: 'static {
    /// The kind.
    const KIND: DocumentKind;
}

impl<K: OfKind> Resource for K {
    const WHAT: &'static str = K::KIND.words();
    type Definition = Document;
    type Row = DocumentRow;

    async fn read(body: Bytes) -> Result<(Document, Option<Uuid>), WriteError> {
        Ok(Document::parse(K::KIND, &body)?)
    }

    async fn all(state: &State) -> Result<Vec<DocumentRow>, WriteError> {
        Ok(state.database.documents(K::KIND).await?)
    }

    async fn find(state: &State, name: &str) -> Result<Option<DocumentRow>, WriteError> {
        // The store keeps no NUL, and refuses to be asked for one.
        if name.contains('\0') {
            return Ok(None);
        }
        Ok(state.database.document(K::KIND, name.to_owned()).await?)
    }

    async fn save(state: &State, id: Uuid, document: Document, actor: Actor) -> Result<Value, WriteError> {
        let row = DocumentRow { id, body: document.body.clone() };
        let slug = document.slug.clone().unwrap_or_default();
        let saved = state.database.save_document(K::KIND, id, document, actor).await;
        saved.map_err(|error| taken(error, Self::WHAT, &slug))?;
        Ok(Self::view(&row))
    }

    async fn delete(state: &State, id: Uuid, actor: Actor) -> Result<(), WriteError> {
        state.database.delete_document(K::KIND, id, actor).await?;
        Ok(())
    }

    fn id(row: &DocumentRow) -> Uuid {
        row.id
    }

    fn view(row: &DocumentRow) -> Value {
        let mut whole = row.body.clone();
        whole.insert("id".into(), row.id.to_string().into());
        Value::Object(whole)
    }
}
