//! Named expressions: `with(..)`.

use fastness::{cache_invalidate, cache_put, cacheable};

struct Claims;

impl Claims {
    fn sub(&self) -> Option<String> { None }
}

#[cacheable(ttl = 300, key = "inbox:{user}", with(user = claims.sub(), usre = 1))]
fn unused(claims: &Claims) -> u64 { 1 }

#[cacheable(ttl = 300, with(user = claims.sub()), skip(claims))]
fn unused_without_a_key(claims: &Claims) -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{claims}", with(claims = 1))]
fn name_of_a_parameter(claims: &Claims) -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{user}", with(user = 1, user = 2))]
fn twice() -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{user}", with(user = claims.sub()?))]
fn leaves(claims: &Claims) -> Option<u64> { None }

#[cacheable(ttl = 300, key = "inbox:{user}", with(user = find(claims).await))]
async fn waits(claims: &Claims) -> u64 { 1 }

async fn find(_: &Claims) -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{user}", with(user = claims.sub()))]
fn forgotten(claims: &Claims, page: u32) -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{user}", with(user = claims.sub()), skip(claims))]
fn skipped_though_it_is_mentioned(claims: &Claims) -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{uesr}", with(user = claims.sub()))]
fn misspelt(claims: &Claims) -> u64 { 1 }

#[cacheable(ttl = 300, key = "inbox:{ids}:{first}", batch(ids), with(first = ids[0]))]
fn of_the_list(ids: &[u64]) -> std::collections::HashMap<u64, u64> { Default::default() }

#[cacheable(ttl = 300, key = "inbox:{user}", with(user))]
fn no_expression(user: u64) -> u64 { 1 }

#[cache_put(ttl = 300, key = "inbox", with(user = 1))]
fn unused_put() -> u64 { 1 }

#[cache_invalidate("inbox:*", with(user = 1))]
fn unused_invalidation() {}

fn main() {}
