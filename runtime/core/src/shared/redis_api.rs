//! [`SharedApi`] on Redis.

use std::sync::Arc;
use std::time::Duration;

use redis::Value;

use super::api::{FetchedEntry, NewEntry, PutEpochs, ScopesOf, SharedApi, SharedEpoch, Unavailable, ValueKey};
use super::feed::{AnnouncedRecord, ExpectedPut, Feed};
use super::lease::RedisLoadLease;
use super::runtime_thread::BlockingContext;
use super::stream::MAX_TOKEN;
use super::tier::RedisTier;
use super::values::Unpacked;
use crate::events::CacheEventKind;
use crate::log::{Epoch, Judgement, Reach, Record};
use crate::trace;

impl SharedApi for RedisTier {
    type Lease = RedisLoadLease;
    type BlockingContext<'a> = BlockingContext<'a>;

    fn identity(&self) -> String {
        self.context.settings.identity()
    }

    fn enter(&self) -> Option<BlockingContext<'_>> {
        self.enter_context()
    }

    fn longest_answer(&self) -> Duration {
        self.context.settings.command_timeout.saturating_mul(2)
    }

    fn epoch(&self) -> Option<SharedEpoch> {
        self.context.feed.epoch()
    }

    async fn announce(&self, record: Record) -> Reach {
        // Without a subscriber to its event, the record needs no token.
        let wanted = self.log.wants(CacheEventKind::Invalidated);
        let token = if wanted { fastrand::u64(1..=MAX_TOKEN) } else { 0 };
        let _announced = wanted.then(|| AnnouncedRecord::new(&self.context.feed, token, &record));
        if self.send(self.doubt.pending(record), token).await.is_ok() { Reach::Announced } else { Reach::LocalOnly }
    }

    fn announce_later(&self, record: Record) {
        drop(self.doubt.pending(record));
    }

    async fn put(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<PutEpochs> {
        let token = fastrand::u64(1..=MAX_TOKEN);
        let expected = Expected { feed: &self.context.feed, token };
        self.context.feed.expect(token, ExpectedPut { began, scopes: scopes.into() });
        let wanted = self.log.wants(CacheEventKind::Invalidated);
        let _announced = wanted.then(|| AnnouncedRecord::new(&self.context.feed, token, &record));
        let sent = self.send(self.doubt.pending(record), token).await;
        let placed = self.context.feed.placed(expected.token);
        let Err(pending) = sent else { return placed };
        // The record may have arrived as a push, although its reply did not.
        let began = placed.map_or(began, |placed| placed.local);
        pending.put(began, scopes).map(|local| PutEpochs { local, shared: None })
    }

    fn put_locally(&self, record: Record, began: Epoch, scopes: &[u64]) -> Option<Epoch> {
        self.doubt.pending(record).put(began, scopes)
    }

    async fn fetch<V>(&self, key: &ValueKey<'_, V>, scopes_of: ScopesOf<'_, V>) -> Option<FetchedEntry<V>> {
        // Read before the command is sent, so that the local entry is as old as the read: an invalidation that the server executes after
        // its answer may be on a connection that has just gone silent.
        let epoch = self.log.position();
        let span = trace::shared_read("GET", 1);
        let Ok((bytes, server)) = self.get(self.address_of(key)).await else {
            span.fail("unavailable", "unavailable");
            return None;
        };
        let Some(unpacked) = self.unpack(key, bytes.as_deref(), scopes_of) else {
            span.end("miss");
            return None;
        };
        let Some(judge) = self.judge(server) else {
            span.fail("unavailable", "unavailable");
            return None;
        };
        let judgement = unpacked.judged_by(&judge, key.scopes);
        drop(judge);
        let is_hit = judgement == Judgement::Current;
        span.end(if is_hit { "hit" } else { "outdated" });
        self.count(usize::from(is_hit), usize::from(!is_hit));
        self.judged(Unpacked { judgement, ..unpacked }, epoch)
    }

    async fn fetch_many<'a, V: 'a>(
        &self,
        keys: impl Iterator<Item = &'a ValueKey<'a, V>> + Clone,
        scopes_of: ScopesOf<'_, V>,
    ) -> Vec<Option<FetchedEntry<V>>> {
        let addresses: Vec<_> = keys.clone().map(|key| self.address_of(key)).collect();
        let epoch = self.log.position();
        let nothing = || addresses.iter().map(|_| None).collect();
        let span = trace::shared_read("MGET", addresses.len());
        let Ok((found, server)) = self.get_many(&addresses).await else {
            span.fail("unavailable", "unavailable");
            return nothing();
        };
        let unpack = |(key, value): (_, &Value)| match value {
            Value::BulkString(bytes) => self.unpack(key, Some(bytes), scopes_of),
            _ => self.unpack(key, None, scopes_of),
        };
        let mut all: Vec<_> = keys.clone().zip(&found).map(unpack).collect();
        let Some(judge) = self.judge(server) else {
            span.fail("unavailable", "unavailable");
            return nothing();
        };
        let (mut hits, mut stale) = (0, 0);
        for (key, unpacked) in keys.zip(&mut all) {
            let Some(unpacked) = unpacked else { continue };
            unpacked.judgement = unpacked.judged_by(&judge, key.scopes);
            *if unpacked.judgement == Judgement::Current { &mut hits } else { &mut stale } += 1;
        }
        drop(judge);
        span.count("fastness.hits", hits);
        span.end(match hits {
            0 => "miss",
            _ if hits == addresses.len() => "hit",
            _ => "partial",
        });
        self.count(hits, stale);
        all.into_iter().map(|unpacked| self.judged(unpacked?, epoch)).collect()
    }

    fn store<V>(&self, key: &ValueKey<'_, V>, entry: &NewEntry<'_, V>, lease: Option<RedisLoadLease>) {
        self.send_later(
            self.pack(key, entry).into_iter().chain(lease.and_then(RedisLoadLease::into_release)).collect(),
        );
    }

    fn store_many<'a, V: 'a>(&self, entries: impl Iterator<Item = (ValueKey<'a, V>, NewEntry<'a, V>)>) {
        self.send_later(entries.filter_map(|(key, entry)| self.pack(&key, &entry)).collect());
    }

    fn lease<V>(
        self: &Arc<Self>,
        key: &ValueKey<'_, V>,
        lasts: Duration,
    ) -> impl Future<Output = Result<Option<RedisLoadLease>, Unavailable>> {
        RedisLoadLease::acquire(self, format!("{}:lease", self.address(key)), lasts)
    }

    fn remove<V>(&self, key: &ValueKey<'_, V>, epoch: SharedEpoch, began: u64, lease: Option<RedisLoadLease>) {
        let entry = NewEntry { value: None, tags: &[], epoch, began, expires: 0, load_time: 0, beyond: Duration::ZERO };
        let command = self.ordered(key, &entry, 0, None);
        self.send_later(command.into_iter().chain(lease.and_then(RedisLoadLease::into_release)).collect());
    }
}

/// Guard of a put that the feed expects until this is dropped.
struct Expected<'a> {
    feed: &'a Feed,
    token: u64,
}

impl Drop for Expected<'_> {
    fn drop(&mut self) {
        self.feed.placed(self.token);
    }
}
