//! Wrong keys, and keys that forget a parameter.

use fastness::cacheable;

struct Page { number: u32 }

#[cacheable(ttl = 300, key = "user:{uesr_id}")]
fn misspelt(user_id: u64) -> u64 { user_id }

#[cacheable(ttl = 300, key = "user:{id}")]
fn no_parameters() -> u64 { 1 }

#[cacheable(ttl = 300, key = "users:{team}")]
fn forgotten(team: u64, page: u32) -> u64 { team + u64::from(page) }

#[cacheable(ttl = 300, key = "users:{team}", skip(paeg))]
fn skip_misspelt(team: u64, page: u32) -> u64 { team + u64::from(page) }

#[cacheable(ttl = 300, key = "users:{team}", skip(team))]
fn skipped_though_it_is_in_the_key(team: u64) -> u64 { team }

#[cacheable(ttl = 300, key = "user:{id")]
fn never_closed(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:id}")]
fn never_opened(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:{}")]
fn empty_placeholder(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:{id:hex}")]
fn unknown_formatter(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:{id}{page}")]
fn ambiguous(id: u64, page: u32) -> u64 { id + u64::from(page) }

#[cacheable(ttl = 300, key = "user:{id}-{page}")]
fn ambiguous_with_a_dash(id: u64, page: u32) -> u64 { id + u64::from(page) }

#[cacheable(ttl = 300, key = "user::{id}")]
fn empty_segment(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = ":user:{id}")]
fn leading_colon(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:{id}:")]
fn trailing_colon(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:*")]
fn wildcard(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "{id}")]
fn no_literal_start(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "{id}:user")]
fn placeholder_first(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "@user:{id}")]
fn reserved_start(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "100%:{id}")]
fn percent(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "my user:{id}")]
fn white_space(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "")]
fn empty() -> u64 { 1 }

#[cacheable(ttl = 300, key = "user:{id.to_string()}")]
fn method_call(id: u64) -> u64 { id }

#[cacheable(ttl = 300, key = "user:{self}")]
fn no_receiver() -> u64 { 1 }

#[cacheable(ttl = 300, key = "users:{page.nubmer}")]
fn misspelt_field(page: Page) -> u32 { page.number }

#[cacheable(ttl = 300, tags = ["team:{taem}"])]
fn misspelt_in_a_tag(team: u64) -> u64 { team }

#[cacheable(ttl = 300, tags = ["team:*"])]
fn wildcard_in_a_tag(team: u64) -> u64 { team }

#[cacheable(ttl = 300, tags = "team")]
fn tags_are_no_list(team: u64) -> u64 { team }

#[cacheable(ttl = 300, prefix = "user:{id}")]
fn prefix_with_a_placeholder(id: u64) -> u64 { id }

#[cacheable(ttl = 300)]
fn too_many(a: u8, b: u8, c: u8, d: u8, e: u8, f: u8, g: u8, h: u8, i: u8, j: u8, k: u8, l: u8) -> u8 { a + b + c + d + e + f + g + h + i + j + k + l }

fn main() {}
