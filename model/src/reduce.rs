//! Removes parts of a state that can no longer affect a read, so that states which differ only in these count as one.

use crate::mutants::Rules;
use crate::scenario::Scenario;
use crate::state::{Faults, Kind, Link, Op, Phase, Request, State};
use crate::steps::{self, Action};
use crate::takeover::Takeover;

/// Returns the successors of a state, without the parts that no longer matter.
pub(crate) fn reduced(scenario: &Scenario, rules: Rules, state: &State) -> Vec<(Action, State)> {
    let mut next = steps::successors(scenario, rules, state);
    for (_, state) in &mut next {
        forget(state, scenario.takeover);
    }
    next
}

fn forget(state: &mut State, takeover: Option<Takeover>) {
    if !reads(state, None, |phase| phase != Phase::Done) {
        let ticks = takeover.map_or(0, |_| state.faults.ticks);
        state.faults = Faults { ticks, ..Faults::default() };
        state.announced.clear();
    }
    for node in 0..state.nodes.len() {
        forget_tables(state, node);
        leave(state, node, takeover);
    }
    let asks = |phase| matches!(phase, Phase::Idle | Phase::Leading | Phase::Joined(_) | Phase::Asked(..));
    if !reads(state, None, asks) {
        forget_shared(state);
    }
}

/// Returns whether a read, of one node or of any, is in one of these phases.
fn reads(state: &State, node: Option<usize>, phases: fn(Phase) -> bool) -> bool {
    let here = |at: u8| node.is_none_or(|node| node == usize::from(at));
    state.ops.iter().any(|op| op.kind.is_read() && here(op.node) && phases(op.phase))
}

/// Clears the values of the shared tier, which no read will fetch any more.
fn forget_shared(state: &mut State) {
    let queues = state.nodes.iter_mut().flat_map(|node| &mut node.conns).map(|conn| &mut conn.requests);
    for queue in queues.chain(state.servers.iter_mut().map(|server| &mut server.orphans)) {
        queue.retain(|request| !matches!(request, Request::Set(_)));
    }
    state.servers.iter_mut().for_each(|server| server.l2 = None);
    state.replica.iter_mut().for_each(|(_, l2)| *l2 = None);
}

/// Clears L1 and the tables of a node, once no read will use them any more.
fn forget_tables(state: &mut State, at: usize) {
    if reads(state, Some(at), |phase| phase == Phase::Idle) {
        return;
    }
    state.nodes[at].l1 = None;
    let is_put = |op: &Op| op.kind == Kind::Put && usize::from(op.node) == at && op.phase != Phase::Done;
    if !state.ops.iter().any(is_put) && !reads(state, Some(at), |phase| phase != Phase::Done) {
        let local = &mut state.nodes[at].local;
        (local.counter, local.scopes, local.refreshed, local.floor) = (0, [0; 2], [0; 2], 0);
        (state.nodes[at].feed.scopes, state.nodes[at].feed.refreshed) = ([0; 2], [0; 2]);
    }
}

/// Removes a node that has nothing left to do. Its requests may still be executed.
fn leave(state: &mut State, at: usize, takeover: Option<Takeover>) {
    let node = &mut state.nodes[at];
    let busy = state.ops.iter().any(|op| usize::from(op.node) == at && op.phase != Phase::Done);
    let replays = takeover.is_some_and(|takeover| takeover.replay) && !state.announced.is_empty();
    if busy || !node.ring.is_empty() || replays {
        return;
    }
    for conn in std::mem::take(&mut node.conns) {
        let server = &mut state.servers[usize::from(conn.server)];
        if server.reachable && conn.link != Link::Down {
            server.orphans.extend(conn.requests.into_iter().filter(|request| matches!(request, Request::Set(_))));
        }
    }
    (node.fold, node.flight, node.trusted) = (None, None, 0);
    (node.sight, node.leased) = (None, None);
}
