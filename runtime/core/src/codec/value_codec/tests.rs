use super::*;

#[test]
fn bincode_allocates_no_memory_for_missing_elements() {
    // 253: the length of the text follows in eight bytes.
    let claims = |length: u64| [&[253][..], &length.to_le_bytes(), b"text"].concat();
    let error = decode::<String>(&claims(1 << 40), Codec::Bincode).unwrap_err().0;
    assert_eq!(error, "LimitExceeded");
    let error = decode::<String>(&claims(5), Codec::Bincode).unwrap_err().0;
    assert_eq!(error, "UnexpectedEnd { additional: 1 }");
    assert_eq!(decode::<String>(&claims(4), Codec::Bincode).unwrap(), "text");
}
