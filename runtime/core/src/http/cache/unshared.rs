//! Memory of the keys whose responses turned out to be for one client only, so that requests do not wait for each other in vain.

use std::time::Duration;

use crate::clock::nanos;
use crate::sync::atomic::AtomicU64;
use crate::sync::atomic::Ordering::Relaxed;

/// The time for which a key is remembered after its last response that could not be shared.
pub(super) const UNSHARED_TIME: Duration = Duration::from_secs(5);

/// Number of keys that are remembered. Two keys with the same place displace each other.
const PLACES: usize = 1_024;

/// Nanoseconds of the unit in which the time is stored.
const UNIT: u64 = 1_000_000;

/// Keys whose responses could not be shared. Two keys are confused if 42 bits of their hashes agree: their requests then do not wait for
/// each other, which is slower, but never wrong.
pub(super) struct UnsharedKeys {
    /// The upper half of the hash, and the time until which it counts.
    places: Box<[AtomicU64]>,
}

impl Default for UnsharedKeys {
    fn default() -> Self {
        Self { places: (0..PLACES).map(|_| AtomicU64::new(0)).collect() }
    }
}

/// Returns the time in units, of which the lower half is stored.
fn units(time: u64) -> u32 {
    let low = (time / UNIT) & u64::from(u32::MAX);
    u32::try_from(low).unwrap_or(u32::MAX)
}

impl UnsharedKeys {
    fn place(&self, hash: u64) -> &AtomicU64 {
        &self.places[usize::try_from(hash % PLACES as u64).unwrap_or(0)]
    }

    /// Remembers a key.
    pub(super) fn insert(&self, hash: u64, now: u64) {
        let until = units(now.saturating_add(nanos(UNSHARED_TIME)));
        self.place(hash).store((hash >> 32 << 32) | u64::from(until), Relaxed);
    }

    /// Forgets a key, because a response could be shared.
    pub(super) fn remove(&self, hash: u64) {
        let place = self.place(hash);
        let found = place.load(Relaxed);
        if found >> 32 == hash >> 32 {
            // If it fails, another request has just written the place.
            let _ = place.compare_exchange(found, 0, Relaxed, Relaxed);
        }
    }

    /// Returns whether a key is remembered.
    pub(super) fn contains(&self, hash: u64, now: u64) -> bool {
        let found = self.place(hash).load(Relaxed);
        let until = u32::try_from(found & u64::from(u32::MAX)).unwrap_or(0);
        let left = until.wrapping_sub(units(now));
        found != 0 && found >> 32 == hash >> 32 && (1..=units(nanos(UNSHARED_TIME))).contains(&left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: u64 = 0x0123_4567_89ab_cdef;

    #[test]
    fn a_key_is_remembered_for_its_time() {
        let (keys, time) = (UnsharedKeys::default(), nanos(UNSHARED_TIME));
        let end_of_units = u64::from(u32::MAX) * UNIT;
        for now in [0, 7 * UNIT, end_of_units - 1, end_of_units + 3] {
            assert!(!keys.contains(KEY, now));
            keys.insert(KEY, now);
            assert!(keys.contains(KEY, now) && keys.contains(KEY, now + time - 2 * UNIT), "{now}");
            assert!(!keys.contains(KEY, now + time + UNIT), "{now}");
            keys.remove(KEY);
            assert!(!keys.contains(KEY, now), "{now}");
        }
    }

    #[test]
    fn keys_of_one_place_displace_each_other() {
        let (keys, other) = (UnsharedKeys::default(), KEY ^ (1 << 40));
        keys.insert(KEY, 1);
        assert!(!keys.contains(other, 1));
        keys.remove(other);
        assert!(keys.contains(KEY, 1), "another key is removed");
        keys.insert(other, 1);
        assert!(!keys.contains(KEY, 1) && keys.contains(other, 1));
        assert!(!keys.contains(KEY + 1, 1));
    }
}
