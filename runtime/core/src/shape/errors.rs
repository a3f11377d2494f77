//! Copies of an error for several callers, if its type allows them.

use std::convert::Infallible;

/// The function by which a call site copies its errors, if it names one.
pub(crate) type Copier<E> = Option<fn(&E) -> E>;

/// The sharing of errors that cannot be copied: each stays with the caller that got it.
#[derive(Clone, Copy, Debug)]
pub struct Private;

/// The sharing of errors that can be cloned.
#[derive(Clone, Copy, Debug)]
pub struct Cloned;

/// The sharing of errors by a function that the call site names (`share_error`); without one they are not shared.
#[derive(Clone, Copy, Debug)]
pub struct Copied;

/// The form in which errors of type `E` are stored.
pub trait ErrorSharing<E> {
    type Kept: Send + Sync + 'static;
    fn share_error(error: &E, copy: Copier<E>) -> Option<Self::Kept>;
    fn clone_error(kept: &Self::Kept, copy: Copier<E>) -> E;
}

impl<E> ErrorSharing<E> for Private {
    type Kept = Infallible;
    fn share_error(_: &E, _: Copier<E>) -> Option<Infallible> {
        None
    }
    fn clone_error(kept: &Infallible, _: Copier<E>) -> E {
        match *kept {}
    }
}

impl<E: Clone + Send + Sync + 'static> ErrorSharing<E> for Cloned {
    type Kept = E;
    fn share_error(error: &E, copy: Copier<E>) -> Option<E> {
        Some(copy.map_or_else(|| error.clone(), |copy| copy(error)))
    }
    fn clone_error(kept: &E, copy: Copier<E>) -> E {
        copy.map_or_else(|| kept.clone(), |copy| copy(kept))
    }
}

/// A stored error, and the function that copies it.
#[derive(Debug)]
pub struct KeptError<E> {
    error: E,
    copy: fn(&E) -> E,
}

impl<E: Send + Sync + 'static> ErrorSharing<E> for Copied {
    type Kept = KeptError<E>;
    fn share_error(error: &E, copy: Copier<E>) -> Option<KeptError<E>> {
        copy.map(|copy| KeptError { error: copy(error), copy })
    }
    fn clone_error(kept: &KeptError<E>, _: Copier<E>) -> E {
        (kept.copy)(&kept.error)
    }
}
