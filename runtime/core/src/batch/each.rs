//! The shape of one element of a batch.

use std::convert::Infallible;
use std::marker::PhantomData;

use super::ids::BatchMap;
use crate::shape::{Copier, Outcome, OutcomeOf, Shape};

/// The shape of one element of a batch function of shape `S`.
pub struct Each<S>(PhantomData<fn() -> S>);

impl<S> Each<S> {
    pub(crate) fn new() -> Self {
        Self(PhantomData)
    }
}

impl<S> Clone for Each<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Each<S> {}

impl<S> std::fmt::Debug for Each<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Each")
    }
}

impl<S: Shape<Item: BatchMap>> Shape for Each<S> {
    type Out = OutcomeOf<Self>;
    type Item = <S::Item as BatchMap>::Value;
    type Absent = ();
    type Error = S::Error;
    type SharedError = Infallible;

    fn open(out: OutcomeOf<Self>) -> OutcomeOf<Self> {
        out
    }
    fn close(ending: OutcomeOf<Self>) -> OutcomeOf<Self> {
        ending
    }
    fn is_ok(out: &OutcomeOf<Self>) -> bool {
        !matches!(out, Outcome::Failed(_))
    }
    fn share_error(_: &S::Error, _: Copier<S::Error>) -> Option<Self::SharedError> {
        None
    }
    fn clone_error(shared: &Self::SharedError, _: Copier<S::Error>) -> S::Error {
        match *shared {}
    }
    fn absent() -> Option<()> {
        Some(())
    }
}
