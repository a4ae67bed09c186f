//! What compiling a schema and checking a record against it can cost at most, found out before either is done.
//!
//! A ladder of definitions, each of which refers twice to the next, is short and takes hours: the work doubles with
//! each step. A long chain of them ends the process, because the stack does. So references are followed and all that
//! they lead to is counted: what applies to a record once, what applies to each of its fields, and how deep it goes.
//!
//! **Invariant.** Only what this file knows is counted, so what it cannot count is refused: references that leave
//! the schema, are resolved while checking or go round in circles. Parts lose an identity of their own before they are
//! compiled (see [`super::identity`]), so that all references are meant from the whole.

use super::{identity, patterns};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, HashMap, HashSet};

/// The most that may apply to a record, all references followed. The largest schema of the original has about twenty
/// parts; a list of all services as an `enum` has a thousand. At this bound 30,000 records take seconds.
const APPLIES_MAX: u64 = 5_000;
/// The most that may apply to each field of a record: a batch has up to a million of them.
const APPLIES_TO_EACH_FIELD_MAX: u64 = 200;
/// How deep parts may lie in each other, references followed: each step takes stack.
const DEPTH_MAX: usize = 100;
/// The most different regular expressions: each takes memory in every worker.
const PATTERNS_MAX: usize = 50;
/// What a branch costs more than other parts: if none of them holds, the reasons of all are gathered.
const BRANCH_WEIGHT: u64 = 15;

/// The keywords whose references are resolved while checking.
const DYNAMIC: [&str; 2] = ["$dynamicRef", "$recursiveRef"];

/// Checks that a schema is within the bounds, and that it refers only to parts of itself.
pub(super) fn check(document: &Value) -> Result<(), String> {
    let mut walk =
        Walk { document, apart: 0, known: HashMap::new(), open: HashSet::new(), patterns: BTreeSet::new() };
    let cost = walk.of(document, 0)?;
    if cost.unevaluated > 1 {
        return Err(
            "unevaluatedProperties and unevaluatedItems can apply only once in all; each looks at the whole \
                    schema again"
                .into(),
        );
    }
    if walk.patterns.len() > PATTERNS_MAX {
        return Err(format!("it has more than {PATTERNS_MAX} different regular expressions"));
    }
    cost.within_bounds()?;
    patterns::check(&walk.patterns)
}

/// What a part of a schema costs.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    /// How much of it applies to a record.
    record: u64,
    /// How much of it applies to each field of a record.
    field: u64,
    /// How deep it goes.
    depth: usize,
    /// How often what looks at everything again stands in it.
    unevaluated: u64,
}

impl Cost {
    fn add(&mut self, part: Self) {
        self.record = self.record.saturating_add(part.record);
        self.field = self.field.saturating_add(part.field);
        self.depth = self.depth.max(part.depth + 1);
        self.unevaluated = self.unevaluated.saturating_add(part.unevaluated);
    }

    /// Adds a part that applies to each field.
    fn add_to_each_field(&mut self, part: Self) {
        let of_each = part.record.saturating_add(part.field);
        self.add(Self { field: part.field.saturating_add(of_each), ..part });
    }

    fn within_bounds(self) -> Result<(), String> {
        if self.depth > DEPTH_MAX {
            return Err(format!("with all references followed, its parts lie more than {DEPTH_MAX} deep"));
        }
        if self.record > APPLIES_MAX {
            return Err(format!(
                "with all references followed, more than {APPLIES_MAX} parts apply to a record (a branch of anyOf or \
                 oneOf counts as {BRANCH_WEIGHT}); use fewer references, branches or values"
            ));
        }
        if self.field > APPLIES_TO_EACH_FIELD_MAX {
            return Err(format!(
                "with all references followed, more than {APPLIES_TO_EACH_FIELD_MAX} parts apply to each field \
                 (additionalProperties, patternProperties, propertyNames, unevaluatedProperties)"
            ));
        }
        Ok(())
    }
}

struct Walk<'d> {
    document: &'d Value,
    /// In how many parts it is whose references would be meant from them.
    apart: usize,
    known: HashMap<&'d str, Cost>,
    /// The references that are being followed.
    open: HashSet<&'d str>,
    patterns: BTreeSet<&'d str>,
}

impl<'d> Walk<'d> {
    fn of(&mut self, schema: &'d Value, depth: usize) -> Result<Cost, String> {
        let mut cost = Cost { record: 1, ..Cost::default() };
        let Value::Object(members) = schema else { return Ok(cost) };
        if depth > DEPTH_MAX {
            return Err(format!("with all references followed, its parts lie more than {DEPTH_MAX} deep"));
        }
        let is_apart = depth > 0 && self.is_apart(members);
        self.apart += usize::from(is_apart);
        for (keyword, value) in members {
            self.add_keyword(&mut cost, keyword, value, depth)?;
        }
        self.apart -= usize::from(is_apart);
        if members.contains_key("unevaluatedProperties") || members.contains_key("unevaluatedItems") {
            cost.unevaluated += 1;
            // Whether a field was evaluated is found out by looking at everything beside it again.
            cost.field = cost.field.saturating_add(cost.record);
        }
        Ok(cost)
    }

