use crate::key::args::digest;
use crate::key::template::bounded;
use crate::key::{KeyPart as _, KeyWriter};

#[test]
fn a_long_key_is_digested_and_keeps_its_root() {
    let long = format!("user:{}", "x".repeat(600));
    let short = bounded(long.clone());
    assert!(short.len() < 100 && short.starts_with("user:%#"), "{short}");
    assert_ne!(short, bounded(long + "x"));
    assert_eq!(bounded("user:1".to_owned()), "user:1");
}

#[test]
fn digests_tell_values_apart_and_not_their_types_wrapping() {
    #[derive(serde::Serialize)]
    struct Filter {
        category: Option<String>,
        min: u32,
    }
    let filter = |category: Option<&str>, min| Filter { category: category.map(Into::into), min };
    assert_eq!(digest(&filter(Some("a"), 1)), digest(&filter(Some("a"), 1)));
    assert_ne!(digest(&filter(Some("a"), 1)), digest(&filter(None, 1)));
    assert_ne!(digest(&filter(None, 1)), digest(&filter(None, 2)));
    let mut text = KeyWriter::new();
    digest("x").write(&mut text);
    assert_eq!(text.len(), 32);
}

#[test]
fn a_value_that_cannot_be_serialised_is_never_found() {
    struct Refuses;
    impl serde::Serialize for Refuses {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("no"))
        }
    }
    assert_ne!(digest(&Refuses), digest(&Refuses));
}
