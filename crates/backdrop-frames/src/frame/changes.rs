//! Following a data set row by row.

use super::{Field, Frame, FrameFull, RowRef, Run};
use crate::column::{Column, Kind, Literal};
use crate::place::Place;
use crate::room;

/// Fewer rows than that are not worth a merge, in the tail or gone.
pub(super) const MERGE_ROWS_MIN: usize = 4_096;

/// The tail is merged when it has this part of the base: a query sees each row of the tail, within its range or not.
const TAIL_SHARE: usize = 32;

/// Rows are merged when this part of them is gone.
const GONE_SHARE: usize = 4;

impl Frame {
    /// Adds a row, or replaces the one of the same id.
    ///
    /// # Errors
    /// If there is no memory left for it. The frame is to be dropped then.
    ///
    /// # Panics
    /// If the row does not have as many values as there are fields.
    pub fn upsert(&mut self, row: RowRef<'_>) -> Result<(), FrameFull> {
        let hash = self.bounds.hash_key.hash(row.id);
        let old = self.index.find(hash, [&self.base, &self.tail]);
        if let Some(place) = old
            && self.run(place).times[place.row()] == row.time
        {
            self.write(place, row);
            return self.check_room();
        }
        self.remove(hash);
        let place = self.place_for(row.time);
        self.add(place, hash, row);
        self.index.insert(hash, place, [&self.base, &self.tail]);
        self.check_room()
    }

    /// Removes the row of an id, if there is one.
    pub fn delete(&mut self, id: &str) {
        self.remove(self.bounds.hash_key.hash(id));
    }

    /// Whether queries would gain from a merge.
    pub fn wants_merge(&self) -> bool {
        let (base, tail) = (self.base.len(), self.tail.len());
        let gone = self.base.gone.ones() + self.tail.gone.ones();
        tail > MERGE_ROWS_MIN.max(base / TAIL_SHARE)
            || gone > MERGE_ROWS_MIN.max((base + tail) / GONE_SHARE)
            || self.fields.iter().any(Field::has_grown)
    }

    /// Where a new row goes.
    fn place_for(&self, time: i64) -> Place {
        match self.base.times.last() {
            Some(last) if time < *last => Place::tail(self.tail.len()),
            _ => Place::base(self.base.len()),
        }
    }

    fn remove(&mut self, hash: u64) {
        if let Some(place) = self.index.remove(hash, [&self.base, &self.tail]) {
            let run = self.run_mut(place);
            run.gone.set(place.row());
            run.columns.iter_mut().for_each(|values| values.erase(place.row()));
        }
    }

    /// Adds a row to the end of a run; not to the index.
    pub(super) fn add(&mut self, place: Place, hash: u64, row: RowRef<'_>) {
        self.write(place, row);
        let run = self.run_mut(place);
        room::push(&mut run.times, row.time);
        room::push(&mut run.hashes, hash);
        run.gone.push(false);
        if place.run() == 1 {
            let times = &self.tail.times;
            let after = self.tail_order.partition_point(|late| times[*late as usize] <= row.time);
            self.tail_order.insert(after, place.row() as u32);
        }
    }

    /// Writes the values of a row into all columns.
    fn write(&mut self, place: Place, row: RowRef<'_>) {
        assert_eq!(row.values.len(), self.fields.len(), "a row has a value, or none, for each field");
        let lens = [self.base.len(), self.tail.len()];
        let columns = self.base.columns.iter_mut().zip(&mut self.tail.columns);
        for ((field, (base, tail)), value) in self.fields.iter_mut().zip(columns).zip(row.values) {
            let mut column = Column { kind: &mut field.kind, runs: [(base, lens[0]), (tail, lens[1])] };
            column.write(place, &Literal::read(*value), &self.bounds);
        }
    }

    /// Fails if the frame takes too much, or has no place for one row more.
    pub(super) fn check_room(&self) -> Result<(), FrameFull> {
        let rows = self.base.len().max(self.tail.len());
        if self.bytes() > self.bounds.bytes_max || rows >= Place::ROWS_MAX { Err(FrameFull) } else { Ok(()) }
    }

    fn run(&self, place: Place) -> &Run {
        [&self.base, &self.tail][place.run()]
    }

    fn run_mut(&mut self, place: Place) -> &mut Run {
        if place.run() == 0 { &mut self.base } else { &mut self.tail }
    }
}

impl Field {
    /// Notes how many texts there are.
    pub(super) fn settle(&mut self) {
        self.texts_at_first = self.texts();
    }

    /// Whether it has so many new texts that rows may have given up as many: a merge leaves those out.
    fn has_grown(&self) -> bool {
        self.texts() > 2 * self.texts_at_first + MERGE_ROWS_MIN
    }

    fn texts(&self) -> usize {
        match &self.kind {
            Kind::Texts(dictionary) => dictionary.texts.len(),
            _ => 0,
        }
    }
}
