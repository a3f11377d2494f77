//! The settings of a call: those that the code gives, or what a configuration has made of them.

use std::ops::Deref;

/// The settings of a call.
#[derive(Debug)]
pub(super) enum InForce<'a, S> {
    /// The settings that the code gives.
    Given(&'a S),
    /// The settings that a change has made of them; in a `Box`, so that the future of a call stays small.
    #[cfg(feature = "settings")]
    Changed(Box<S>),
}

impl<S> Deref for InForce<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        match self {
            Self::Given(settings) => settings,
            #[cfg(feature = "settings")]
            Self::Changed(settings) => settings,
        }
    }
}
