//! Documents of the original's administration that Backdrop keeps for its clients: dashboards, types of modules,
//! and the nodes of the tree of organisations. Their form is checked, by a schema each in `document/`; what they
//! say means nothing to the store, but for which data sets a dashboard shows and whether it is published. So the schema
//! that a type of modules holds is kept as any object is: clients write it in drafts that nothing here compiles.

use crate::data_set::{DataGroup, DataType};
use crate::error::{ApiError, ErrorCode};
use crate::schema::Schema;
use serde_json::{Map, Value};
use uuid::Uuid;

/// The largest document, in bytes of JSON: several times the largest dashboard of the original.
const DOCUMENT_BYTES_MAX: usize = 128 * 1024;

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DocumentKind {
    /// A page of figures.
    Dashboard,
    /// A type of the modules that a dashboard is made of.
    ModuleType,
    /// A department, an agency, a service or a transaction.
    Node,
}

impl DocumentKind {
    /// The kind as it is kept in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::ModuleType => "module_type",
            Self::Node => "node",
        }
    }

    /// The kind in words.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dashboard => "dashboard",
            Self::ModuleType => "module type",
            Self::Node => "organisation node",
        }
    }

    /// The field by which people call it; no two have the same.
    const fn slug_field(self) -> &'static str {
        match self {
            Self::Dashboard | Self::Node => "slug",
            Self::ModuleType => "name",
        }
    }

    fn schema(self) -> Schema {
        let text = match self {
            Self::Dashboard => include_str!("document/dashboard.json"),
            Self::ModuleType => include_str!("document/module_type.json"),
            Self::Node => include_str!("document/node.json"),
        };
        let document =
            serde_json::from_str(text).expect("the schemas of documents are JSON, as a test checks");
        Schema::compile(&document).expect("the schemas of documents compile, as a test checks")
    }
}

/// A checked document.
#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    /// By what people call it, if by anything.
    pub slug: Option<String>,
    /// The document, without its id.
    pub body: Map<String, Value>,
}

impl Document {
    /// Reads the body of a request; also the id, if one stands there.
    ///
    /// # Errors
    /// [`ErrorCode::InvalidDefinition`], saying where and what was expected.
    pub fn parse(kind: DocumentKind, body: &[u8]) -> Result<(Self, Option<Uuid>), ApiError> {
        let words = kind.words();
        if body.len() > DOCUMENT_BYTES_MAX {
            return Err(invalid(format!(
                "The {words} has {} bytes; at most {DOCUMENT_BYTES_MAX} are kept.",
                body.len()
            )));
        }
        let mut body: Map<String, Value> = serde_json::from_slice(body)
            .map_err(|error| invalid(format!("The {words} cannot be read: {error}")))?;
        if kind == DocumentKind::Dashboard {
            body = with_underscores(body);
        }
        let whole = Value::Object(body);
        if let Some(violation) = kind.schema().violations(&whole).next() {
            let pointer = violation.pointer();
            let place = if pointer.is_empty() { words } else { &pointer };
            return Err(invalid(format!("{place}: {}", violation.message())));
        }
        let Value::Object(mut body) = whole else { unreachable!("it was made of an object") };
        let id = match body.remove("id") {
            None | Some(Value::Null) => None,
            Some(id) => Some(read_id("id", &id)?),
        };
        if kind == DocumentKind::Dashboard {
            settle_status(&mut body);
        }
        let slug = body.get(kind.slug_field()).and_then(Value::as_str).map(str::to_owned);
        Ok((Self { slug, body }, id))
    }

    /// Another document that a field names by its id, if it names one.
    ///
    /// # Errors
    /// If what stands there is not an id.
    pub fn reference(&self, field: &str) -> Result<Option<Uuid>, ApiError> {
        match self.body.get(field) {
            None | Some(Value::Null) => Ok(None),
            Some(id) => read_id(field, id).map(Some),
        }
    }

    /// The data sets that the modules of a dashboard show, each once.
    ///
    /// # Errors
    /// If a module names what cannot be a data group or a data type.
    pub fn data_sets(&self) -> Result<Vec<(DataGroup, DataType)>, ApiError> {
        let mut found = Vec::new();
        collect_data_sets(self.body.get("modules"), &mut found)?;
        found.sort();
        found.dedup();
        Ok(found)
    }
}

fn invalid(message: impl Into<String>) -> ApiError {
    ApiError::new(ErrorCode::InvalidDefinition, message)
}

fn read_id(field: &str, id: &Value) -> Result<Uuid, ApiError> {
    let parsed = id.as_str().and_then(|id| Uuid::try_parse(id).ok());
    parsed.ok_or_else(|| invalid(format!("{field}: expected an id such as {}", Uuid::nil())))
}

/// Clients of the original write the names of a dashboard's fields with either.
fn with_underscores(body: Map<String, Value>) -> Map<String, Value> {
    body.into_iter().map(|(name, value)| (name.replace('-', "_"), value)).collect()
}

