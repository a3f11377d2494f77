//! Functions that cannot be cached, and items that are not functions.

use fastness::cacheable;

struct Users;

impl Users {
    #[cacheable(ttl = 300)]
    fn mutable(&mut self) -> u8 { 1 }

    #[cacheable(ttl = 300, handle = Self::users::all)]
    fn handle_of_another_module(&self) -> u8 { 1 }
}

#[cacheable(ttl = 300)]
fn nothing() {}

#[cacheable(ttl = 300)]
async fn unit() -> () {}

#[cacheable(ttl = 300)]
fn mutable_parameter(list: &mut Vec<u8>) -> usize { list.len() }

#[cacheable(ttl = 300, stale = 60, refresh = background, skip(list))]
async fn mutable_in_background(list: &mut Vec<u8>) -> usize { list.len() }

#[cacheable(ttl = 300)]
async fn never() -> ! { loop {} }

#[cacheable(ttl = 300)]
fn borrowed(name: &str) -> &str { name }

#[cacheable(ttl = 300)]
fn borrowed_inside(name: &str) -> Option<std::borrow::Cow<'_, str>> { Some(name.into()) }

#[cacheable(ttl = 300)]
fn unnamed() -> impl Iterator<Item = u8> { [1].into_iter() }

#[cacheable(ttl = 300)]
const fn constant() -> u8 { 1 }

#[cacheable(ttl = 300)]
unsafe fn unsafe_function() -> u8 { 1 }

#[cacheable(ttl = 300)]
async unsafe fn unsafe_async_function() -> u8 { 1 }

#[cacheable(ttl = 300)]
fn conditional(id: u8, #[cfg(unix)] _uid: u8, #[cfg_attr(unix, cfg(unix))] _gid: u8) -> u8 { id }

#[cacheable(ttl = 300, key = "f:{id}", skip(_uid), handle = conditional_entry)]
fn conditional_handle(id: u8, #[cfg(unix)] _uid: u8) -> u8 { id }

#[cacheable(ttl = 300)]
struct NoFunction;

#[cacheable(ttl = 300)]
impl NoFunction {}

trait Api {
    #[cacheable(ttl = 300)]
    fn declared(&self) -> u8;
}

#[cacheable(ttl = 300, handle = things)]
fn handle_of_a_pattern((thing, part): (u64, u8)) -> u64 { thing + u64::from(part) }

#[cacheable(ttl = 300, batch(idz))]
fn no_such_batch(ids: &[u64]) -> std::collections::HashMap<u64, u64> { ids.iter().map(|id| (*id, *id)).collect() }

#[cacheable(ttl = 300, batch(ids), handle = many, load = task)]
async fn batch_with_more(ids: &[u64]) -> std::collections::HashMap<u64, u64> { ids.iter().map(|id| (*id, *id)).collect() }

#[cacheable(ttl = 300, batch(ids), merge = "2ms")]
fn merges_on_a_thread(ids: &[u64]) -> std::collections::HashMap<u64, u64> { ids.iter().map(|id| (*id, *id)).collect() }

#[cacheable(ttl = 300, batch(ids), single_flight = fleet)]
async fn one_batch_for_all(ids: &[u64]) -> std::collections::HashMap<u64, u64> { ids.iter().map(|id| (*id, *id)).collect() }

fn main() {}
