//! The settings of a static, which are evaluated once.

use std::sync::OnceLock;

/// Settings that are evaluated at their first use. Expressions of users are run by no other reader, such as a scrape: they may take long,
/// panic, or need a configuration that is not read yet.
#[derive(Debug)]
pub(super) struct Evaluated<T> {
    evaluate: fn() -> T,
    /// True if an expression of a user is among the settings.
    is_computed: bool,
    value: OnceLock<T>,
}

impl<T> Evaluated<T> {
    /// Creates settings that are written out.
    pub(super) const fn new(evaluate: fn() -> T) -> Self {
        Self { evaluate, is_computed: false, value: OnceLock::new() }
    }

    /// Says that an expression of a user is among the settings.
    pub(super) const fn set_computed(&mut self) {
        self.is_computed = true;
    }

    /// Returns the settings. May run expressions of users, so the caller holds no lock that other policies share.
    pub(super) fn get(&self) -> &T {
        self.value.get_or_init(self.evaluate)
    }

    /// Returns the settings if that runs no expression of a user: all are written out, or they were used before.
    pub(super) fn known(&self) -> Option<&T> {
        if self.is_computed { self.value.get() } else { Some(self.get()) }
    }
}
