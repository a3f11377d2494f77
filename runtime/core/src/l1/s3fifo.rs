//! S3-FIFO (Yang et al., SOSP 2023): which entry has to go.
//!
//! New entries pass through a *small* queue; those that were hit meanwhile move to the *main* queue, the others leave and
//! are remembered in a *ghost* queue; whoever comes back from there goes to main at once. Small is 1 % and ghost half of
//! the capacity: on Zipf 0.99 with room for a tenth of the keys that keeps 78.7 % of reads, against 77.7 % for the paper's
//! 10 % and an equal ghost.
//!
//! A *dead* entry, which nobody can be served any more, goes before any living one: it gets no second chance, its hits do not
//! count, and it is looked for wherever it stands, because in main it would outlast hundreds of entries that are used. Its key
//! keeps what it has earned: one that dies in main is remembered, and comes back to main.
//!
//! A queue holds no entries, only their hashes; it asks a [`Residents`] about them. An entry that has gone by other means is
//! noticed when its turn comes, or when dead ones are looked for; one that has come back meanwhile is in the queue twice, and at
//! worst leaves early.

use std::collections::{HashSet, VecDeque};

/// Where the entries are.
pub(crate) trait Residents {
    fn residency(&self, hash: u64) -> Residency;
    /// Sets the count of hits.
    fn set_hits(&self, hash: u64, hits: u8);
    /// Removes the entry for lack of room.
    fn evict(&self, hash: u64);
    /// Removes the entry if it is dead. False if there is one that lives: a new value may have come since it was judged, and keeps the
    /// place.
    fn remove_dead(&self, hash: u64) -> bool;
}

/// What there is under a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Residency {
    Absent,
    /// An entry that can be served to nobody: expired for good, or invalidated.
    Dead,
    /// An entry, and how often it was hit since that was last asked, up to 3.
    Living(u8),
}

/// After this many second chances in a row the next in line goes regardless, so that steady hits cannot stall an insert.
const MAX_CHANCES: usize = 64;

/// Places at which an admission looks for a dead entry before a living one has to go.
const LOOKS: usize = 8;

/// Places that a sweep looks at before others have their turn.
const SWEPT_AT_A_TIME: usize = 64;

/// Takes the place of a hash whose entry is gone. The entry of a key whose hash is the same would not be evicted by its queue; none
/// is expected in the life of a process.
const VACANT: u64 = u64::MAX;

#[derive(Debug, Default)]
pub(crate) struct S3Fifo {
    small: VecDeque<u64>,
    main: VecDeque<u64>,
    ghost: Ghost,
    /// Places that are vacant, in both queues.
    vacant: usize,
    search: Search,
}

/// A search for dead entries, one round of which passes each place once.
#[derive(Debug, Default)]
struct Search {
    since: SearchStart,
    /// Places still to be looked at.
    left: usize,
    /// The next one, counted from the first of main to the last of small.
    next: usize,
}

/// The beginning of a search: what dies later is for the next one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchStart {
    /// The position in the log.
    pub(crate) position: u64,
    /// In seconds or so.
    pub(crate) time: u64,
}

impl S3Fifo {
    /// Admits a new entry and makes room until no more than `capacity` are left.
    pub(crate) fn admit(&mut self, hash: u64, capacity: usize, residents: &dyn Residents) {
        if self.ghost.take(hash) {
            self.main.push_back(hash);
        } else {
            self.small.push_back(hash);
        }
        self.shrink(capacity, residents);
    }

    /// Makes room until no more than `capacity` are left.
    pub(crate) fn shrink(&mut self, capacity: usize, residents: &dyn Residents) {
        let mut chances = 0;
        while self.len() > capacity {
            if !self.find_dead(residents) {
                self.step(capacity, &mut chances, residents);
            }
        }
        self.ghost.truncate(capacity.div_ceil(2));
    }

    /// How many entries are queued, those included that are gone and not yet noticed.
    pub(crate) fn len(&self) -> usize {
        self.small.len() + self.main.len() - self.vacant
    }

    /// Lets dead entries be searched for, unless none can have died since the last search began.
    pub(crate) fn search(&mut self, start: SearchStart) {
        if self.search.left == 0 && self.search.since != start {
            self.search = Search { since: start, left: self.places(), next: 0 };
        }
    }

    fn places(&self) -> usize {
        self.small.len() + self.main.len()
    }

    /// Goes on with the search for some places. True if one of them became vacant.
    fn find_dead(&mut self, residents: &dyn Residents) -> bool {
        for _ in 0..LOOKS {
            let Some(left) = self.search.left.checked_sub(1) else { return false };
            let next = self.search.next;
            (self.search.left, self.search.next) = (left, next + 1);
            if self.vacate(next, residents) {
                return true;
            }
        }
        false
    }

