//! Responses whose bodies come later than their heads: the head is the answer at once, and the body is shared while it comes.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use bytes::Bytes;
use http::header::AGE;
use http::response::Parts;
use http::{HeaderMap, StatusCode};
use http_body::Body as _;
use tokio::runtime::Handle;

use super::super::fills::{Fill, FillPlace};
use super::super::status::Unstored;
use super::super::store::{EntryKey, ResponseOutcome};
use super::super::stored::{ResponseEntry, Stored};
use super::insert::{RecordedHead, ReuseJudgement};
use super::{Answer, Exchange, Recipient, shared_outcome};
use crate::clock::nanos;
use crate::engine::{CountIfAbandoned, TieredStart, count_load};
use crate::events::LoadEnding;
use crate::flight::{FlightRef, LoadOutcome, LoadPermit, end};
use crate::handle::CurrentCache;
use crate::http::Body;
use crate::http::body_error::{BodyError, BoxError};
use crate::http::broken::report_broken;
use crate::http::fill::{FillBody, FillDriver, FillLoad, FillOutcome, FillReader, PolledFrame};
use crate::http::resumed::{Midway, ResumedBody};
use crate::trace::Traced;

/// The time for which requests join a response that is not stored, from its head on.
const COALESCING_TIME: Duration = Duration::from_secs(10);

/// Load whose handler has answered, and whose body is still coming.
pub(super) struct BegunLoad {
    pub(super) began: TieredStart,
    pub(super) permit: Option<LoadPermit>,
    pub(super) guard: CountIfAbandoned,
    pub(super) span: Traced,
}

/// Load of a response whose body is still coming.
struct StreamingLoad<B> {
    body: Pin<Box<ResumedBody<B>>>,
    exchange: Exchange,
    /// The response without its body.
    head: Arc<ResponseEntry>,
    judged: ReuseJudgement,
    began: TieredStart,
    guard: CountIfAbandoned,
    span: Traced,
    flight: Option<FlightRef>,
    cache: CurrentCache,
    /// Place in the table, while requests may join.
    place: Option<FillPlace>,
}

impl Exchange {
    /// Answers with the head, and shares the body while it comes.
    pub(super) async fn stream<B>(
        self,
        parts: Parts,
        Midway { read, rest, promise, .. }: Midway<B>,
        request: &HeaderMap,
        key: &EntryKey,
        BegunLoad { began, permit, guard, span }: BegunLoad,
    ) -> Answer<B>
    where
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.call.ends();
        let (mut answer, judged, head) = self.streamed_answer(self.record(parts, promise.promised(), request, began));
        if self.answers_waiters(judged) {
            self.store.unshared.remove(key.key.hash);
        } else {
            self.store.unshared.insert(key.key.hash, self.now());
        }
        let (store, config, client) = (self.store.clone(), self.config.clone(), self.client);
        let joinable = permit.as_ref().filter(|permit| self.answers_waiters(judged) && !permit.is_given_up());
        let flight = joinable.and_then(LoadPermit::flight);
        let base = store.local.values.owned_key(&self.target.borrow().args(""));
        let place = flight.as_ref().map(|_| store.fills.place(base.clone()));
        let number = place.as_ref().map(|place| place.number);
        let promised = promise.promised();
        let load = StreamingLoad {
            body: Box::pin(ResumedBody::midway(Midway { read: VecDeque::new(), trailers: None, rest, promise })),
            exchange: self,
            head: head.clone(),
            judged,
            began,
            guard,
            span,
            flight: flight.clone(),
            cache: CurrentCache::here(),
            place,
        };
        let body = FillBody::new(Box::new(load), read, config.max_body, promised);
        let reader = body.first_reader();
        let fill = flight.zip(number).map(|(flight, number)| {
            let coalesced_until = store.now().saturating_add(nanos(COALESCING_TIME));
            let joinable_until = if config.stores { head.expires } else { coalesced_until };
            let body = body.clone();
            Arc::new(Fill { head, epoch: began.start.epoch, joinable_until, body, flight, number })
        });
        if let Some(fill) = &fill {
            store.fills.insert(&base, fill.clone());
        }
        // The end of the body removes the fill, so the fill is in the table before anything polls the body.
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(FillDriver::new(&body, store.clock(), config.background_fill, &store.fills.background));
        }
        end(permit, || match &fill {
            Some(fill) => shared_outcome(ResponseOutcome::Fill(fill.clone())),
            None => LoadOutcome::Alone,
        });
        let is_whole = answer.status() != StatusCode::NOT_MODIFIED;
        let body = if client == Recipient::Served || (client == Recipient::Http10 && is_whole) {
            settled(reader).await
        } else {
            ResumedBody::filling(reader)
        };
        if is_whole {
            *answer.body_mut() = Body::inner(body);
        }
        answer
    }

    /// Makes the answer to the request that began the load, without its body. Returns it with the judgement on the head, and the head.
    fn streamed_answer<B: http_body::Body>(
        &self,
        head: RecordedHead,
    ) -> (Answer<B>, ReuseJudgement, Arc<ResponseEntry>) {
        let RecordedHead { response, expires, judged, age, extensions } = head;
        let reason = if self.memory_short { Unstored::Memory } else { Unstored::Incomplete };
        let status = self.unstored(judged.err().unwrap_or(reason));
        // A part can only be cut from a body that is there.
        let mut answer = response.answer(self.head, &self.conditions.of_whole(), status);
        answer.headers_mut().extend(age.map(|age| (AGE, age)));
        *answer.extensions_mut() = extensions;
        self.add_tags_if_nested(&response, &mut answer);
        (answer, judged, Arc::new(ResponseEntry::new(Stored::Response(response), expires)))
    }
}

