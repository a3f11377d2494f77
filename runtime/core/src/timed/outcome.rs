//! How a call ended, found by the type of what it returned.

/// How a timed call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallOutcome {
    /// It returned, and not an error.
    Ok,
    /// It returned an error.
    Error,
    /// Its future was dropped before it was done.
    Cancelled,
    /// It panicked.
    Panicked,
}

impl CallOutcome {
    /// All of them, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Error, Self::Cancelled, Self::Panicked];

    /// As it is written in metrics and logs: `ok`, `error`, `cancelled`, `panicked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }

    /// `Ok` if it is so, else `Error`.
    pub(crate) fn ok_if(ok: bool) -> Self {
        if ok { Self::Ok } else { Self::Error }
    }
}

/// What a call returned. A call site asks `(&&Returned(&value)).__outcome()`: the rung with more references that applies
/// wins. Unlike the ladder of `shape`, it asks nothing of the error, which may be borrowed and need not be `Clone`.
// Public only through `__private`, where the names have to speak for themselves.
#[allow(missing_docs)]
#[derive(Debug)]
pub struct Returned<'a, R>(pub &'a R);

#[allow(missing_docs)]
pub trait ReturnedResult {
    fn __outcome(&self) -> CallOutcome;
}

impl<T, E> ReturnedResult for &Returned<'_, Result<T, E>> {
    #[inline]
    fn __outcome(&self) -> CallOutcome {
        CallOutcome::ok_if(self.0.is_ok())
    }
}

#[allow(missing_docs)]
pub trait ReturnedValue {
    fn __outcome(&self) -> CallOutcome;
}

impl<R> ReturnedValue for Returned<'_, R> {
    #[inline]
    fn __outcome(&self) -> CallOutcome {
        CallOutcome::Ok
    }
}

/// The outcome as `ok_if` says.
#[allow(missing_docs)]
pub fn ok_if<R: ?Sized>(value: &R, is_ok: impl FnOnce(&R) -> bool) -> CallOutcome {
    CallOutcome::ok_if(is_ok(value))
}

/// The outcome as `error_if` says.
#[allow(missing_docs)]
pub fn error_if<R: ?Sized>(value: &R, is_error: impl FnOnce(&R) -> bool) -> CallOutcome {
    CallOutcome::ok_if(!is_error(value))
}

/// Calls a closure once: what it returns may borrow from what it captures, which the compiler sees only if it is told so.
#[allow(missing_docs)]
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}
