//! Chains of transforms: the results of one may be what another reads. None comes back to where it began.

use super::definition::Place;
use super::invalid;
use crate::error::ApiError;

/// The most transforms in a chain. The original's longest had two: from counts to a rate to its newest value.
pub const HOPS_MAX: usize = 8;

/// What a transform reads and where its results go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// What it reads.
    pub input: Place,
    /// Where its results go; without a group, into that of the input.
    pub output: Place,
}

impl Link {
    /// Whether the other may read what this one stores. A group that is not named may be any.
    fn leads_to(&self, other: &Self) -> bool {
        let from = self.output.data_group.as_ref().or(self.input.data_group.as_ref());
        let is_group = match (from, other.input.data_group.as_ref()) {
            (Some(from), Some(to)) => from == to,
            _ => true,
        };
        is_group && self.output.data_type == other.input.data_type
    }
}

/// Checks that a transform can be added to those there are.
///
/// # Errors
/// If a chain would come back to it, or be too long.
pub fn check(existing: &[Link], new: &Link) -> Result<(), ApiError> {
    if new.leads_to(new) {
        return Err(invalid(
            "output: it is what the transform reads, so it would run for ever; choose another",
        ));
    }
    let links: Vec<&Link> = existing.iter().chain([new]).collect();
    let new = existing.len();
    let after = Chains::new(&links, |from, to| from.leads_to(to));
    let before = Chains::new(&links, |from, to| to.leads_to(from));
    if after.reaches(new) {
        return Err(invalid(
            "output: other transforms make of it what this one reads, so they would run for ever; choose another",
        ));
    }
    let hops = after.longest(new) + before.longest(new) - 1;
    if hops > HOPS_MAX {
        return Err(invalid(format!(
            "output: it would make a chain of {hops} transforms; at most {HOPS_MAX} may follow each other"
        )));
    }
    Ok(())
}

/// Which links come next after each.
struct Chains {
    next: Vec<Vec<usize>>,
}

impl Chains {
    fn new(links: &[&Link], leads: impl Fn(&Link, &Link) -> bool) -> Self {
        let next_of = |from: &&Link| (0..links.len()).filter(|to| leads(from, links[*to])).collect();
        Self { next: links.iter().map(next_of).collect() }
    }

    /// Whether a chain from the link comes back to it.
    fn reaches(&self, link: usize) -> bool {
        let mut seen = vec![false; self.next.len()];
        let mut open = self.next[link].clone();
        while let Some(found) = open.pop() {
            if found == link {
                return true;
            }
            if !std::mem::replace(&mut seen[found], true) {
                open.extend(&self.next[found]);
            }
        }
        false
    }

    /// How many links the longest chain that begins with this one has.
    fn longest(&self, link: usize) -> usize {
        let mut known = vec![None; self.next.len()];
        self.longest_of(link, &mut known)
    }

    fn longest_of(&self, link: usize, known: &mut [Option<usize>]) -> usize {
        if let Some(length) = known[link] {
            return length;
        }
        // Should there be a circle all the same, it is not gone round.
        known[link] = Some(0);
        let next = self.next[link].iter().map(|next| self.longest_of(*next, known)).max();
        let length = 1 + next.unwrap_or(0);
        known[link] = Some(length);
        length
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data_set::{DataGroup, DataType};

    fn place(text: &str) -> Place {
        let (group, data_type) = text.split_once('/').expect("a place");
        Place {
            data_group: (!group.is_empty()).then(|| DataGroup::parse(group).expect("a group")),
            data_type: DataType::parse(data_type).expect("a type"),
        }
    }

    fn link(input: &str, output: &str) -> Link {
        Link { input: place(input), output: place(output) }
    }

    #[test]
    fn a_chain_that_comes_back_is_refused() {
        let existing = [link("g/a", "g/b"), link("g/b", "/c")];
        assert_eq!(check(&existing, &link("g/c", "g/d")), Ok(()));
        for bad in [link("g/a", "g/a"), link("/a", "/a"), link("g/c", "g/a"), link("/c", "/a")] {
            assert!(check(&existing, &bad).is_err(), "{bad:?}");
        }
        // In another group nothing comes back.
        assert_eq!(check(&existing, &link("other/c", "other/a")), Ok(()));
    }

    #[test]
    fn a_chain_has_an_end() {
        let mut existing: Vec<Link> =
            (1..HOPS_MAX).map(|hop| link(&format!("g/t{hop}"), &format!("g/t{}", hop + 1))).collect();
        let last = link(&format!("g/t{HOPS_MAX}"), "g/end");
        assert_eq!(check(&existing, &last), Ok(()));
        existing.push(last);
        for bad in [link("g/end", "g/further"), link("g/before", "g/t1")] {
            assert!(check(&existing, &bad).expect_err("refused").message.contains("chain"));
        }
        assert_eq!(check(&existing, &link("g/t2", "g/end")), Ok(()));
    }
}
