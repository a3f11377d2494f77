//! What meets input of unknown origin, for the fuzz targets in `fuzz/`.

use crate::codec::envelope::{self, Header, Limits};
use crate::codec::formats::Formats;
use crate::codec::{Codec, SharedValue};
use crate::key::{Pattern, Scopes};

/// The payload of an envelope, and its value, if it is one of this type.
pub fn open<V: SharedValue>(
    bytes: &[u8],
    key: &str,
    fingerprint: u64,
    max_bytes: usize,
) -> Option<(Vec<u8>, Option<V>)> {
    let (header, payload) = envelope::open(bytes, key, fingerprint, max_bytes).ok()?;
    let value = Formats::of().decode(&payload, header.codec).ok();
    Some((payload.into_owned(), value))
}

/// An envelope around a payload; `None` if it is too large.
pub fn seal(payload: &[u8], key: &str, fingerprint: u64, compress: bool) -> Option<Vec<u8>> {
    let codec = Codec::default();
    let (absent, incarnation, epoch, fresh_until_millis, load_micros) = (false, 1, 2, 3, 4);
    let header = Header { codec, absent, fingerprint, incarnation, epoch, fresh_until_millis, load_micros };
    let mut bytes = Vec::new();
    let append = |bytes: &mut Vec<u8>| {
        bytes.extend(payload);
        Ok::<(), ()>(())
    };
    envelope::seal(&header, key, Limits { max_bytes: 1 << 16, compress }, &mut bytes, append).ok()?;
    Some(bytes)
}

/// Makes the checksum of an envelope right; false if there is no room for one.
pub fn put_checksum(bytes: &mut [u8]) -> bool {
    envelope::put_checksum(bytes).is_some()
}

/// Whether an invalidation of `pattern` concerns `key`; `None` if it is no pattern.
pub fn concerns(pattern: &str, key: &str) -> Option<bool> {
    let pattern = Pattern::parse(pattern).ok()?;
    let scopes = Scopes::of(key, &[]);
    let concerned = scopes.hashes().contains(&pattern.scope);
    assert!(!concerned || pattern.root == scopes.root(), "a hit of `{key}` would not look for it");
    Some(concerned)
}
