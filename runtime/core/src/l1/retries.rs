//! The times before which the origin is not called again for a key, because it has failed.
//!
//! Few keys have one, so it is in no entry.

use std::collections::HashMap;

use crate::sync::atomic::AtomicBool;
use crate::sync::atomic::Ordering::{Acquire, Release};
use crate::sync::{Mutex, lock};

/// Number of keys above which those are dropped whose time has passed.
const MANY: usize = 64;

/// Times by the hashes of keys.
#[derive(Debug, Default)]
pub(super) struct Retries {
    any: AtomicBool,
    times: Mutex<Times>,
}

#[derive(Debug, Default)]
struct Times {
    by_key: HashMap<u32, u64, foldhash::fast::FixedState>,
    /// The number of keys from which on passed times are dropped.
    many: usize,
}

impl Retries {
    /// Delays the next load of a key until this time, in nanoseconds of the clock.
    pub(super) fn delay(&self, hash: u32, now: u64, until: u64) {
        let mut times = lock(&self.times);
        if times.by_key.len() >= times.many {
            times.by_key.retain(|_, until| now < *until);
            times.many = (2 * times.by_key.len()).max(MANY);
        }
        times.by_key.insert(hash, until);
        self.any.store(true, Release);
    }

    /// Returns the time before which the origin is not called again for a key, or zero.
    pub(super) fn until(&self, hash: u32) -> u64 {
        if !self.any.load(Acquire) {
            return 0;
        }
        lock(&self.times).by_key.get(&hash).copied().unwrap_or_default()
    }

    /// Forgets the time of a key, because it has a new value.
    pub(super) fn forget(&self, hash: u32) {
        if self.any.load(Acquire) {
            let mut times = lock(&self.times);
            times.by_key.remove(&hash);
            if times.by_key.is_empty() {
                self.any.store(false, Release);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_has_its_time_until_it_has_a_new_value() {
        let retries = Retries::default();
        retries.delay(1, 0, 5);
        retries.delay(2, 0, 6);
        assert_eq!([1, 2, 3].map(|hash| retries.until(hash)), [5, 6, 0]);
        retries.forget(1);
        assert_eq!([1, 2].map(|hash| retries.until(hash)), [0, 6]);
        retries.forget(2);
        assert!(!retries.any.load(Acquire));
    }

    #[test]
    fn times_that_have_passed_take_no_memory() {
        let retries = Retries::default();
        for time in 0..10_000 {
            retries.delay(u32::try_from(time).unwrap(), time, time + 10);
        }
        assert!(lock(&retries.times).by_key.len() <= MANY);
    }
}
