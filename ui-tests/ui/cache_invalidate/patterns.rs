//! Wrong patterns, tags, handles and options of `cache_invalidate`.

use fastness::cache_invalidate;

#[cache_invalidate]
fn nothing() {}

#[cache_invalidate()]
fn still_nothing() {}

#[cache_invalidate("user:*:orders")]
fn wildcard_inside() {}

#[cache_invalidate("us*")]
fn wildcard_within_a_segment() {}

#[cache_invalidate("*")]
fn everything() {}

#[cache_invalidate("user:{idd}")]
fn misspelt(id: u64) { let _ = id; }

#[cache_invalidate("user:{id")]
fn never_closed(id: u64) { let _ = id; }

#[cache_invalidate("{id}:*")]
fn no_literal_start(id: u64) { let _ = id; }

#[cache_invalidate("user::*")]
fn empty_segment() {}

#[cache_invalidate(tags = ["team:*"])]
fn wildcard_in_a_tag() {}

#[cache_invalidate(tags = [])]
fn no_tags() {}

#[cache_invalidate("user:*", when = sometimes)]
fn no_such_when() {}

#[cache_invalidate("user:*", wen = always)]
fn misspelt_option() {}

#[cache_invalidate("user:*", skip(id))]
fn skip_of_a_parameter(id: u64) { let _ = id; }

#[cache_invalidate("user:*", 5)]
fn a_number() {}

#[cache_invalidate("user:*")]
struct NoFunction;

#[cache_invalidate(key = "user:{id}")]
fn a_pattern_by_name(id: u64) { let _ = id; }

#[cache_invalidate(all_entries)]
fn everything_without_a_pattern() {}

#[cache_invalidate(["user:{id}", "users:*"])]
fn in_brackets(id: u64) { let _ = id; }

#[cache_invalidate("user:{result.id}")]
fn names_the_result(name: &str) -> u64 { name.len() as u64 }

fn main() {}
