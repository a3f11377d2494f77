//! Types that cannot be cached, or cannot be part of a key.

use fastness::cacheable;

struct NotClone;

#[cacheable(ttl = 300)]
fn value_is_not_clone() -> NotClone { NotClone }

struct Filter;

#[cacheable(ttl = 300)]
fn argument_is_no_key(filter: Filter) -> u8 { let _ = filter; 1 }

#[cacheable(ttl = 300, key = "f:{filter:hash}")]
fn argument_is_not_serialize(filter: Filter) -> u8 { let _ = filter; 1 }

#[cacheable(ttl = 300, negative_ttl = 5)]
fn never_absent() -> u8 { 1 }

#[cacheable(ttl = 300, load_timeout = "1s")]
async fn error_does_not_know_timeouts() -> Result<u8, std::io::Error> { Ok(1) }

#[cacheable(ttl = 300, share_error = |_| 5)]
async fn share_error_of_another_type() -> Result<u8, std::io::Error> { Ok(1) }

#[cacheable(ttl = 300, unless = |v| v)]
async fn unless_is_no_question() -> u8 { 1 }

#[cacheable(ttl = 300, cache_err = |_| true, err_ttl = 5)]
async fn error_cannot_be_kept() -> Result<u8, std::io::Error> { Ok(1) }

#[cacheable(ttl = 300, cache_err = |_| true, err_ttl = 5)]
async fn there_is_no_error() -> u8 { 1 }

#[cacheable(ttl = 300, tier = shared)]
async fn not_for_the_shared_tier(id: u64) -> NotSerde { NotSerde }

#[cacheable(ttl = 300, codec = json)]
async fn nothing_to_encode(id: u64) -> NotSerde { NotSerde }

#[cacheable(ttl = 300, codec = bincode)]
async fn this_build_has_no_bincode(id: u64) -> u64 { id }

#[derive(Clone)]
struct NotSerde;

fn main() {}
