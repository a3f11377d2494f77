//! What the handler gave is kept, handed to those who wait, and made the answer.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{AGE, DATE, ETAG};
use http::response::Parts;
use http::{HeaderMap, HeaderValue, Response, StatusCode};
use xxhash_rust::xxh3::xxh3_128;

use super::super::conditional;
use super::super::directives::Directives;
use super::super::freshness::Grace;
use super::super::status::Status;
use super::super::store::{Place, SharedOutcome};
use super::super::stored::{Held, Recorded, Stored, kept_head};
use super::super::tags::CacheTags;
use super::super::vary;
use super::{Answer, Exchange, shared_outcome};
use crate::clock::nanos;
use crate::engine::{TieredStart, share_and_end};
use crate::flight::{LoadOutcome, Permit, end};
use crate::sync::lock;

/// Longer ones are not told apart, so nothing is stored for them.
const MAX_VARIANT_BYTES: usize = 1_024;

/// A response that is known from its head to its end.
pub(super) struct Whole {
    pub(super) parts: Parts,
    pub(super) bytes: Bytes,
    /// True where the handler has only confirmed it.
    pub(super) revalidated: bool,
}

impl Exchange {
    /// A response that others may have.
    pub(super) fn whole<B: http_body::Body>(
        &self,
        Whole { mut parts, bytes, revalidated }: Whole,
        request: &HeaderMap,
        began: TieredStart,
        permit: Option<Permit>,
    ) -> Answer<B> {
        let life = self.life(&parts.headers, parts.status, began);
        let mut tags = self.tags.clone();
        tags.extend(parts.extensions.remove::<CacheTags>().map(|tags| tags.0).unwrap_or_default());
        let (said, age) = (Directives::from_headers(&parts.headers), parts.headers.get(AGE).cloned());
        let mut headers = kept_head(parts.headers, parts.status, bytes.len());
        if !self.config.keeps {
            // Nobody will reckon it anew.
            headers.extend(age.clone().map(|age| (AGE, age)));
        } else if !headers.contains_key(DATE) {
            let date = httpdate::fmt_http_date(self.store.clock().wall());
            headers.extend(HeaderValue::try_from(date).ok().map(|date| (DATE, date)));
        }
        if self.config.etags && parts.status == StatusCode::OK && !headers.contains_key(ETAG) {
            let tag = HeaderValue::try_from(format!("\"{:032x}\"", xxh3_128(&bytes)));
            headers.extend(tag.ok().map(|tag| (ETAG, tag)));
        }
        let varies = vary::names(&headers);
        let recorded = Recorded {
            status: parts.status,
            variant: vary::variant(&varies, request),
            varies,
            headers,
            body: bytes,
            lifetime: life.map(|(whole, _)| whole).unwrap_or_default(),
            grace: Grace::new(&said, &self.config.defaults),
            tags,
        };
        let expires = self.now().saturating_add(nanos(life.map(|(_, left)| left).unwrap_or_default()));
        let held = Arc::new(Held::new(Stored::Response(recorded), expires));
        let storable = life.is_some() && self.config.keeps;
        let kept = if storable && !self.short { self.keep(&held, began) } else { None };
        // Under a permit, or for this request alone.
        let outcome = || match life {
            Some(_) => shared_outcome(SharedOutcome::Response(held.clone(), began.start.epoch)),
            None => LoadOutcome::Alone,
        };
        let stored = kept.is_some();
        match kept {
            Some(place) => share_and_end(permit, &began, outcome, || self.store.share(&place, &held, &began)),
            None => end(permit, outcome),
        }
        let status = if revalidated {
            Status::Revalidated { why: self.why, stored }
        } else if storable && self.short {
            Status::Unstored(self.why)
        } else {
            Status::Forwarded { why: self.why, stored }
        };
        let Stored::Response(recorded) = &held.stored else { unreachable!("made above") };
        let mut answer = recorded.answer(self.head, &self.conditions, status);
        answer.headers_mut().extend(age.map(|age| (AGE, age)));
        *answer.extensions_mut() = parts.extensions;
        self.tell_tags(recorded, &mut answer);
        answer
    }

    /// What is stored, brought up to date.
    pub(super) fn holds<B: http_body::Body>(
        &self,
        stale: Option<&Held>,
        not_modified: &Parts,
        request: &HeaderMap,
        began: TieredStart,
        permit: Option<Permit>,
    ) -> Answer<B> {
        let Some(Stored::Response(recorded)) = stale.map(|held| &held.stored) else {
            unreachable!("asked only of what is stored")
        };
        let mut parts = Response::new(()).into_parts().0;
        parts.status = recorded.status;
        parts.headers = recorded.headers.clone();
        // A date that the handler leaves to its server is that of now.
        parts.headers.remove(DATE);
        conditional::freshen(&mut parts.headers, &not_modified.headers);
        parts.extensions = not_modified.extensions.clone();
        // What it was made of, it still is.
        let said = parts.extensions.remove::<CacheTags>().unwrap_or_default();
        let tags: Vec<_> =
            recorded.tags.iter().filter(|tag| !self.tags.contains(tag)).chain(&said.0).cloned().collect();
        parts.extensions.insert(CacheTags(tags));
        self.whole(Whole { parts, bytes: recorded.body.clone(), revalidated: true }, request, began, permit)
    }

    /// Stores a response in this process, and where it varies, what by. Its place, if it was stored.
    fn keep(&self, held: &Arc<Held>, began: TieredStart) -> Option<Place> {
        let Stored::Response(recorded) = &held.stored else { return None };
        let target = self.target.borrow();
        let of = self.store.place(&target, "", &[]);
        if recorded.varies.is_empty() {
            return self.store.keep(&of, held, &began).then_some(of);
        }
        // The length first: what is not stored is to take no other's room.
        let fits = recorded.variant.len() <= MAX_VARIANT_BYTES;
        if !fits || !self.store.admits_variant(&of, &recorded.varies, &recorded.variant, self.config.max_variants) {
            return None;
        }
        self.keep_names(&of, recorded, held.expires, began);
        let place = self.store.place(&target, &recorded.variant, &[]);
        self.store.keep(&place, held, &began).then_some(place)
    }

    /// Says that responses vary, and is known for as long as any of them may be of use.
    fn keep_names(&self, of: &Place, recorded: &Recorded, expires: u64, began: TieredStart) {
        let known = self.store.get(of).filter(|found| !found.is_refreshed()).map(|found| found.value);
        let known = known.filter(|held| matches!(&held.stored, Stored::Varies(names) if *names == recorded.varies));
        let until = expires.saturating_add(nanos(recorded.of_use_for()));
        if known.as_ref().is_some_and(|held| held.expires >= until) {
            return;
        }
        let names = Held::new(Stored::Varies(recorded.varies.clone()), until);
        *lock(&names.variants) = match known {
            Some(known) => lock(&known.variants).clone(),
            None => vec![recorded.variant.clone()],
        };
        let names = Arc::new(names);
        if self.store.keep(of, &names, &began) {
            self.store.share(of, &names, &began);
        }
    }
}
