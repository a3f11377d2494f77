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
        began_micros: 1_699_999_999_122_500,
    }
}

const SETTINGS: Settings<'_> = Settings { max_bytes: 1 << 20, compress: true, keyring: None };

fn sealed_with(header: &Header, settings: Settings<'_>, payload: &[u8]) -> Result<Vec<u8>, Unsealed<()>> {
    tagged_with(&[], header, settings, payload)
}

fn tagged_with(tags: &[u64], header: &Header, settings: Settings<'_>, payload: &[u8]) -> Result<Vec<u8>, Unsealed<()>> {
    let mut bytes = Vec::new();
    let append = |bytes: &mut Vec<u8>| {
        bytes.extend(payload);
        Ok(())
    };
    seal(header, Names { key: KEY, tags }, settings, &mut bytes, append).map(|()| bytes)
}

fn sealed(header: &Header) -> Vec<u8> {
    sealed_with(header, SETTINGS, b"payload").unwrap()
}

fn opened(bytes: &[u8]) -> Result<Opened<'_>, Unreadable> {
    open(bytes, KEY, header().fingerprint, SETTINGS)
}

fn untagged(header: Header, payload: &[u8]) -> Opened<'_> {
    Opened { header, tags: Vec::new(), payload: Cow::Borrowed(payload) }
}

/// Changes an envelope and corrects its checksum.
fn forged(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    change(&mut bytes);
    put_checksum(&mut bytes).unwrap();
    bytes
}

#[test]
fn a_sealed_value_is_opened_unchanged() {
    assert_eq!(opened(&sealed(&header())), Ok(untagged(header(), b"payload")));
    let absent = Header { absent: true, codec: Codec::Json, ..header() };
    assert_eq!(opened(&sealed(&absent)), Ok(untagged(absent, b"")));
}

/// The bytes of version 2, which every later version has to read or to refuse as another version.
#[test]
fn an_envelope_has_the_documented_bytes() {
    let golden = *b"FST\x02\x01\x00\x06\x00\x08\x07\x06\x05\x04\x03\x02\x01\x2a\0\0\0\0\0\0\0\x63\0\0\0\0\0\0\0\
        \x7b\x68\xe5\xcf\x8b\x01\0\0\xdc\x05\0\0\x44\xdc\x10\x18\x24\x0a\x06\0\xa5\xca\xdb\x2d\xc3\x9d\x70\xc0user:7payload";
    let bytes = sealed(&header());
    assert_eq!(bytes, golden);
}

/// The bytes of version 2 with tags, which an earlier version refuses because of the flag.
#[test]
fn tags_stand_between_the_key_and_the_payload() {
    let bytes = tagged_with(&[1, u64::MAX], &header(), SETTINGS, b"payload").unwrap();
    assert_eq!(bytes[FLAGS], TAGGED);
    assert_eq!(bytes[HEADER..], *b"user:7\x02\x00\x01\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xffpayload");
    let expected = Opened { tags: vec![1, u64::MAX], ..untagged(header(), b"payload") };
    assert_eq!(opened(&bytes), Ok(expected));
    let many: Vec<_> = (0..1_024).collect();
    let bytes = tagged_with(&many, &header(), SETTINGS, b"").unwrap();
    assert_eq!(opened(&bytes).unwrap().tags, many);
    let exact = Settings { max_bytes: bytes.len() - 1, ..SETTINGS };
    assert_eq!(tagged_with(&many, &header(), exact, b""), Err(Unsealed::TooLarge), "tags count as bytes do");
}

#[test]
fn more_tags_than_there_are_bytes_are_refused() {
    let at = HEADER + KEY.len();
    for count in [2_u16, 1_000, u16::MAX] {
        let bytes = forged(tagged_with(&[7], &header(), SETTINGS, b"payload").unwrap(), |bytes| {
            bytes[at..at + 2].copy_from_slice(&count.to_le_bytes());
        });
        assert_eq!(opened(&bytes), Err(Unreadable::Damaged), "{count}");
    }
    for length in 0..10 {
        let cut = forged(tagged_with(&[7], &header(), SETTINGS, b"").unwrap(), |bytes| bytes.truncate(at + length));
        assert_eq!(opened(&cut), Err(Unreadable::Damaged), "{length} bytes");
    }
}

#[test]
fn each_invalid_envelope_is_refused_with_its_reason() {
    let bytes = sealed(&header());
    assert_eq!(open(&bytes, "user:8", header().fingerprint, SETTINGS), Err(Unreadable::OtherKey));
    assert_eq!(open(&bytes, KEY, 1, SETTINGS), Err(Unreadable::OtherType));
    assert_eq!(opened(&forged(bytes.clone(), |bytes| bytes[4] = 200)), Err(Unreadable::UnknownFormat));
    for unknown in 3..8 {
        let bytes = forged(bytes.clone(), |bytes| bytes[FLAGS] |= 1 << unknown);
        assert_eq!(opened(&bytes), Err(Unreadable::UnknownFormat), "flag {unknown}");
    }
    assert_eq!(opened(b""), Err(Unreadable::NotOurs));
    assert_eq!(opened(b"{\"id\":7}"), Err(Unreadable::NotOurs));
    assert_eq!(opened(b"FST\x01 and more"), Err(Unreadable::OtherVersion));
}