    /// Whether references in this part would be meant from it, and not from the whole: its identity is more than a
    /// name in the whole, such as `#/properties/aa`.
    fn is_apart(&self, members: &Map<String, Value>) -> bool {
        identity::keywords(self.document)
            .iter()
            .filter_map(|keyword| members.get(*keyword)?.as_str())
            .any(|identity| !identity.starts_with('#'))
    }

    fn add_keyword(
        &mut self,
        cost: &mut Cost,
        keyword: &'d str,
        value: &'d Value,
        depth: usize,
    ) -> Result<(), String> {
        match keyword {
            "$ref" => cost.add(self.of_reference(value, depth)?),
            keyword if DYNAMIC.contains(&keyword) => {
                return Err(format!("{keyword} is not taken; use $ref"));
            }
            "allOf" | "prefixItems" => self.add_all(cost, value, 1, depth)?,
            "anyOf" | "oneOf" => self.add_all(cost, value, BRANCH_WEIGHT, depth)?,
            "not" | "if" | "then" | "else" | "contains" | "additionalItems" | "unevaluatedItems"
            | "contentSchema" => cost.add(self.of(value, depth + 1)?),
            // One schema for all, or a list of them.
            "items" if value.is_array() => self.add_all(cost, value, 1, depth)?,
            "items" => cost.add(self.of(value, depth + 1)?),
            "properties" | "dependentSchemas" | "dependencies" => {
                for part in value.as_object().into_iter().flat_map(Map::values) {
                    cost.add(self.of(part, depth + 1)?);
                    if part.is_array() {
                        cost.record = cost.record.saturating_add(values(part));
                    }
                }
            }
            "patternProperties" => {
                for (pattern, part) in value.as_object().into_iter().flatten() {
                    self.patterns.insert(pattern);
                    cost.add_to_each_field(self.of(part, depth + 1)?);
                }
            }
            "additionalProperties" | "propertyNames" | "unevaluatedProperties" => {
                cost.add_to_each_field(self.of(value, depth + 1)?);
            }
            "pattern" => {
                self.patterns.extend(value.as_str());
                cost.record += 1;
            }
            // Each value would be compiled.
            "format" if value == "regex" => return Err("the format \"regex\" is not taken".into()),
            // Looked up, not gone through one by one.
            "enum" => cost.record = cost.record.saturating_add(values(value).div_ceil(4)),
            "const" | "required" | "dependentRequired" => {
                cost.record = cost.record.saturating_add(values(value));
            }
            // Definitions count where they are referred to; all others look at one value.
            _ => {}
        }
        Ok(())
    }

    fn add_all(
        &mut self,
        cost: &mut Cost,
        parts: &'d Value,
        weight: u64,
        depth: usize,
    ) -> Result<(), String> {
        for part in parts.as_array().into_iter().flatten() {
            let part = self.of(part, depth + 1)?;
            cost.add(Cost { record: part.record.saturating_mul(weight), ..part });
        }
        Ok(())
    }

    fn of_reference(&mut self, reference: &'d Value, depth: usize) -> Result<Cost, String> {
        // Anything else is refused when it is compiled.
        let Some(reference) = reference.as_str() else { return Ok(Cost::default()) };
        if self.apart > 0 {
            return Err(format!(
                "the reference {reference:?} stands in a part with an $id of its own; give one only to the whole"
            ));
        }
        if let Some(known) = self.known.get(reference) {
            return Ok(*known);
        }
        let pointer = reference.strip_prefix('#').filter(|rest| rest.is_empty() || rest.starts_with('/'));
        // What is percent-encoded would have to be read as the compiler reads it.
        let pointer = pointer.filter(|pointer| !pointer.contains('%'));
        let target = pointer.and_then(|pointer| self.document.pointer(pointer)).ok_or_else(|| {
            format!(
                "the reference {reference:?} must be of the form \"#/…\" and lead to a part of the schema"
            )
        })?;
        if !self.open.insert(reference) {
            return Err(format!(
                "the reference {reference:?} leads back to itself; records are flat, so it would say nothing more"
            ));
        }
        let cost = self.of(target, depth + 1)?;
        self.open.remove(reference);
        self.known.insert(reference, cost);
        Ok(cost)
    }
}

/// How many values a value holds, itself included.
fn values(value: &Value) -> u64 {
    match value {
        Value::Array(items) => items.iter().map(values).sum::<u64>() + 1,
        Value::Object(members) => members.values().map(values).sum::<u64>() + 1,
        _ => 1,
    }
}

#[cfg(test)]
mod tests;
