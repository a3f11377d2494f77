//! Target: bytes of a value in the shared tier.
#![cfg_attr(fuzzing, no_main)]

fastness_fuzz::target!(|bytes: &[u8]| fastness_fuzz::envelope(bytes));