/// Waits for the end of a body: for a refresh, which has no client, or a client of HTTP/1.0, which would take a body that broke off for
/// whole.
async fn settled<B>(mut reader: FillReader) -> ResumedBody<B> {
    let settled = poll_fn(|cx| reader.poll_settled(cx)).await;
    settled.map_or_else(ResumedBody::broken, |()| ResumedBody::filling(reader))
}

impl<B> FillLoad for StreamingLoad<B>
where
    B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> PolledFrame {
        let _cache = self.cache.enter();
        let _inside = self.flight.as_ref().map(FlightRef::enter);
        let _span = self.span.enter();
        self.body.as_mut().poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn outgrows_limit(&mut self) {
        self.place = None;
    }

    fn end(self: Box<Self>, outcome: FillOutcome<'_>) {
        let Self { exchange, head, judged, began, guard, span, place, .. } = *self;
        let ok = !matches!(outcome, FillOutcome::Broken(_));
        guard.end(if ok { LoadEnding::Value } else { LoadEnding::Error });
        count_load(exchange.store.counters(), exchange.now().saturating_sub(began.time), ok);
        match outcome {
            FillOutcome::Whole(bytes) => {
                span.end("value");
                if judged.is_ok() {
                    exchange.store_whole(&head, bytes, began, exchange.answers_waiters(judged));
                }
            }
            FillOutcome::Unstorable => {
                span.end("value");
                // What it replaces, if anything, is out of date.
                exchange.store.local.values.remove(&exchange.entry_key().key, began.start.number);
            }
            FillOutcome::Broken(error) => {
                span.fail("error", "broken body");
                exchange.report(error);
            }
        }
        // Removed only now, so that every request finds the response: here, or in the store.
        drop(place);
    }
}

impl Exchange {
    /// Stores a response whose body has come: in the shared tier too, if it `is_shared`.
    fn store_whole(&self, head: &ResponseEntry, bytes: Bytes, began: TieredStart, is_shared: bool) {
        let Stored::Response(recorded) = &head.stored else { return };
        // Without a use for it when it is stale, it is of no use any more.
        if self.now() >= head.expires && recorded.usable_after_expiry().is_zero() {
            return;
        }
        let mut whole = recorded.clone();
        self.complete(&mut whole, bytes);
        let entry = Arc::new(ResponseEntry::new(Stored::Response(whole), head.expires));
        match self.insert(&entry, began) {
            Ok(key) if is_shared => self.store.share(&key, &entry, &began),
            _ => {}
        }
    }

    /// Logs that a response broke off.
    pub(super) fn report(&self, error: &BodyError) {
        report_broken(self.store.broken.admit(self.now()), self.target.path(), error);
    }
}
