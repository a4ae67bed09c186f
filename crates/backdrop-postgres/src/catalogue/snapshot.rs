//! The configuration as it was at one moment.

use backdrop_core::data_set::{DataSet, DataSetId};
use backdrop_core::time::Timestamp;
use backdrop_core::token::{Scope, TokenHash, TokenId};
use std::collections::HashMap;
use std::sync::Arc;

/// A data set and its tokens.
#[derive(Debug)]
pub struct KnownDataSet {
    /// The data set.
    pub data_set: DataSet,
    /// Its tokens that are not revoked, if this process has to know them.
    pub tokens: Vec<KnownToken>,
}

/// A token that is not revoked.
#[derive(Clone, Debug)]
pub struct KnownToken {
    /// Its identity.
    pub id: TokenId,
    /// Its hash.
    pub hash: TokenHash,
    /// What it lets its holder do.
    pub scopes: Vec<Scope>,
    /// When it ends to be valid; `None`: never.
    pub expires_at: Option<Timestamp>,
    /// How many requests a minute each process lets through; `None`: what the service is set to.
    pub requests_per_minute: Option<u32>,
}

impl KnownToken {
    /// Whether it lets its holder do what asks for the scope.
    pub fn allows(&self, asked: Scope) -> bool {
        self.scopes.iter().any(|scope| scope.includes(asked))
    }
}

impl KnownDataSet {
    /// The token of this data set that has the hash and is valid at the time.
    pub fn token(&self, hash: &TokenHash, now: Timestamp) -> Option<&KnownToken> {
        // All are compared, so that the time it takes does not tell which one came close.
        let matching = self.tokens.iter().filter(|token| token.hash.matches(hash));
        matching.fold(None, |found, token| {
            let is_valid = token.expires_at.is_none_or(|expires_at| now < expires_at);
            if is_valid { Some(token) } else { found }
        })
    }
}

/// Which data set is meant.
#[derive(Clone, Copy, Debug)]
pub(super) enum Wanted<'a> {
    Id(DataSetId),
    Name(&'a str),
    GroupAndType(&'a str, &'a str),
}

#[derive(Debug, Default)]
pub(super) struct Snapshot {
    pub(super) version: i64,
    /// Goes with the version, so that a store that was restored, and changed since, cannot pass for the one it was.
    pub(super) life: String,
    pub(super) by_id: HashMap<DataSetId, Arc<KnownDataSet>>,
    pub(super) by_name: HashMap<String, DataSetId>,
    pub(super) by_group: HashMap<String, HashMap<String, DataSetId>>,
}

impl Snapshot {
    pub(super) fn find(&self, wanted: Wanted<'_>) -> Option<Arc<KnownDataSet>> {
        let id = match wanted {
            Wanted::Id(id) => Some(id),
            Wanted::Name(name) => self.by_name.get(name).copied(),
            Wanted::GroupAndType(group, data_type) => {
                self.by_group.get(group).and_then(|types| types.get(data_type)).copied()
            }
        };
        self.by_id.get(&id?).cloned()
    }
}
