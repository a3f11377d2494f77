//! Target: a pattern that is given at run time, and a key, on two lines.
#![cfg_attr(fuzzing, no_main)]

fastness_fuzz::target!(|bytes: &[u8]| {
    let text = String::from_utf8_lossy(bytes);
    let (pattern, key) = text.split_once('\n').unwrap_or((&text, ""));
    fastness_fuzz::pattern(pattern, key);
});
