//! The fuzz targets' functions on random input, on any compiler. `PROPTEST_CASES` says how many of each; the default is 256.

use proptest::prelude::*;

/// Text of what the parsers look at.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        5 => "[ab:]",
        2 => Just("{id}".to_owned()),
        2 => "[*%@{}.\" \\\\]",
        1 => Just(":*".to_owned()),
        1 => "\\{[a-z]{0,2}(\\.[a-z0-9]{1,2})?(:(hash|lower|[a-z]))?\\}",
        1 => any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..10).prop_map(|pieces| pieces.concat())
}

/// Noise, and what compresses well.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..300),
        (proptest::collection::vec(any::<u8>(), 2..40), 1_usize..100).prop_map(|(part, times)| part.repeat(times)),
        // A codec and flags that exist.
        (1_u8..4, 0_u8..4, proptest::collection::vec(any::<u8>(), 0..60)).prop_map(|(codec, flags, rest)| [
            &[codec, flags],
            rest.as_slice()
        ]
        .concat()),
    ]
}

proptest! {
    #[test]
    fn envelope(bytes in bytes()) {
        fastness_fuzz::envelope(&bytes);
    }

    #[test]
    fn template(text in text()) {
        fastness_fuzz::template(&text);
    }

    #[test]
    fn pattern(pattern in text(), key in text()) {
        fastness_fuzz::pattern(&pattern, &key);
    }
}
