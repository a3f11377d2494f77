//! Properties that must hold for input of unknown origin. Each function panics if its property does not hold.
//!
//! `scripts/fuzz` runs them under libFuzzer, and `tests/random.rs` under proptest, which needs no nightly compiler. `cargo run -p
//! fastness-fuzz --bin TARGET FILE` runs a target on an input that libFuzzer has found.
//!
//! May use: `fastness::__private::fuzz`, and the parser of templates, whose files are compiled in.

// The tests of the parser run in the crate of the macros, so this crate is empty under test.
#![cfg(not(test))]
// These functions report by a panic.
#![allow(clippy::missing_panics_doc)]

use std::collections::BTreeMap;

use fastness::__private::fuzz;
use proc_macro2::Span;
use syn::LitStr;

// A crate of procedural macros exports nothing else, so the files of its parser are compiled in here.
#[allow(dead_code, unreachable_pub)]
#[path = "../../macros/src/diag.rs"]
mod diag;
#[allow(dead_code, unreachable_pub)]
#[path = "../../macros/src/nearest.rs"]
mod nearest;
#[allow(dead_code, unused_imports, unreachable_pub)]
#[path = "../../macros/src/template/mod.rs"]
mod template;

use diag::Diag;
use template::{Template, TemplatePiece, Use};

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// Makes the program around a function: libFuzzer's under `cargo fuzz`, else one that reads files.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    (|$bytes:ident: &[u8]| $body:expr) => {
        $crate::libfuzzer_sys::fuzz_target!(|$bytes: &[u8]| $body);
    };
}

/// Makes the program around a function: libFuzzer's under `cargo fuzz`, else one that reads files.
#[cfg(not(fuzzing))]
#[macro_export]
macro_rules! target {
    (|$bytes:ident: &[u8]| $body:expr) => {
        fn main() {
            for file in ::std::env::args_os().skip(1) {
                let content = ::std::fs::read(&file).expect("a file to read");
                let $bytes: &[u8] = &content;
                $body;
            }
        }
    };
}

const KEY: &str = "user:7";
const TYPE: u64 = 7;
const MAX_BYTES: usize = 1 << 16;

/// A type with each kind of value that the formats treat differently.
type Value = (u64, String, Option<f64>, Vec<(char, i128)>, BTreeMap<String, Vec<u8>>, Result<bool, ()>);

/// Checks bytes in the shared tier: any bytes are a value or an error.
pub fn envelope(bytes: &[u8]) {
    for encrypt in [false, true] {
        let open = |bytes: &[u8]| {
            let opened = fuzz::open::<Value>(bytes, KEY, TYPE, MAX_BYTES, encrypt);
            if let Some((payload, _)) = &opened {
                assert!(payload.len() <= MAX_BYTES.max(bytes.len()), "the payload is larger than allowed");
            }
            opened.map(|(payload, _)| payload)
        };
        let refused = |bytes: &[u8]| assert!(open(bytes).is_none() || !encrypt, "a forged value is believed");
        refused(bytes);

        for compress in [false, true] {
            if let Some(sealed) = fuzz::seal(bytes, KEY, TYPE, compress, encrypt) {
                assert_eq!(open(&sealed).as_deref(), Some(bytes), "the payload has changed");
                let other_key = fuzz::open::<Value>(&sealed, "user:8", TYPE, MAX_BYTES, encrypt);
                assert!(other_key.is_none(), "the value is another key's");
            }
        }

        // Input with a right checksum: the first two bytes become the codec and the flags, the others the payload.
        if let [codec, flags, payload @ ..] = bytes
            && let Some(mut forged) = fuzz::seal(payload, KEY, TYPE, false, encrypt)
        {
            let is_same = (forged[4], forged[5]) == (*codec, *flags);
            (forged[4], forged[5]) = (*codec, *flags);
            fuzz::put_checksum(&mut forged);
            if is_same { assert!(open(&forged).is_some()) } else { refused(&forged) }
        }

        let mut ours = [b"FST\x02", bytes].concat();
        if fuzz::put_checksum(&mut ours) {
            refused(&ours);
        }
    }
}

