//! One breaker per key: a host that is down must not keep calls from the others.

use std::sync::Arc;

use crate::clock::Clock;
use crate::sync::{Mutex, lock};

use super::super::keyed::{Keep, Keyed, kept_name};
use super::cell::Cell;
use super::events::EventLog;
use super::window::Spread;
use super::{Breaker, Calls, Event, Events, Settings};

/// Breakers under one name, one per key, and at most [`with_max_keys`](Self::with_max_keys) of them.
///
/// Over that, the one that was used longest ago is forgotten: a closed one, unless all are open. Calls that are under way
/// end as they would have, but no longer count.
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
    events: Arc<EventLog>,
    clock: Clock,
    max_keys: usize,
    cells: Keyed<Cell>,
    /// Calls through those that were forgotten.
    forgotten: Mutex<Calls>,
}

impl Keep for Cell {
    fn is_idle(&self) -> bool {
        self.is_closed()
    }
}

impl KeyedBreaker {
    /// The number of keys at most, unless something else is said.
    pub(in crate::resilience) const MAX_KEYS: usize = 1_000;

    /// Breakers of their own, at most 1 000.
    pub fn new(name: &str, settings: Settings) -> Self {
        Self::make(name.into(), settings, Self::MAX_KEYS, Clock::system())
    }

    /// Breakers of their own, at most so many, and at least one.
    #[must_use]
    pub fn with_max_keys(self, keys: usize) -> Self {
        Self::make(self.name, self.settings, keys, self.clock)
    }

    /// Breakers of their own with another clock: for tests.
    #[must_use]
    pub fn with_clock(self, clock: Clock) -> Self {
        Self::make(self.name, self.settings, self.max_keys, clock)
    }

    fn make(name: Arc<str>, settings: Settings, max_keys: usize, clock: Clock) -> Self {
        let cells = Keyed::new(max_keys, clock.clone());
        Self { name, settings, events: EventLog::new(), clock, max_keys, cells, forgotten: Mutex::default() }
    }

    /// The breaker of this key. Of a key of more than 256 bytes its name has the beginning and a digest.
    pub fn get(&self, key: &str) -> Breaker {
        let key = &*kept_name(key);
        let make = || {
            let name = format!("{}[{key}]", self.name).into();
            Cell::new(name, self.settings.clone(), self.clock.clone(), Spread::Single, self.events.clone())
        };
        let forget = |gone: &Cell| lock(&self.forgotten).add(gone.reading().calls);
        Breaker { cell: self.cells.get(key, make, forget) }
    }

    /// Those that there are, by their names.
    pub fn all(&self) -> Vec<Breaker> {
        let mut all: Vec<_> = self.cells.all().into_iter().map(|cell| Breaker { cell }).collect();
        all.sort_by(|a, b| a.name().cmp(b.name()));
        all
    }

    /// The last 100 changes of state of all of them, oldest first.
    pub fn events(&self) -> Vec<Event> {
        self.events.recent()
    }

    /// Their changes of state from now on.
    pub fn subscribe(&self) -> Events {
        self.events.subscribe()
    }

    pub(in crate::resilience) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// All calls, those through breakers that were forgotten included.
    pub(in crate::resilience) fn calls(&self) -> Calls {
        let mut calls = *lock(&self.forgotten);
        for cell in self.cells.all() {
            calls.add(cell.reading().calls);
        }
        calls
    }
}