    /// Vacates a place whose entry is dead or gone. Places are counted from the first of main to the last of small.
    fn vacate(&mut self, place: usize, residents: &dyn Residents) -> bool {
        let (queue, at, lane) = match place.checked_sub(self.main.len()) {
            None => (&mut self.main, place, Lane::Main),
            Some(at) => (&mut self.small, at, Lane::Small),
        };
        let Some(hash) = queue.get_mut(at).filter(|hash| **hash != VACANT) else { return false };
        let residency = residents.residency(*hash);
        match residency {
            Residency::Living(_) => return false,
            Residency::Dead if !residents.remove_dead(*hash) => return false,
            Residency::Dead | Residency::Absent => {}
        }
        let hash = std::mem::replace(hash, VACANT);
        self.vacant += 1;
        if residency == Residency::Dead {
            self.remember(hash, lane);
        }
        true
    }

    /// Vacates what is dead among some of the places that are left of a pass. From the last place to the first: others move towards
    /// the front meanwhile, so that none is passed over but those that come in behind, which are judged as they come. `None` at the
    /// end.
    pub(crate) fn sweep(&mut self, pass: Pass, residents: &dyn Residents) -> Option<Pass> {
        let queue = if pass.lane == Lane::Small { &self.small } else { &self.main };
        let end = pass.left.min(queue.len());
        let begin = end.saturating_sub(SWEPT_AT_A_TIME);
        let first = if pass.lane == Lane::Small { self.main.len() } else { 0 };
        for place in (begin..end).rev() {
            self.vacate(first + place, residents);
        }
        match pass.lane {
            lane if begin > 0 => Some(Pass { lane, left: begin }),
            Lane::Small => Some(Pass { lane: Lane::Main, left: usize::MAX }),
            Lane::Main => {
                self.close_gaps();
                None
            }
        }
    }

    /// Gives up vacant places, and the memory of many.
    fn close_gaps(&mut self) {
        if self.vacant > 0 {
            (self.vacant, self.search.left) = (0, 0);
            for queue in [&mut self.small, &mut self.main] {
                queue.retain(|hash| *hash != VACANT);
                queue.shrink_to(2 * queue.len());
            }
        }
    }

    /// Remembers the key of a dead entry that has left main.
    fn remember(&mut self, hash: u64, lane: Lane) {
        if lane == Lane::Main {
            self.ghost.insert(hash);
        }
    }

    fn step(&mut self, capacity: usize, chances: &mut usize, residents: &dyn Residents) {
        let small_has_turn = self.small.len() > capacity.div_ceil(100) || self.main.is_empty();
        let (queue, lane) = if small_has_turn { (&mut self.small, Lane::Small) } else { (&mut self.main, Lane::Main) };
        let Some(hash) = queue.pop_front() else {
            return;
        };
        if hash == VACANT {
            self.vacant -= 1;
            return;
        }
        match residents.residency(hash) {
            Residency::Living(hits) if hits > 0 && *chances < MAX_CHANCES => {
                *chances += 1;
                residents.set_hits(hash, if small_has_turn { 0 } else { hits - 1 });
                self.main.push_back(hash);
            }
            Residency::Living(_) => {
                residents.evict(hash);
                if small_has_turn {
                    self.ghost.insert(hash);
                }
            }
            Residency::Dead if !residents.remove_dead(hash) => queue.push_back(hash),
            Residency::Dead => self.remember(hash, lane),
            Residency::Absent => {}
        }
    }
}

/// One of the two queues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Small,
    Main,
}

/// What is left of a pass over all places.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pass {
    lane: Lane,
    left: usize,
}

impl Default for Pass {
    fn default() -> Self {
        Self { lane: Lane::Small, left: usize::MAX }
    }
}

/// The hashes of those that left from the small queue, oldest first.
#[derive(Debug, Default)]
struct Ghost {
    order: VecDeque<u64>,
    members: HashSet<u64, foldhash::fast::FixedState>,
}

impl Ghost {
    fn insert(&mut self, hash: u64) {
        if self.members.insert(hash) {
            self.order.push_back(hash);
        }
    }

    fn take(&mut self, hash: u64) -> bool {
        self.members.remove(&hash)
    }

    fn truncate(&mut self, capacity: usize) {
        while self.order.len() > capacity {
            if let Some(oldest) = self.order.pop_front() {
                self.members.remove(&oldest);
            }
        }
    }
}

#[cfg(test)]
mod tests;
