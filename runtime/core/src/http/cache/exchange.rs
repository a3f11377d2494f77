//! One request that was no hit, from the look to the answer.
//!
//! The engine says how it goes on (`seek` answers its questions); then the handler is asked (`ask`), and its response is stored and told
//! to those who wait (`keep`). An epoch is taken before the handler runs, so whatever is
//! invalidated meanwhile, by whatever the response turns out to be made of, keeps it from being served to anybody whose request
//! came later.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::conditional::Conditions;
use super::config::Config;
use super::directives::Directives;
use super::status::{Forwarded, Status};
use super::storable::Asker;
use super::store::{Place, SharedOutcome, Store};
use super::stored::{Held, Recorded};
use super::target::Owned;
use crate::engine::Plan;
use crate::flight::{LoadOutcome, Permit};
use crate::handle::carried;
use crate::http::resumed::{BoxError, Resumed};
use crate::http::{Body, Problem};
use crate::stats::Call;

mod ask;
mod keep;
mod seek;

use seek::Seeking;

/// What this cache answers with.
pub(super) type Answer<B> = Response<Body<Resumed<B>>>;

/// A request on its way to an answer.
pub(super) struct Exchange {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<Store>,
    pub(super) target: Owned,
    pub(super) asker: Asker,
    pub(super) asked: Directives,
    pub(super) conditions: Conditions,
    pub(super) head: bool,
    /// Whether a cache outside this one asks, which has to know what the answer is made of.
    pub(super) nested: bool,
    /// Whether memory is so short that no body is to be stored.
    pub(super) short: bool,
    /// What its response will be made of, as far as the request tells.
    pub(super) tags: Vec<String>,
    /// What it says in the fields that responses are known to vary by.
    pub(super) variant: String,
    /// Why the handler has to be asked.
    pub(super) why: Forwarded,
    /// Counts how it ends.
    pub(super) call: Call,
}

impl Exchange {
    /// # Cancel safety
    ///
    /// Dropping it drops the handler's future, stores nothing, and lets one of those who wait for it take over.
    pub(super) async fn run<S, Q, B>(mut self, inner: S, request: Request<Q>) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.store.clock().notice_fork();
        let mut seeking = Seeking::new(&mut self, request.headers());
        let plan = seeking.plan().await;
        let Seeking { place, stale, .. } = seeking;
        match plan {
            Plan::Done(answer) => Ok(answer),
            Plan::Refresh(permit, (answer, held)) => self.refresh((answer, held), place, permit, inner, request).await,
            Plan::Load(_) if self.asked.only_if_cached && self.config.keeps => Ok(only_if_cached()),
            Plan::Load(permit) => self.ask(inner, request, &place, permit, stale).await,
        }
    }

    fn place(&self) -> Place {
        self.store.place(&self.target.borrow(), &self.variant, &self.tags)
    }

    /// Requests that no other's response is good enough for, or that have none to give.
    fn is_solo(&self) -> bool {
        self.head || self.asked != Directives::default()
    }

    fn now(&self) -> u64 {
        self.store.clock().now()
    }

    fn hit<B: http_body::Body>(&self, held: &Held, recorded: &Recorded, now: u64) -> Answer<B> {
        let mut answer = held.hit(recorded, now, self.head, &self.conditions);
        self.tell_tags(recorded, &mut answer);
        answer
    }

    fn tell_tags<B: http_body::Body>(&self, recorded: &Recorded, answer: &mut Answer<B>) {
        if self.nested {
            recorded.tell_tags(answer);
        }
    }

    /// Asks the handler behind the answer, which is given at once.
    async fn refresh<S, Q, B>(
        self,
        (answer, held): (Answer<B>, Arc<Held>),
        place: Place,
        permit: Permit,
        inner: S,
        request: Request<Q>,
    ) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.ask(inner, request, &place, Some(permit), Some(held)).await;
        };
        let Some(slot) = self.store.background.slot() else { return Ok(answer) };
        runtime.spawn(carried(async move {
            drop(self.ask(inner, request, &place, Some(permit), Some(held)).await);
            drop(slot);
        }));
        Ok(answer)
    }
}

/// The outcome of a load that all its waiters get.
fn shared_outcome(outcome: SharedOutcome) -> LoadOutcome {
    LoadOutcome::shared(outcome)
}

fn only_if_cached<B: http_body::Body>() -> Answer<B> {
    let mut answer = Problem::new(StatusCode::GATEWAY_TIMEOUT, "nothing is stored that may answer").into_response();
    Status::OnlyIfCached.say(answer.headers_mut());
    answer
}
