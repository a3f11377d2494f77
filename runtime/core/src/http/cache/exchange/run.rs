//! Runs a request: lookup, then a stored response, a background refresh, or the handler.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::super::status::CacheStatus;
use super::super::store::EntryKey;
use super::super::stored::ResponseEntry;
use super::lookup::ResponseLookup;
use super::outliving::OutlivingLoad;
use super::{Answer, Exchange, Recipient};
use crate::engine::RequestPlan;
use crate::flight::LoadPermit;
use crate::handle::with_current_cache;
use crate::http::body_error::BoxError;
use crate::http::problem::Problem;

impl Exchange {
    /// Answers the request.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped while the handler runs for it and its waiters, the handler goes on in a task for a time. If there is no
    /// runtime, or too many go on already, it is dropped, nothing is stored, and one of the waiters takes over.
    pub(in super::super) async fn run<S, Q, B>(mut self, inner: S, request: Request<Q>) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        self.store.clock().notice_fork();
        let mut lookup = ResponseLookup::new(&mut self, request.headers());
        let plan = lookup.plan().await;
        let ResponseLookup { key, stale, .. } = lookup;
        match plan {
            RequestPlan::Done(answer) => Ok(answer),
            RequestPlan::Refresh(permit, (answer, entry)) => {
                self.refresh((answer, entry), key, permit, inner, request).await
            }
            RequestPlan::Load(_) if self.asked.only_if_cached && self.config.stores => Ok(only_if_cached()),
            RequestPlan::Load(None) => self.forward(inner, request, key, None, stale).await,
            RequestPlan::Load(Some(permit)) => {
                let (store, time, flight) = (self.store.clone(), self.config.background_fill, permit.flight());
                let load = with_current_cache(self.forward(inner, request, key, Some(permit), stale));
                OutlivingLoad::new(load, store, time, flight).await
            }
        }
    }

    /// Returns the stale answer at once, and validates it in the background.
    async fn refresh<S, Q, B>(
        mut self,
        (answer, entry): (Answer<B>, Arc<ResponseEntry>),
        key: EntryKey,
        permit: LoadPermit,
        inner: S,
        request: Request<Q>,
    ) -> Result<Answer<B>, S::Error>
    where
        S: Service<Request<Q>, Response = Response<B>, Future: Send, Error: Send> + Send + 'static,
        Q: Send + 'static,
        B: http_body::Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            return self.forward(inner, request, key, Some(permit), Some(entry)).await;
        };
        let Some(slot) = self.store.background.try_acquire() else { return Ok(answer) };
        self.client = Recipient::Served;
        runtime.spawn(with_current_cache(async move {
            drop(self.forward(inner, request, key, Some(permit), Some(entry)).await);
            drop(slot);
        }));
        Ok(answer)
    }
}

fn only_if_cached<B: http_body::Body>() -> Answer<B> {
    let mut answer =
        Problem::new(StatusCode::GATEWAY_TIMEOUT, "`only-if-cached`: no stored response may be reused").into_response();
    CacheStatus::OnlyIfCached.append_to(answer.headers_mut());
    answer
}
