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
    type SharedError: Send + Sync + 'static;
    fn share_error(error: &E, copy: Copier<E>) -> Option<Self::SharedError>;
    fn clone_error(shared: &Self::SharedError, copy: Copier<E>) -> E;
}

impl<E> ErrorSharing<E> for Private {
    type SharedError = Infallible;
    fn share_error(_: &E, _: Copier<E>) -> Option<Infallible> {
        None
    }
    fn clone_error(shared: &Infallible, _: Copier<E>) -> E {
        match *shared {}
    }
}

impl<E: Clone + Send + Sync + 'static> ErrorSharing<E> for Cloned {
    type SharedError = E;
    fn share_error(error: &E, copy: Copier<E>) -> Option<E> {
        Some(copy.map_or_else(|| error.clone(), |copy| copy(error)))
    }
    fn clone_error(shared: &E, copy: Copier<E>) -> E {
        copy.map_or_else(|| shared.clone(), |copy| copy(shared))
    }
}

/// A stored error, and the function that copies it.
#[derive(Debug)]
pub struct CopiedError<E> {
    error: E,
    copy: fn(&E) -> E,
}

impl<E: Send + Sync + 'static> ErrorSharing<E> for Copied {
    type SharedError = CopiedError<E>;
    fn share_error(error: &E, copy: Copier<E>) -> Option<CopiedError<E>> {
        copy.map(|copy| CopiedError { error: copy(error), copy })
    }
    fn clone_error(shared: &CopiedError<E>, _: Copier<E>) -> E {
        (shared.copy)(&shared.error)
    }
}
