//! Every misuse of an attribute is a compile error on the right token, with what to write instead.
//!
//! The texts are reviewed as prose. Most are ours alone; those in `ui/types` contain the compiler's own words too, and
//! belong to the toolchain that CI uses. After a change: `TRYBUILD=overwrite cargo test -p fastness-ui-tests`, and read.
//!
//! Code that has to compile stands in test crates of its own beside this file. With a single `pass` here, trybuild would generate
//! code for all dependencies, where checking them is enough.

#[test]
fn ui() {
    let cases = trybuild::TestCases::new();
    cases.compile_fail("ui/cacheable/*.rs");
    cases.compile_fail("ui/cache_invalidate/*.rs");
    cases.compile_fail("ui/cache_put/*.rs");
    cases.compile_fail("ui/resilience/*.rs");
    cases.compile_fail("ui/timed/*.rs");
    cases.compile_fail("ui/indexed/*.rs");
    cases.compile_fail("ui/types/*.rs");
}
