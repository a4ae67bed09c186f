//! The question: what of a query concerns the columns of a frame.

use super::Unanswerable;
use super::ordered::Ordered;
use super::predicate::Predicate;
use crate::Frame;
use crate::column::Kind;
use backdrop_core::query::{FieldName, Grouping, Method, Selection};
use std::sync::Arc;

/// What is asked, by the places of the fields in the frame.
#[derive(Debug)]
pub(super) struct Question {
    pub(super) predicates: Vec<Predicate>,
    pub(super) keys: Vec<usize>,
    /// Each field of which something is collected, once.
    pub(super) fields: Vec<Wanted>,
    /// For each collected value which of those fields, and how.
    pub(super) collect: Vec<(usize, Method)>,
}

/// What is to be known of a field.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) field: usize,
    pub(super) methods: Vec<Method>,
    /// Its texts, if sets of them are wanted.
    pub(super) ordered: Option<Arc<Ordered>>,
}

impl Question {
    /// The question of a query.
    pub(super) fn of(
        frame: &Frame,
        selection: &Selection,
        grouping: &Grouping,
    ) -> Result<Self, Unanswerable> {
        let filtered = selection.filters().iter().map(|filter| filter.field());
        let collected = grouping.collect().iter().map(|collect| collect.field());
        let names = || filtered.clone().chain(grouping.keys()).chain(collected.clone());
        // What is unfit stays so; to load the frame anew for another field would be for nothing.
        if names().any(|name| is_column(name) || frame.place(name).is_ok_and(|place| frame.is_unfit(place))) {
            return Err(Unanswerable::Unfit);
        }
        let predicates = selection.filters().iter().map(|filter| {
            let field = frame.place(filter.field())?;
            Ok(Predicate::of(filter, field, &frame.fields[field].kind))
        });
        let mut fields: Vec<Wanted> = Vec::new();
        let mut collect = Vec::new();
        for (name, method) in grouping.collect().iter().map(|collect| (collect.field(), collect.method())) {
            let field = frame.place(name)?;
            let known = fields.iter().position(|wanted| wanted.field == field);
            let index = known.unwrap_or_else(|| {
                fields.push(Wanted { field, methods: Vec::new(), ordered: None });
                fields.len() - 1
            });
            fields[index].methods.push(method);
            collect.push((index, method));
        }
        for wanted in fields.iter_mut().filter(|wanted| wanted.methods.contains(&Method::Set)) {
            wanted.ordered = Ordered::of(&frame.fields[wanted.field].kind).map(Arc::new);
        }
        Ok(Self {
            predicates: predicates.collect::<Result<_, _>>()?,
            keys: grouping.keys().iter().map(|key| frame.place(key)).collect::<Result<_, _>>()?,
            fields,
            collect,
        })
    }
}

impl Frame {
    fn place(&self, name: &FieldName) -> Result<usize, Unanswerable> {
        self.column(name).ok_or(Unanswerable::NotLoaded)
    }

    fn is_unfit(&self, place: usize) -> bool {
        matches!(self.fields[place].kind, Kind::Unfit)
    }
}

/// Whether the store has a column of its own for it, or prints it in a form of its own.
fn is_column(name: &FieldName) -> bool {
    name.is_id() || name.is_time_column()
}
