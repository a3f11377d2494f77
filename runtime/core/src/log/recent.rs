//! The scopes of the latest records, by position. An entry of many scopes is judged by the few records that came since its last check,
//! because a look-up of each of its scopes would cost more.
//!
//! A ring of slots, each for the record of one position. A word of a slot holds half of a scope's hash beside the lower bits of the
//! position, so a reader notices that a later record has taken the slot.
//!
//! Invariants: one writer at a time (the log's lock), which notes a record before it raises a head; a reader loads a head *before* it
//! reads a slot.

use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

/// Number of records.
const RECORDS: usize = if cfg!(fastness_loom) { 2 } else { 32 };
/// Maximum number of scopes of a record that is known.
const SCOPES: usize = if cfg!(fastness_loom) { 2 } else { 4 };
/// Number of scopes whose look-ups cost more than a comparison of all scopes with one record.
const SCOPES_PER_RECORD: u64 = 4;
/// Number of scopes from which on an entry has a filter, and for which a filter has one word.
const FILTERED: usize = 32;
const SCOPES_PER_WORD: usize = 8;

/// Marks a word with a scope, above half of its hash and below the position.
const PRESENT: u64 = 1 << 32;
/// Number of the lowest bit of the position.
const POSITION: u32 = 33;

/// The scopes of the latest records.
pub(super) struct RecentRecords([[AtomicU64; SCOPES]; RECORDS]);

/// The scopes of an entry.
#[derive(Clone, Copy)]
pub(crate) struct EntryScopes<'a> {
    /// The scope of its key.
    pub(crate) key: u64,
    pub(crate) others: &'a [u64],
    /// The filter of the others, if they are many.
    pub(crate) filter: Option<&'a ScopeFilter>,
}

/// A set of bits, by which most scopes are found not to be among many others.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ScopeFilter(Box<[u64]>);

impl RecentRecords {
    pub(super) fn new() -> Self {
        Self(std::array::from_fn(|_| std::array::from_fn(|_| AtomicU64::new(0))))
    }

    /// Notes the scopes of the record at this position. The caller must be the only writer.
    pub(super) fn note(&self, position: u64, scopes: &[u64]) {
        let known = if scopes.len() <= SCOPES { scopes } else { &[] };
        for (at, word) in self.slot(position).iter().enumerate() {
            let scope = known.get(at).map_or(0, |scope| PRESENT | u64::from(half(*scope)));
            // A reader has seen a head that was raised after this.
            word.store(position << POSITION | scope, Relaxed);
        }
    }

    /// Returns whether no record after `from`, up to `upto`, has one of these scopes. False if that is not known, or if look-ups of the
    /// scopes would cost less.
    pub(super) fn spare(&self, from: u64, upto: u64, scopes: EntryScopes<'_>) -> bool {
        let records = upto.saturating_sub(from);
        records <= (scopes.others.len() as u64 / SCOPES_PER_RECORD).min(RECORDS as u64)
            && (from + 1..=upto).all(|position| self.spares(position, scopes))
    }

    fn spares(&self, position: u64, scopes: EntryScopes<'_>) -> bool {
        for (at, word) in self.slot(position).iter().enumerate() {
            let word = word.load(Relaxed);
            if word >> POSITION != position << POSITION >> POSITION {
                return false;
            }
            if word & PRESENT == 0 {
                // A record has a scope, unless it has more than are known, or is of everything.
                return at > 0;
            }
            // The lower half of a u64 fits in a u32.
            #[allow(clippy::cast_possible_truncation)]
            if scopes.may_have(word as u32) {
                return false;
            }
        }
        true
    }

    fn slot(&self, position: u64) -> &[AtomicU64; SCOPES] {
        // The remainder fits in a usize.
        #[allow(clippy::cast_possible_truncation)]
        let slot = position as usize % RECORDS;
        &self.0[slot]
    }
}

impl EntryScopes<'_> {
    /// Returns whether a scope may be among these, by half of its hash.
    fn may_have(self, other: u32) -> bool {
        if half(self.key) == other {
            return true;
        }
        // All of them, without an early end, so that the compiler compares several at once.
        let has = || self.others.iter().fold(false, |found, scope| found | (half(*scope) == other));
        self.filter.is_none_or(|filter| filter.may_have(other)) && has()
    }
}

