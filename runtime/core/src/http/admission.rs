//! The rule of a gate: which requests get through, and what is held until the answer is there.

use std::sync::Arc;

use http::Response;
use http::request::Parts;

use super::paths::Paths;
use super::problem::Problem;
use crate::resilience::{Early, Ends, Mark};

/// The rule of a gate. Public only because the service of a gate names it: no path leads here.
pub trait Admission: Clone {
    /// The part that is kept while a request is under way.
    type Kept;

    /// Whether the gate wants to know how requests end.
    const HOLDS: bool;

    /// Lets a request in, or says what is answered in its place.
    fn admit(&self, request: &mut Parts) -> Result<Self::Kept, Problem>;

    /// Takes note of a request that is exempt.
    fn pass(&self, _: &mut Parts) {}

    /// Takes note that the future of the service behind was made, `since` this moment.
    fn made<F>(_: &mut Self::Kept, _since: Mark) {}

    /// Takes note that the future is about to be polled.
    fn poll(_: &mut Self::Kept) {}

    /// Takes note of how a request ended: with a response, or an error. `since` is when its last poll began.
    fn settle<R>(&self, _: Self::Kept, _: Option<&Response<R>>, _since: Mark) {}

    /// Takes note of a request that ended without a response.
    fn end_early(&self, _: Self::Kept, _: Early) {}
}

/// A rule, and the paths that it does not concern.
#[derive(Clone, Debug)]
pub(super) struct Gate<A> {
    pub(super) admission: A,
    pub(super) exempt: Paths,
}

impl<A: Admission> Gate<A> {
    pub(super) fn admit(self: &Arc<Self>, request: &mut Parts) -> Result<Option<Held<A>>, Problem> {
        if self.exempt.contain(&request.extensions, &request.uri) {
            self.admission.pass(request);
            return Ok(None);
        }
        let kept = self.admission.admit(request)?;
        Ok(A::HOLDS.then(|| Held { gate: self.clone(), kept }))
    }
}

/// A request that is under way, for the gate that let it in.
pub(super) struct Held<A: Admission> {
    gate: Arc<Gate<A>>,
    kept: A::Kept,
}

impl<A: Admission> Held<A> {
    pub(super) fn made<F>(&mut self, since: Mark) {
        A::made::<F>(&mut self.kept, since);
    }

    pub(super) fn poll(&mut self) {
        A::poll(&mut self.kept);
    }

    pub(super) fn settle<R>(self, response: Option<&Response<R>>, since: Mark) {
        self.gate.admission.settle(self.kept, response, since);
    }
}

impl<A: Admission> Ends for Held<A> {
    fn end_early(self, how: Early) {
        self.gate.admission.end_early(self.kept, how);
    }
}
