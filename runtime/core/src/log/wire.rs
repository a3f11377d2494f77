//! The bytes of a record in the shared log, little-endian.
//!
//! | bytes | meaning |
//! |---|---|
//! | 1 | format: 1 if nothing follows the scopes, 2 if a kind and fields do |
//! | 1 | flags: 1 = has tags, 2 = everything |
//! | 2 | number of roots |
//! | 4 | number of scopes |
//! | 2 each | roots |
//! | 8 each | scopes |
//! | 1 | format 2: kind; 0 is an invalidation, 128 a refresh |
//! | 1 + 2 + n each | format 2: fields up to the end: number, length, content |
//!
//! The *conservative part* is everything up to the scopes. Its layout never changes, and every reader can invalidate by it. A writer
//! puts there the scopes that a reader must invalidate if it does not understand the rest. A reader that understands a kind or a field
//! may invalidate less.
//!
//! Kinds and fields from 128 on are not skippable. A reader that does not know one of them invalidates by the conservative part, and
//! treats a record whose conservative part is empty as `clear`. A reader skips kinds and fields below 128 that it does not know. So a
//! note, such as an author or a time, is a skippable field. A refresh, which expires instead of invalidating, is a kind that is not
//! skippable: a reader that does not know it invalidates its scopes, and so does a reader that knows it but not another part of the
//! record that is not skippable.
//!
//! No field is defined yet. An invalidation needs none and is written in format 1, which readers of format 1 read in full. They treat a
//! record of format 2 as `clear`. Any record that cannot be read is treated as `clear`: another format, another flag, or a length that
//! does not match its parts.

use super::Record;

/// The format without anything behind the conservative part.
const PLAIN: u8 = 1;
/// The format with a kind and fields behind the conservative part.
const EXTENDED: u8 = 2;
const TAGS: u8 = 1;
const CLEAR: u8 = 2;
/// The first kind, and the first field, that a reader must not skip.
const NOT_SKIPPABLE: u8 = 128;
/// The kind of a refresh.
const REFRESH: u8 = 128;

impl Record {
    /// Encodes the record for the shared log.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let (Ok(roots), Ok(scopes)) = (u16::try_from(self.roots.len()), u32::try_from(self.scopes.len())) else {
            // More than 65 535 patterns in one call do not fit: invalidate everything instead.
            return Self::clear().to_bytes();
        };
        let flags = (u8::from(self.tags) * TAGS) | (u8::from(self.clear) * CLEAR);
        let mut bytes = Vec::with_capacity(9 + self.roots.len() * 2 + self.scopes.len() * 8);
        bytes.extend([if self.expires { EXTENDED } else { PLAIN }, flags]);
        bytes.extend(roots.to_le_bytes());
        bytes.extend(scopes.to_le_bytes());
        bytes.extend(self.roots.iter().flat_map(|root| root.to_le_bytes()));
        bytes.extend(self.scopes.iter().flat_map(|scope| scope.to_le_bytes()));
        if self.expires {
            bytes.push(REFRESH);
        }
        bytes
    }

    /// Decodes a record. `None` if the bytes cannot be read, which the caller must treat as `clear`. No bytes, as in the first entry of a
    /// log, make an empty record.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let Some(&format) = bytes.first() else { return Some(Self::default()) };
        let (record, rest) = conservative(bytes)?;
        match (format, rest) {
            (PLAIN, []) => Some(record),
            (EXTENDED, [kind, fields @ ..]) => {
                let known_fields = has_known_fields(fields)?;
                Some(match *kind {
                    REFRESH if known_fields && !record.is_empty() => record.into_refresh(),
                    kind if kind < NOT_SKIPPABLE && known_fields => record,
                    _ if record.is_empty() => Self::clear(),
                    _ => record,
                })
            }
            _ => None,
        }
    }
}

/// Splits off the conservative part, which every version understands.
fn conservative(bytes: &[u8]) -> Option<(Record, &[u8])> {
    let (&[_, flags, r0, r1, s0, s1, s2, s3], rest) = bytes.split_first_chunk::<8>()?;
    let roots = usize::from(u16::from_le_bytes([r0, r1])) * 2;
    let scopes = usize::try_from(u32::from_le_bytes([s0, s1, s2, s3])).ok()?.checked_mul(8)?;
    let (roots, rest) = rest.split_at_checked(roots)?;
    let (scopes, rest) = rest.split_at_checked(scopes)?;
    let ((roots, []), (scopes, [])) = (roots.as_chunks::<2>(), scopes.as_chunks::<8>()) else { return None };
    let record = Record {
        roots: roots.iter().map(|bytes| u16::from_le_bytes(*bytes)).collect(),
        scopes: scopes.iter().map(|bytes| u64::from_le_bytes(*bytes)).collect(),
        tags: flags & TAGS != 0,
        clear: flags & CLEAR != 0,
        texts: Vec::new(),
        expires: false,
        silent: false,
    };
    (flags <= TAGS | CLEAR).then_some((record, rest))
}

