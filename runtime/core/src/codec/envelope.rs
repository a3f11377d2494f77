//! The envelope of a value in the shared tier.
//!
//! | bytes | meaning |
//! |---|---|
//! | 4 | `FST` and the version, 2 |
//! | 1 | codec: 1 `MessagePack`, 2 JSON, 3 bincode |
//! | 1 | flags: 1 = a cached absence without a payload; 2 = the payload is compressed; 4 = tags precede the payload; 8 = encrypted |
//! | 2 | length of the key; zero if encrypted |
//! | 8 | fingerprint of the value's type |
//! | 8 | incarnation of the log |
//! | 8 | position in the log at which the value's load began |
//! | 8 | time until which it is fresh, in milliseconds since 1970 of the server's clock |
//! | 4 | duration of its load, in microseconds |
//! | 8 | time at which its load began, in microseconds since 1970 of the server's clock |
//! | 8 | checksum: xxh3 of the bytes that follow, plus xxh3 of the bytes before |
//! | | the body: the key; with the flag 4 the number of tags in 2 bytes and 8 bytes for the hash of each; then the payload |
//!
//! An encrypted body has, in place of the key, the length of the id of a secret key in 1 byte, the id, and a nonce of 24 bytes; tags and
//! payload are encrypted, and 16 bytes that authenticate them follow. Authenticated too are the header up to the checksum, the id, and the
//! key, which is not in the envelope. So a value cannot be given other times, or to another key. The header stays readable, because the
//! script that stores a value compares headers. The checksum is there too, but not read.
//!
//! All numbers are little-endian. An envelope with any mismatch is a miss: the caller loads. A reader that does not know a flag does not
//! read the envelope, so it serves no value whose tags it would not judge. With a keyring, a value that is not encrypted is not read either:
//! another program wrote it.

use std::borrow::Cow;

use xxhash_rust::xxh3::xxh3_64;

use super::unreadable::Unreadable;
use super::{Codec, Keyring, compression};

const MAGIC: [u8; 4] = *b"FST\x02";
/// The length of the header, which tells an envelope from every other one of its key.
pub(crate) const HEADER: usize = 60;
const CHECKSUM: std::ops::Range<usize> = 52..60;
const FLAGS: usize = 5;
const KEY_LENGTH: usize = 6;
const ABSENT: u8 = 1;
const COMPRESSED: u8 = 2;
const TAGGED: u8 = 4;
const ENCRYPTED: u8 = 8;

/// The header of an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) codec: Codec,
    pub(crate) absent: bool,
    pub(crate) fingerprint: u64,
    pub(crate) incarnation: u64,
    pub(crate) epoch: u64,
    pub(crate) fresh_until_millis: u64,
    pub(crate) load_micros: u32,
    pub(crate) began_micros: u64,
}

/// The texts and hashes by which an envelope names its entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Names<'a> {
    pub(crate) key: &'a str,
    /// The hashes of the tags that the value states, at most `u16::MAX`.
    pub(crate) tags: &'a [u64],
}

/// The contents of an envelope.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Opened<'a> {
    pub(crate) header: Header,
    /// The hashes of the tags that the value states.
    pub(crate) tags: Vec<u64>,
    pub(crate) payload: Cow<'a, [u8]>,
}

/// The reason why a value could not be put into an envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unsealed<E> {
    /// The payload could not be encoded.
    Payload(E),
    /// The envelope would be larger than allowed.
    TooLarge,
    /// The payload could not be encrypted, because the system has no random bytes.
    NotEncrypted,
}

/// The settings of envelopes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings<'a> {
    /// Maximum size before compression, in bytes, so that a reader knows how much memory it may need.
    pub(crate) max_bytes: usize,
    /// True to compress payloads that become smaller by it. Compressed payloads are always read.
    pub(crate) compress: bool,
    /// The secret keys that encrypt and decrypt; `None` if values are not encrypted.
    pub(crate) keyring: Option<&'a Keyring>,
}

