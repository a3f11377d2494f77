//! Inserts the handler's response into the store, shares it with the waiters, and makes it the answer.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT_RANGES, AGE, CONTENT_LENGTH, DATE, ETAG};
use http::response::Parts;
use http::{Extensions, HeaderMap, HeaderValue, Response, StatusCode};
use xxhash_rust::xxh3::xxh3_128;

use super::super::conditional;
use super::super::directives::Directives;
use super::super::freshness::{Freshness, Grace};
use super::super::status::{CacheStatus, Unstored};
use super::super::store::{EntryKey, ResponseOutcome};
use super::super::stored::{ResponseEntry, Stored, StoredResponse, stored_head};
use super::super::tags::CacheTags;
use super::super::vary;
use super::{Answer, Exchange, shared_outcome};
use crate::clock::nanos;
use crate::engine::{TieredStart, share_and_end};
use crate::flight::{LoadOutcome, LoadPermit, end};
use crate::sync::lock;

/// Maximum length of a variant's text; responses with a longer one are not stored.
const MAX_VARIANT_BYTES: usize = 1_024;

/// A response with its complete body.
pub(super) struct CompleteResponse {
    pub(super) parts: Parts,
    pub(super) bytes: Bytes,
    /// True if the handler has only confirmed a stored response.
    pub(super) validated: bool,
}

/// Freshness of a response that may be reused for other requests, or the reason against that.
pub(super) type ReuseJudgement = Result<Freshness, Unstored>;

/// Head of a response, as it is stored.
pub(super) struct RecordedHead {
    /// The response without its body.
    pub(super) response: StoredResponse,
    pub(super) expires: u64,
    /// Freshness, if the response may be reused for other requests.
    pub(super) judged: ReuseJudgement,
    /// The `Age` that it came with.
    pub(super) age: Option<HeaderValue>,
    pub(super) extensions: Extensions,
}

impl Exchange {
    /// Stores a response, shares it with the waiters, and makes it the answer.
    pub(super) fn store_and_answer<B: http_body::Body>(
        &self,
        CompleteResponse { parts, bytes, validated }: CompleteResponse,
        request: &HeaderMap,
        began: TieredStart,
        permit: Option<LoadPermit>,
    ) -> Answer<B> {
        let RecordedHead { mut response, expires, judged, age, extensions } = self.record(parts, None, request, began);
        self.complete(&mut response, bytes);
        let entry = Arc::new(ResponseEntry::new(Stored::Response(response), expires));
        let inserted = judged.and_then(|_| self.insert(&entry, began));
        let answers_waiters = self.answers_waiters(judged);
        let outcome = || {
            if answers_waiters {
                shared_outcome(ResponseOutcome::Response(entry.clone(), began.start.epoch))
            } else {
                LoadOutcome::Alone
            }
        };
        let unstored = inserted.as_ref().err().copied();
        match inserted {
            Ok(key) if answers_waiters => {
                self.store.unshared.remove(key.key.hash);
                share_and_end(permit, &began, outcome, || self.store.share(&key, &entry, &began));
            }
            inserted => {
                if let Ok(key) = inserted {
                    self.store.unshared.insert(key.key.hash, self.now());
                }
                end(permit, outcome);
            }
        }
        let status = match unstored {
            unstored if validated => CacheStatus::Revalidated { why: self.why, unstored },
            Some(reason) => self.unstored(reason),
            None => CacheStatus::Stored(self.why),
        };
        let Stored::Response(recorded) = &entry.stored else { unreachable!("it was created as a response above") };
        let mut answer = recorded.answer(self.head, &self.conditions, status);
        answer.headers_mut().extend(age.map(|age| (AGE, age)));
        *answer.extensions_mut() = extensions;
        self.add_tags_if_nested(recorded, &mut answer);
        answer
    }

    /// Records the head of a response. `length` is the length of its body, if that was announced.
    pub(super) fn record(
        &self,
        mut parts: Parts,
        length: Option<u64>,
        request: &HeaderMap,
        began: TieredStart,
    ) -> RecordedHead {
        let judged = self.judge_response(&parts.headers, parts.status, began);
        let mut tags = self.tags.clone();
        tags.extend(parts.extensions.remove::<CacheTags>().map(|tags| tags.0).unwrap_or_default());
        let directives = Directives::from_response(&parts.headers, &self.config.targeted);
        let age = parts.headers.get(AGE).cloned();
        let mut headers = stored_head(parts.headers, parts.status, length);
        if self.config.stores {
            if !headers.contains_key(DATE) {
                let date = httpdate::fmt_http_date(self.store.clock().wall());
                headers.extend(HeaderValue::try_from(date).ok().map(|date| (DATE, date)));
            }
            // Some proxies in front of the cache answer ranges only if the response says that it has them.
            if parts.status == StatusCode::OK && !headers.contains_key(ACCEPT_RANGES) {
                headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
            }
        } else {
            // Without storage, the age is not computed again.
            headers.extend(age.clone().map(|age| (AGE, age)));
        }
        if let Some(field) = self.config.tag_field {
            field.write(&tags, &mut headers);
        }
        let varies = vary::names(&headers);
        let response = StoredResponse {
            status: parts.status,
            variant: vary::variant(&varies, request, &self.config.ignored_cookies),
            varies,
            headers,
            body: Bytes::new(),
            lifetime: judged.map_or(Duration::ZERO, |freshness| freshness.lifetime),
            grace: Grace::new(&directives, &self.config.defaults),
            tags,
        };
        let expires = judged.map_or(0, |freshness| freshness.expires(self.now()));
        RecordedHead { response, expires, judged, age, extensions: parts.extensions }
    }

