//! Wrong options of `cache_put`.

use fastness::cache_put;

#[cache_put]
fn nothing() -> u8 { 1 }

#[cache_put(ttl = 300)]
fn no_key() -> u8 { 1 }

#[cache_put(key = "user:{id}")]
fn no_ttl(id: u8) -> u8 { id }

#[cache_put(key = "user:*", ttl = 300)]
fn a_pattern() -> u8 { 1 }

#[cache_put(key = "user:{nope}", ttl = 300)]
fn no_such_parameter(id: u8) -> u8 { id }

#[cache_put(key = "user", ttl = 300, stale = "1m")]
fn not_for_put() -> u8 { 1 }

#[cache_put(key = "user", ttl = 300, skip(id))]
fn skip_of_a_parameter(id: u8) -> u8 { id }

#[cache_put(key = "user", ttl = 300)]
fn no_value() {}

#[cache_put(key = "user:{id}", ttl = 300)]
fn no_value_but_an_error(id: u8) -> Result<(), String> { Ok(drop(id)) }

#[cache_put(key = "user:{result.id}", ttl = 300)]
fn names_the_result(name: &str) -> u64 { name.len() as u64 }

fn main() {}