/// Appends an envelope to `bytes`, around the payload that `payload` appends.
pub(crate) fn seal<E>(
    header: &Header,
    Names { key, tags }: Names<'_>,
    Settings { max_bytes, compress, keyring }: Settings<'_>,
    bytes: &mut Vec<u8>,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), Unsealed<E>> {
    let start = bytes.len();
    put_header(header, bytes);
    let written_key = if keyring.is_some() { "" } else { key };
    // Keys are at most 512 bytes long.
    bytes[start + KEY_LENGTH..][..2]
        .copy_from_slice(&u16::try_from(written_key.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes[start + FLAGS] |= (u8::from(!tags.is_empty()) * TAGGED) | (u8::from(keyring.is_some()) * ENCRYPTED);
    bytes.extend(written_key.as_bytes());
    if let Some(keyring) = keyring {
        keyring.begin(bytes).ok_or(Unsealed::NotEncrypted)?;
    }
    put_tags(tags, bytes);
    let begin = bytes.len();
    if !header.absent {
        payload(bytes).map_err(Unsealed::Payload)?;
    }
    if bytes.len() - start > max_bytes {
        return Err(Unsealed::TooLarge);
    }
    if compress && compression::shrink(bytes, begin) {
        bytes[start + FLAGS] |= COMPRESSED;
    }
    if let Some(keyring) = keyring {
        let (header, body) = bytes[start..].split_at_mut(HEADER);
        let tag = keyring.encrypt(key, &header[..CHECKSUM.start], body).ok_or(Unsealed::NotEncrypted)?;
        bytes.extend(tag);
    }
    put_checksum(&mut bytes[start..]);
    Ok(())
}

/// Appends a header without the length of the key, the flags that the body decides, and the checksum.
fn put_header(header: &Header, bytes: &mut Vec<u8>) {
    bytes.extend(MAGIC);
    bytes.extend([codec_id(header.codec), u8::from(header.absent) * ABSENT, 0, 0]);
    for number in [header.fingerprint, header.incarnation, header.epoch, header.fresh_until_millis] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(header.load_micros.to_le_bytes());
    bytes.extend(header.began_micros.to_le_bytes());
    bytes.extend([0; CHECKSUM.end - CHECKSUM.start]);
}

/// Returns the contents of an envelope of this key and type. The payload may have at most as many bytes as the settings say.
pub(crate) fn open<'a>(
    bytes: &'a [u8],
    key: &str,
    fingerprint: u64,
    Settings { max_bytes, keyring, .. }: Settings<'_>,
) -> Result<Opened<'a>, Unreadable> {
    if bytes.get(..3) != Some(&MAGIC[..3]) {
        return Err(Unreadable::NotOurs);
    }
    if bytes.get(3) != Some(&MAGIC[3]) {
        return Err(Unreadable::OtherVersion);
    }
    let (Some(head), Some(body)) = (bytes.get(..HEADER), bytes.get(HEADER..)) else { return Err(Unreadable::Damaged) };
    let flags = head[FLAGS];
    let body = match keyring {
        None => Cow::Borrowed(clear_body(bytes, head, body, key)?),
        #[cfg(feature = "encryption")]
        Some(_) if flags & ENCRYPTED == 0 => return Err(Unreadable::Forged(None)),
        Some(keyring) => Cow::Owned(keyring.decrypt(key, &head[..CHECKSUM.start], body)?),
    };
    let known = ABSENT | COMPRESSED | TAGGED | keyring.map_or(0, |_| ENCRYPTED);
    if flags & !known != 0 {
        return Err(Unreadable::UnknownFormat);
    }
    let header = read_header(head)?;
    if header.fingerprint != fingerprint {
        return Err(Unreadable::OtherType);
    }
    let (tags, payload) = if flags & TAGGED == 0 { (Vec::new(), &body[..]) } else { read_tags(&body)? };
    let before = body.len() - payload.len();
    let payload = match (flags & COMPRESSED, body) {
        (0, Cow::Borrowed(body)) => Cow::Borrowed(&body[before..]),
        (0, Cow::Owned(mut body)) => {
            body.drain(..before);
            Cow::Owned(body)
        }
        (_, body) => Cow::Owned(compression::expand(&body[before..], max_bytes)?),
    };
    Ok(Opened { header, tags, payload })
}