#[test]
fn every_changed_bit_and_every_cut_are_noticed() {
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

#[test]
fn a_value_that_is_too_large_is_not_sealed() {
    let exact = sealed(&header()).len();
    let sealed = |max_bytes| sealed_with(&header(), Settings { max_bytes, ..SETTINGS }, b"payload");
    assert!(sealed(exact).is_ok());
    assert_eq!(sealed(exact - 1), Err(Unsealed::TooLarge));
    // The bound counts before compression, because a reader reserves memory for all of it.
    let large = vec![7; 2048];
    assert_eq!(sealed_with(&header(), Settings { max_bytes: 2048, ..SETTINGS }, &large), Err(Unsealed::TooLarge));
}

/// The other process was built with the feature, this one without it.
#[cfg(not(feature = "compression"))]
#[test]
fn a_payload_that_another_process_compressed_cannot_be_read() {
    let bytes = forged(sealed(&header()), |bytes| bytes[FLAGS] |= COMPRESSED);
    assert_eq!(opened(&bytes), Err(Unreadable::UnknownFormat));
}

#[cfg(feature = "compression")]
mod compressed {
    use super::*;

    fn text(length: usize) -> Vec<u8> {
        b"all work and no play ".iter().copied().cycle().take(length).collect()
    }

    #[test]
    fn tags_are_not_compressed_with_the_payload() {
        let bytes = tagged_with(&[7, 8], &header(), SETTINGS, &text(4096)).unwrap();
        assert_eq!(bytes[FLAGS], TAGGED | COMPRESSED);
        assert_eq!(opened(&bytes), Ok(Opened { tags: vec![7, 8], ..untagged(header(), &text(4096)) }));
    }

    fn is_compressed(payload: &[u8], compress: bool) -> bool {
        let bytes = sealed_with(&header(), Settings { compress, ..SETTINGS }, payload).unwrap();
        assert_eq!(opened(&bytes), Ok(untagged(header(), payload)));
        bytes[FLAGS] & COMPRESSED != 0
    }

    #[test]
    fn a_payload_that_shrinks_is_compressed_if_requested() {
        let mut noise = vec![0; 4096];
        fastrand::Rng::with_seed(1).fill(&mut noise);
        assert!(is_compressed(&text(1024), true));
        assert!(!is_compressed(&text(1024), false));
        assert!(!is_compressed(&text(1023), true), "it fits into a packet as it is");
        assert!(!is_compressed(&noise, true), "it would grow");
        assert!(sealed_with(&header(), SETTINGS, &text(100_000)).unwrap().len() < 1_000);
    }

    /// The envelope of a compressed text, with this length written before the block.
    fn claiming(length: u32) -> Vec<u8> {
        let at = HEADER + KEY.len();
        forged(sealed_with(&header(), SETTINGS, &text(4096)).unwrap(), |bytes| {
            bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
        })
    }

    #[test]
    fn a_decompression_bomb_is_refused_before_memory_is_allocated() {
        assert!(opened(&claiming(4096)).is_ok());
        assert_eq!(opened(&claiming(u32::MAX)), Err(Unreadable::TooLarge));
        // The block has its true size, whatever length is written before it.
        for length in [0, 4095, 4097, 65_536] {
            assert_eq!(opened(&claiming(length)), Err(Unreadable::Damaged), "{length}");
        }
        let honest = claiming(4096);
        assert_eq!(
            open(&honest, KEY, header().fingerprint, Settings { max_bytes: 4095, ..SETTINGS }),
            Err(Unreadable::TooLarge)
        );
        assert!(open(&honest, KEY, header().fingerprint, Settings { max_bytes: 4096, ..SETTINGS }).is_ok());
    }

    #[test]
    fn bytes_that_are_not_a_block_are_refused() {
        let sealed = sealed_with(&header(), SETTINGS, &text(4096)).unwrap();
        let begin = HEADER + KEY.len();
        for length in 0..sealed.len() - begin {
            let cut = forged(sealed.clone(), |bytes| bytes.truncate(begin + length));
            assert_eq!(opened(&cut), Err(Unreadable::Damaged), "{length} bytes");
        }
    }

    proptest! {
        #[test]
        fn no_block_makes_decompression_panic(
            length in 0_u32..100_000,
            block in proptest::collection::vec(any::<u8>(), 0..300),
        ) {
            let bytes = forged(sealed(&header()), |bytes| {
                bytes[FLAGS] |= COMPRESSED;
                bytes.truncate(HEADER + KEY.len());
                bytes.extend(length.to_le_bytes());
                bytes.extend(&block);
            });
            if let Ok(opened) = opened(&bytes) {
                prop_assert_eq!(opened.payload.len(), length as usize);
            }
        }
    }
}

#[cfg(feature = "encryption")]
mod encrypted;

proptest! {
    #[test]
    fn no_bytes_make_decoding_panic(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), ours: bool) {
        if ours {
            bytes.splice(0..bytes.len().min(4), MAGIC);
        }
        prop_assert!(opened(&bytes).is_err());
    }
}
