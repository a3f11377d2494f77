//! What must hold for input of unknown origin. Each function panics where it does not.
//!
//! `scripts/fuzz` feeds them through libFuzzer; `tests/random.rs` through proptest, which needs no nightly compiler. What libFuzzer
//! found is repeated by `cargo run -p fastness-fuzz --bin TARGET FILE`.

// The parser's own tests, which come along with it, run where it belongs.
#![cfg(not(test))]
// It is what these functions are for.
#![allow(clippy::missing_panics_doc)]

use std::collections::BTreeMap;

use fastness::__private::fuzz;
use proc_macro2::Span;
use syn::LitStr;

// The parser of templates belongs to the crate of macros, which can export nothing else. It is compiled in here as it is.
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
use template::{Piece, Template, Use};

#[cfg(fuzzing)]
#[doc(hidden)]
pub use libfuzzer_sys;

/// The program around a function: libFuzzer's under `cargo fuzz`, else one that is given files.
#[cfg(fuzzing)]
#[macro_export]
macro_rules! target {
    (|$bytes:ident: &[u8]| $body:expr) => {
        $crate::libfuzzer_sys::fuzz_target!(|$bytes: &[u8]| $body);
    };
}

/// The program around a function: libFuzzer's under `cargo fuzz`, else one that is given files.
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

/// Something of each kind that a format treats in a way of its own.
type Value = (u64, String, Option<f64>, Vec<(char, i128)>, BTreeMap<String, Vec<u8>>, Result<bool, ()>);

/// Bytes in the shared tier: whatever they are, they are a value or they are refused.
pub fn envelope(bytes: &[u8]) {
    let open = |bytes: &[u8]| {
        let opened = fuzz::open::<Value>(bytes, KEY, TYPE, MAX_BYTES);
        if let Some((payload, _)) = &opened {
            assert!(payload.len() <= MAX_BYTES.max(bytes.len()), "more room than is allowed");
        }
        opened.map(|(payload, _)| payload)
    };
    open(bytes);

    for compress in [false, true] {
        if let Some(sealed) = fuzz::seal(bytes, KEY, TYPE, compress) {
            assert_eq!(open(&sealed).as_deref(), Some(bytes), "it does not come out as it went in");
        }
    }

    // An attacker who knows the checksum: the input says how to read what is left of it.
    if let [codec, flags, payload @ ..] = bytes
        && let Some(mut forged) = fuzz::seal(payload, KEY, TYPE, false)
    {
        (forged[4], forged[5]) = (*codec, *flags);
        fuzz::put_checksum(&mut forged);
        open(&forged);
    }

    let mut ours = [b"FST\x02", bytes].concat();
    if fuzz::put_checksum(&mut ours) {
        open(&ours);
    }
}

/// A record of the shared log: whatever the bytes are, no scope that they hold is passed over.
pub fn record(bytes: &[u8]) {
    if let Some((concerned, written)) = fuzz::record(bytes) {
        assert!(concerned.scopes.len() * 8 + concerned.roots.len() * 2 <= bytes.len(), "more than there is");
        let again = fuzz::record(&written).map(|(concerned, _)| concerned);
        assert_eq!(again, Some(concerned), "it does not come out as it went in");
    }

    // The input as the kind and the fields of a newer build: the scopes count whatever they say.
    let mut extended = fuzz::record_of("user:7").expect("a pattern");
    let plain = fuzz::record(&extended).map(|(concerned, _)| concerned);
    extended[0] = 2;
    extended.extend(bytes);
    let read = fuzz::record(&extended).map(|(concerned, _)| concerned);
    assert!(read.is_none() || read == plain);

    // The same with nothing in the conservative part: everything, if a part must not be skipped.
    let empty = [&[2, 0, 0, 0, 0, 0, 0, 0], bytes].concat();
    if let Some((concerned, _)) = fuzz::record(&empty) {
        assert!(concerned.scopes.is_empty() && (concerned.everything || bytes[0] < 128));
    }
}

/// The text of a key, a pattern or a tag in an attribute: a template that keeps its promises, or an error.
pub fn template(text: &str) {
    for used in [Use::Key, Use::Pattern, Use::Tag] {
        let mut diag = Diag::default();
        let parsed = Template::parse(&LitStr::new(text, Span::call_site()), used, &mut diag);
        assert_eq!(parsed.is_some(), diag.count() == 0, "{text:?} as {used:?}: errors and a template, or neither");
        if let Some(template) = parsed {
            assert_eq!(template.text, text);
            assert!(!template.prefix || used == Use::Pattern && text.ends_with(":*"), "{text:?} as {used:?}");
            promises(&template);
        }
    }
}

/// Those by which two argument lists never make one key.
fn promises(template: &Template) {
    const HOLE: char = '\0';
    let text: String = template
        .pieces
        .iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::Hole(hole) => {
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
        assert!(!segment.contains(escaped), "{:?} holds what arguments escape", template.text);
    }
}

/// A pattern given at run time, and a key: it concerns the key exactly if the text says so.
pub fn pattern(pattern: &str, key: &str) {
    if let Some(concerns) = fuzz::concerns(pattern, key) {
        let expected = match pattern.strip_suffix(":*") {
            Some(prefix) => key.strip_prefix(prefix).is_some_and(|rest| rest.starts_with(':')),
            None => key == pattern,
        };
        assert_eq!(concerns, expected, "{pattern:?} and {key:?}");
    }
    for (colon, _) in key.match_indices(':') {
        let own = fuzz::concerns(&format!("{}:*", &key[..colon]), key);
        assert_ne!(own, Some(false), "{key:?} up to {colon}");
    }
    assert_ne!(fuzz::concerns(key, key), Some(false), "{key:?}");
}
