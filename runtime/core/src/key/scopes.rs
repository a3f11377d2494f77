//! The scopes of a key: the hashes by which it can be invalidated.
//!
//! A key `user:42:orders` can be invalidated by itself, by the prefixes `user:*` and `user:42:*`, and by its tags. Each scope is one
//! 64-bit hash of a text: the key; the prefix with its last colon; the tag behind a `#`. A hash collision costs a needless load, and
//! never leaves an entry valid that was invalidated.

use std::borrow::Cow;

use smallvec::SmallVec;
use xxhash_rust::xxh3::xxh3_64;

/// The number of roots with a position of their own; a power of two.
pub(crate) const ROOTS: usize = if cfg!(fastness_loom) { 2 } else { 1024 };

/// Hashes a scope's text. The result is the same in every build and on every machine.
pub fn hash(text: &str) -> u64 {
    xxh3_64(text.as_bytes())
}

/// Hashes a tag.
pub(crate) fn tag(text: &str) -> u64 {
    hash(&format!("#{text}"))
}

/// Returns a short hash of a key's first segment (`user`), which modulo [`ROOTS`] is the index of the segment's position.
pub(crate) fn root(key: &str) -> u16 {
    let segment = &key[..key.bytes().position(|byte| byte == b':').unwrap_or(key.len())];
    // Truncation keeps the low bits, as intended.
    #[allow(clippy::cast_possible_truncation)]
    let root = hash(segment) as u16;
    root
}

/// The part of the log that may concern an entry: the entry is judged again when that part grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breadth {
    /// Records that concern its root.
    Root,
    /// Records that concern its root, and records with tags.
    Tagged,
    /// All records: the entry has scopes of other roots than its own.
    #[cfg(feature = "http")]
    All,
}

/// A part of the log in 16 bits: the index of a root, and a breadth above it. The part of an entry with the least breadth is the index
/// alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LogPart(u16);

impl LogPart {
    /// Number of the lowest bit of the breadth.
    const BREADTH: u32 = ROOTS.ilog2();

    pub(crate) fn new(root: u16, breadth: Breadth) -> Self {
        // The remainder and the number of a breadth are small.
        #[allow(clippy::cast_possible_truncation)]
        let part = (usize::from(root) % ROOTS) as u16 | (breadth as u16) << Self::BREADTH;
        Self(part)
    }

    /// Returns the index of its root if its breadth is the least one; otherwise a number that is no index of a root.
    #[inline]
    pub(crate) fn root_alone(self) -> usize {
        self.0.into()
    }

    #[inline]
    pub(crate) fn root(self) -> usize {
        usize::from(self.0) % ROOTS
    }

    #[inline]
    pub(crate) fn breadth(self) -> Breadth {
        match self.0 >> Self::BREADTH {
            0 => Breadth::Root,
            #[cfg(feature = "http")]
            2 => Breadth::All,
            _ => Breadth::Tagged,
        }
    }
}

/// Scope hashes. The number that most keys have needs no heap block.
type Hashes = SmallVec<[u64; 4]>;

/// All scopes of one key.
#[derive(Clone, Debug)]
pub(crate) struct Scopes {
    /// The hash of the key itself comes first.
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

    /// Makes the scopes of a key whose value was made of other keys: each of these counts as a key with its prefixes, and as a tag.
    #[cfg(feature = "http")]
    pub(crate) fn with_sources(key: &str, others: &[String]) -> Self {
        let base = Self::new(key, &[]);
        if others.is_empty() {
            return base;
        }
        let hashes =
            base.hashes.iter().copied().chain(others.iter().flat_map(|other| hashes_of_key_and_tag(other))).collect();
        Self { hashes, breadth: Breadth::All, ..base }
    }

    /// Adds the hashes of tags that the value states.
    pub(crate) fn and_tags(&self, tags: &[u64]) -> Cow<'_, Self> {
        if tags.is_empty() {
            return Cow::Borrowed(self);
        }
        let breadth = if self.breadth == Breadth::Root { Breadth::Tagged } else { self.breadth };
        Cow::Owned(Self { hashes: self.hashes.iter().chain(tags).copied().collect(), breadth, ..*self })
    }

    pub(crate) fn hashes(&self) -> &[u64] {
        &self.hashes
    }

    pub(crate) fn root(&self) -> u16 {
        self.root
    }

    /// Returns the part of the log that may concern an entry with these scopes.
    pub(crate) fn log_part(&self) -> LogPart {
        LogPart::new(self.root, self.breadth)
    }
}

/// Returns all hashes by which this text can be invalidated, as a key and as a tag.
#[cfg(feature = "http")]
pub(crate) fn hashes_of_key_and_tag(text: &str) -> Vec<u64> {
    let prefixes = text.match_indices(':').map(|(colon, _)| hash(&text[..=colon]));
    prefixes.chain([hash(text), tag(text)]).collect()
}
