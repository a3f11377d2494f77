//! The servers. Executing a request is one step, as in Redis.

use crate::contract;
use crate::fold::name;
use crate::link;
use crate::mutants::{Mutant, Rules};
use crate::state::{Delivery, Link, Record, Request, Scopes, State, Token};
use crate::steps::{Action, Steps};
use crate::takeover;

/// Executes the first request of a connection. With `reply_first`, the reply of a script comes before its own push.
pub(crate) fn execute(state: &mut State, node: usize, conn: usize, reply_first: bool, rules: Rules) {
    let link = &mut state.nodes[node].conns[conn];
    let at = usize::from(link.server);
    let request = link.requests.remove(0);
    if let Request::Get(op) = request {
        state.ops[usize::from(op)].shared = contract::oldest_shared(state, op, name(node), name(at), rules);
    }
    let (server, link) = (&mut state.servers[at], &mut state.nodes[node].conns[conn]);
    let reply = match request {
        Request::Get(op) => {
            if rules.takeover().is_none() {
                server.answered[node] = state.now;
            }
            Delivery::Value(op, server.l2)
        }
        Request::Set(stored) => {
            server.l2 = Some(stored);
            return;
        }
        Request::Delta(from) => {
            let records = server.log.iter().filter(|record| record.id >= from).copied().collect();
            Delivery::Delta(from, records, rules.takeover().and(server.log.last().copied()))
        }
        Request::Ping(sent) => {
            if rules.takeover().is_none() {
                server.answered[node] = server.answered[node].max(sent);
            }
            Delivery::Pong(sent)
        }
        Request::Append(scopes, token) => {
            let record = append(state, at, scopes, token);
            let deliveries = &mut state.nodes[node].conns[conn].deliveries;
            let index = deliveries.len() - usize::from(reply_first);
            deliveries.insert(index, Delivery::Appended(record));
            return;
        }
        Request::Settle(seen) => return takeover::settle(state, at, seen, rules),
    };
    link.deliveries.push(reply);
}

/// The append script: appends, and publishes to every connection.
fn append(state: &mut State, at: usize, scopes: Scopes, token: Token) -> Record {
    let server = &mut state.servers[at];
    let first = (0, state.nonces, server.run);
    let (prev, nonce, names) = server.log.last().map_or(first, |last| (last.id, last.nonce, last.names));
    state.nonces = state.nonces.max(nonce + 1);
    server.clock = server.clock.max(prev) + 1;
    let record = Record { id: server.clock, prev, nonce, names, scopes, token };
    server.log.push(record);
    let links = state.nodes.iter_mut().flat_map(|node| &mut node.conns);
    for link in links.filter(|link| link.link != Link::Down && usize::from(link.server) == at) {
        link.deliveries.push(Delivery::Push(record));
    }
    record
}

/// Adds the steps of the servers themselves: executing requests of lost links, trimming, replication, failover.
pub(crate) fn steps(steps: &mut Steps<'_>) {
    let (from, rules) = (steps.from, steps.rules);
    for (at, server) in from.servers.iter().enumerate() {
        if !server.orphans.is_empty() {
            steps.add(Action::Server(name(at), "executes what a lost link had sent"), |state| orphan(state, at, rules));
        }
        if server.reachable && server.log.len() > 1 && from.faults.trims > 0 {
            steps.add(Action::Server(name(at), "trims the log's head"), |state| {
                state.faults.trims -= 1;
                state.servers[at].log.remove(0);
            });
        }
    }
    if from.faults.flushes > 0 {
        for back in [false, true] {
            let text = if back { "loses all data, its clock goes back" } else { "loses all data" };
            steps.add(Action::Server(name(from.servers.len() - 1), text), |state| flush(state, back));
        }
    }
    if from.faults.handovers > 0 && from.faults.ticks > 0 {
        steps.add(Action::World("a replica is promoted, the former master goes on"), |state| {
            state.faults.handovers -= 1;
            takeover::promote(state, rules.takeover());
        });
    }
    if from.faults.failovers > 0 && from.replica.is_none() {
        steps.add(Action::World("the replica has everything up to here"), |state| {
            state.replica = state.servers.last().map(|server| (server.log.clone(), server.l2));
        });
    }
    if from.faults.failovers > 0 && from.replica.is_some() {
        for partition in [false, true] {
            if partition && !steps.scenario.partition {
                continue;
            }
            let text = if partition { "a replica takes over, unseen by some" } else { "a replica takes over" };
            steps.add(Action::World(text), |state| failover(state, partition, rules));
        }
    }
}

fn orphan(state: &mut State, at: usize, rules: Rules) {
    match state.servers[at].orphans.remove(0) {
        Request::Settle(seen) => takeover::settle(state, at, seen, rules),
        Request::Set(stored) => state.servers[at].l2 = Some(stored),
        Request::Append(scopes, token) => {
            append(state, at, scopes, token);
        }
        Request::Get(_) | Request::Delta(_) | Request::Ping(_) => {}
    }
}

fn flush(state: &mut State, back: bool) {
    state.faults.flushes -= 1;
    if let Some(server) = state.servers.last_mut() {
        server.log.clear();
        server.l2 = None;
        server.clock = if back { 0 } else { server.clock };
    }
}

/// Lets a replica take over with its data. It uses the ids of the entries that it lacks a second time.
fn failover(state: &mut State, partition: bool, rules: Rules) {
    state.faults.failovers -= 1;
    let Some((log, l2)) = state.replica.take() else { return };
    let last = state.servers.len() - 1;
    let run = if rules.has(Mutant::RunOfProcess) && last > 0 { state.servers[last - 1].run } else { name(last + 1) };
    let mut server = state.servers[last].clone();
    (server.run, server.l2, server.clock) = (run, l2, log.last().map_or(0, |record| record.id));
    (server.log, server.answered) = (log, [0; 2]);
    server.orphans.clear();
    state.servers[last].reachable = partition;
    state.servers.push(server);
    if !partition {
        state.servers[last].orphans.clear();
        for node in 0..state.nodes.len() {
            for conn in 0..state.nodes[node].conns.len() {
                let link = &state.nodes[node].conns[conn];
                if link.link != Link::Down && usize::from(link.server) == last {
                    link::cut(state, node, conn, rules);
                }
            }
        }
    }
}
