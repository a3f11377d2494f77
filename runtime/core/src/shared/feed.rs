//! The fold of the shared log in this process.
//!
//! Entries of the shared tier carry a position in the stream, by which [`FeedJudge`] judges them once, when they are read. Everything in
//! this process is judged by the local log, to which this fold appends. So the local tier never sees a stream id, and a hit costs the same
//! with and without a shared tier.
//!
//! Invariants:
//! - a fold raises the shared table first, then the local log, and moves the position last;
//! - a record that arrives several times (as a push on each connection, as the reply to its append, in a delta) is appended to the local
//!   log once, unless its pair was evicted from the table in between;
//! - values of another incarnation are invalid: ids are comparable only within one life of one server's log;
//! - only entries that were read from the log itself start another life. A message of an unknown life is *unverified*: it may be
//!   of another database or a foreign log. The log is then checked, and until that nothing is taken from the shared tier.

use std::sync::Arc;

use super::api::{PutEpochs, SharedEpoch};
use super::notices::Notices;
use super::stream::{Appended, Incarnation, Life, MAX_TOKEN, Published, StreamEntry, StreamId};
use crate::events::{RecordSource, ResetCause};
use crate::log::{Epoch, Judgement, Log, Mirror, Record, RecordCause, expiry_of};
use crate::sync::{Mutex, MutexGuard, lock};

/// Maximum number of scopes that are collected for the eraser, which takes them every second.
#[cfg(feature = "redis-cluster")]
pub(super) const MAX_ERASING: usize = 1 << 16;

/// A put whose record is on its way through the log.
pub(crate) struct ExpectedPut {
    /// The position in the local log at which its body began.
    pub(crate) began: Epoch,
    pub(crate) scopes: Box<[u64]>,
}

/// The state of the shared log, as far as it was folded.
pub(crate) struct Feed {
    log: Arc<Log>,
    mirror_bytes: usize,
    notices: Arc<Notices>,
    /// The token of records that this process appends again. Their events were sent when they came into doubt.
    replays: u64,
    state: Mutex<FeedState>,
}

struct FeedState {
    incarnation: Option<Incarnation>,
    /// The log that was [forgotten](Feed::forget) last, until one is read again.
    forgotten: Option<Incarnation>,
    /// The last record up to which all were folded. Never a foreign entry of the stream.
    position: StreamId,
    /// The number of unverified messages and gaps so far, and the number that checks of the log have explained.
    suspicious: u64,
    explained: u64,
    /// Values whose load began before this position are invalid.
    floor: StreamId,
    mirror: Mirror,
    /// The packed id of the last refresh. Most judgements skip refreshes by it.
    refreshed: u64,
    /// Puts whose own record was not folded yet, by the token of the record.
    putting: Vec<(u64, ExpectedPut)>,
    /// Puts whose record was folded, by its token, until the put asks for it.
    placed: Vec<(u64, Option<PutEpochs>)>,
    /// Records of this process on their way through the log, by their tokens: the texts of their scopes, for events; `None` if they send
    /// none.
    announcing: Vec<(u64, Option<Vec<Box<str>>>)>,
    /// The scopes of invalidations that were folded, with the life of the log and their position in it, once the eraser asks for them.
    #[cfg(feature = "redis-cluster")]
    erasing: Option<Vec<(Life, StreamId, u64)>>,
    /// Logs that were left for another server's. A former master that was cut off from its successor may still answer.
    left: Vec<Incarnation>,
}

/// The result of folding an entry of the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folded {
    /// The entry was folded.
    Done,
    /// Entries before it are missing and have to be read.
    Gap,
    /// The entry is of an unknown life: the log has to be checked.
    Unverified,
}

/// The state of the feed at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogView {
    incarnation: Option<Incarnation>,
    position: StreamId,
    suspicious: u64,
}

