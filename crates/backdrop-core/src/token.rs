//! Bearer tokens: only their SHA-256 is ever kept or compared.

mod terms;

pub use terms::TokenTerms;

use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// The SHA-256 of a bearer token. Tokens that Backdrop makes are long random texts, for which a plain hash is
/// enough: there is nothing to guess. One that an administrator chooses should be such a text, too.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

/// Identifies a token of a data set; names it in receipts, in the audit trail and when revoking it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(transparent)]
pub struct TokenId(pub i64);

/// What a token of a data set lets its holder do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Change its records, and everything that `Read` lets.
    Write,
    /// See receipts, rejected batches and all records of it.
    Read,
    /// Everything about it, its settings, schema, tokens and deletion included.
    Admin,
}

impl Scope {
    /// All scopes.
    pub const ALL: [Self; 3] = [Self::Write, Self::Read, Self::Admin];

    /// The scope as it is kept in the store and shown to clients.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Read => "read",
            Self::Admin => "admin",
        }
    }

    /// Reads what [`as_str`](Self::as_str) writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }

    /// Whether a token with this scope may do what asks for the other.
    pub const fn includes(self, asked: Self) -> bool {
        matches!(
            (self, asked),
            (Self::Admin, _) | (Self::Write, Self::Write | Self::Read) | (Self::Read, Self::Read)
        )
    }
}

impl TokenHash {
    /// The hash of a token as the client sends it.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// A hash as it was stored.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes to store.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Whether both are of the same token, in a time that does not depend on where they differ.
    pub fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl std::fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("TokenHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_includes_what_is_less() {
        let included = |scope: Scope| Scope::ALL.map(|asked| scope.includes(asked));
        assert_eq!(included(Scope::Write), [true, true, false]);
        assert_eq!(included(Scope::Read), [false, true, false]);
        assert_eq!(included(Scope::Admin), [true, true, true]);
        assert!(Scope::ALL.iter().all(|scope| Scope::parse(scope.as_str()) == Some(*scope)));
    }

    #[test]
    fn only_the_same_token_matches() {
        assert!(TokenHash::of("secret").matches(&TokenHash::of("secret")));
        assert!(!TokenHash::of("secret").matches(&TokenHash::of("Secret")));
        assert!(!format!("{:?}", TokenHash::of("secret")).contains("secret"));
    }
}