/// Returns whether all fields may be skipped. `None` if the fields are damaged.
fn has_known_fields(mut fields: &[u8]) -> Option<bool> {
    let mut known = true;
    while !fields.is_empty() {
        let (&[number, l0, l1], rest) = fields.split_first_chunk::<3>()?;
        let (_, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([l0, l1])))?;
        known &= number < NOT_SKIPPABLE;
        fields = rest;
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INVALIDATION: u8 = 0;

    fn sample() -> Record {
        let mut record = Record::default();
        record.push(7, 3);
        record
    }

    /// Encodes the record as a newer build would.
    fn extended(record: &Record, kind: u8, fields: &[(u8, &[u8])]) -> Vec<u8> {
        let mut bytes = record.to_bytes();
        bytes[0] = EXTENDED;
        bytes.push(kind);
        for (number, content) in fields {
            bytes.push(*number);
            bytes.extend(u16::try_from(content.len()).unwrap().to_le_bytes());
            bytes.extend(*content);
        }
        bytes
    }

    #[test]
    fn a_record_comes_back_as_it_was_written() {
        let mut record = sample();
        record.push(u64::MAX, u16::MAX);
        record.push_tag("vip");
        for record in [Record::default(), record.clone(), Record::clear(), record.into_refresh()] {
            assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record.clone()));
        }
        for record in [Record::default(), sample(), Record::clear()] {
            assert_eq!(Record::from_bytes(&extended(&record, INVALIDATION, &[])), Some(record));
        }
        assert_eq!(Record::from_bytes(&[]), Some(Record::default()), "the first entry of a log");
    }

    /// The bytes are those of builds before format 2.
    #[test]
    fn an_ordinary_invalidation_is_written_in_format_1() {
        let mut record = sample();
        record.push_tag("t");
        let scope = record.scopes()[1].to_le_bytes();
        let expected = [&[1, 1, 1, 0, 2, 0, 0, 0, 3, 0, 7, 0, 0, 0, 0, 0, 0, 0], &scope[..]].concat();
        assert_eq!(record.to_bytes(), expected);
    }

    /// A build that does not know the kind invalidates by the conservative part; a build of format 1 treats the record as `clear`.
    #[test]
    fn a_refresh_is_a_kind_of_format_2_that_is_not_skippable() {
        let (refresh, clear) = (sample().into_refresh(), Record::clear().into_refresh());
        assert_eq!(refresh.to_bytes(), extended(&sample(), 128, &[]));
        assert_ne!(refresh, sample());
        assert_eq!(clear, Record::clear(), "everything has no scope to be refreshed");
        let read = |kind, fields| Record::from_bytes(&extended(&sample(), kind, fields));
        assert_eq!(read(REFRESH, &[(1, b"author")]), Some(refresh), "a skippable field is skipped");
        assert_eq!(
            read(REFRESH, &[(128, b"what is this")]),
            Some(sample()),
            "a field that may not be skipped is unknown"
        );
        assert_eq!(read(REFRESH + 1, &[]), Some(sample()), "as an older build reads it");
        let nothing = extended(&Record::default(), REFRESH, &[]);
        assert_eq!(Record::from_bytes(&nothing), Some(Record::clear()), "every build reads it as `clear`");
        assert_eq!(Record::from_bytes(&extended(&Record::clear(), REFRESH, &[])), Some(Record::clear()));
    }

    #[test]
    fn a_skippable_part_changes_nothing() {
        for record in [sample(), Record::default(), Record::clear()] {
            for (kind, fields) in
                [(0, &[(5, &b"author"[..]), (127, &[0; 300][..])][..]), (1, &[]), (127, &[(0, &[]), (0, &[])])]
            {
                assert_eq!(Record::from_bytes(&extended(&record, kind, fields)), Some(record.clone()), "kind {kind}");
            }
        }
    }

    #[test]
    fn a_part_that_is_not_skippable_counts_as_its_scopes_or_as_everything() {
        for (kind, fields) in
            [(129, &[][..]), (255, &[(1, &b"x"[..])][..]), (0, &[(128, &[])]), (1, &[(1, b"x"), (255, b"y")])]
        {
            let known = Record::from_bytes(&extended(&sample(), kind, fields));
            assert_eq!(known, Some(sample()), "kind {kind}: its scopes are known");
            let unknown = Record::from_bytes(&extended(&Record::default(), kind, fields));
            assert_eq!(unknown, Some(Record::clear()), "kind {kind}: its scopes are unknown");
        }
    }

    #[test]
    fn bytes_that_are_no_record_are_refused() {
        let whole = [sample().to_bytes(), extended(&sample(), 0, &[(1, b"author")])];
        for bytes in &whole {
            // Without its only field, the second one is whole again.
            for cut in (1..bytes.len()).filter(|cut| *cut != whole[0].len() + 1) {
                assert_eq!(Record::from_bytes(&bytes[..cut]), None, "cut at {cut}");
            }
            for flags in 4..=u8::MAX {
                assert_eq!(Record::from_bytes(&[&[bytes[0], flags], &bytes[2..]].concat()), None, "flags {flags}");
            }
            for format in (0..=u8::MAX).filter(|format| *format != bytes[0]) {
                assert_eq!(Record::from_bytes(&[&[format], &bytes[1..]].concat()), None, "format {format}");
            }
        }
        assert_eq!(Record::from_bytes(&[&whole[0][..], &[0; 8]].concat()), None, "one scope more than it says");
        let many = [&[1, 0, 255, 255, 255, 255, 255, 255], &[0; 64][..]].concat();
        assert_eq!(Record::from_bytes(&many), None, "more than there are");
    }

    #[test]
    fn more_patterns_than_can_be_counted_are_everything() {
        let mut record = Record::default();
        for n in 0..u16::MAX {
            record.push(n.into(), n);
        }
        assert_eq!(Record::from_bytes(&record.to_bytes()), Some(record.clone()));
        record.push(0, 0);
        assert_eq!(Record::from_bytes(&record.to_bytes()), Some(Record::clear()));
    }
}
