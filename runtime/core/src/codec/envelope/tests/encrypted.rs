//! Encrypted envelopes.

use super::*;
use crate::codec::{SecretId, SecretKey};

const TAGS: [u64; 2] = [0x1122_3344_5566_7788, u64::MAX];

fn secret(byte: u8) -> SecretKey {
    SecretKey::new(&[byte; 32]).unwrap()
}

fn keyring(id: &str, current: u8) -> Keyring {
    Keyring::new(&secret(1), id, &secret(current)).unwrap()
}

fn with(keyring: &Keyring) -> Settings<'_> {
    Settings { keyring: Some(keyring), ..SETTINGS }
}

fn id(text: &str) -> SecretId {
    SecretId::parse(text.as_bytes()).unwrap()
}

fn sealed_by(keyring: &Keyring, header: &Header) -> Vec<u8> {
    tagged_with(&TAGS, header, with(keyring), b"payload").unwrap()
}

fn opened_by<'a>(keyring: &Keyring, bytes: &'a [u8]) -> Result<Opened<'a>, Unreadable> {
    open(bytes, KEY, header().fingerprint, with(keyring))
}

fn tagged(header: Header, payload: &[u8]) -> Opened<'_> {
    Opened { tags: TAGS.to_vec(), ..untagged(header, payload) }
}

#[test]
fn a_value_is_opened_unchanged_and_its_bytes_show_neither_key_nor_tags_nor_payload() {
    let keyring = keyring("2026-12", 2);
    let bytes = sealed_by(&keyring, &header());
    assert_eq!(opened_by(&keyring, &bytes), Ok(tagged(header(), b"payload")));
    for hidden in [KEY.as_bytes(), b"payload", &TAGS[0].to_le_bytes(), &TAGS[1].to_le_bytes()] {
        assert!(!bytes.windows(hidden.len()).any(|window| window == hidden), "{}", hidden.escape_ascii());
    }
    let absent = Header { absent: true, codec: Codec::Json, ..header() };
    assert_eq!(opened_by(&keyring, &sealed_by(&keyring, &absent)), Ok(tagged(absent, b"")));
    let untagged_bytes = sealed_with(&header(), with(&keyring), b"payload").unwrap();
    assert_eq!(opened_by(&keyring, &untagged_bytes), Ok(untagged(header(), b"payload")));
}

/// Bytes of the first version that encrypts, which every later version has to read.
#[test]
fn an_envelope_of_before_is_still_read() {
    let golden = *b"\x46\x53\x54\x02\x01\x0c\x00\x00\
        \x08\x07\x06\x05\x04\x03\x02\x01\x2a\x00\x00\x00\x00\x00\x00\x00\x63\x00\x00\x00\x00\x00\x00\x00\
        \x7b\x68\xe5\xcf\x8b\x01\x00\x00\xdc\x05\x00\x00\x44\xdc\x10\x18\x24\x0a\x06\x00\x5c\xe0\x35\xdd\x07\xfe\x26\x22\
        \x072026-12\
        \x6d\xce\xef\xdf\xef\x38\x1e\xd1\x89\x27\x38\x48\xd5\xe8\x09\x45\xa4\x82\x25\x82\x3e\xfa\x3a\xda\
        \xfa\x4c\xad\x1a\x57\x36\x30\xf1\xc9\xd4\x7b\xc8\x9c\x86\x17\x1a\x90\x5a\x66\x42\
        \x46\x7a\x96\xfb\x84\x0e\x37\x0d\x86\xff\xd6\x2d\xf2\xd4\x15\x49\x7c\x5b\xf7\xeb\x9a";
    assert_eq!(opened_by(&keyring("2026-12", 2), &golden), Ok(tagged(header(), b"payload")));
}

#[test]
fn equal_values_have_different_bytes() {
    let keyring = keyring("k", 2);
    let [one, other] = [sealed_by(&keyring, &header()), sealed_by(&keyring, &header())];
    assert_eq!(one[..CHECKSUM.start], other[..CHECKSUM.start]);
    assert_ne!(one[CHECKSUM], other[CHECKSUM], "a header tells an envelope from every other one of its key");
    assert_ne!(one[HEADER + 2..], other[HEADER + 2..]);
}

#[cfg(feature = "compression")]
#[test]
fn a_payload_is_compressed_before_it_is_encrypted() {
    let (keyring, text) = (keyring("k", 2), [7; 4096]);
    let bytes = tagged_with(&TAGS, &header(), with(&keyring), &text).unwrap();
    assert!(bytes.len() < 500 && bytes[FLAGS] & COMPRESSED != 0);
    assert_eq!(opened_by(&keyring, &bytes), Ok(tagged(header(), &text)));
    let small = Settings { max_bytes: 4095, ..with(&keyring) };
    assert_eq!(open(&bytes, KEY, header().fingerprint, small), Err(Unreadable::TooLarge));
}

