//! One breaker per key, so that a host that is down does not stop calls to the others.

use std::sync::Arc;
#[cfg(feature = "settings")]
use std::sync::atomic::AtomicU64;
#[cfg(feature = "settings")]
use std::sync::atomic::Ordering::{Acquire, Release};

use crate::clock::Clock;
use crate::sync::{Mutex, lock};

#[cfg(feature = "settings")]
use super::super::changes::{Changed, Changes};
use super::super::keyed::{Evictable, Keyed, stored_name};
#[cfg(feature = "settings")]
use super::super::kind::PolicyKind;
use super::cell::Cell;
use super::history::History;
use super::window::Spread;
use super::{Breaker, Calls, Event, Settings};

/// Breakers under one name, one per key, and at most [`with_max_keys`](Self::with_max_keys) of them (1 000 by default).
///
/// Above the bound, the least recently used breaker is dropped: a closed one, unless all are open. Calls in flight through it
/// end as usual, but no longer count.
///
/// ```
/// use fastness::resilience::breaker::{KeyedBreaker, Settings, State};
///
/// let hosts = KeyedBreaker::new("host", Settings::new()).with_max_keys(100);
/// hosts.get("a.example").force_open();
/// assert_eq!(hosts.get("a.example").state(), State::ForcedOpen);
/// assert_eq!(hosts.get("b.example").state(), State::Closed);
/// ```
#[derive(Debug)]
pub struct KeyedBreaker {
    name: Arc<str>,
    settings: Settings,
    #[cfg(feature = "settings")]
    changed: Changed<Settings>,
    #[cfg(feature = "settings")]
    changes: AtomicU64,
    history: Arc<History>,
    clock: Clock,
    max_keys: usize,
    cells: Keyed<Cell>,
    /// Calls through breakers that were dropped.
    dropped: Mutex<Calls>,
}

impl Evictable for Cell {
    fn is_idle(&self) -> bool {
        self.is_closed()
    }
}

impl KeyedBreaker {
    /// The default maximum number of keys.
    pub(in crate::resilience) const MAX_KEYS: usize = 1_000;

    /// Creates breakers that share no state with others, for at most 1 000 keys.
    pub fn new(name: &str, settings: Settings) -> Self {
        Self::make(name.into(), settings, Self::MAX_KEYS, Clock::system())
    }

    /// Sets the maximum number of keys; at least 1.
    #[must_use]
    pub fn with_max_keys(self, keys: usize) -> Self {
        Self::make(self.name, self.settings, keys, self.clock)
    }

    /// Sets the clock, for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self::make(self.name, self.settings, self.max_keys, clock)
    }

    fn make(name: Arc<str>, settings: Settings, max_keys: usize, clock: Clock) -> Self {
        let cells = Keyed::new(max_keys, clock.clone());
        Self {
            name,
            settings,
            #[cfg(feature = "settings")]
            changed: Changed::default(),
            #[cfg(feature = "settings")]
            changes: AtomicU64::new(0),
            history: Arc::default(),
            clock,
            max_keys,
            cells,
            dropped: Mutex::default(),
        }
    }

    /// Returns the breaker of this key. The name of a breaker whose key is longer than 256 bytes has the beginning of the key and a digest.
    pub fn get(&self, key: &str) -> Breaker {
        let key = &*stored_name(key);
        let make = || {
            let name = format!("{}[{key}]", self.name).into();
            Cell::new(name, self.settings.clone(), self.clock.clone(), Spread::Single, self.history.clone())
        };
        let count_dropped = |gone: &Cell| lock(&self.dropped).add(gone.reading().calls);
        #[cfg(feature = "settings")]
        let (mut changes, make) = (self.changes.load(Acquire), || {
            let cell = make();
            self.set(&cell);
            cell
        });
        let cell = self.cells.get(key, make, count_dropped);
        // A change that came while the breaker was made has not found it, nor has one that came since.
        #[cfg(feature = "settings")]
        while self.changes.load(Acquire) != changes {
            changes = self.changes.load(Acquire);
            self.set(&cell);
        }
        Breaker { cell }
    }

    /// Takes the change of the settings of all keys from those in force.
    #[cfg(feature = "settings")]
    pub(in crate::resilience) fn obey(&self, changes: &Changes) {
        self.changed.set(changes.find(PolicyKind::Breaker, &self.name));
        self.changes.fetch_add(1, Release);
        for cell in self.cells.all() {
            self.set(&cell);
        }
    }

    #[cfg(feature = "settings")]
    fn set(&self, cell: &Cell) {
        let settings = match self.changed.get() {
            None => self.settings.clone(),
            Some(change) => change(self.settings.clone()),
        };
        if cell.settings() != settings {
            cell.set_settings(settings);
        }
    }

    /// Returns the settings that the code gives.
    #[cfg(feature = "settings")]
    pub(super) fn given(&self) -> &Settings {
        &self.settings
    }

    /// Returns all breakers, sorted by name.
    pub fn all(&self) -> Vec<Breaker> {
        let mut all: Vec<_> = self.cells.all().into_iter().map(|cell| Breaker { cell }).collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// Returns the last 100 changes of state of all keys together, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.history.recent()
    }

    pub(in crate::resilience) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// Returns the numbers of calls through all breakers, dropped ones included.
    pub(in crate::resilience) fn calls(&self) -> Calls {
        let mut calls = *lock(&self.dropped);
        for cell in self.cells.all() {
            calls.add(cell.reading().calls);
        }
        calls
    }
}
