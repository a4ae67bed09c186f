//! Which row has an id.
//!
//! The table holds places only, four bytes and one of its own for each slot; the hashes they are found by are kept
//! in the runs. Its slots are a power of two, of which seven eighths may be taken: 5.8 to 11.5 bytes a row.

use super::Run;
use crate::place::Place;
use hashbrown::HashTable;

#[derive(Debug, Default)]
pub(super) struct Index {
    places: HashTable<Place>,
}

/// Two ids have the same hash.
#[derive(Debug)]
pub(super) struct Collision;

impl Index {
    /// Indexes the rows of a base, of which none is gone.
    pub(super) fn of(hashes: &[u64]) -> Result<Self, Collision> {
        let mut places = HashTable::with_capacity(hashes.len());
        for (row, hash) in hashes.iter().enumerate() {
            let hash_of = |place: &Place| hashes[place.row()];
            match places.entry(*hash, |place| hash_of(place) == *hash, hash_of) {
                hashbrown::hash_table::Entry::Occupied(_) => return Err(Collision),
                hashbrown::hash_table::Entry::Vacant(entry) => entry.insert(Place::base(row)),
            };
        }
        Ok(Self { places })
    }

    pub(super) fn find(&self, hash: u64, runs: [&Run; 2]) -> Option<Place> {
        self.places.find(hash, |place| hash_of(*place, runs) == hash).copied()
    }

    /// Adds a row that is not there yet.
    pub(super) fn insert(&mut self, hash: u64, place: Place, runs: [&Run; 2]) {
        self.places.insert_unique(hash, place, |place| hash_of(*place, runs));
    }

    /// Removes the row of a hash, and gives its place.
    pub(super) fn remove(&mut self, hash: u64, runs: [&Run; 2]) -> Option<Place> {
        let entry = self.places.find_entry(hash, |place| hash_of(*place, runs) == hash).ok()?;
        Some(entry.remove().0)
    }

    /// The memory it takes.
    pub(super) fn bytes(&self) -> usize {
        self.places.allocation_size()
    }
}

fn hash_of(place: Place, runs: [&Run; 2]) -> u64 {
    runs[place.run()].hashes[place.row()]
}
