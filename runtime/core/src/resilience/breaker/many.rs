//! One breaker per key: a host that is down must not keep calls from the others.

use std::sync::Arc;

use crate::clock::Clock;
use crate::sync::{Mutex, lock};

use super::super::keyed::{Keep, Keyed, kept_name};
use super::cell::Cell;
use super::events::Events;
use super::window::Spread;
use super::{Breaker, BreakerCalls, BreakerEvent, BreakerEvents, BreakerSettings};

/// Breakers under one name, one per key, and at most so many.
///
/// Over the cap the one that was used longest ago is forgotten: a closed one, unless all are open. Calls that are under way
/// end as they would have, but no longer count.
///
/// ```
/// use fastness::Clock;
/// use fastness::resilience::{BreakerSettings, KeyedBreaker, State};
///
/// let hosts = KeyedBreaker::new("host", BreakerSettings::new(), 1_000, Clock::system());
/// hosts.get("a.example").force_open();
/// assert_eq!(hosts.get("a.example").state(), State::ForcedOpen);
/// assert_eq!(hosts.get("b.example").state(), State::Closed);
/// ```
#[derive(Debug)]
pub struct KeyedBreaker {
    name: Arc<str>,
    settings: BreakerSettings,
    events: Arc<Events>,
    clock: Clock,
    cells: Keyed<Cell>,
    /// Calls through those that were forgotten.
    forgotten: Mutex<BreakerCalls>,
}

impl Keep for Cell {
    fn is_idle(&self) -> bool {
        self.is_closed()
    }
}

impl KeyedBreaker {
    /// At most `cap` breakers, and at least one.
    pub fn new(name: &str, settings: BreakerSettings, cap: usize, clock: Clock) -> Self {
        let cells = Keyed::new(cap, clock.clone());
        Self { name: name.into(), settings, events: Events::new(), clock, cells, forgotten: Mutex::default() }
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
    pub fn events(&self) -> Vec<BreakerEvent> {
        self.events.recent()
    }

    /// Their changes of state from now on.
    pub fn subscribe(&self) -> BreakerEvents {
        self.events.subscribe()
    }

    pub(in crate::resilience) fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// All calls, those through breakers that were forgotten included.
    pub(in crate::resilience) fn calls(&self) -> BreakerCalls {
        let mut calls = *lock(&self.forgotten);
        for cell in self.cells.all() {
            calls.add(cell.reading().calls);
        }
        calls
    }
}
