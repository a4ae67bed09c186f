//! What checking a record against a schema can cost at most, found out before it is ever used.
//!
//! A ladder of definitions, each of which refers twice to the next, is short and takes hours: the work
//! doubles with each step. So references are followed and counted, each definition once.

use serde_json::Value;
use std::collections::HashMap;

/// The most subschemas that may apply, all references followed. The largest schema of the original has
/// about twenty.
const COST_MAX: u64 = 50_000;
/// The keywords that refer to a schema.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];

/// Checks that a schema is within the bound, and that it refers only to parts of itself.
pub(super) fn check(document: &Value) -> Result<(), String> {
    let mut costs = Costs { document, known: HashMap::new() };
    let cost = costs.of(document)?;
    if cost > COST_MAX {
        return Err(format!(
            "with all references followed, more than {COST_MAX} subschemas apply; use fewer references"
        ));
    }
    Ok(())
}

struct Costs<'d> {
    document: &'d Value,
    /// What a reference costs; nothing while it is being followed: what refers to itself applies again only
    /// deeper in the record, and records are flat.
    known: HashMap<&'d str, u64>,
}

impl<'d> Costs<'d> {
    fn of(&mut self, schema: &'d Value) -> Result<u64, String> {
        let mut cost: u64 = 1;
        match schema {
            Value::Array(items) => {
                for item in items {
                    cost = cost.saturating_add(self.of(item)?);
                }
            }
            Value::Object(members) => {
                for (keyword, value) in members {
                    let part = match value.as_str().filter(|_| REFERENCES.contains(&keyword.as_str())) {
                        Some(reference) => self.of_reference(reference)?,
                        None => self.of(value)?,
                    };
                    cost = cost.saturating_add(part);
                }
            }
            _ => {}
        }
        Ok(cost)
    }

    fn of_reference(&mut self, reference: &'d str) -> Result<u64, String> {
        if let Some(known) = self.known.get(reference) {
            return Ok(*known);
        }
        let pointer = reference.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        let target = pointer.and_then(|pointer| self.document.pointer(pointer)).ok_or_else(|| {
            format!(
                "the reference {reference:?} must be of the form \"#/…\" and lead to a part of the schema"
            )
        })?;
        self.known.insert(reference, 0);
        let cost = self.of(target)?;
        self.known.insert(reference, cost);
        Ok(cost)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Map, json};

    fn ladder(steps: usize) -> Value {
        let mut definitions = Map::new();
        for step in 0..steps {
            let next = json!({"$ref": format!("#/$defs/s{}", step + 1)});
            definitions.insert(format!("s{step}"), json!({"anyOf": [next, next]}));
        }
        definitions.insert(format!("s{steps}"), json!({"type": "object"}));
        json!({"$defs": definitions, "$ref": "#/$defs/s0"})
    }

    #[test]
    fn ladders_are_refused_and_ordinary_references_are_not() {
        assert_eq!(check(&ladder(5)), Ok(()));
        assert!(check(&ladder(40)).is_err_and(|reason| reason.contains("fewer references")));
        assert_eq!(check(&json!({"$ref": "#"})), Ok(()), "applies to the same record only once");
        assert!(check(&json!({"$ref": "#name"})).is_err());
        assert!(check(&json!({"$ref": "other.json"})).is_err());
        assert!(check(&json!({"$ref": "#/$defs/missing"})).is_err());
        assert_eq!(
            check(&json!({"properties": {"$ref": {"type": "string"}}})),
            Ok(()),
            "a field of that name"
        );
    }
}
