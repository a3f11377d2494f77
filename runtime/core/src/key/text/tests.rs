use std::fmt::{self, Debug};
use std::hash::Hasher as _;

use proptest::prelude::*;

use super::super::arg::{Arg, HashedTextArg as _, TextArg as _};
use super::super::part::KeyPart;
use super::super::writer::KeyWriter;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Tag(String);

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A type that only implements `Display`.
#[derive(Clone, Debug, PartialEq)]
struct Shown(String);

impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Text of the characters that have a meaning in keys.
fn text() -> impl Strategy<Value = String> {
    "[:*%_~+,()\\[\\]a0\\n\u{e9}]{0,4}"
}

fn written(part: &impl KeyPart) -> String {
    let mut key = KeyWriter::new();
    part.write(&mut key);
    key.as_str().to_owned()
}

fn fed(part: &impl KeyPart) -> u64 {
    let mut state = std::hash::DefaultHasher::new();
    part.feed(&mut state);
    state.finish()
}

/// Two parts of one type are the same, feed the same and have one text if and only if their arguments are equal.
fn agree<P: KeyPart>(a: &P, b: &P, equal: bool) {
    assert!(a.same(&a.to_owned_part()) && b.same(&b.to_owned_part()));
    assert_eq!((a.same(&b.to_owned_part()), b.same(&a.to_owned_part())), (equal, equal));
    assert_eq!(a.to_owned_part() == b.to_owned_part(), equal);
    assert_eq!(written(a) == written(b), equal, "{} {}", written(a), written(b));
    assert!(!written(a).is_empty() && !written(a).contains([':', '*']) && !written(a).contains(char::is_control));
    if equal {
        assert_eq!(fed(a), fed(b));
    }
}

/// Checks two random arguments, and one and its copy.
macro_rules! arguments_agree {
    ($($name:ident: $strategy:expr;)*) => {
        proptest! {$(
            #[test]
            fn $name(a in $strategy, b in $strategy) {
                let copy = a.clone();
                agree(&(&Arg(&a)).__part(), &(&Arg(&b)).__part(), a == b);
                agree(&(&Arg(&a)).__part(), &(&Arg(&copy)).__part(), true);
            }
        )*}
    };
}

fn list<T: Debug>(of: impl Strategy<Value = T>) -> impl Strategy<Value = Vec<T>> {
    prop::collection::vec(of, 0..3)
}

arguments_agree! {
    options: prop::option::of(text().prop_map(Tag));
    options_of_options: prop::option::of(prop::option::of(text().prop_map(Tag)));
    lists: list(text().prop_map(Tag));
    lists_of_lists: list(list(text().prop_map(Tag)));
    pairs: (text(), text().prop_map(Tag));
    pairs_in_lists: list((text().prop_map(Tag), 0..2_u8, prop::option::of(text())));
    arrays: [text().prop_map(Tag), text().prop_map(Tag)];
    what_only_displays: text().prop_map(Shown);
    options_of_what_only_displays: prop::option::of(list(text().prop_map(Shown)));
    mixed: (prop::option::of(text().prop_map(Tag)), list(text().prop_map(Shown)));
    bytes: prop::collection::vec(0..3_u8, 0..4);
    lists_of_bytes: list(prop::collection::vec(0..2_u8, 0..2));
    bytes_and_text: (prop::collection::vec(0..2_u8, 0..2), text());
    long_bytes: prop::collection::vec(0..2_u8, 255..258);
    numbers: list(0..12_u32);
}

#[test]
fn a_key_whose_display_fails_does_not_equal_itself() {
    struct Fails;
    impl fmt::Display for Fails {
        fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
            Err(fmt::Error)
        }
    }
    let part = (&Arg(&Fails)).__part();
    assert!(!part.same(&part.to_owned_part()));
}
