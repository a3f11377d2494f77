//! Reads: L1, the flight, the shared tier, the origin. Each access to shared memory is a step of its own.

use crate::contract;
use crate::fold::name;
use crate::link;
use crate::mutants::{Mutant, Rules};
use crate::scenario::Scenario;
use crate::state::{Incarnation, Kind, LoadStart, Phase, Placed, Reply, Request, State, Stored};
use crate::steps::{Action, Steps};

/// Adds the next steps of a read.
pub(crate) fn steps(steps: &mut Steps<'_>, op: usize) {
    let (from, rules, scenario) = (steps.from, steps.rules, steps.scenario);
    let read = &from.ops[op];
    if !read.kind.is_read() {
        return;
    }
    let node = usize::from(read.node);
    let mut add = |text, phase: Phase| steps.add(Action::Op(name(op), text), |state| state.ops[op].phase = phase);
    let local = from.nodes[node].local.counter;
    let feed = &from.nodes[node].feed;
    match read.phase {
        Phase::Missed if rules.takeover().is_some() => {
            let began = LoadStart { local, incarnation: feed.incarnation, id: feed.position };
            add("notes where it begins", Phase::Started(began));
        }
        Phase::Missed => add("notes the local position", Phase::NotedLocal(local)),
        Phase::NotedLocal(local) if !scenario.resets() => {
            let began = LoadStart { local, incarnation: feed.incarnation, id: feed.position };
            add("notes the incarnation and the position", Phase::Started(began));
        }
        Phase::NotedLocal(local) => add("notes the incarnation", Phase::NotedIncarnation(local, feed.incarnation)),
        Phase::NotedIncarnation(local, incarnation) => {
            add("notes the position", Phase::Started(LoadStart { local, incarnation, id: feed.position }));
        }
        _ => {}
    }
    match read.phase {
        Phase::Idle if steps.may_start(op) => {
            steps.add(Action::Op(name(op), "starts"), |state| start(scenario, rules, state, op));
        }
        Phase::Received(reply, local) => {
            steps.add(Action::Op(name(op), "judges"), |state| judge(state, op, reply, local, rules));
        }
        Phase::Judged(value, local) => {
            steps.add(Action::Op(name(op), "is served from the shared tier"), |state| {
                let late = rules.has(Mutant::FillPositionAfterJudging);
                let node = &mut state.nodes[node];
                let local = if late { node.local.counter } else { local };
                node.l1 = Some(Placed { what: value, local, expired: false });
                end_flight(state, op, value, true);
            });
        }
        Phase::Started(began) => steps.add(Action::Op(name(op), "reads the origin"), |state| {
            state.ops[op].phase = Phase::Loaded(began, state.origin);
        }),
        Phase::Loaded(began, value) => {
            steps.add(Action::Op(name(op), "stores and is served"), |state| store(state, op, began, value, rules));
        }
        _ => {}
    }
    cancel(steps, op);
}

fn start(scenario: &Scenario, rules: Rules, state: &mut State, op: usize) {
    let (at, kind) = (state.ops[op].node, state.ops[op].kind);
    state.ops[op].version = contract::oldest(scenario, state, at, kind);
    state.ops[op].own = contract::oldest_own(state, at, kind);
    let node = &mut state.nodes[usize::from(at)];
    let served = |entry: &Placed| {
        let current = !entry.expired && node.local.current(entry.local);
        current || (kind == Kind::StaleRead && node.local.valid(entry.local))
    };
    if let Some(entry) = node.l1.filter(served) {
        return contract::served(state, op, entry.what, false);
    }
    let joinable = |flight: &Placed| {
        let refreshed = rules.has(Mutant::JoinRefreshedFlight) && node.local.valid(flight.local);
        refreshed || node.local.current(flight.local) || rules.has(Mutant::JoinInvalidFlight)
    };
    if let Some(flight) = node.flight.filter(joinable) {
        state.ops[op].phase = Phase::Joined(flight.what);
        return;
    }
    node.flight = Some(Placed { what: name(op), local: node.local.counter, expired: false });
    state.ops[op].phase = Phase::Leading;
}

/// Adds the sending of GET on each connection that may be used; without one, the read misses.
pub(crate) fn send_get(steps: &mut Steps<'_>, op: usize) {
    let node = usize::from(steps.from.ops[op].node);
    let mut connected = false;
    let rules = steps.rules;
    for conn in link::readable(steps.from, node, rules) {
        connected = true;
        steps.add(Action::Op(name(op), "sends GET"), |state| {
            state.ops[op].shared = contract::oldest_sent(state, state.ops[op].kind, rules);
            state.ops[op].phase = Phase::Asked(name(conn), state.nodes[node].local.counter);
            state.nodes[node].conns[conn].requests.push(Request::Get(name(op)));
        });
    }
    if !connected {
        steps.add(Action::Op(name(op), "goes without the shared tier"), |state| state.ops[op].phase = Phase::Missed);
    }
}

