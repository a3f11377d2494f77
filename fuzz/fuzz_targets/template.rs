//! Keys, patterns and tags in attributes.
#![cfg_attr(fuzzing, no_main)]

fastness_fuzz::target!(|bytes: &[u8]| fastness_fuzz::template(&String::from_utf8_lossy(bytes)));
