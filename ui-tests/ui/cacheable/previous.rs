//! Wrong uses of `previous` and `keep_expired`.

use fastness::cacheable;

#[cacheable(ttl = 300, previous(old))]
fn nothing_stays() -> u8 { old.unwrap_or(1) }

#[cacheable(ttl = 300, keep_expired = "1h")]
fn nothing_asks() -> u8 { 1 }

#[cacheable(ttl = 300, previous(url), keep_expired = "1h")]
fn taken(url: &str) -> u8 { url.len() as u8 }

#[cacheable(ttl = 300, previous, keep_expired = "1h")]
fn no_name() -> u8 { 1 }

#[cacheable(ttl = 300, previous = old, keep_expired = "1h")]
fn not_in_parentheses() -> u8 { 1 }

#[cacheable(ttl = 300, previous(old, older), keep_expired = "1h")]
fn two_names() -> u8 { 1 }

#[cacheable(ttl = 300, previous(self), keep_expired = "1h")]
fn no_name_to_bind() -> u8 { 1 }

#[cacheable(ttl = forever, previous(old), keep_expired = "1h")]
fn never_expires() -> u8 { 1 }

#[cacheable(ttl = 300, batch(ids), previous(old), keep_expired = "1h")]
fn many(ids: &[u64]) -> std::collections::HashMap<u64, u8> { ids.iter().map(|id| (*id, 1)).collect() }

#[fastness::cache_put(key = "a", ttl = 300, previous(old))]
fn of_another_attribute() -> u8 { 1 }

fn main() {}
