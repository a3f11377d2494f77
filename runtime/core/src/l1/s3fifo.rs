//! Eviction by S3-FIFO (Yang et al., SOSP 2023).
//!
//! New entries pass through a *small* queue. Entries that were hit meanwhile move to the *main* queue; the others are evicted and their
//! keys remembered in a *ghost* queue. A key that comes back while it is in ghost goes straight to main. Small has 1 % and ghost half of
//! the capacity: on Zipf 0.99 with room for a tenth of the keys the hit ratio is 78.7 %, against 77.7 % for the paper's 10 % and a ghost
//! as large as main.
//!
//! A *dead* entry, which no reader can get any more, is removed before any living one. It gets no second chance, its hits do not count,
//! and it is searched for in both queues, because in main it would outlive hundreds of entries that are used. Its key keeps its rank:
//! the key of an entry that dies in main is remembered in ghost and comes back to main.
//!
//! A queue holds hashes only, of 32 bits, and asks a [`Residents`] about the entries. An entry that was removed by other means is noticed at its
//! turn, or by a search for dead ones. If its key comes back before that, the key is queued twice, and its entry may be evicted early. The same happens to one
//! of two keys with the same bits.

use std::collections::{HashSet, VecDeque};

/// The entries behind the hashes of a queue.
pub(crate) trait Residents {
    /// Returns the state of the entry under a hash.
    fn residency(&self, hash: u32) -> Residency;
    /// Sets the count of hits of the entry.
    fn set_hits(&self, hash: u32, hits: u8);
    /// Removes the entry for lack of room.
    fn evict(&self, hash: u32);
    /// Removes the entry if it is dead. Returns false if there is a living one: a new value may have come since it was judged, and keeps
    /// the position.
    fn remove_dead(&self, hash: u32) -> bool;
}

/// The state of the entry under a hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Residency {
    /// There is no entry.
    Absent,
    /// An entry that no reader can get: expired beyond any stale use, or invalidated.
    Dead,
    /// A living entry, with its number of hits since the last query, up to 3.
    Living(u8),
}

/// Maximum number of second chances in a row. The next entry is evicted regardless, so that steady hits cannot stall an insert.
const MAX_CHANCES: usize = 64;

/// Number of positions that an admission searches for a dead entry before it evicts a living one.
const SEARCHED_AT_A_TIME: usize = 8;

/// Number of positions that a sweep visits before it releases the lock.
const SWEPT_AT_A_TIME: usize = 64;

/// Marker of a position whose entry is gone. No key has this hash (`index::short_hash`).
const VACANT: u32 = u32::MAX;

/// The eviction queues of one shard.
#[derive(Debug, Default)]
pub(crate) struct S3Fifo {
    small: VecDeque<u32>,
    main: VecDeque<u32>,
    ghost: Ghost,
    /// The number of vacant positions in both queues.
    vacant: usize,
    search: Search,
}

/// A search for dead entries, which visits each position once.
#[derive(Debug, Default)]
struct Search {
    since: SearchStart,
    /// The number of positions still to be visited.
    left: usize,
    /// The next position, counted from the front of main to the back of small.
    next: usize,
}

/// The start of a search. Entries that die later are left to the next search.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct SearchStart {
    /// The position in the log.
    pub(crate) position: u64,
    /// The time, in units of about a second.
    pub(crate) time: u64,
}

impl S3Fifo {
    /// Admits a new entry, and evicts until at most `capacity` are left.
    pub(crate) fn admit(&mut self, hash: u32, capacity: usize, residents: &dyn Residents) {
        if self.ghost.remove(hash) {
            self.main.push_back(hash);
        } else {
            self.small.push_back(hash);
        }
        self.shrink(capacity, residents);
    }

    /// Evicts until at most `capacity` are left.
    pub(crate) fn shrink(&mut self, capacity: usize, residents: &dyn Residents) {
        let mut chances = 0;
        while self.len() > capacity {
            if !self.find_dead(residents) {
                self.step(capacity, &mut chances, residents);
            }
        }
        self.ghost.truncate(capacity.div_ceil(2));
    }

    /// Returns the number of queued entries, including removed ones that were not noticed yet.
    pub(crate) fn len(&self) -> usize {
        self.small.len() + self.main.len() - self.vacant
    }

    /// Starts a search for dead entries, unless none can have died since the last search began.
    pub(crate) fn search(&mut self, start: SearchStart) {
        if self.search.left == 0 && self.search.since != start {
            self.search = Search { since: start, left: self.positions(), next: 0 };
        }
    }

    fn positions(&self) -> usize {
        self.small.len() + self.main.len()
    }

    /// Continues the search for some positions. Returns true if it vacated one of them.
    fn find_dead(&mut self, residents: &dyn Residents) -> bool {
        for _ in 0..SEARCHED_AT_A_TIME {
            let Some(left) = self.search.left.checked_sub(1) else { return false };
            let next = self.search.next;
            (self.search.left, self.search.next) = (left, next + 1);
            if self.vacate(next, residents) {
                return true;
            }
        }
        false
    }

    /// Vacates a position whose entry is dead or gone. Positions are counted from the front of main to the back of small.
    fn vacate(&mut self, position: usize, residents: &dyn Residents) -> bool {
        let (queue, at, lane) = match position.checked_sub(self.main.len()) {
            None => (&mut self.main, position, Lane::Main),
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

    /// Vacates dead entries at some of the positions that a pass has left, and returns the rest of the pass; `None` at its end. Goes from
    /// the back to the front: entries move towards the front meanwhile, so the pass misses only those that are added behind it, which
    /// are alive.
    pub(crate) fn sweep(&mut self, pass: Pass, residents: &dyn Residents) -> Option<Pass> {
        let queue = if pass.lane == Lane::Small { &self.small } else { &self.main };
        let end = pass.left.min(queue.len());
        let begin = end.saturating_sub(SWEPT_AT_A_TIME);
        let first = if pass.lane == Lane::Small { self.main.len() } else { 0 };
        for position in (begin..end).rev() {
            self.vacate(first + position, residents);
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

    /// Removes vacant positions, and frees their memory if there are many.
    fn close_gaps(&mut self) {
        if self.vacant > 0 {
            (self.vacant, self.search.left) = (0, 0);
            for queue in [&mut self.small, &mut self.main] {
                queue.retain(|hash| *hash != VACANT);
                queue.shrink_to(2 * queue.len());
            }
        }
    }

    /// Remembers the key of a dead entry that was in main.
    fn remember(&mut self, hash: u32, lane: Lane) {
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

/// The queue of a position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Small,
    Main,
}

/// The rest of a pass over all positions.
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

/// The hashes of entries that were evicted from the small queue or died in main, oldest first.
#[derive(Debug, Default)]
struct Ghost {
    order: VecDeque<u32>,
    members: HashSet<u32, foldhash::fast::FixedState>,
}

impl Ghost {
    fn insert(&mut self, hash: u32) {
        if self.members.insert(hash) {
            self.order.push_back(hash);
        }
    }

    fn remove(&mut self, hash: u32) -> bool {
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
