//! The rule of a gate, which admits or rejects requests, and gives an admitted request a permit until it ends.

use std::sync::Arc;

use http::Response;
use http::request::Parts;

use super::paths::Paths;
use super::problem::Problem;
use crate::resilience::{Early, Ends, Mark};

/// Rule of a gate. Public only because the type of a gate's service names it; it cannot be reached by a path.
pub trait GateRule: Clone {
    /// Permit that an admitted request holds until it ends.
    type Permit;

    /// True if requests hold a permit, so that the gate must call the rule when they end.
    const HOLDS: bool;

    /// Admits a request, or returns the response in its place.
    fn admit(&self, request: &mut Parts) -> Result<Self::Permit, Problem>;

    /// Called for a request that is exempt.
    fn pass(&self, _: &mut Parts) {}

    /// Called when the future of the inner service was created. `since` was taken before that.
    fn created<F>(_: &mut Self::Permit, _since: Mark) {}

    /// Called before the future is polled.
    fn poll(_: &mut Self::Permit) {}

    /// Called when a request ended, with its response, or `None` for an error. `since` was taken before the last poll.
    fn settle<R>(&self, _: Self::Permit, _: Option<&Response<R>>, _since: Mark) {}

    /// Called when a request ended without a response: dropped or panicked.
    fn end_early(&self, _: Self::Permit, _: Early) {}
}

/// A rule, and the paths that are exempt from it.
#[derive(Clone, Debug)]
pub(super) struct Gate<A> {
    pub(super) admission: A,
    pub(super) exempt: Paths,
}

impl<A: GateRule> Gate<A> {
    pub(super) fn admit(self: &Arc<Self>, request: &mut Parts) -> Result<Option<AdmittedRequest<A>>, Problem> {
        if self.exempt.contain(&request.extensions, &request.uri) {
            self.admission.pass(request);
            return Ok(None);
        }
        let permit = self.admission.admit(request)?;
        Ok(A::HOLDS.then(|| AdmittedRequest { gate: self.clone(), permit }))
    }
}

/// Request in flight that a gate has admitted.
pub(super) struct AdmittedRequest<A: GateRule> {
    gate: Arc<Gate<A>>,
    permit: A::Permit,
}

impl<A: GateRule> AdmittedRequest<A> {
    pub(super) fn created<F>(&mut self, since: Mark) {
        A::created::<F>(&mut self.permit, since);
    }

    pub(super) fn poll(&mut self) {
        A::poll(&mut self.permit);
    }

    pub(super) fn settle<R>(self, response: Option<&Response<R>>, since: Mark) {
        self.gate.admission.settle(self.permit, response, since);
    }
}

impl<A: GateRule> Ends for AdmittedRequest<A> {
    fn end_early(self, how: Early) {
        self.gate.admission.end_early(self.permit, how);
    }
}
