//! The way of a request through the cache, from the lookup to the answer.

use std::sync::Arc;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use tower_service::Service;

use super::super::status::Status;
use super::super::store::Place;
use super::super::stored::Held;
use super::seek::Seeking;
use super::{Answer, Exchange};
use crate::engine::RequestPlan;
use crate::flight::Permit;
use crate::handle::with_current_cache;
use crate::http::problem::Problem;
use crate::http::resumed::BoxError;

impl Exchange {
    /// Answers the request.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops the handler's future, stores nothing, and lets one of those who wait for it take over.
    pub(in super::super) async fn run<S, Q, B>(mut self, inner: S, request: Request<Q>) -> Result<Answer<B>, S::Error>
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
            RequestPlan::Done(answer) => Ok(answer),
            RequestPlan::Refresh(permit, (answer, held)) => {
                self.refresh((answer, held), place, permit, inner, request).await
            }
            RequestPlan::Load(_) if self.asked.only_if_cached && self.config.keeps => Ok(only_if_cached()),
            RequestPlan::Load(permit) => self.ask(inner, request, &place, permit, stale).await,
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
        let Some(slot) = self.store.background.try_acquire() else { return Ok(answer) };
        runtime.spawn(with_current_cache(async move {
            drop(self.ask(inner, request, &place, Some(permit), Some(held)).await);
            drop(slot);
        }));
        Ok(answer)
    }
}

fn only_if_cached<B: http_body::Body>() -> Answer<B> {
    let mut answer = Problem::new(StatusCode::GATEWAY_TIMEOUT, "nothing is stored that may answer").into_response();
    Status::OnlyIfCached.say(answer.headers_mut());
    answer
}
