//! What a batch function means for one of its elements.
// Public only through `__private`, where the names have to speak for themselves.
#![allow(missing_docs)]

use std::convert::Infallible;
use std::marker::PhantomData;

use super::ids::BatchMap;
use crate::shape::{Copier, Ending, Outcome, Shape};

/// What a batch function of shape `S` means for one element.
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
    type Out = Ending<Self>;
    type Item = <S::Item as BatchMap>::Value;
    type Absent = ();
    type Error = S::Error;
    type Kept = Infallible;

    fn open(out: Ending<Self>) -> Ending<Self> {
        out
    }
    fn close(ending: Ending<Self>) -> Ending<Self> {
        ending
    }
    fn is_ok(out: &Ending<Self>) -> bool {
        !matches!(out, Outcome::Failed(_))
    }
    fn keep(_: &S::Error, _: Copier<S::Error>) -> Option<Self::Kept> {
        None
    }
    fn give(kept: &Self::Kept, _: Copier<S::Error>) -> S::Error {
        match *kept {}
    }
    fn absent() -> Option<()> {
        Some(())
    }
}
