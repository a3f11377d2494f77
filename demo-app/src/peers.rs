//! Connections that are open: how many there are and may be, in all and of each peer.
//!
//! A peer is an address of IPv4 or a network of IPv6 ([`peer_network`]).
//!
//! May use: nothing of this crate.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fastness::http::peer_network;
use serde::Serialize;

/// Bounds on the number of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most connections in all.
    pub all: usize,
    /// The most connections of one peer.
    pub per_peer: usize,
}

impl Bounds {
    /// Files of the process that are not connections of clients: the database's, Redis's, logs, listeners, and some to spare.
    pub const RESERVE: usize = 256;

    /// Lowers these bounds for a process that may open so many files: to all but [`RESERVE`](Self::RESERVE) of them, or half
    /// where that is more.
    #[must_use]
    pub fn within(self, files: Option<u64>) -> Self {
        let files = files.map_or(usize::MAX, |files| usize::try_from(files).unwrap_or(usize::MAX));
        Self { all: self.all.min(files.saturating_sub(Self::RESERVE).max(files / 2)), ..self }
    }
}

/// Counts the connections of a listener. Cheap to clone; clones count the same ones.
#[derive(Clone, Debug)]
pub struct Peers(Arc<Mutex<PeerCounts>>);

#[derive(Debug)]
struct PeerCounts {
    bounds: Bounds,
    open: HashMap<IpAddr, usize>,
    /// The counters; the figures of peers follow from `open`.
    counted: Snapshot,
}

/// The bound that a connection would exceed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Full {
    /// The bound on all connections.
    All,
    /// The bound on the connections of one peer.
    Peer,
}

/// The connections of a listener at one moment, as JSON a section of the performance report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Snapshot {
    /// Open ones.
    pub open: usize,
    /// Peers that have at least one.
    pub peers: usize,
    /// Connections of the peer that has most.
    pub most_of_a_peer: usize,
    /// The bound of all.
    pub bound: usize,
    /// The bound of each peer.
    pub bound_per_peer: usize,
    /// Refused since the start, because all places were taken.
    pub refused: u64,
    /// Refused since the start, because their peer had all of its places.
    pub refused_of_peer: u64,
    /// Cut off since the start, because the client did not read while the server had more to write. Where the system had taken the
    /// whole answer, it closes the connection, and hyper does not say why an idle connection ended.
    pub unread: u64,
    /// Failed calls of `accept` since the start.
    pub failed_accepts: u64,
}

impl Peers {
    /// Starts with no connection.
    pub fn new(bounds: Bounds) -> Self {
        let counted = Snapshot { bound: bounds.all, bound_per_peer: bounds.per_peer, ..Snapshot::default() };
        Self(Arc::new(Mutex::new(PeerCounts { bounds, open: HashMap::new(), counted })))
    }

    /// Gives a place to a connection from this address, until the place is dropped.
    ///
    /// # Errors
    ///
    /// No place is left. It is counted.
    pub fn enter(&self, address: IpAddr) -> Result<Place, Full> {
        let (peer, state) = (peer_network(address), &mut *self.state());
        let of_peer = state.open.get(&peer).copied().unwrap_or(0);
        if of_peer >= state.bounds.per_peer {
            state.counted.refused_of_peer += 1;
            return Err(Full::Peer);
        }
        if state.counted.open >= state.bounds.all {
            state.counted.refused += 1;
            return Err(Full::All);
        }
        state.counted.open += 1;
        state.open.insert(peer, of_peer + 1);
        Ok(Place { peers: self.clone(), peer })
    }

    /// Counts a client that was cut off because it did not read.
    pub fn count_unread(&self) {
        self.state().counted.unread += 1;
    }

    /// Counts a call of `accept` that failed.
    pub fn count_failed_accept(&self) {
        self.state().counted.failed_accepts += 1;
    }

    /// The figures.
    pub fn snapshot(&self) -> Snapshot {
        let PeerCounts { ref open, counted, .. } = *self.state();
        Snapshot { peers: open.len(), most_of_a_peer: open.values().copied().max().unwrap_or(0), ..counted }
    }

    fn state(&self) -> MutexGuard<'_, PeerCounts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of a connection, which its drop gives back.
#[derive(Debug)]
pub struct Place {
    peers: Peers,
    peer: IpAddr,
}

impl Drop for Place {
    fn drop(&mut self) {
        let state = &mut *self.peers.state();
        state.counted.open -= 1;
        if let Some(of_peer) = state.open.get_mut(&self.peer) {
            *of_peer -= 1;
            if *of_peer == 0 {
                state.open.remove(&self.peer);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn each_peer_and_all_together_have_their_bounds() {
        let peers = Peers::new(Bounds { all: 3, per_peer: 2 });
        let enter = |text| peers.enter(address(text));
        let (one, two) = (enter("10.0.0.1").unwrap(), enter("::ffff:10.0.0.1").unwrap());
        assert_eq!(enter("10.0.0.1").unwrap_err(), Full::Peer, "an address is the same, however it is written");
        let three = enter("2001:db8:0:1::1").unwrap();
        assert_eq!(enter("10.0.0.2").unwrap_err(), Full::All);
        assert_eq!(enter("10.0.0.1").unwrap_err(), Full::Peer, "the narrower bound is named first");
        let seen = peers.snapshot();
        assert_eq!((seen.open, seen.peers, seen.most_of_a_peer, seen.refused, seen.refused_of_peer), (3, 2, 2, 1, 2));
        drop(one);
        let four = enter("2001:db8:0:1:ffff::2").unwrap();
        drop(two);
        assert_eq!(enter("2001:db8:0:1::3").unwrap_err(), Full::Peer, "a network is one peer");
        assert!(enter("2001:db8:0:2::1").is_ok());
        drop((three, four));
        let seen = peers.snapshot();
        assert_eq!((seen.open, seen.peers, seen.most_of_a_peer), (0, 0, 0), "nothing is left behind");
    }

    #[test]
    fn what_the_process_may_open_bounds_them() {
        let asked = Bounds { all: 10_000, per_peer: 512 };
        let all = |files| asked.within(files).all;
        assert_eq!([None, Some(u64::MAX), Some(1 << 20), Some(10_256)].map(all), [10_000; 4]);
        assert_eq!([Some(10_255), Some(1_024), Some(300), Some(64)].map(all), [9_999, 768, 150, 32]);
        assert_eq!(asked.within(Some(64)).per_peer, 512);
    }
}
