//! Merging the tail into the base.

use super::index::Index;
use super::{Field, Frame, Run};
use crate::bitmap::Bitmap;
use crate::column;
use crate::place::Place;

impl Frame {
    /// The same rows in a new frame: all in the base, those that are gone and the texts that no row has any more left
    /// out, in the narrowest form. What is unfit stays so.
    pub fn merged(&self) -> Self {
        let order = self.live_by_time();
        let runs = [&self.base, &self.tail];
        let mut base = Run {
            times: order.iter().map(|place| runs[place.run()].times[place.row()]).collect(),
            gone: Bitmap::zeros(order.len()),
            hashes: order.iter().map(|place| runs[place.run()].hashes[place.row()]).collect(),
            columns: Vec::with_capacity(self.fields.len()),
        };
        let mut fields = Vec::with_capacity(self.fields.len());
        for (column, field) in self.fields.iter().enumerate() {
            let values = column::gather(runs.map(|run| &run.columns[column]), &order);
            let (kind, values) = column::keep_used_texts(&field.kind, values);
            let mut field = Field { name: field.name.clone(), kind, texts_at_first: 0 };
            field.settle();
            base.columns.push(values);
            fields.push(field);
        }
        let tail =
            Run { columns: base.columns.iter().map(column::Values::empty_like).collect(), ..Run::default() };
        let index = Index::of(&base.hashes).expect("an index has each hash once");
        Self { fields, base, tail, tail_order: Vec::new(), index, bounds: self.bounds }
    }

    /// All live rows in the order of time; of the same time, those of the base first.
    fn live_by_time(&self) -> Vec<Place> {
        let (base, tail) = (&self.base, &self.tail);
        let mut late = self.tail_order.iter().map(|row| *row as usize).peekable();
        let mut order = Vec::with_capacity(self.base.len() + self.tail.len());
        for row in 0..base.len() {
            while let Some(row) = late.next_if(|late| tail.times[*late] < base.times[row]) {
                order.push(Place::tail(row));
            }
            order.push(Place::base(row));
        }
        order.extend(late.map(Place::tail));
        let runs = [base, tail];
        order.retain(|place| !runs[place.run()].gone.get(place.row()));
        order
    }
}
