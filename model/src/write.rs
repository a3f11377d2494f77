//! Invalidations and puts: the origin, the ring, the script, and the handling of a missing reply.

use crate::contract;
use crate::fold::name;
use crate::link;
use crate::mutants::{Mutant, Rules};
use crate::read;
use crate::scenario::Scenario;
use crate::state::{
    ALL, Incarnation, KEY, Kind, OTHER, Phase, Placed, REFRESH, Request, RingEntry, Scopes, State, Token, Verdict,
};
use crate::steps::{Action, Steps};

/// Adds the next steps of a write.
pub(crate) fn steps(steps: &mut Steps<'_>, op: usize) {
    let (write, rules) = (&steps.from.ops[op], steps.rules);
    let Some(scopes) = scopes(write.kind) else { return };
    let node = usize::from(write.node);
    match write.phase {
        Phase::Idle if !steps.may_start(op) => {}
        Phase::Idle if write.kind == Kind::Put => steps.add(Action::Op(name(op), "notes where it begins"), |state| {
            state.ops[op].began = state.nodes[node].local.counter;
            state.ops[op].phase = Phase::Writing;
        }),
        Phase::Idle | Phase::Writing => steps.add(Action::Op(name(op), "writes the origin"), |state| {
            if state.ops[op].kind != Kind::Invalidate(OTHER) {
                state.origin += 1;
                state.ops[op].version = state.origin;
            }
            state.ops[op].phase = Phase::Written;
        }),
        Phase::Sent(_) if steps.from.faults.timeouts > 0 => steps.add(Action::Op(name(op), "times out"), |state| {
            state.faults.timeouts -= 1;
            state.ops[op].phase = Phase::Lost;
        }),
        Phase::Doubted => steps.add(Action::Op(name(op), "returns LocalOnly"), |state| {
            if rules.has(Mutant::RaiseBeforeDoubt) {
                doubt(state, op);
            } else {
                raise(state, op, scopes, rules);
            }
            contract::returned(state, op, None, rules);
            state.ops[op].phase = Phase::Done;
        }),
        Phase::Folded(incarnation, id, server) => steps.add(Action::Op(name(op), "returns Announced"), |state| {
            store(state, op, incarnation, id, rules);
            contract::returned(state, op, Some(server), rules);
            state.ops[op].phase = Phase::Done;
        }),
        _ => {}
    }
}

fn scopes(kind: Kind) -> Option<Scopes> {
    match kind {
        Kind::Read | Kind::StaleRead => None,
        Kind::Put => Some(KEY),
        Kind::Invalidate(scopes) => Some(scopes),
    }
}

/// Adds the first of two steps of a write whose script was lost or timed out, before it returns.
pub(crate) fn lose(steps: &mut Steps<'_>, op: usize) {
    let rules = steps.rules;
    let Some(scopes) = scopes(steps.from.ops[op].kind) else { return };
    steps.add(Action::Op(name(op), "is in doubt"), |state| {
        if rules.has(Mutant::RaiseBeforeDoubt) {
            raise(state, op, scopes, rules);
        } else {
            doubt(state, op);
        }
        state.ops[op].phase = Phase::Doubted;
    });
}

/// Adds the sending of the script on each connection that may be used; without one, the script is lost.
pub(crate) fn send(steps: &mut Steps<'_>, op: usize) {
    let (scenario, rules, write) = (steps.scenario, steps.rules, &steps.from.ops[op]);
    let node = usize::from(write.node);
    let Some(scopes) = scopes(write.kind) else { return };
    let mut connected = false;
    for conn in link::writable(steps.from, node, rules) {
        connected = true;
        steps.add(Action::Op(name(op), "sends the script"), |state| {
            remember(scenario, state, op, scopes);
            state.ops[op].phase = Phase::Sent(name(conn));
            state.ops[op].sent = if write.kind == Kind::Put { state.now } else { 0 };
            let requests = &mut state.nodes[node].conns[conn].requests;
            requests.push(Request::Append(scopes, Token::Own(name(op))));
        });
    }
    if !connected {
        steps.add(Action::Op(name(op), "has no link"), |state| {
            remember(scenario, state, op, scopes);
            state.ops[op].phase = Phase::Lost;
        });
    }
}

