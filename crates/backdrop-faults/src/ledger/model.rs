//! What a data set holds after a number of acts: told without any of the services' code.

use super::act::Act;
use std::collections::BTreeMap;

/// The records of a data set, as they must be.
#[derive(Debug, Default)]
pub(super) struct Model {
    /// By id: the place in the order of changes, and the act that wrote it last.
    pub(super) records: BTreeMap<String, (i64, i64)>,
    /// How many records were stored or deleted.
    pub(super) version: i64,
}

impl Model {
    /// Does what an act asks for.
    pub(super) fn apply(&mut self, act: Act, number: usize) {
        for (id, written) in act.effects(number) {
            self.version += 1;
            match written {
                Some(by) => {
                    let by = by.try_into().expect("small numbers");
                    self.records.insert(id, (self.version, by));
                }
                None => {
                    self.records.remove(&id);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_act_wins_and_counts_every_record() {
        let mut model = Model::default();
        model.apply(Act::Append, 1);
        model.apply(Act::Append, 2);
        model.apply(Act::Patch(1), 3);
        model.apply(Act::Delete(2), 4);
        assert_eq!(model.version, 10);
        assert_eq!(model.records["shared"], (5, 2));
        assert_eq!(model.records["1-0"], (9, 3));
        assert!(!model.records.contains_key("2-0"));
        assert_eq!(model.records.len(), 6);
    }
}
