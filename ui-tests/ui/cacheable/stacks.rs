//! Attributes in an order that makes no sense.

use fastness::{cache_invalidate, cache_put, cacheable};

#[cacheable(ttl = 300)]
#[cacheable(ttl = 5)]
fn twice() -> u8 { 1 }

#[cacheable(ttl = 300)]
#[cache_put(key = "a", ttl = 5)]
fn above_put() -> u8 { 1 }

#[cache_put(key = "a", ttl = 5)]
#[cacheable(ttl = 300)]
fn below_put() -> u8 { 1 }

#[cacheable(ttl = 300)]
#[cache_invalidate("a")]
fn above_invalidate() -> u8 { 1 }

#[cache_invalidate("a")]
#[cacheable(ttl = 300)]
fn below_invalidate() -> u8 { 1 }

#[cacheable(ttl = 300)]
#[fallback(other)]
fn above_fallback() -> u8 { 1 }

#[cache_invalidate("a")]
#[cache_invalidate("b")]
fn invalidate_twice() {}

#[cache_put(key = "a", ttl = 5)]
#[cache_put(key = "b", ttl = 5)]
fn put_twice() -> u8 { 1 }

fn main() {}