/// Adds the write to the ring. A full ring becomes one entry for everything.
fn remember(scenario: &Scenario, state: &mut State, op: usize, scopes: Scopes) {
    let ring = &mut state.nodes[usize::from(state.ops[op].node)].ring;
    ring.push(RingEntry { ops: 1 << op, scopes, doubt: false, replay: None });
    if ring.len() > scenario.ring {
        let ops = ring.iter().fold(0, |ops, entry| ops | entry.ops);
        ring.clear();
        ring.push(RingEntry { ops, scopes: ALL, doubt: true, replay: None });
    }
}

fn doubt(state: &mut State, op: usize) {
    let ring = &mut state.nodes[usize::from(state.ops[op].node)].ring;
    if let Some(entry) = ring.iter_mut().find(|entry| entry.ops & (1 << op) != 0) {
        entry.doubt = true;
    }
}

fn raise(state: &mut State, op: usize, scopes: Scopes, rules: Rules) {
    if !rules.has(Mutant::DoubtWithoutLocalRaise) {
        state.nodes[usize::from(state.ops[op].node)].local.raise(scopes, rules);
    }
}

/// Notes that the write's own record was folded, because its reply arrived: it leaves the ring and may return.
pub(crate) fn folded(state: &mut State, op: u8, conn: u8, phase: Phase) {
    let write = &mut state.ops[usize::from(op)];
    if write.phase == Phase::Sent(conn) {
        write.phase = phase;
        state.nodes[usize::from(write.node)].ring.retain(|entry| entry.ops != 1 << op || entry.scopes == ALL);
    }
}

/// Stores the value of a put, if no other record concerned its key since its body began.
fn store(state: &mut State, op: usize, incarnation: Incarnation, id: u8, rules: Rules) {
    let write = &mut state.ops[op];
    let value = write.version;
    write.began = 0;
    let Verdict::Valid(local) = std::mem::replace(&mut write.verdict, Verdict::Overtaken) else { return };
    let node = &mut state.nodes[usize::from(write.node)];
    if let Some(local) = local {
        node.l1 = Some(Placed { what: value, local, expired: false });
    }
    let id = if rules.has(Mutant::PutStoresPosition) { node.feed.position } else { id };
    read::put_shared(state, op, Some(incarnation), id, value);
}

/// Replays what is in doubt.
pub(crate) fn replays(steps: &mut Steps<'_>, node: usize) {
    let rules = steps.rules;
    for (index, entry) in steps.from.nodes[node].ring.iter().enumerate() {
        if !entry.doubt || entry.replay.is_some() {
            continue;
        }
        for conn in link::ready(steps.from, node) {
            steps.add(Action::Conn(name(node), name(conn), "sends a replay"), |state| {
                let ring = &mut state.nodes[node].ring;
                if rules.has(Mutant::NoReplay) {
                    ring.remove(index);
                    return;
                }
                ring[index].replay = Some(name(conn));
                let beside = ring.iter().any(|entry| entry.scopes & REFRESH != 0);
                let refresh = if beside && rules.has(Mutant::ReplayAsRefresh) { REFRESH } else { 0 };
                let append = Request::Append(entry.scopes | refresh, Token::Replay(entry.ops));
                if rules.has(Mutant::ForgetBeforeReply) {
                    ring.remove(index);
                }
                state.nodes[node].conns[conn].requests.push(append);
            });
        }
    }
}

/// Notes that the reply of a replay was folded.
pub(crate) fn replayed(state: &mut State, node: usize, ops: u8, scopes: Scopes, rules: Rules) {
    let ring = &mut state.nodes[node].ring;
    let same = |entry: &RingEntry| (entry.ops, entry.scopes & !REFRESH) == (ops, scopes & !REFRESH);
    let entry = ring.iter().position(|entry| same(entry) && entry.replay.is_some());
    if let Some(index) = entry {
        ring.remove(index);
        contract::replayed(state, node, ops, rules);
    }
}
