//! Options of a call site that settings put in the place of its attribute's.

use std::time::Duration;

use super::Policy;
use crate::shape::Shape;

/// The options that settings give a function; `None` for those that stay as the attribute has them, zero for one that is off.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct PolicySettings {
    pub(crate) ttl: Option<Duration>,
    pub(crate) negative_ttl: Option<Duration>,
    pub(crate) err_ttl: Option<Duration>,
    pub(crate) stale: Option<Duration>,
    pub(crate) stale_if_error: Option<Duration>,
    pub(crate) load_timeout: Option<Duration>,
    pub(crate) local_ttl: Option<Duration>,
    pub(crate) idle: Option<Duration>,
}

impl PolicySettings {
    /// Returns these settings without those of other options than these.
    pub(crate) fn only(self, options: &[&'static str]) -> Self {
        let given = |option: &'static str, time: Option<Duration>| time.filter(|_| options.contains(&option));
        Self {
            ttl: given("ttl", self.ttl),
            negative_ttl: given("negative_ttl", self.negative_ttl),
            err_ttl: given("err_ttl", self.err_ttl),
            stale: given("stale", self.stale),
            stale_if_error: given("stale_if_error", self.stale_if_error),
            load_timeout: given("load_timeout", self.load_timeout),
            local_ttl: given("local_ttl", self.local_ttl),
            idle: given("idle", self.idle),
        }
    }
}

impl<S: Shape> Policy<S> {
    /// Puts these settings in the place of its own options.
    pub(crate) fn set(&mut self, settings: &PolicySettings) {
        let on = |time: Duration| Some(time).filter(|time| !time.is_zero());
        if let Some(ttl) = settings.ttl {
            self.ttl.set(ttl);
        }
        if let Some(ttl) = settings.err_ttl {
            self.err_ttl.set(ttl);
        }
        if let Some(ttl) = settings.negative_ttl {
            self.negative_ttl = on(ttl);
        }
        if let Some(ttl) = settings.local_ttl {
            self.local_ttl = on(ttl);
        }
        if let Some(bound) = settings.load_timeout {
            self.load_timeout = self.load_timeout.and_then(|(_, error)| on(bound).map(|bound| (bound, error)));
        }
        self.stale = settings.stale.unwrap_or(self.stale);
        self.stale_if_error = settings.stale_if_error.unwrap_or(self.stale_if_error);
        self.idle = settings.idle.map_or(self.idle, |time| on(time).unwrap_or(Duration::MAX));
    }
}
