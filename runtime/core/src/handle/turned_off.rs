//! Turning a handle, or one of its functions, off and on while the program runs.

use super::Fastness;
use super::control::{FunctionControls, SiteSwitches};
use crate::sync::{MutexGuard, lock};

impl Fastness {
    /// Turns the cache off, or on again: all functions, batches, direct calls and the HTTP cache of this handle, in this process. Calls that
    /// begin while it is off bypass it, as those inside of [`bypass`](crate::bypass) do.
    ///
    /// Entries stay, and are judged when the cache is on again: invalidations are sent and counted meanwhile, so what they concern is not
    /// served afterwards. Where entries themselves are in doubt, [`clear`](Self::clear) before turning on again. While the cache is off, each
    /// call reaches the origin, concurrent calls of one key too.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), fastness::Error> {
    /// #[fastness::cacheable(ttl = 60)]
    /// async fn answer() -> u32 { 42 }
    ///
    /// let fast = fastness::Fastness::builder().build()?;
    /// fast.set_enabled(false);
    /// fastness::with_cache(&fast, answer()).await;
    /// assert!(!fast.is_enabled());
    /// assert_eq!((fast.stats().total.bypassed, fast.stats().entries), (1, 0));
    /// fast.set_enabled(true);
    /// # Ok(()) }
    /// ```
    pub fn set_enabled(&self, enabled: bool) {
        self.inner.switch.set_off(!enabled);
    }

    /// Returns whether the cache is on. Single functions may be off all the same.
    pub fn is_enabled(&self) -> bool {
        !self.inner.switch.is_off()
    }

    /// Returns the switches of a call site whose function has this path. `declared` is the path by which the registry knows the function,
    /// which has no types in it.
    pub(crate) fn switches(&self, path: &str, declared: &str) -> SiteSwitches {
        SiteSwitches::new(self.inner.switch.clone(), self.controls().first_call(path, declared))
    }

    /// Returns the controls of all functions, locked: no function is called for the first time meanwhile.
    pub(crate) fn controls(&self) -> MutexGuard<'_, FunctionControls> {
        lock(&self.inner.functions)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_that_was_turned_off_by_its_declaration_is_off_when_it_is_called() {
        let fast = Fastness::builder().build().unwrap();
        // A free function of the same name has a switch of its own.
        assert!(!fast.switches("app.get", "app.get").is_off());
        fast.controls().declared("app.get").switch.set_off(true);
        let (of_type, other) = (fast.switches("app.Users.get", "app.get"), fast.switches("app.put", "app.put"));
        assert!(of_type.is_off() && !other.is_off());
        fast.function("app.Users.get").unwrap().set_enabled(true);
        assert!(!of_type.is_off());
        fast.set_enabled(false);
        assert!(of_type.is_off() && other.is_off() && !fast.is_enabled());
    }
}