impl Feed {
    pub(crate) fn new(log: Arc<Log>, mirror_bytes: usize, notices: Arc<Notices>) -> Self {
        let state = FeedState {
            incarnation: None,
            forgotten: None,
            position: StreamId::ZERO,
            suspicious: 0,
            explained: 0,
            floor: StreamId::ZERO,
            mirror: Mirror::with_bytes(mirror_bytes),
            refreshed: 0,
            putting: Vec::new(),
            placed: Vec::new(),
            announcing: Vec::new(),
            #[cfg(feature = "redis-cluster")]
            erasing: None,
            left: Vec::new(),
        };
        Self { log, mirror_bytes, notices, replays: fastrand::u64(1..=MAX_TOKEN), state: Mutex::new(state) }
    }

    /// Returns the position of a load that begins now; `None` before the log was first read.
    pub(crate) fn epoch(&self) -> Option<SharedEpoch> {
        let state = lock(&self.state);
        let incarnation = state.incarnation?;
        Some(SharedEpoch { incarnation: incarnation.hash(), id: state.position.packed_down() })
    }

    /// Returns the judge of values that came over a connection to this server. `None` if the log is another server's by now, because the
    /// replaced connection may have missed records, and while messages or gaps are unexplained.
    pub(crate) fn judge(&self, server: u64) -> Option<FeedJudge<'_>> {
        let state = lock(&self.state);
        let current =
            state.incarnation.filter(|current| current.server == server && state.suspicious == state.explained)?;
        Some(FeedJudge { incarnation: current.hash(), floor: state.floor.packed_down(), state })
    }

    /// Returns the server of the log. Connections to other servers do not count.
    pub(crate) fn server(&self) -> Option<u64> {
        lock(&self.state).incarnation.map(|current| current.server)
    }

    /// Returns the position at which a delta has to begin, if the log of this server is known.
    pub(crate) fn resume(&self, server: u64) -> Option<(Life, StreamId)> {
        let state = lock(&self.state);
        let current = state.incarnation.filter(|current| current.server == server)?;
        Some((current.life, state.position))
    }

    /// Takes the scopes of the invalidations that were folded since the last call, with the life of the log and their position in it. The
    /// first call begins to collect them.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn take_erasing(&self) -> Vec<(Life, StreamId, u64)> {
        lock(&self.state).erasing.replace(Vec::new()).unwrap_or_default()
    }

    /// Returns the life of the log, and the position up to which it was folded; `None` before it was first read.
    #[cfg(feature = "redis-cluster")]
    pub(crate) fn position(&self) -> Option<(Life, StreamId)> {
        let state = lock(&self.state);
        Some((state.incarnation?.life, state.position))
    }

    /// Starts over with an unknown log, at its first entry. Everything that was cached is invalid.
    pub(crate) fn reset(&self, incarnation: Incarnation, first: StreamId) {
        let mut state = lock(&self.state);
        self.restart(&mut state, incarnation, first);
    }

    /// Forgets the log, so that the next connection starts over. Remembers its incarnation, because the next log may be another server's.
    pub(crate) fn forget(&self) {
        let mut state = lock(&self.state);
        state.forgotten = state.incarnation.take().or(state.forgotten);
        drop(state);
        self.log.append_for(&Record::clear(), RecordCause::Reset(ResetCause::Behind));
    }

    /// Returns whether this log was left for another server's.
    pub(crate) fn has_left(&self, log: Incarnation) -> bool {
        lock(&self.state).left.contains(&log)
    }

    fn restart(&self, state: &mut FeedState, incarnation: Incarnation, first: StreamId) {
        let forgotten = state.forgotten.take();
        if let Some(old) = state.incarnation.or(forgotten).filter(|old| old.server != incarnation.server) {
            state.left.push(old);
        }
        state.mirror = Mirror::with_bytes(self.mirror_bytes);
        state.refreshed = 0;
        state.floor = first;
        state.incarnation = Some(incarnation);
        self.log.append_for(&Record::clear(), RecordCause::Reset(ResetCause::NewLog));
        state.position = first;
        self.notices.reset();
    }

    /// Returns the state now, to be compared with the log.
    pub(crate) fn view(&self) -> LogView {
        let state = lock(&self.state);
        LogView { incarnation: state.incarnation, position: state.position, suspicious: state.suspicious }
    }

    /// Returns whether the log of this server, with this last entry, is still the known one. `before` is the state before the server was
    /// asked; all messages up to its answer are folded by now. If it is the same log, it explains what was suspicious in `before`.
    pub(crate) fn is_confirmed(&self, server: u64, last: Option<&StreamEntry>, before: LogView) -> bool {
        let mut state = lock(&self.state);
        let Some(current) = state.incarnation.filter(|current| current.server == server) else { return false };
        // If entries are missing at the end, they were removed, or the log was replaced by an older copy.
        let known = before.incarnation != Some(current) || last.is_some_and(|last| last.id >= before.position);
        let same = last.is_some_and(|last| last.life == Some(current.life) && last.id <= state.position);
        if known && same {
            state.explained = state.explained.max(before.suspicious);
        }
        known && same
    }

    /// Notes that the log was read to its end, which explains what was suspicious in `before`.
    pub(crate) fn confirm(&self, before: LogView) {
        let mut state = lock(&self.state);
        state.explained = state.explained.max(before.suspicious);
    }

    /// Folds an entry that came as a push.
    pub(crate) fn push(&self, server: u64, published: &Published) -> Folded {
        let Published { entry, previous, token, record } = published;
        let mut state = lock(&self.state);
        let Some(current) = state.incarnation.filter(|current| current.server == server) else { return Folded::Gap };
        if current.life != entry.life {
            state.suspicious += 1;
            return Folded::Unverified;
        }
        if *previous > state.position {
            state.suspicious += 1;
            return Folded::Gap;
        }
        self.raise(&mut state, entry.id, record.as_ref(), (*token, RecordSource::AnotherProcess));
        state.position = state.position.max(entry.id);
        Folded::Done
    }

    /// Folds the entries of a delta, which begin at the known position or where [`reset`](Self::reset) began.
    pub(crate) fn delta(&self, server: u64, entries: &[StreamEntry]) {
        let mut state = lock(&self.state);
        for StreamEntry { id, life, record } in entries {
            let Some(current) = state.incarnation.filter(|current| current.server == server) else { return };
            match life {
                Some(life) if *life != current.life => {
                    self.restart(&mut state, Incarnation { server, life: *life }, *id);
                }
                _ => {}
            }
            self.raise(&mut state, *id, record.as_ref(), (0, RecordSource::AnotherProcess));
            if life.is_some() {
                state.position = state.position.max(*id);
            }
        }
    }

    /// Folds a record of this process, which the server has just appended. `None` if the known log is another server's: the record counts
    /// as lost then. If the log is in another life, the record counts here, and the other entries of that life have to be read.
    pub(crate) fn fold_appended(&self, server: u64, entry: &Appended, record: &Record, token: u64) -> Option<Folded> {
        let mut state = lock(&self.state);
        let current = state.incarnation.filter(|current| current.server == server)?;
        if current.life != entry.life {
            state.suspicious += 1;
            self.log.append(self.as_announced(&state, record, token).as_ref().unwrap_or(record));
            return Some(Folded::Unverified);
        }
        self.raise(&mut state, entry.id, Some(record), (token, RecordSource::ThisProcess));
        Some(Folded::Done)
    }

    /// Raises the scopes of a record; everything, if it cannot be read.
    fn raise(
        &self,
        state: &mut FeedState,
        id: StreamId,
        record: Option<&Record>,
        (token, source): (u64, RecordSource),
    ) {
        let everything = Record::clear();
        let unreadable = record.is_none();
        let record = record.unwrap_or(&everything);
        let packed = id.packed_up();
        let known = if record.is_clear() {
            state.floor >= id
        } else {
            id.is_exact() && record.raised().all(|key| state.mirror.pair(key) >= Some(packed))
        };
        let put = state.putting.iter().position(|(expected, _)| *expected == token && token != 0);
        if known && put.is_none() {
            return;
        }
        if unreadable {
            self.notices.unreadable(id);
        }
        if record.is_clear() {
            state.floor = state.floor.max(id);
        }
        for key in record.raised() {
            state.mirror.raise(key, packed);
        }
        #[cfg(feature = "redis-cluster")]
        if let (Some(erasing), Some(current), false) = (&mut state.erasing, state.incarnation, record.is_refresh()) {
            let room = MAX_ERASING.saturating_sub(erasing.len());
            erasing.extend(record.scopes().iter().take(room).map(|&scope| (current.life, id, scope)));
        }
        if record.is_refresh() {
            state.refreshed = state.refreshed.max(packed);
        }
        // A push may come before the reply to the append of this process.
        let announced = self.as_announced(state, record, token);
        let (record, source) = announced.as_ref().map_or((record, source), |named| (named, RecordSource::ThisProcess));
        let cause = if unreadable { RecordCause::Reset(ResetCause::Unreadable) } else { RecordCause::By(source) };
        match put.map(|index| state.putting.swap_remove(index).1) {
            None => drop(self.log.append_for(record, cause)),
            Some(put) => {
                let shared =
                    state.incarnation.map(|current| SharedEpoch { incarnation: current.hash(), id: id.packed_down() });
                let local = self.log.append_put(record, put.began, &put.scopes);
                state.placed.push((token, local.map(|local| PutEpochs { local, shared })));
            }
        }
    }

    /// Returns a record as its event shows it, if this token says that it is of this process.
    fn as_announced(&self, state: &FeedState, record: &Record, token: u64) -> Option<Record> {
        if token == self.replays {
            return Some(record.clone().silent());
        }
        let (_, texts) = state.announcing.iter().find(|(announced, _)| *announced == token && token != 0)?;
        Some(match texts {
            Some(texts) => record.clone().with_texts(texts.clone()),
            None => record.clone().silent(),
        })
    }

    /// Returns the token of records that this process appends again after it has sent their events.
    pub(crate) fn replays(&self) -> u64 {
        self.replays
    }

    /// Registers a put, so that its own record can be recognised.
    pub(crate) fn expect(&self, token: u64, putting: ExpectedPut) {
        lock(&self.state).putting.push((token, putting));
    }

    /// Returns the positions of a put whose record was folded, and no longer expects it.
    pub(crate) fn placed(&self, token: u64) -> Option<PutEpochs> {
        let mut state = lock(&self.state);
        state.putting.retain(|(put, _)| *put != token);
        let index = state.placed.iter().position(|(put, _)| *put == token)?;
        state.placed.swap_remove(index).1
    }
}

