//! The outcome of a timed call, by the type of its return value.

/// The outcome of a timed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum CallOutcome {
    /// The call returned, and not an error.
    Ok,
    /// The call returned an error.
    Error,
    /// The future of the call was dropped before it was ready.
    Cancelled,
    /// The call panicked.
    Panicked,
}

impl CallOutcome {
    /// All outcomes, in the order of their discriminants.
    pub const ALL: [Self; 4] = [Self::Ok, Self::Error, Self::Cancelled, Self::Panicked];

    /// Returns the name in metrics and logs: `ok`, `error`, `cancelled`, `panicked`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Cancelled => "cancelled",
            Self::Panicked => "panicked",
        }
    }

    /// Returns `Ok` if `ok` is true, else `Error`.
    pub(crate) fn ok_if(ok: bool) -> Self {
        if ok { Self::Ok } else { Self::Error }
    }
}

/// The return value of a call. A call site calls `(&&Returned(&value)).__outcome()`: the impl with more references that applies
/// wins. Unlike the ladder of `shape`, it needs nothing of the error, which may be borrowed and need not be `Clone`.
// Public only through `__private`.
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

/// Returns the outcome by the closure of `ok_if`.
#[allow(missing_docs)]
pub fn ok_if<R: ?Sized>(value: &R, is_ok: impl FnOnce(&R) -> bool) -> CallOutcome {
    CallOutcome::ok_if(is_ok(value))
}

/// Returns the outcome by the closure of `error_if`.
#[allow(missing_docs)]
pub fn error_if<R: ?Sized>(value: &R, is_error: impl FnOnce(&R) -> bool) -> CallOutcome {
    CallOutcome::ok_if(!is_error(value))
}

/// Calls a closure once. The bound `FnOnce` lets the return value borrow from captured values, which inference alone does not allow.
#[allow(missing_docs)]
#[inline]
pub fn call<R>(body: impl FnOnce() -> R) -> R {
    body()
}
