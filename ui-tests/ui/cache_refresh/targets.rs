//! Wrong patterns, options and orders of `cache_refresh`.

use fastness::{cache_refresh, cacheable};

#[cache_refresh]
fn nothing() {}

#[cache_refresh("us*")]
fn wildcard_within_a_segment() {}

#[cache_refresh("rate:{curency}")]
fn misspelt(currency: &str) { let _ = currency; }

#[cache_refresh(all_entries)]
fn everything_without_a_pattern() {}

#[cache_refresh(key = "rate:{currency}")]
fn a_pattern_by_name(currency: &str) { let _ = currency; }

#[cache_refresh("rate:*", whn = always)]
fn misspelt_option() {}

#[cache_refresh("rate:*", stale = "1m")]
fn option_of_the_reader() {}

#[cache_refresh("rate:*")]
const fn at_compile_time() {}

#[cacheable(ttl = 300)]
#[cache_refresh("rate:*")]
fn above_refresh() -> u8 { 1 }

#[cache_refresh("rate:*")]
#[cacheable(ttl = 300)]
fn below_refresh() -> u8 { 1 }

#[cache_refresh("rate:*")]
#[cache_refresh("fee:*")]
fn refresh_twice() {}

fn main() {}