/// Guard of a record of this process that is about to be sent: until this is dropped, its event is right however it arrives.
pub(crate) struct AnnouncedRecord<'a> {
    feed: &'a Feed,
    token: u64,
}

impl<'a> AnnouncedRecord<'a> {
    pub(crate) fn new(feed: &'a Feed, token: u64, record: &Record) -> Self {
        let texts = (!record.is_silent()).then(|| record.texts().to_vec());
        lock(&feed.state).announcing.push((token, texts));
        Self { feed, token }
    }
}

impl Drop for AnnouncedRecord<'_> {
    fn drop(&mut self) {
        lock(&self.feed.state).announcing.retain(|(announced, _)| *announced != self.token);
    }
}

/// Judges values of the shared tier. No record is folded while it is held.
pub(crate) struct FeedJudge<'a> {
    incarnation: u64,
    floor: u64,
    state: MutexGuard<'a, FeedState>,
}

impl FeedJudge<'_> {
    /// Judges a value whose load began at this position and that has these scopes.
    pub(crate) fn judge(&self, epoch: SharedEpoch, scopes: &[u64]) -> Judgement {
        let FeedState { mirror, refreshed, .. } = &*self.state;
        let valid = epoch.incarnation == self.incarnation
            && epoch.id >= self.floor
            && scopes.iter().all(|&scope| epoch.id >= mirror.last(scope));
        if !valid {
            Judgement::Invalidated
        } else if epoch.id < *refreshed && scopes.iter().any(|&scope| epoch.id < mirror.last(expiry_of(scope))) {
            Judgement::Expired
        } else {
            Judgement::Current
        }
    }
}

#[cfg(test)]
mod tests;
