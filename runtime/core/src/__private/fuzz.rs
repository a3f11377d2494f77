//! The functions that read bytes or text of unknown origin, for the fuzz targets in `fuzz/`.

#[cfg(feature = "encryption")]
use std::sync::LazyLock;

#[cfg(feature = "encryption")]
use crate::codec::SecretKey;
use crate::codec::envelope::{self, Header, Names, Opened, Settings};
use crate::codec::value_codec::ValueCodec;
use crate::codec::{Codec, Keyring, SharedValue};
use crate::key::{Scope, Scopes};
use crate::log::Record;

/// The payload of an envelope, and its value if it is of this type; `None` if the envelope is invalid.
pub fn open<V: SharedValue>(
    bytes: &[u8],
    key: &str,
    fingerprint: u64,
    max_bytes: usize,
    encrypt: bool,
) -> Option<(Vec<u8>, Option<V>)> {
    let settings = Settings { max_bytes, compress: false, keyring: keyring(encrypt) };
    let Opened { header, payload, .. } = envelope::open(bytes, key, fingerprint, settings).ok()?;
    let value = ValueCodec::new().decode(&payload, header.codec).ok();
    Some((payload.into_owned(), value))
}

/// An envelope around a payload; `None` if the payload is too large.
pub fn seal(payload: &[u8], key: &str, fingerprint: u64, compress: bool, encrypt: bool) -> Option<Vec<u8>> {
    let codec = Codec::default();
    let (absent, incarnation, epoch, fresh_until_millis, load_micros, began_micros) = (false, 1, 2, 3, 4, 5);
    let header =
        Header { codec, absent, fingerprint, incarnation, epoch, fresh_until_millis, load_micros, began_micros };
    let mut bytes = Vec::new();
    let append = |bytes: &mut Vec<u8>| {
        bytes.extend(payload);
        Ok::<(), ()>(())
    };
    let names = Names { key, tags: &[] };
    let settings = Settings { max_bytes: 1 << 16, compress, keyring: keyring(encrypt) };
    envelope::seal(&header, names, settings, &mut bytes, append).ok()?;
    Some(bytes)
}

/// The keyring of envelopes that are encrypted, if they are.
#[cfg(feature = "encryption")]
fn keyring(encrypt: bool) -> Option<&'static Keyring> {
    static KEYRING: LazyLock<Option<Keyring>> = LazyLock::new(|| {
        let [names, current] = [1, 2].map(|byte| SecretKey::new(&[byte; 32]).ok());
        Keyring::new(&names?, "id", &current?).ok()
    });
    KEYRING.as_ref().filter(|_| encrypt)
}

/// The keyring of envelopes that are encrypted, of which this build has none.
#[cfg(not(feature = "encryption"))]
fn keyring(_: bool) -> Option<&'static Keyring> {
    None
}

/// Writes the right checksum into an envelope. Returns false if the bytes are too short to have one.
pub fn put_checksum(bytes: &mut [u8]) -> bool {
    envelope::put_checksum(bytes).is_some()
}

/// The scopes that a record of the shared log concerns.
#[derive(Debug, PartialEq, Eq)]
pub struct Concerned {
    pub scopes: Vec<u64>,
    pub roots: Vec<u16>,
    pub everything: bool,
}

/// The scopes of the record in these bytes, and the bytes that are written for that record; `None` if the bytes are no readable record.
pub fn record(bytes: &[u8]) -> Option<(Concerned, Vec<u8>)> {
    let record = Record::from_bytes(bytes)?;
    let (scopes, roots) = (record.scopes().to_vec(), record.roots().to_vec());
    Some((Concerned { scopes, roots, everything: record.is_clear() }, record.to_bytes()))
}

/// The bytes of the record that invalidates this pattern; `None` if it is no pattern.
pub fn record_of(pattern: &str) -> Option<Vec<u8>> {
    Some(Record::from_named_scopes(false, [pattern.parse().ok()?]).to_bytes())
}

/// Returns whether an invalidation of `pattern` concerns `key`; `None` if it is no pattern.
pub fn concerns(pattern: &str, key: &str) -> Option<bool> {
    let pattern = pattern.parse::<Scope>().ok()?.pattern().ok()?;
    let scopes = Scopes::new(key, &[]);
    let concerned = scopes.hashes().contains(&pattern.scope);
    assert!(!concerned || pattern.root == scopes.root(), "a hit of `{key}` would not look for it");
    Some(concerned)
}
