//! Values that borrow, though the name of their type does not show it.
#![allow(unused_variables)]

use fastness::{cache_put, cacheable};

#[derive(Clone)]
struct Lent<'a>(&'a str);

#[cacheable(ttl = 300)]
fn borrows(name: &str) -> Lent<'_> { Lent(name) }

#[cacheable(ttl = 300, skip(name))]
fn borrows_by_name<'a>(name: &'a str) -> Lent<'a> { Lent(name) }

#[cache_put(ttl = 300, key = "lent:{name}")]
fn puts_what_is_borrowed(name: &str) -> Lent<'_> { Lent(name) }

#[cacheable(ttl = 300)]
fn owns(id: u64) -> Lent<'static> { Lent("") }

fn main() {}