/// Whether it is published stands there twice: as `status`, and as `published`, which wins as in the original.
fn settle_status(body: &mut Map<String, Value>) {
    match body.get("published").and_then(Value::as_bool) {
        Some(true) => body.insert("status".into(), "published".into()),
        Some(false) if body.get("status").is_none_or(|status| status == "published") => {
            body.insert("status".into(), "unpublished".into())
        }
        _ => None,
    };
    let status = body.entry("status").or_insert_with(|| "unpublished".into());
    let is_published = *status == "published";
    body.insert("published".into(), is_published.into());
    for list in ["links", "modules"] {
        body.entry(list).or_insert_with(|| Value::Array(Vec::new()));
    }
}

fn collect_data_sets(
    modules: Option<&Value>,
    found: &mut Vec<(DataGroup, DataType)>,
) -> Result<(), ApiError> {
    for module in modules.and_then(Value::as_array).into_iter().flatten() {
        let text = |field: &str| module.get(field).and_then(Value::as_str).filter(|text| !text.is_empty());
        if let (Some(group), Some(data_type)) = (text("data_group"), text("data_type")) {
            let group = DataGroup::parse(group).map_err(|error| invalid(format!("data_group: {error}")))?;
            let data_type =
                DataType::parse(data_type).map_err(|error| invalid(format!("data_type: {error}")))?;
            found.push((group, data_type));
        }
        collect_data_sets(module.get("modules"), found)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn parse(kind: DocumentKind, body: &Value) -> Result<Document, ApiError> {
        Document::parse(kind, body.to_string().as_bytes()).map(|(document, _)| document)
    }

    #[test]
    fn a_dashboard_is_called_by_its_slug_and_shows_data_sets() {
        let body = json!({
            "slug": "cat-licences", "title": "Cat licences", "published": true, "dashboard-type": "transaction",
            "modules": [
                {"slug": "a", "data_group": "cats", "data_type": "digital-takeup"},
                {"slug": "b", "modules": [
                    {"slug": "c", "data_group": "cats", "data_type": "completion-rate"},
                    {"slug": "d", "data_group": "cats", "data_type": "digital-takeup"},
                ]},
            ],
        });
        let dashboard = parse(DocumentKind::Dashboard, &body).expect("a dashboard");
        assert_eq!(dashboard.slug.as_deref(), Some("cat-licences"));
        assert_eq!(dashboard.body["status"], "published");
        assert_eq!(dashboard.body["dashboard_type"], "transaction");
        let shown: Vec<String> = dashboard
            .data_sets()
            .expect("names")
            .iter()
            .map(|(group, data_type)| format!("{group}/{data_type}"))
            .collect();
        assert_eq!(shown, ["cats/completion-rate", "cats/digital-takeup"]);
    }

    #[test]
    fn what_is_not_published_says_so_twice() {
        for (body, status) in [
            (json!({"slug": "a", "title": "A"}), "unpublished"),
            (json!({"slug": "a", "title": "A", "status": "in-review"}), "in-review"),
            (json!({"slug": "a", "title": "A", "status": "in-review", "published": false}), "in-review"),
            (json!({"slug": "a", "title": "A", "status": "published", "published": false}), "unpublished"),
        ] {
            let dashboard = parse(DocumentKind::Dashboard, &body).expect("a dashboard");
            assert_eq!(dashboard.body["status"], status, "{body}");
            assert_eq!(dashboard.body["published"], false, "{body}");
        }
    }

    #[test]
    fn errors_name_the_place() {
        for (kind, body, named) in [
            (DocumentKind::Dashboard, json!({"title": "A"}), "slug"),
            (DocumentKind::Dashboard, json!({"slug": "A", "title": "A"}), "/slug"),
            (DocumentKind::Dashboard, json!({"slug": "a", "title": "A", "colour": 1}), "colour"),
            (DocumentKind::Dashboard, json!({"slug": "a", "title": "A", "modules": [{}]}), "/modules/0"),
            (DocumentKind::ModuleType, json!({"name": "kpi", "schema": []}), "/schema"),
            (DocumentKind::ModuleType, json!({"name": "K P I", "schema": {}}), "/name"),
            (DocumentKind::Node, json!({"name": ""}), "/name"),
            (DocumentKind::Node, json!({"name": "A", "id": "1"}), "id"),
        ] {
            let error = parse(kind, &body).expect_err(named);
            assert!(error.message.contains(named), "{error} does not name {named}");
        }
        assert!(parse(DocumentKind::Node, &json!({"name": "Cats", "abbreviation": "CO"})).is_ok());
    }

    #[test]
    fn the_schema_of_a_module_type_is_kept_and_not_compiled() {
        let draft = "http://json-schema.org/draft-03/schema#";
        let schema =
            json!({"$schema": draft, "properties": {"aa": {"type": "any", "required": true}}, "$ref": "#"});
        let kept = parse(DocumentKind::ModuleType, &json!({"name": "kpi", "schema": schema}));
        assert_eq!(kept.expect("a module type").body["schema"], schema);
        let large = json!({"name": "kpi", "schema": {"description": "x".repeat(DOCUMENT_BYTES_MAX)}});
        let error = parse(DocumentKind::ModuleType, &large).expect_err("too large");
        assert!(error.message.contains("bytes"), "{error}");
    }
}
