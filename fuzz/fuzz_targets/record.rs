//! Target: bytes of a record in the shared log.
#![cfg_attr(fuzzing, no_main)]

fastness_fuzz::target!(|bytes: &[u8]| fastness_fuzz::record(bytes));
