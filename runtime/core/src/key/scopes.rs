//! The scopes of a key: everything by which it can be invalidated.
//!
//! A key `user:42:orders` can be invalidated by itself, by the prefixes `user:*` and `user:42:*`, and by its tags. Each is
//! one 64-bit hash of a text: the key; the prefix with its last colon; the tag behind a `#`. A shared hash costs a load
//! that was not needed; it can never keep an entry that should have gone.

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

/// How many roots have a position of their own; a power of two.
pub(crate) const ROOTS: usize = if cfg!(fastness_loom) { 2 } else { 1024 };

/// The hash of a scope's text, the same in every build and on every machine.
pub fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// The scope of a tag.
pub(crate) fn tag(text: &str) -> u64 {
    hash(&format!("#{text}"))
}

/// A short hash of a key's first segment (`user`); modulo [`ROOTS`] it says which position the segment belongs to.
pub(crate) fn root(key: &str) -> u16 {
    let segment = &key[..key.bytes().position(|byte| byte == b':').unwrap_or(key.len())];
    // Truncation keeps the low bits, which is the point.
    #[allow(clippy::cast_possible_truncation)]
    let root = hash(segment) as u16;
    root
}

/// How much of the log may concern an entry, and so has to be looked at again when it moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// What concerns its root.
    Root,
    /// That, and records with tags.
    Tagged,
    /// Everything: it has scopes of other roots than its own.
    #[cfg(feature = "http")]
    All,
}

/// As many as most keys have need no heap block.
type Hashes = SmallVec<[u64; 4]>;

/// All scopes of one key.
#[derive(Clone, Debug)]
pub(crate) struct Scopes {
    /// The key itself comes first.
    hashes: Hashes,
    root: u16,
    breadth: Breadth,
}

impl Scopes {
    pub(crate) fn new(key: &str, tags: &[String]) -> Self {
        let mut hashes = Hashes::new();
        hashes.push(hash(key));
        for (at, byte) in key.bytes().enumerate() {
            if byte == b':' {
                hashes.push(hash(&key[..=at]));
            }
        }
        hashes.extend(tags.iter().map(|text| tag(text)));
        let breadth = if tags.is_empty() { Breadth::Root } else { Breadth::Tagged };
        Self { hashes, root: root(key), breadth }
    }

    /// Those of a key whose value was made of others: each of them counts as a key, with its prefixes, and as a tag.
    #[cfg(feature = "http")]
    pub(crate) fn made_of(key: &str, others: &[String]) -> Self {
        let own = Self::new(key, &[]);
        if others.is_empty() {
            return own;
        }
        let hashes =
            own.hashes.iter().copied().chain(others.iter().flat_map(|other| hashes_of_key_and_tag(other))).collect();
        Self { hashes, breadth: Breadth::All, ..own }
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    pub(crate) fn root(&self) -> u16 {
        self.root
    }

    pub(crate) fn breadth(&self) -> Breadth {
        self.breadth
    }
}

/// Everything by which this text can be invalidated, as a key and as a tag.
#[cfg(feature = "http")]
pub(crate) fn hashes_of_key_and_tag(text: &str) -> Vec<u64> {
    let prefixes = text.match_indices(':').map(|(colon, _)| hash(&text[..=colon]));
    prefixes.chain([hash(text), tag(text)]).collect()
}
