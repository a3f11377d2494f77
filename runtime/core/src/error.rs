//! Errors of a set-up and of keys, and the timeout of a load.
//!
//! May use: nothing of this crate.

use std::time::Duration;

/// An error of the cache itself.
///
/// Annotated functions never return this error: whatever happens to the cache, they return the value of their body. It comes from set-up
/// ([`Builder::build`](crate::Builder::build), [`Fastness::install`](crate::Fastness::install)), from text that is parsed as a
/// [`Key`](crate::Key) or a [`Scope`](crate::Scope), from names of functions ([`Fastness::function`](crate::Fastness::function)), and from
/// settings (`Fastness::apply_settings`, with the feature `settings`).
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
    #[cfg(feature = "settings")]
    #[error("{}", all_wrong(.0))]
    Settings(Vec<WrongSetting>),
}

/// A fault of settings, from [`Error::wrong_settings`]. It prints as the path, a colon and the message.
#[cfg(feature = "settings")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WrongSetting {
    /// The names that lead to the setting, as `functions.get_user.ttl`; empty for the settings as a whole.
    pub path: String,
    /// The sentence that says what is wrong and, after a colon, what to write.
    pub message: String,
}

#[cfg(feature = "settings")]
impl std::fmt::Display for WrongSetting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { f.write_str(&self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

#[cfg(feature = "settings")]
fn all_wrong(faults: &[WrongSetting]) -> String {
    let faults: Vec<_> = faults.iter().map(|fault| format!("\n- {fault}")).collect();
    format!("no setting was applied, because of these faults:{}", faults.concat())
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

    /// Returns all that is wrong with settings, of which [`Fastness::apply_settings`](crate::Fastness::apply_settings) has applied none;
    /// nothing for other errors.
    ///
    /// ```
    /// let fast = fastness::Fastness::builder().build()?;
    /// let error = fast.apply_settings(&[("functions", 1)]).unwrap_err();
    /// assert_eq!(error.wrong_settings()[0].to_string(), "this is a list: write a table of settings");
    /// # Ok::<(), fastness::Error>(())
    /// ```
    #[cfg(feature = "settings")]
    pub fn wrong_settings(&self) -> &[WrongSetting] {
        match &self.0 {
            ErrorDetail::Settings(faults) => faults,
            _ => &[],
        }
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