impl ScopeFilter {
    /// Makes the filter of these scopes, if they are many.
    pub(crate) fn new(scopes: &[u64]) -> Option<Self> {
        if scopes.len() < FILTERED {
            return None;
        }
        let mut filter = Self(vec![0; (scopes.len() / SCOPES_PER_WORD).next_power_of_two()].into());
        for scope in scopes {
            let (word, bit) = filter.place(half(*scope));
            filter.0[word] |= bit;
        }
        Some(filter)
    }

    fn may_have(&self, half: u32) -> bool {
        let (word, bit) = self.place(half);
        self.0[word] & bit > 0
    }

    /// Returns the word of a scope and its bit there.
    fn place(&self, half: u32) -> (usize, u64) {
        ((half / u64::BITS) as usize & (self.0.len() - 1), 1 << (half % u64::BITS))
    }
}

/// Returns the upper half of a scope's hash.
fn half(scope: u64) -> u32 {
    // The upper half of a u64 fits in a u32.
    #[allow(clippy::cast_possible_truncation)]
    let half = (scope >> 32) as u32;
    half
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// An entry of so many scopes beside its key, with upper halves from zero on.
    fn entry(others: u64) -> Vec<u64> {
        (0..=others).map(|scope| scope << 32).collect()
    }

    fn spares(recent: &RecentRecords, from: u64, upto: u64, entry: &[u64]) -> bool {
        let filter = ScopeFilter::new(&entry[1..]);
        recent.spare(from, upto, EntryScopes { key: entry[0], others: &entry[1..], filter: filter.as_ref() })
    }

    proptest! {
        /// Records are spared only if none of them has a scope of the entry, whatever came later.
        #[test]
        fn a_record_with_a_scope_of_the_entry_is_never_overlooked(
            others in 4_u64..120,
            records in proptest::collection::vec(proptest::collection::vec(prop_oneof![0..3_u64, 30..800_u64], 0..6), 1..80),
        ) {
            let (recent, entry) = (RecentRecords::new(), entry(others));
            let mut last = 0;
            for (position, scopes) in (1..).zip(&records) {
                let scopes: Vec<_> = scopes.iter().map(|scope| scope << 32).collect();
                if scopes.is_empty() || scopes.iter().any(|scope| entry.contains(scope)) {
                    last = position;
                }
                recent.note(position, &scopes);
                for from in 0..position {
                    let spared = spares(&recent, from, position, &entry);
                    prop_assert!(!spared || from >= last, "{from} to {position}, {last}");
                }
            }
        }
    }

    #[test]
    fn only_the_latest_records_of_few_scopes_are_known() {
        let recent = RecentRecords::new();
        for position in 1..=100 {
            recent.note(position, &[1_000 << 32, 2_000 << 32]);
        }
        let entry = entry(40);
        assert!(spares(&recent, 90, 100, &entry));
        assert!(!spares(&recent, 89, 100, &entry), "look-ups of 40 scopes cost less than a comparison with 11 records");
        assert!(!spares(&recent, 60, 61, &entry), "a later record has taken the slot");
        assert!(!spares(&recent, 99, 101, &entry), "there is no such record yet");
        assert!(!spares(&recent, 99, 100, &entry[..4]), "a look-up of each of few scopes costs less");
        recent.note(101, &[1_000 << 32; 5]);
        assert!(!spares(&recent, 100, 101, &entry), "it has more scopes than a slot");
        for (position, scope) in (102..).zip([entry[0], entry[1], entry[40]]) {
            recent.note(position, &[1_000 << 32, scope]);
            assert!(!spares(&recent, position - 1, position, &entry), "it concerns the entry");
        }
    }

    #[test]
    fn a_filter_lets_few_others_pass() {
        let random = |seed| {
            let mut random = fastrand::Rng::with_seed(seed);
            std::iter::repeat_with(move || random.u64(..))
        };
        for count in [32, 100, 1_024] {
            let scopes: Vec<_> = random(1).take(count).collect();
            let filter = ScopeFilter::new(&scopes).unwrap();
            assert!(scopes.iter().all(|scope| filter.may_have(half(*scope))));
            let passed = random(2).take(10_000).filter(|scope| filter.may_have(half(*scope))).count();
            assert!(passed < 1_500, "{passed} of 10 000 for {count}");
        }
    }
}