    /// Returns whether a response answers the requests that wait: not one that is to be validated each time.
    pub(super) fn answers_waiters(&self, judged: ReuseJudgement) -> bool {
        judged.is_ok_and(|freshness| freshness.is_fresh() || !self.config.stores)
    }

    /// Completes a response with its body.
    pub(super) fn complete(&self, response: &mut StoredResponse, bytes: Bytes) {
        if response.status != StatusCode::NO_CONTENT {
            response.headers.insert(CONTENT_LENGTH, HeaderValue::from(bytes.len()));
        }
        if self.config.etags && response.status == StatusCode::OK && !response.headers.contains_key(ETAG) {
            let tag = HeaderValue::try_from(format!("\"{:032x}\"", xxh3_128(&bytes)));
            response.headers.extend(tag.ok().map(|tag| (ETAG, tag)));
        }
        response.body = bytes;
    }

    /// Updates the stored response from a `304`, stores it, and makes it the answer.
    pub(super) fn freshen_and_answer<B: http_body::Body>(
        &self,
        (key, stale): (&EntryKey, Option<&ResponseEntry>),
        not_modified: &Parts,
        request: &HeaderMap,
        began: TieredStart,
        permit: Option<LoadPermit>,
    ) -> Answer<B> {
        let Some(Stored::Response(recorded)) = stale.map(|entry| &entry.stored) else {
            unreachable!("only a stored response is validated")
        };
        if !conditional::confirms(&recorded.headers, &not_modified.headers) {
            return self.answer_unconfirmed(key, recorded, began, permit);
        }
        let mut parts = Response::new(()).into_parts().0;
        parts.status = recorded.status;
        parts.headers = recorded.headers.clone();
        // If the `304` has no date, the response gets the current one.
        parts.headers.remove(DATE);
        conditional::freshen(&mut parts.headers, &not_modified.headers);
        parts.extensions = not_modified.extensions.clone();
        // The content stays, so its tags stay too.
        let new = parts.extensions.remove::<CacheTags>().unwrap_or_default();
        let tags: Vec<_> = recorded.tags.iter().filter(|tag| !self.tags.contains(tag)).chain(&new.0).cloned().collect();
        parts.extensions.insert(CacheTags(tags));
        let response = CompleteResponse { parts, bytes: recorded.body.clone(), validated: true };
        self.store_and_answer(response, request, began, permit)
    }

    /// Answers from a stored response that a `304` with another tag confirms (RFC 9111 section 4.3.4): it stays as old as it is, and the
    /// next request loads it anew.
    fn answer_unconfirmed<B: http_body::Body>(
        &self,
        key: &EntryKey,
        recorded: &StoredResponse,
        began: TieredStart,
        permit: Option<LoadPermit>,
    ) -> Answer<B> {
        self.store.local.values.remove(&key.key, began.start.number);
        end(permit, || LoadOutcome::Alone);
        let status = CacheStatus::Revalidated { why: self.why, unstored: Some(Unstored::OtherTag) };
        let mut answer = recorded.answer(self.head, &self.conditions, status);
        self.add_tags_if_nested(recorded, &mut answer);
        answer
    }

    /// Inserts a response into the local tier, and the names of the fields in its `Vary`. Returns its key, if it was inserted.
    pub(super) fn insert(&self, entry: &Arc<ResponseEntry>, began: TieredStart) -> Result<EntryKey, Unstored> {
        let Stored::Response(recorded) = &entry.stored else { unreachable!("names are inserted beside a response") };
        if !self.config.stores || self.memory_short {
            return Err(Unstored::Memory);
        }
        let target = self.target.borrow();
        let base = self.store.entry_key(&target, "", &[]);
        if recorded.varies.is_empty() {
            return if self.store.insert(&base, entry, &began) { Ok(base) } else { Err(Unstored::Invalidated) };
        }
        if recorded.variant.len() > MAX_VARIANT_BYTES || self.config.max_variants == 0 {
            return Err(Unstored::Variant);
        }
        self.make_room(&base, recorded, began);
        self.insert_names(&base, recorded, entry.expires, began);
        let key = self.store.entry_key(&target, &recorded.variant, &[]);
        if self.store.insert(&key, entry, &began) { Ok(key) } else { Err(Unstored::Invalidated) }
    }

    /// Counts a variant, and removes those in whose place it comes.
    fn make_room(&self, base: &EntryKey, recorded: &StoredResponse, began: TieredStart) {
        let key = |variant: &str| self.store.entry_key(&self.target.borrow(), variant, &[]);
        let is_stored =
            |variant: &str| self.store.get(&key(variant)).is_some_and(|found| self.now() < found.value.usable_until());
        let (names, variant, max) = (&recorded.varies, &recorded.variant, self.config.max_variants);
        for removed in self.store.count_variant(base, names, (variant, max), &is_stored) {
            self.store.remove(&key(&removed), &began);
        }
    }

    /// Inserts the names of the fields in `Vary`, for as long as any variant may be usable.
    fn insert_names(&self, base: &EntryKey, recorded: &StoredResponse, expires: u64, began: TieredStart) {
        let known = self.store.get(base).filter(|found| !found.is_refreshed()).map(|found| found.value);
        let known = known.filter(|entry| matches!(&entry.stored, Stored::Varies(names) if *names == recorded.varies));
        let until = expires.saturating_add(nanos(recorded.usable_after_expiry()));
        if known.as_ref().is_some_and(|entry| entry.expires >= until) {
            return;
        }
        let names = ResponseEntry::new(Stored::Varies(recorded.varies.clone()), until);
        *lock(&names.variants) = match known {
            Some(known) => lock(&known.variants).clone(),
            None => vec![recorded.variant.clone()],
        };
        let names = Arc::new(names);
        if self.store.insert(base, &names, &began) {
            self.store.share(base, &names, &began);
        }
    }
}
