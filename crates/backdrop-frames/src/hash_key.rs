//! Keyed hashes.

use siphasher::sip::SipHasher13;

/// A secret under which ids and texts are hashed, so that no client can choose what collides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HashKey(pub(crate) [u64; 2]);

impl HashKey {
    pub(crate) fn hash(self, text: &str) -> u64 {
        SipHasher13::new_with_keys(self.0[0], self.0[1]).hash(text.as_bytes())
    }
}
