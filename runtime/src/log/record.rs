//! One invalidation: the scopes to raise, and the roots whose entries have to look again.

use crate::key::Pattern;
use crate::key::scopes::tag;

/// What one invalidation concerns.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Record {
    scopes: Vec<u64>,
    roots: Vec<u16>,
    tags: bool,
    clear: bool,
}

impl Record {
    /// Everything.
    pub(crate) fn clear() -> Self {
        Self { clear: true, ..Self::default() }
    }

    /// One key or prefix.
    pub(crate) fn of(pattern: Pattern) -> Self {
        Self { scopes: vec![pattern.scope], roots: vec![pattern.root], ..Self::default() }
    }

    /// Adds a key or a prefix.
    pub(crate) fn push(&mut self, scope: u64, root: u16) {
        self.scopes.push(scope);
        self.roots.push(root);
    }

    /// Adds a tag.
    pub(crate) fn push_tag(&mut self, text: &str) {
        self.scopes.push(tag(text));
        self.tags = true;
    }

    /// Everything that one of these concerns.
    #[cfg(feature = "redis")]
    pub(crate) fn union<'a>(records: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all = Self::default();
        for record in records {
            all.scopes.extend(&record.scopes);
            all.roots.extend(&record.roots);
            all.tags |= record.tags;
            all.clear |= record.clear;
        }
        all.scopes.sort_unstable();
        all.scopes.dedup();
        all.roots.sort_unstable();
        all.roots.dedup();
        all
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty() && !self.clear
    }

    pub(crate) fn is_clear(&self) -> bool {
        self.clear
    }

    pub(crate) fn has_tags(&self) -> bool {
        self.tags
    }

    pub(crate) fn scopes(&self) -> &[u64] {
        &self.scopes
    }

    pub(crate) fn roots(&self) -> &[u16] {
        &self.roots
    }
}

#[cfg(feature = "redis")]
mod wire {
    //! The bytes of a record in the shared log, little-endian:
    //!
    //! | bytes | meaning |
    //! |---|---|
    //! | 1 | version, 1 |
    //! | 1 | flags: 1 = has tags, 2 = everything |
    //! | 2 | number of roots |
    //! | 4 | number of scopes |
    //! | 2 each | roots |
    //! | 8 each | scopes |

    use super::Record;

    const VERSION: u8 = 1;
    const TAGS: u8 = 1;
    const CLEAR: u8 = 2;

    impl Record {
        pub(crate) fn to_bytes(&self) -> Vec<u8> {
            let (Ok(roots), Ok(scopes)) = (u16::try_from(self.roots.len()), u32::try_from(self.scopes.len())) else {
                // More than 65 535 patterns in one call: everything is cheaper to say.
                return Self::clear().to_bytes();
            };
            let flags = (u8::from(self.tags) * TAGS) | (u8::from(self.clear) * CLEAR);
            let mut bytes = Vec::with_capacity(8 + self.roots.len() * 2 + self.scopes.len() * 8);
            bytes.extend([VERSION, flags]);
            bytes.extend(roots.to_le_bytes());
            bytes.extend(scopes.to_le_bytes());
            bytes.extend(self.roots.iter().flat_map(|root| root.to_le_bytes()));
            bytes.extend(self.scopes.iter().flat_map(|scope| scope.to_le_bytes()));
            bytes
        }

        /// A record that cannot be read is taken for everything: a newer version may have meant anything by it. An empty one,
        /// the first of a log, concerns nothing.
        pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
            if bytes.is_empty() {
                return Self::default();
            }
            Self::parse(bytes).unwrap_or_else(Self::clear)
        }

        fn parse(bytes: &[u8]) -> Option<Self> {
            let (&[version, flags, r0, r1, s0, s1, s2, s3], rest) = bytes.split_first_chunk::<8>()?;
            let counts = (u16::from_le_bytes([r0, r1]), u32::from_le_bytes([s0, s1, s2, s3]));
            let (roots, scopes) = rest.split_at_checked(2 * usize::from(counts.0))?;
            let (roots, []) = roots.as_chunks::<2>() else { return None };
            let (scopes, []) = scopes.as_chunks::<8>() else { return None };
            let whole = u32::try_from(scopes.len()) == Ok(counts.1);
            (version == VERSION && flags <= TAGS | CLEAR && whole).then(|| Self {
                roots: roots.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect(),
                scopes: scopes.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(),
                tags: flags & TAGS != 0,
                clear: flags & CLEAR != 0,
            })
        }
    }

    #[cfg(test)]
    mod tests {
        use super::*;

        #[test]
        fn a_record_comes_back_as_it_went() {
            let mut record = Record::default();
            record.push(7, 3);
            record.push(u64::MAX, u16::MAX);
            record.push_tag("vip");
            for record in [record, Record::clear()] {
                assert_eq!(Record::from_bytes(&record.to_bytes()), record);
            }
        }

        #[test]
        fn what_cannot_be_read_concerns_everything() {
            let mut record = Record::default();
            record.push(7, 3);
            let bytes = record.to_bytes();
            for cut in 1..bytes.len() {
                assert_eq!(Record::from_bytes(&bytes[..cut]), Record::clear(), "cut at {cut}");
            }
            let newer = [&[VERSION + 1], &bytes[1..]].concat();
            assert_eq!(Record::from_bytes(&newer), Record::clear());
            for flags in 4..=u8::MAX {
                let newer = [&[VERSION, flags], &bytes[2..]].concat();
                assert_eq!(Record::from_bytes(&newer), Record::clear(), "flags {flags}");
            }
            let both = Record::from_bytes(&[&[VERSION, TAGS | CLEAR], &bytes[2..]].concat());
            assert!(both.has_tags() && both.is_clear() && both.scopes() == record.scopes());
            assert_eq!(
                Record::from_bytes(&[&bytes[..], &[0; 8]].concat()),
                Record::clear(),
                "one scope more than it says"
            );
            assert_eq!(Record::from_bytes(&[]), Record::default());
        }

        #[test]
        fn more_patterns_than_can_be_counted_are_everything() {
            let mut record = Record::default();
            for n in 0..u16::MAX {
                record.push(n.into(), n);
            }
            assert_eq!(Record::from_bytes(&record.to_bytes()), record);
            record.push(0, 0);
            assert_eq!(Record::from_bytes(&record.to_bytes()), Record::clear());
        }
    }
}
