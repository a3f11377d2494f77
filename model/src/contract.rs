//! The contract, judged from outside: the oldest version that a read may return, fixed when it starts and when its GET is executed.

use crate::mutants::Rules;
use crate::scenario::Scenario;
use crate::state::{Announcement, Kind, Node, Phase, State};
use crate::takeover::Takeover;

/// Returns whether an announcement concerns a read of this kind: a refresh does not concern reads that accept expired values.
fn concerns(announcement: Announcement, kind: Kind) -> bool {
    !announcement.refresh || kind != Kind::StaleRead
}

/// Returns the oldest version that a read which starts now on this node may return from any tier.
pub(crate) fn oldest(scenario: &Scenario, state: &State, node: u8, kind: Kind) -> u8 {
    if let Some(takeover) = scenario.takeover {
        let old = |announcement: &Announcement| {
            binds(*announcement, state, takeover) && state.now > announcement.time + scenario.max_stale
        };
        return newest(state, kind, |announcement| announcement.node == node || old(announcement));
    }
    newest(state, kind, |announcement| announcement.node == node || is_old(scenario, state, node, *announcement))
}

/// Returns the oldest version that this node's own announcements allow.
pub(crate) fn oldest_own(state: &State, node: u8, kind: Kind) -> u8 {
    newest(state, kind, |announcement| announcement.node == node)
}

fn newest(state: &State, kind: Kind, which: impl Fn(&Announcement) -> bool) -> u8 {
    let binding = state.announced.iter().filter(|announcement| concerns(**announcement, kind) && which(announcement));
    binding.map(|announcement| announcement.version).max().unwrap_or(0)
}

/// Returns whether an announcement binds other nodes in a scenario where two servers take writes. It does, unless a former master
/// acknowledged it that may go on for longer than the wait: such an announcement binds once it is sent again.
fn binds(announcement: Announcement, state: &State, takeover: Takeover) -> bool {
    announcement.server.is_some_and(|server| !takeover.replay || usize::from(server) + 1 == state.servers.len())
}

/// Returns the oldest version that a GET which is sent now may return, by the announcements of all nodes.
pub(crate) fn oldest_sent(state: &State, kind: Kind, rules: Rules) -> u8 {
    rules.takeover().map_or(0, |takeover| newest(state, kind, |announcement| binds(*announcement, state, takeover)))
}

/// Returns the oldest version that a GET of this node may return if it is executed now: all announcements were appended before.
/// With a lease, an announcement elsewhere concerns only later GETs.
pub(crate) fn oldest_shared(state: &State, op: u8, node: u8, at: u8, rules: Rules) -> u8 {
    let kind = state.ops[usize::from(op)].kind;
    if let Some(takeover) = rules.takeover() {
        let here = |announcement: &Announcement| takeover.lease.is_none() || announcement.server == Some(at);
        let executed = newest(state, kind, |announcement| binds(*announcement, state, takeover) && here(announcement));
        return executed.max(state.ops[usize::from(op)].shared);
    }
    let follows = state.nodes[usize::from(node)].feed.server;
    newest(state, kind, |announcement| {
        announcement.server.is_some_and(|server| follows >= server) && !ahead(*announcement, node)
    })
}

/// Returns whether another node's announcement binds this node's L1 and flights. It does so `max_stale` after it was made, or
/// after the last answer of a former primary to this node; and at once if the node has left the incarnation that holds it.
fn is_old(scenario: &Scenario, state: &State, node: u8, announcement: Announcement) -> bool {
    let Some(server) = announcement.server else { return false };
    if ahead(announcement, node) {
        return false;
    }
    let follows = state.nodes[usize::from(node)].feed.server;
    let since = match follows.cmp(&server) {
        std::cmp::Ordering::Greater => return true,
        std::cmp::Ordering::Equal => announcement.time,
        std::cmp::Ordering::Less => {
            announcement.time.max(state.servers[usize::from(follows)].answered[usize::from(node)])
        }
    };
    state.now > since + scenario.max_stale
}

fn ahead(announcement: Announcement, node: u8) -> bool {
    announcement.ahead & (1 << node) != 0
}

/// Notes that a write returned: `Announced` by this server, or `LocalOnly`.
pub(crate) fn returned(state: &mut State, op: usize, server: Option<u8>, rules: Rules) {
    let (version, node, refresh) = (state.ops[op].version, state.ops[op].node, state.ops[op].kind.is_refresh());
    let left = |at: usize| server.is_some_and(|server| state.nodes[at].feed.server > server);
    // Nodes that had left a former primary do not know the records that it acknowledges later.
    let ahead = (0..state.nodes.len()).filter(|at| left(*at)).fold(0, |bits, at| bits | 1 << at);
    if version == 0 {
        return;
    }
    let ahead = if rules.takeover().is_some() { 0 } else { ahead };
    state.announced.push(Announcement { version, node, time: state.now, server, ahead, refresh });
    state.announced.sort_by_key(|announcement| (announcement.version, announcement.node, announcement.server));
}

/// Notes that a replay was acknowledged.
pub(crate) fn replayed(state: &mut State, at: usize, ops: u8, rules: Rules) {
    let server = state.nodes[at].feed.server;
    for op in 0..state.ops.len() {
        if ops & (1 << op) != 0 {
            returned(state, op, Some(server), rules);
        }
    }
}

/// Notes that a connection is in use: the node has seen its server's incarnation.
pub(crate) fn sees(node: &mut Node, conn: usize) {
    node.feed.server = node.feed.server.max(node.conns[conn].server);
}

/// Notes that a read returns a version, and judges it.
pub(crate) fn served(state: &mut State, op: usize, version: u8, shared: bool) {
    let read = &mut state.ops[op];
    read.phase = Phase::Done;
    let oldest = if shared { read.own.max(read.shared) } else { read.version };
    if version < oldest {
        let tier = if shared { "the shared tier" } else { "L1 or a flight" };
        let node = char::from(b'A' + read.node);
        state.violation =
            Some(format!("op {op} on {node} returns version {version} from {tier}; {oldest} is the oldest allowed"));
    }
    let read = &mut state.ops[op];
    (read.version, read.own, read.shared) = (0, 0, 0);
}
