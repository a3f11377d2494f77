//! The functions of the fuzz targets on random input, with any compiler. `PROPTEST_CASES` sets the number of cases; the default is 256.

use proptest::prelude::*;

/// Text made of the characters that the parsers treat specially.
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

/// Random bytes, some of which compress well.
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

/// Records: complete ones, damaged ones, and ones with fields that a newer build may add.
fn record() -> impl Strategy<Value = Vec<u8>> {
    let field = (any::<u8>(), 0_u16..4, proptest::collection::vec(any::<u8>(), 0..4))
        .prop_map(|(number, length, content)| [&[number], &length.to_le_bytes()[..], &content].concat());
    let parts = (1_u8..4, 0_u8..5, 0_u16..3, 0_u32..3, proptest::collection::vec(any::<u8>(), 0..30), any::<u8>());
    prop_oneof![
        proptest::collection::vec(any::<u8>(), 0..40),
        (parts, proptest::collection::vec(field, 0..3)).prop_map(
            |((format, flags, roots, scopes, rest, kind), fields)| {
                let head = [&[format, flags], &roots.to_le_bytes()[..], &scopes.to_le_bytes()].concat();
                [head, rest, vec![kind], fields.concat()].concat()
            }
        ),
        // A kind, and fields.
        (any::<u8>(), any::<u8>(), proptest::collection::vec(any::<u8>(), 0..9)).prop_map(|(kind, number, content)| {
            let length = u16::try_from(content.len()).unwrap().to_le_bytes();
            [&[kind, number], &length[..], &content].concat()
        }),
    ]
}

proptest! {
    #[test]
    fn every_scope_of_a_record_is_read(bytes in record()) {
        fastness_fuzz::record(&bytes);
    }

    #[test]
    fn any_bytes_are_a_value_or_an_error(bytes in bytes()) {
        fastness_fuzz::envelope(&bytes);
    }

    #[test]
    fn any_text_is_a_template_or_an_error(text in text()) {
        fastness_fuzz::template(&text);
    }

    #[test]
    fn a_pattern_reaches_exactly_its_keys(pattern in text(), key in text()) {
        fastness_fuzz::pattern(&pattern, &key);
    }
}