/// Judges a reply, some time after it arrived.
fn judge(state: &mut State, op: usize, reply: Reply, local: u8, rules: Rules) {
    let node = &mut state.nodes[usize::from(state.ops[op].node)];
    let local = if rules.has(Mutant::FillPositionAtReply) { node.local.counter } else { local };
    let hit = reply.stored.filter(|stored| node.judge(*stored, reply.stale, rules));
    // An expired value is stored as expired and loaded again, unless the read accepts it and no other read waits for a new one.
    if let Some(stored) = hit.filter(|stored| node.is_expired(*stored, rules)) {
        let expired = !rules.has(Mutant::FillForgetsRefresh);
        node.l1 = Some(Placed { what: stored.value, local, expired });
        let awaited = state.ops.iter().any(|other| other.phase == Phase::Joined(name(op)));
        if state.ops[op].kind == Kind::StaleRead && !awaited {
            return end_flight(state, op, stored.value, true);
        }
        state.ops[op].phase = Phase::Missed;
        return;
    }
    state.ops[op].phase = hit.map_or(Phase::Missed, |stored| Phase::Judged(stored.value, local));
}

fn store(state: &mut State, op: usize, began: LoadStart, value: u8, rules: Rules) {
    let node = &mut state.nodes[usize::from(state.ops[op].node)];
    let mut began = began;
    if rules.has(Mutant::BeganAfterOrigin) || rules.has(Mutant::SharedPositionAtStore) {
        (began.incarnation, began.id) = (node.feed.incarnation, node.feed.position);
    }
    if rules.has(Mutant::BeganAfterOrigin) {
        began.local = node.local.counter;
    }
    if node.local.valid(began.local) {
        node.l1 = Some(Placed { what: value, local: began.local, expired: false });
    }
    put_shared(state, op, began.incarnation, began.id, value);
    end_flight(state, op, value, false);
}

/// Sends SET on a connection that is in use, without waiting for it.
pub(crate) fn put_shared(state: &mut State, op: usize, incarnation: Option<Incarnation>, id: u8, value: u8) {
    let node = usize::from(state.ops[op].node);
    let conn = link::ready(state, node).next();
    if let (Some(incarnation), Some(conn)) = (incarnation, conn) {
        let stored = Stored { value, incarnation, id };
        state.nodes[node].conns[conn].requests.push(Request::Set(stored));
    }
}

/// Ends the flight: its leader and all that joined are served.
fn end_flight(state: &mut State, op: usize, value: u8, shared: bool) {
    contract::served(state, op, value, shared);
    let node = &mut state.nodes[usize::from(state.ops[op].node)];
    if node.flight.is_some_and(|flight| usize::from(flight.what) == op) {
        node.flight = None;
    }
    for other in 0..state.ops.len() {
        if state.ops[other].phase == Phase::Joined(name(op)) && state.violation.is_none() {
            contract::served(state, other, value, false);
        }
    }
}

/// Adds the drop of a leader's future: the first that joined takes over, and starts again.
fn cancel(steps: &mut Steps<'_>, op: usize) {
    let leads = !matches!(steps.from.ops[op].phase, Phase::Idle | Phase::Done | Phase::Joined(_));
    if !leads || steps.from.faults.cancels == 0 {
        return;
    }
    let rules = steps.rules;
    steps.add(Action::Op(name(op), "is dropped"), |state| {
        state.faults.cancels -= 1;
        let phase = std::mem::replace(&mut state.ops[op].phase, Phase::Done);
        let node = &mut state.nodes[usize::from(state.ops[op].node)];
        let current = node.flight.is_some_and(|flight| usize::from(flight.what) == op);
        let heir = state.ops.iter().position(|other| other.phase == Phase::Joined(name(op)));
        if current {
            let local = match (rules.has(Mutant::TakeOverOldEpoch), node.flight) {
                (true, Some(flight)) => flight.local,
                _ => node.local.counter,
            };
            node.flight = heir.map(|heir| Placed { what: name(heir), local, expired: false });
        }
        let Some(heir) = heir else { return };
        let asked = matches!(phase, Phase::Leading | Phase::Asked(..));
        let keep = rules.has(Mutant::TakeOverWithoutRead) && !asked;
        state.ops[heir].phase = if keep { phase } else { Phase::Leading };
        state.ops[heir].shared = std::mem::take(&mut state.ops[op].shared);
        for other in &mut state.ops {
            if other.phase == Phase::Joined(name(op)) {
                other.phase = Phase::Joined(name(heir));
            }
        }
    });
}
