//! Policies by name: whoever uses the same name gets the same one, and whoever asked for it otherwise is on record.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use scc::HashIndex;
use scc::hash_index::Entry;

use crate::sync::{Mutex, lock, thread_is_ending, watch_thread};

/// Where in the source something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// The file.
    pub file: &'static str,
    /// The line.
    pub line: u32,
}

impl Place {
    pub(super) fn of(location: &'static Location<'static>) -> Self {
        Self { file: location.file(), line: location.line() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// One place that named a policy, and the settings that it asked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Use<S> {
    pub(super) place: Place,
    pub(super) settings: S,
}

/// All policies of one kind.
pub(super) struct Named<T: 'static, S: 'static> {
    by_name: HashIndex<Arc<str>, Arc<Held<T, S>>>,
}

struct Held<T, S> {
    value: T,
    /// One per place, the one whose settings are in force first.
    uses: Mutex<Vec<Use<S>>>,
}

impl<T: Clone, S: Clone + PartialEq> Named<T, S> {
    pub(super) fn new() -> Self {
        Self { by_name: HashIndex::new() }
    }

    pub(super) fn get(&self, name: &str) -> Option<T> {
        let found = || self.by_name.peek_with(name, |_, held| held.value.clone());
        if thread_is_ending() { None } else { found() }
    }

    /// That of this name, made with these settings if there is none.
    pub(super) fn get_or_make(&self, name: &str, asked: Use<S>, make: impl FnOnce() -> T) -> T {
        if thread_is_ending() {
            return make();
        }
        let held = self.by_name.peek_with(name, |_, held| held.clone());
        let held = held.unwrap_or_else(|| match self.by_name.entry_sync(name.into()) {
            Entry::Occupied(there) => there.get().clone(),
            Entry::Vacant(free) => {
                let held = Arc::new(Held { value: make(), uses: Mutex::default() });
                free.insert_entry(held.clone());
                held
            }
        });
        watch_thread();
        let mut uses = lock(&held.uses);
        if !uses.contains(&asked) {
            uses.push(asked);
        }
        held.value.clone()
    }

    /// All of them, in no order.
    pub(super) fn all(&self) -> Vec<T> {
        let guard = scc::Guard::new();
        self.by_name.iter(&guard).map(|(_, held)| held.value.clone()).collect()
    }

    /// Every use of every name.
    pub(super) fn uses(&self) -> Vec<(Arc<str>, Use<S>)> {
        let guard = scc::Guard::new();
        let mut all = Vec::new();
        for (name, held) in self.by_name.iter(&guard) {
            all.extend(lock(&held.uses).iter().map(|one| (name.clone(), one.clone())));
        }
        all
    }
}
