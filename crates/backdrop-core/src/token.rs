//! Bearer tokens: only their SHA-256 is ever kept or compared.

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
    fn only_the_same_token_matches() {
        assert!(TokenHash::of("secret").matches(&TokenHash::of("secret")));
        assert!(!TokenHash::of("secret").matches(&TokenHash::of("Secret")));
        assert!(!format!("{:?}", TokenHash::of("secret")).contains("secret"));
    }
}
