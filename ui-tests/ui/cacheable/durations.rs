//! Wrong durations.

use fastness::cacheable;

#[cacheable(ttl = 0)]
fn zero() -> u8 { 1 }

#[cacheable(ttl = "0s")]
fn zero_with_a_unit() -> u8 { 1 }

#[cacheable(ttl = "300")]
fn no_unit() -> u8 { 1 }

#[cacheable(ttl = "5 minutes")]
fn in_words() -> u8 { 1 }

#[cacheable(ttl = "5y")]
fn unknown_unit() -> u8 { 1 }

#[cacheable(ttl = 2.5)]
fn float() -> u8 { 1 }

#[cacheable(ttl = 300s)]
fn suffix() -> u8 { 1 }

#[cacheable(ttl = 99999999999999999999999)]
fn too_long() -> u8 { 1 }

#[cacheable(ttl = "")]
fn empty() -> u8 { 1 }

#[cacheable(ttl = -5)]
fn negative() -> u8 { 1 }

#[cacheable(ttl = 5, ttl = |value| value.lifetime())]
fn twice() -> u8 { 1 }

#[cacheable(ttl = 5, negative_ttl = |value| value.lifetime())]
fn absent_from_the_value() -> Option<u8> { None }

#[cacheable(ttl = 5, stale = |value| value.lifetime())]
fn stale_from_the_value() -> u8 { 1 }

#[cacheable(ttl = forever, stale = "1m", stale_if_error = "1h")]
fn stale_after_forever() -> Result<u8, String> { Ok(1) }

#[cacheable(ttl = forever, early = xfetch, jitter = 0.2)]
fn before_the_end_of_forever() -> u8 { 1 }

#[cacheable(ttl = forever, refresh = background)]
async fn refreshed_forever() -> u8 { 1 }

#[cacheable(ttl = 5, err_ttl = 5)]
fn errors_of_no_kind() -> Result<u8, String> { Ok(1) }

fn main() {}