/// Checks a record of the shared log: every scope in the bytes is read.
pub fn record(bytes: &[u8]) {
    if let Some((concerned, written)) = fuzz::record(bytes) {
        assert!(concerned.scopes.len() * 8 + concerned.roots.len() * 2 <= bytes.len(), "more scopes than bytes");
        let again = fuzz::record(&written).map(|(concerned, _)| concerned);
        assert_eq!(again, Some(concerned), "the record has changed");
    }

    // The input as the kind and the fields of a record from a newer build: they must not hide the scopes.
    let mut extended = fuzz::record_of("user:7").expect("a pattern");
    let plain = fuzz::record(&extended).map(|(concerned, _)| concerned);
    extended[0] = 2;
    extended.extend(bytes);
    let read = fuzz::record(&extended).map(|(concerned, _)| concerned);
    assert!(read.is_none() || read == plain);

    // The same after an empty list of scopes: if a field may not be skipped, the record must concern every scope.
    let empty = [&[2, 0, 0, 0, 0, 0, 0, 0], bytes].concat();
    if let Some((concerned, _)) = fuzz::record(&empty) {
        assert!(concerned.scopes.is_empty() && (concerned.everything || bytes[0] < 128));
    }
}

/// Checks the text of a key, a pattern or a tag in an attribute: it is a template that obeys all invariants, or an error.
pub fn template(text: &str) {
    for used in [Use::Key, Use::Pattern, Use::Tag] {
        let mut diag = Diag::default();
        let parsed = Template::parse(&LitStr::new(text, Span::call_site()), used, &mut diag);
        assert_eq!(parsed.is_some(), diag.count() == 0, "{text:?} as {used:?}: errors and a template, or neither");
        if let Some(template) = parsed {
            assert_eq!(template.text, text);
            assert!(!template.prefix || used == Use::Pattern && text.ends_with(":*"), "{text:?} as {used:?}");
            invariants(&template);
        }
    }
}

/// Checks the invariants by which different arguments never render to the same key.
fn invariants(template: &Template) {
    const HOLE: char = '\0';
    let text: String = template
        .pieces
        .iter()
        .map(|piece| match piece {
            TemplatePiece::Text(text) => text.clone(),
            TemplatePiece::Hole(hole) => {
                assert!(!hole.root.is_empty());
                HOLE.to_string()
            }
        })
        .collect();
    assert!(!text.starts_with(HOLE), "{:?} starts with a placeholder", template.text);
    for segment in text.split(':') {
        assert!(!segment.is_empty(), "{:?} has an empty segment", template.text);
        assert!(segment.matches(HOLE).count() <= 1, "{:?} has two placeholders in a segment", template.text);
        let escaped = |letter: char| "*%".contains(letter) || letter != HOLE && letter.is_control();
        assert!(!segment.contains(escaped), "{:?} contains a character that arguments escape", template.text);
    }
}

/// Checks a pattern and a key: the pattern reaches the key exactly if the key is equal, or begins with the segments before `:*`.
pub fn pattern(pattern: &str, key: &str) {
    if let Some(concerns) = fuzz::concerns(pattern, key) {
        let expected = match pattern.strip_suffix(":*") {
            Some(prefix) => key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(':')),
            None => key == pattern,
        };
        assert_eq!(concerns, expected, "{pattern:?} and {key:?}");
    }
    for (colon, _) in key.match_indices(':') {
        let reached = fuzz::concerns(&format!("{}:*", &key[..colon]), key);
        assert_ne!(reached, Some(false), "{key:?} up to {colon}");
    }
    assert_ne!(fuzz::concerns(key, key), Some(false), "{key:?}");
}