/// The checksum says nothing about an encrypted value, so it is not read.
#[test]
fn every_changed_bit_and_every_cut_are_noticed_although_the_checksum_is_right() {
    let keyring = keyring("k", 2);
    let bytes = sealed_by(&keyring, &header());
    for cut in 0..bytes.len() {
        assert!(opened_by(&keyring, &bytes[..cut]).is_err(), "cut at {cut}");
        assert!(cut < HEADER || opened_by(&keyring, &forged(bytes.clone(), |bytes| bytes.truncate(cut))).is_err());
    }
    for bit in (0..bytes.len() * 8).filter(|bit| !CHECKSUM.contains(&(bit / 8))) {
        let changed = forged(bytes.clone(), |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
        assert!(opened_by(&keyring, &changed).is_err(), "bit {bit}");
    }
    let longer = forged(bytes, |bytes| bytes.push(0));
    assert_eq!(opened_by(&keyring, &longer), Err(Unreadable::Forged(Some(id("k")))));
}

#[test]
fn a_value_belongs_to_its_key_and_to_its_times() {
    let keyring = keyring("k", 2);
    let (bytes, forged_by) = (sealed_by(&keyring, &header()), Err(Unreadable::Forged(Some(id("k")))));
    assert_eq!(open(&bytes, "user:8", header().fingerprint, with(&keyring)), forged_by);
    let other = sealed_by(&keyring, &Header { fresh_until_millis: u64::MAX, epoch: 100, ..header() });
    let mixed = [&other[..HEADER], &bytes[HEADER..]].concat();
    assert_eq!(opened_by(&keyring, &mixed), forged_by);
    assert_eq!(open(&bytes, KEY, 1, with(&keyring)), Err(Unreadable::OtherType), "types may share a place");
}

#[test]
fn a_former_secret_key_decrypts_and_an_unknown_one_is_named() {
    let (old, new) = (keyring("old", 2), keyring("new", 3));
    let prepared = keyring("old", 2).former("new", &secret(3)).unwrap();
    let rotated = keyring("new", 3).former("old", &secret(2)).unwrap();
    let [of_old, of_new] = [&old, &rotated].map(|keyring| sealed_by(keyring, &header()));
    for keyring in [&prepared, &rotated] {
        assert!(opened_by(keyring, &of_old).is_ok() && opened_by(keyring, &of_new).is_ok());
    }
    assert_eq!(opened_by(&old, &of_new), Err(Unreadable::UnknownSecret(id("new"))));
    assert_eq!(opened_by(&new, &of_old), Err(Unreadable::UnknownSecret(id("old"))));
    assert_eq!(opened_by(&keyring("old", 4), &of_old), Err(Unreadable::Forged(Some(id("old")))), "of the same id");
}

#[test]
fn a_value_that_is_not_encrypted_is_refused_with_a_keyring_and_an_encrypted_one_without() {
    let keyring = keyring("k", 2);
    assert_eq!(opened_by(&keyring, &sealed(&header())), Err(Unreadable::Forged(None)));
    assert_eq!(opened(&sealed_by(&keyring, &header())), Err(Unreadable::OtherKey));
    let without_flag = forged(sealed_by(&keyring, &header()), |bytes| bytes[FLAGS] ^= ENCRYPTED);
    assert_eq!(opened_by(&keyring, &without_flag), Err(Unreadable::Forged(None)));
}

#[test]
fn bodies_without_an_id_are_damaged() {
    let keyring = keyring("k", 2);
    let bytes = sealed_by(&keyring, &header());
    for (length, first) in [(0, b'k'), (17, b'k'), (255, b'k'), (1, b'/'), (1, b'\xff')] {
        let bytes = forged(bytes.clone(), |bytes| bytes[HEADER..HEADER + 2].copy_from_slice(&[length, first]));
        assert_eq!(opened_by(&keyring, &bytes), Err(Unreadable::Damaged), "{length}");
    }
}

proptest! {
    #[test]
    fn no_bytes_are_believed(body in proptest::collection::vec(any::<u8>(), 0..200), flags: u8, named: bool) {
        let keyring = keyring("k", 2);
        let mut bytes = sealed(&header());
        bytes.truncate(HEADER);
        bytes[FLAGS] = flags;
        if named {
            bytes.extend(b"\x01k");
        }
        bytes.extend(body);
        prop_assert!(opened_by(&keyring, &bytes).is_err());
    }
}
