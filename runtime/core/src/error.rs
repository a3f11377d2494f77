//! Errors of a set-up and of keys, and the timeout of a load.
//!
//! May use: nothing of this crate.

use std::time::Duration;

/// An error of the cache itself.
///
/// Annotated functions never return this error: whatever happens to the cache, they return the value of their body. It comes from set-up
/// ([`Builder::build`](crate::Builder::build), [`Fastness::install`](crate::Fastness::install)), from text that is parsed as a
/// [`Key`](crate::Key) or a [`Scope`](crate::Scope), and from names of functions ([`Fastness::function`](crate::Fastness::function)).
///
/// ```
/// let error = "us*".parse::<fastness::Scope>().unwrap_err();
/// assert!(error.is_bad_key());
/// ```
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Error(#[from] ErrorDetail);

#[derive(Debug, thiserror::Error)]
pub(crate) enum ErrorDetail {
    #[error("{0}")]
    Key(String),
    #[error(
        "the process default is already set: call `install()` once, before the first call of an annotated function \
         (which makes the embedded default)"
    )]
    AlreadyInstalled,
    #[error("{0}")]
    Setting(&'static str),
    #[error("{0}")]
    Function(String),
}

impl Error {
    /// Returns whether a text is not a key or not a scope.
    pub fn is_bad_key(&self) -> bool {
        matches!(self.0, ErrorDetail::Key(_))
    }

    /// Returns whether the process default was already set.
    pub fn is_already_installed(&self) -> bool {
        matches!(self.0, ErrorDetail::AlreadyInstalled)
    }

    /// Returns whether a setting of the builder is out of range.
    pub fn is_bad_setting(&self) -> bool {
        matches!(self.0, ErrorDetail::Setting(_))
    }

    /// Returns whether a name is that of no function, or of several.
    pub fn is_unknown_function(&self) -> bool {
        matches!(self.0, ErrorDetail::Function(_))
    }
}

/// The error of a load that took longer than the `load_timeout` of its call site; its body was dropped.
///
/// The error type of the function needs `impl From<fastness::LoadTimeout> for MyError`.
///
/// ```
/// use std::time::Duration;
///
/// #[derive(Debug)]
/// struct AppError(String);
///
/// impl From<fastness::LoadTimeout> for AppError {
///     fn from(timeout: fastness::LoadTimeout) -> Self { Self(timeout.to_string()) }
/// }
///
/// #[fastness::cacheable(ttl = 60, load_timeout = "10ms")]
/// async fn never() -> Result<u32, AppError> { std::future::pending().await }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// assert_eq!(never().await.unwrap_err().0, "the load did not finish within 10ms");
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the load did not finish within {bound:?}")]
pub struct LoadTimeout {
    bound: Duration,
}

impl LoadTimeout {
    pub(crate) fn new(bound: Duration) -> Self {
        Self { bound }
    }

    /// Returns the bound that was exceeded.
    pub fn bound(&self) -> Duration {
        self.bound
    }
}