/// Returns the rest of a body that is not encrypted, behind this key.
fn clear_body<'a>(bytes: &[u8], head: &[u8], body: &'a [u8], key: &str) -> Result<&'a [u8], Unreadable> {
    if number(head, CHECKSUM.start) != checksum(bytes) {
        return Err(Unreadable::Damaged);
    }
    let length = usize::from(u16::from_le_bytes([head[KEY_LENGTH], head[KEY_LENGTH + 1]]));
    let (stored_key, rest) = body.split_at_checked(length).ok_or(Unreadable::Damaged)?;
    if stored_key == key.as_bytes() { Ok(rest) } else { Err(Unreadable::OtherKey) }
}

fn read_header(head: &[u8]) -> Result<Header, Unreadable> {
    Ok(Header {
        codec: codec_of(head[4])?,
        absent: head[FLAGS] & ABSENT != 0,
        fingerprint: number(head, 8),
        incarnation: number(head, 16),
        epoch: number(head, 24),
        fresh_until_millis: number(head, 32),
        load_micros: u32::from_le_bytes([head[40], head[41], head[42], head[43]]),
        began_micros: number(head, 44),
    })
}

fn put_tags(tags: &[u64], bytes: &mut Vec<u8>) {
    if tags.is_empty() {
        return;
    }
    // A value states far fewer.
    bytes.extend(u16::try_from(tags.len()).unwrap_or(u16::MAX).to_le_bytes());
    bytes.extend(tags.iter().take(u16::MAX.into()).flat_map(|tag| tag.to_le_bytes()));
}

/// Reads the tags before the payload, and returns them with the bytes that follow.
fn read_tags(bytes: &[u8]) -> Result<(Vec<u64>, &[u8]), Unreadable> {
    let (count, rest) = bytes.split_first_chunk().ok_or(Unreadable::Damaged)?;
    let (tags, payload) =
        rest.split_at_checked(usize::from(u16::from_le_bytes(*count)) * size_of::<u64>()).ok_or(Unreadable::Damaged)?;
    Ok((tags.chunks_exact(size_of::<u64>()).map(|tag| number(tag, 0)).collect(), payload))
}

/// Writes the checksum of an envelope; `None` if the bytes are too short to hold one.
pub(crate) fn put_checksum(bytes: &mut [u8]) -> Option<()> {
    let sum = (bytes.len() >= HEADER).then(|| checksum(bytes))?;
    bytes[CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    Some(())
}

/// Returns the checksum of all bytes but the sum itself. Two hashes are added, because a seeded hash costs more.
fn checksum(bytes: &[u8]) -> u64 {
    xxh3_64(&bytes[CHECKSUM.end..]).wrapping_add(xxh3_64(&bytes[..CHECKSUM.start]))
}

fn number(head: &[u8], at: usize) -> u64 {
    head[at..].first_chunk().map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

fn codec_id(codec: Codec) -> u8 {
    match codec {
        Codec::MessagePack => 1,
        Codec::Json => 2,
        #[cfg(feature = "bincode")]
        Codec::Bincode => 3,
    }
}

fn codec_of(id: u8) -> Result<Codec, Unreadable> {
    match id {
        1 => Ok(Codec::MessagePack),
        2 => Ok(Codec::Json),
        #[cfg(feature = "bincode")]
        3 => Ok(Codec::Bincode),
        _ => Err(Unreadable::UnknownFormat),
    }
}

#[cfg(test)]
mod tests;
