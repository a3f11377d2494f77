//! Target: the text of a key, a pattern or a tag in an attribute.
#![cfg_attr(fuzzing, no_main)]

fastness_fuzz::target!(|bytes: &[u8]| fastness_fuzz::template(&String::from_utf8_lossy(bytes)));
