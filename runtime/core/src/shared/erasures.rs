//! The names of values of functions that say `erase`: an invalidation of their key removes their bytes.
//!
//! An invalidation knows a key by its hash alone. So these values lie under `<prefix>~{<hash>}<lane>`, where the lane is a part of their
//! type: the script that appends an invalidation computes all addresses of the key from the record, and removes them in the same step.
//! Values of two types whose lanes are equal replace each other, which costs loads and nothing else. The braces put all lanes into one slot
//! of a cluster, so that one command removes them.
//!
//! With a keyring, a digest stands in place of the hash, which the process that invalidates gives to the script. Values under the hash are
//! removed too, as processes without the keyring may have stored some.

#[cfg(feature = "redis-cluster")]
use std::iter::once;
use std::sync::Arc;

use super::settings::Redis;
#[cfg(feature = "redis-cluster")]
use super::stream::{Life, StreamId};
use crate::codec::Keyring;
use crate::log::Record;
#[cfg(feature = "redis-cluster")]
use crate::sync::{Mutex, lock};

/// The number of addresses of a key.
pub(super) const LANES: u64 = 4;

/// Maximum number of invalidations of this process that wait to be erased.
#[cfg(feature = "redis-cluster")]
const MAX_ANNOUNCED: usize = 256;

/// The mark between the prefix and the hash. Addresses of other values have a `#` before their last 16 digits, and these have none.
const MARK: &str = "~{";

/// The address of an erasable value, without the prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErasableName([u8; 20]);

impl ErasableName {
    /// Returns the name of the values of this hash or digest, in the lane of this fingerprint.
    fn new(key: u64, fingerprint: u64) -> Self {
        let mut name = *b"~{................}.";
        for (at, digit) in name[2..18].iter_mut().enumerate() {
            *digit = hex_digit(key >> (60 - 4 * at));
        }
        name[19] = hex_digit(fingerprint % LANES);
        Self(name)
    }

    pub(super) fn as_str(&self) -> &str {
        // Only ASCII is written.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

fn hex_digit(number: u64) -> u8 {
    b"0123456789abcdef"[usize::try_from(number & 15).unwrap_or_default()]
}

/// The names in Redis that erasures need, and, in a cluster, the position from which on they are to be done.
pub(crate) struct Erasures {
    /// The prefix of all keys of this cache.
    #[cfg(feature = "redis-cluster")]
    prefix: String,
    /// The beginning of all addresses of erasable values.
    beginning: String,
    /// The key that exists once an erasable value was stored on this server: without it, an append has nothing to erase. `None` in a
    /// cluster, where no script reaches all values.
    flag: Option<String>,
    keyring: Option<Arc<Keyring>>,
    #[cfg(feature = "redis-cluster")]
    pub(super) in_cluster: Erasing,
}

impl Erasures {
    pub(super) fn new(settings: &Redis, stream: &str) -> Self {
        let prefix = &settings.prefix;
        Self {
            #[cfg(feature = "redis-cluster")]
            prefix: prefix.clone(),
            beginning: format!("{prefix}{MARK}"),
            flag: (!settings.is_cluster()).then(|| format!("{prefix}{{{stream}}}erases")),
            keyring: settings.keyring.clone(),
            #[cfg(feature = "redis-cluster")]
            in_cluster: Erasing::default(),
        }
    }

    /// Returns the flag, and the beginning of all addresses, if the script that appends erases.
    pub(super) fn by_script(&self) -> Option<(&str, &str)> {
        Some((self.flag.as_deref()?, &self.beginning))
    }

    /// Returns the flag that a stored value raises.
    pub(super) fn flag(&self) -> Option<&str> {
        self.flag.as_deref()
    }

    /// Returns the name of the values of a key in the lane of this fingerprint.
    pub(super) fn name(&self, key: u64, fingerprint: u64) -> ErasableName {
        ErasableName::new(self.keyring.as_ref().map_or(key, |keyring| keyring.hash(key)), fingerprint)
    }

    /// Returns the digests of a record's scopes, as the script that appends takes them; `None` without a keyring.
    pub(super) fn digests(&self, record: &Record) -> Option<Vec<u8>> {
        let keyring = self.keyring.as_ref()?;
        Some(record.scopes().iter().flat_map(|scope| keyring.hash(*scope).to_le_bytes()).collect())
    }

    /// Returns all addresses of a key: for each of its names, those of all lanes, which lie in one slot.
    #[cfg(feature = "redis-cluster")]
    pub(super) fn addresses(&self, key: u64) -> impl Iterator<Item = Vec<String>> {
        let digest = self.keyring.as_ref().map(|keyring| keyring.hash(key));
        let address = |hash, lane| format!("{}{}", self.prefix, ErasableName::new(hash, lane).as_str());
        once(key).chain(digest).map(move |hash| (0..LANES).map(|lane| address(hash, lane)).collect())
    }
}

/// The erasures that a process in a cluster has to do.
#[cfg(feature = "redis-cluster")]
#[derive(Default)]
pub(super) struct Erasing {
    /// The position in the log before the first erasable value of this process was stored; `None` if it has stored none.
    began: Mutex<Option<(Life, StreamId)>>,
    /// The scopes that this process has invalidated since the task that erases last looked.
    announced: Mutex<Vec<u64>>,
    /// Wakes the task that erases.
    pub(super) wake: tokio::sync::Notify,
}

#[cfg(feature = "redis-cluster")]
impl Erasing {
    /// Notes that an erasable value is about to be stored. `position` is the position in the log now.
    pub(super) fn begin(&self, position: impl FnOnce() -> Option<(Life, StreamId)>) {
        let mut began = lock(&self.began);
        if began.is_none() {
            *began = position();
            drop(began);
            self.wake.notify_one();
        }
    }

    /// Notes an invalidation of this process, if it stores erasable values. Those that find no room are left to the sweep.
    pub(super) fn invalidated(&self, record: &Record) {
        if record.is_refresh() || self.began().is_none() {
            return;
        }
        let mut announced = lock(&self.announced);
        let room = MAX_ANNOUNCED.saturating_sub(announced.len());
        announced.extend(record.scopes().iter().take(room));
        drop(announced);
        self.wake.notify_one();
    }

    /// Takes the scopes that this process has invalidated.
    pub(super) fn take_announced(&self) -> Vec<u64> {
        std::mem::take(&mut *lock(&self.announced))
    }

    /// Returns the position from which on invalidations of values of this process are in the log.
    pub(super) fn began(&self) -> Option<(Life, StreamId)> {
        *lock(&self.began)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_is_the_hash_and_a_lane() {
        assert_eq!(ErasableName::new(0x0123_4567_89ab_cdef, 6).as_str(), "~{0123456789abcdef}2");
        assert_eq!(ErasableName::new(u64::MAX, u64::MAX).as_str(), "~{ffffffffffffffff}3");
        let erasures = Erasures::new(&Redis::single("redis://localhost").unwrap().prefix("shop:"), "shop:log");
        assert_eq!(erasures.by_script(), Some(("shop:{shop:log}erases", "shop:~{")));
    }
}
