//! What stands around the bytes of a value in the shared tier.
//!
//! | bytes | meaning |
//! |---|---|
//! | 4 | `FST` and the version, 1 |
//! | 1 | codec: 1 `MessagePack`, 2 JSON, 3 bincode |
//! | 1 | flags: 1 = the origin said that there is no value, and no payload follows |
//! | 2 | length of the key |
//! | 8 | fingerprint of the value's type |
//! | 8 | incarnation of the log |
//! | 8 | where in the log the value's load began |
//! | 8 | until when it is fresh, in milliseconds since 1970 of the server's clock |
//! | 4 | how long its load took, in microseconds |
//! | 8 | xxh3 of everything else |
//! | | the key, then the payload |
//!
//! All numbers are little-endian. What does not fit in every respect is no value: the caller loads.

use xxhash_rust::xxh3::Xxh3;

use super::Codec;

const MAGIC: [u8; 4] = *b"FST\x01";
const HEADER: usize = 52;
const CHECKSUM: std::ops::Range<usize> = 44..52;
const ABSENT: u8 = 1;

/// What an envelope says of its value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) codec: Codec,
    pub(crate) absent: bool,
    pub(crate) fingerprint: u64,
    pub(crate) incarnation: u64,
    pub(crate) epoch: u64,
    pub(crate) fresh_until_millis: u64,
    pub(crate) load_micros: u32,
}

/// Why bytes are no value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unreadable {
    /// Something else wrote them.
    NotOurs,
    /// A version of fastness did that this one does not know.
    OtherVersion,
    /// They are cut off, or some of them have changed.
    Damaged,
    /// They are another key's.
    OtherKey,
    /// They are of another type, or of another version of it.
    OtherType,
    /// They are in a format that this build does not have.
    UnknownCodec,
}

/// Puts what `payload` appends into an envelope, at the end of `bytes`.
pub(crate) fn seal<E>(
    header: &Header,
    key: &str,
    bytes: &mut Vec<u8>,
    payload: impl FnOnce(&mut Vec<u8>) -> Result<(), E>,
) -> Result<(), E> {
    let start = bytes.len();
    bytes.extend(MAGIC);
    bytes.extend([codec_id(header.codec), u8::from(header.absent) * ABSENT]);
    // Keys are at most 512 bytes long.
    bytes.extend(u16::try_from(key.len()).unwrap_or(u16::MAX).to_le_bytes());
    for number in [header.fingerprint, header.incarnation, header.epoch, header.fresh_until_millis] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(header.load_micros.to_le_bytes());
    bytes.extend([0; CHECKSUM.end - CHECKSUM.start]);
    bytes.extend(key.as_bytes());
    if !header.absent {
        payload(bytes)?;
    }
    let sum = checksum(&bytes[start..]);
    bytes[start..][CHECKSUM].copy_from_slice(&sum.to_le_bytes());
    Ok(())
}

/// Takes a value out of its envelope, if it is of this key and type.
pub(crate) fn open<'a>(bytes: &'a [u8], key: &str, fingerprint: u64) -> Result<(Header, &'a [u8]), Unreadable> {
    if bytes.get(..3) != Some(&MAGIC[..3]) {
        return Err(Unreadable::NotOurs);
    }
    if bytes.get(3) != Some(&MAGIC[3]) {
        return Err(Unreadable::OtherVersion);
    }
    let (Some(head), Some(rest)) = (bytes.get(..HEADER), bytes.get(HEADER..)) else { return Err(Unreadable::Damaged) };
    if number(head, CHECKSUM.start) != checksum(bytes) {
        return Err(Unreadable::Damaged);
    }
    let length = usize::from(u16::from_le_bytes([head[6], head[7]]));
    let (own, payload) = rest.split_at_checked(length).ok_or(Unreadable::Damaged)?;
    if own != key.as_bytes() {
        return Err(Unreadable::OtherKey);
    }
    let header = Header {
        codec: codec_of(head[4])?,
        absent: head[5] & ABSENT != 0,
        fingerprint: number(head, 8),
        incarnation: number(head, 16),
        epoch: number(head, 24),
        fresh_until_millis: number(head, 32),
        load_micros: u32::from_le_bytes([head[40], head[41], head[42], head[43]]),
    };
    if header.fingerprint != fingerprint {
        return Err(Unreadable::OtherType);
    }
    Ok((header, payload))
}

/// Of all bytes but the sum itself.
fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = Xxh3::new();
    hash.update(&bytes[..CHECKSUM.start]);
    hash.update(&bytes[CHECKSUM.end..]);
    hash.digest()
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
        _ => Err(Unreadable::UnknownCodec),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: &str = "user:7";

    fn header() -> Header {
        Header {
            codec: Codec::MessagePack,
            absent: false,
            fingerprint: 0x0102_0304_0506_0708,
            incarnation: 42,
            epoch: 99,
            fresh_until_millis: 1_700_000_000_123,
            load_micros: 1_500,
        }
    }

    fn sealed(header: &Header) -> Vec<u8> {
        let mut bytes = Vec::new();
        let payload = |bytes: &mut Vec<u8>| {
            bytes.extend(b"payload");
            Ok::<(), ()>(())
        };
        seal(header, KEY, &mut bytes, payload).unwrap();
        bytes
    }

    fn opened(bytes: &[u8]) -> Result<(Header, &[u8]), Unreadable> {
        open(bytes, KEY, header().fingerprint)
    }

    #[test]
    fn a_value_comes_out_as_it_went_in() {
        assert_eq!(opened(&sealed(&header())), Ok((header(), b"payload".as_slice())));
        let absent = Header { absent: true, codec: Codec::Json, ..header() };
        assert_eq!(opened(&sealed(&absent)), Ok((absent, b"".as_slice())));
    }

    /// The bytes of version 1, which every later version has to read or to refuse as another version.
    #[test]
    fn golden_bytes() {
        let golden = *b"FST\x01\x01\x00\x06\x00\x08\x07\x06\x05\x04\x03\x02\x01\x2a\0\0\0\0\0\0\0\x63\0\0\0\0\0\0\0\
            \x7b\x68\xe5\xcf\x8b\x01\0\0\xdc\x05\0\0SUM_SUM_user:7payload";
        let mut bytes = sealed(&header());
        assert_eq!(number(&bytes, CHECKSUM.start), checksum(&golden));
        bytes[CHECKSUM].copy_from_slice(b"SUM_SUM_");
        assert_eq!(bytes, golden);
    }

    #[test]
    fn what_is_not_this_value_is_refused_for_what_it_is() {
        let bytes = sealed(&header());
        assert_eq!(open(&bytes, "user:8", header().fingerprint), Err(Unreadable::OtherKey));
        assert_eq!(open(&bytes, KEY, 1), Err(Unreadable::OtherType));
        assert_eq!(opened(b""), Err(Unreadable::NotOurs));
        assert_eq!(opened(b"{\"id\":7}"), Err(Unreadable::NotOurs));
        assert_eq!(opened(b"FST\x02 and more"), Err(Unreadable::OtherVersion));
    }

    #[test]
    fn one_changed_bit_and_every_cut_are_noticed() {
        let bytes = sealed(&header());
        for cut in 0..bytes.len() {
            assert!(opened(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        for bit in 0..bytes.len() * 8 {
            let mut damaged = bytes.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&damaged).is_err(), "bit {bit}");
        }
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), ours: bool) {
            if ours {
                bytes.splice(0..bytes.len().min(4), MAGIC);
            }
            prop_assert!(opened(&bytes).is_err());
        }
    }
}
