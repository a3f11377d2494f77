//! Connections: sending, executing and delivering, each in order.

use crate::fold::{self, name};
use crate::mutants::{Mutant, Rules};
use crate::state::{After, Conn, Delivery, Fold, Incarnation, Link, Phase, Record, Reply, Request, State, Token};
use crate::steps::{Action, Steps};
use crate::{contract, server, takeover};

/// Returns the node's connections that are in use.
pub(crate) fn ready(state: &State, node: usize) -> impl DoubleEndedIterator<Item = usize> + use<> {
    let conns = &state.nodes[node].conns;
    let leased = state.nodes[node].leased.is_some_and(|until| state.now <= until);
    let ready: Vec<usize> = (0..conns.len()).filter(|conn| conns[*conn].link == Link::Ready && leased).collect();
    ready.into_iter()
}

/// Returns the connections over which GET may be sent.
pub(crate) fn readable(state: &State, node: usize, rules: Rules) -> Vec<usize> {
    if rules.has(Mutant::ReadWithoutLease) {
        let conns = &state.nodes[node].conns;
        return (0..conns.len()).filter(|conn| conns[*conn].link == Link::Ready).collect();
    }
    ready(state, node).collect()
}

/// Returns the connections over which a script may be sent.
pub(crate) fn writable(state: &State, node: usize, rules: Rules) -> Vec<usize> {
    if rules.has(Mutant::AppendWithoutLease) || rules.has(Mutant::AppendInWait) {
        let in_use = |link: Link| link == Link::Ready || (link == Link::Waiting && rules.has(Mutant::AppendInWait));
        let conns = &state.nodes[node].conns;
        return (0..conns.len()).filter(|conn| in_use(conns[*conn].link)).collect();
    }
    ready(state, node).collect()
}

/// Adds the next steps of a node's connections.
pub(crate) fn steps(steps: &mut Steps<'_>, node: usize) {
    let rules = steps.rules;
    for conn in 0..steps.from.nodes[node].conns.len() {
        let link = &steps.from.nodes[node].conns[conn];
        let called = |text| Action::Conn(name(node), name(conn), text);
        if link.link == Link::Down {
            connects(steps, node, conn);
        } else {
            if let Some(request) = link.requests.first() {
                steps.add(called(request_text(request)), |state| server::execute(state, node, conn, false, rules));
                if matches!(request, Request::Append(..)) && rules.takeover().is_none() {
                    let text = "the server executes the script, reply first";
                    steps.add(called(text), |state| server::execute(state, node, conn, true, rules));
                }
            }
            if steps.from.faults.cuts > 0 && steps.scenario.steady != Some(name(node)) {
                steps.add(called("is cut"), |state| {
                    state.faults.cuts -= 1;
                    cut(state, node, conn, rules);
                });
            }
            pings(steps, node, conn);
        }
        delivers(steps, node, conn);
    }
}

fn request_text(request: &Request) -> &'static str {
    match request {
        Request::Get(_) => "the server executes GET",
        Request::Set(_) => "the server executes SET",
        Request::Append(..) => "the server executes the script",
        Request::Delta(_) => "the server executes XRANGE",
        Request::Ping(_) => "the server executes PING",
        Request::Settle(_) => "the server executes the script that gives a new life",
    }
}

fn connects(steps: &mut Steps<'_>, node: usize, conn: usize) {
    let rules = steps.rules;
    for (at, server) in steps.from.servers.iter().enumerate() {
        let last = at + 1 == steps.from.servers.len();
        // A former master that is never demoted is cut off together with the node that stays with it.
        let apart = !last && takeover::leases(rules) && steps.scenario.steady != Some(name(node));
        if !server.reachable || apart {
            continue;
        }
        let text = if last { "connects, subscribes, asks for the delta" } else { "connects to a former primary" };
        steps.add(Action::Conn(name(node), name(conn), text), |state| {
            let node = &mut state.nodes[node];
            takeover::connecting(node, state.now, rules);
            let from = node.feed.position;
            let link = &mut node.conns[conn];
            (link.link, link.server) = (Link::Syncing, name(at));
            link.requests.push(Request::Delta(from));
        });
    }
}

fn pings(steps: &mut Steps<'_>, node: usize, conn: usize) {
    let (now, sender) = (steps.from.now, &steps.from.nodes[node]);
    let link = &sender.conns[conn];
    let waits = link.requests.iter().any(|request| matches!(request, Request::Ping(_)))
        || link.deliveries.iter().any(|delivery| matches!(delivery, Delivery::Pong(_)));
    let leases = takeover::leases(steps.rules);
    let reads = leases || steps.from.ops.iter().any(|op| usize::from(op.node) == node && op.kind.is_read());
    let in_wait = link.link == Link::Waiting && steps.rules.has(Mutant::HeartbeatsInWait);
    let in_use = link.link == Link::Ready || in_wait;
    let new = sender.trusted < now || sender.leased.is_none();
    let backed = takeover::backs(steps.from, link.server, steps.rules);
    if reads && steps.scenario.heartbeats && steps.scenario.faults.ticks > 0 && in_use && new && backed && !waits {
        steps.add(Action::Conn(name(node), name(conn), "sends PING"), |state| {
            state.nodes[node].conns[conn].requests.push(Request::Ping(now));
        });
    }
}

/// Cuts a connection: its requests may still be executed, its deliveries are lost.
pub(crate) fn cut(state: &mut State, node: usize, conn: usize, rules: Rules) {
    let link = &mut state.nodes[node].conns[conn];
    let server = &mut state.servers[usize::from(link.server)];
    let requests = std::mem::take(&mut link.requests);
    if server.reachable {
        server.orphans.extend(
            requests
                .into_iter()
                .filter(|sent| matches!(sent, Request::Set(_) | Request::Append(..) | Request::Settle(_))),
        );
    }
    if !rules.has(Mutant::OldReplyAccepted) {
        link.deliveries.clear();
    }
    link.link = Link::Down;
    if rules.takeover().is_some() {
        link.server = 0;
    }
    for entry in &mut state.nodes[node].ring {
        entry.replay = entry.replay.filter(|on| usize::from(*on) != conn);
    }
    let keep = rules.has(Mutant::OldReplyAccepted);
    for op in state.ops.iter_mut().filter(|op| usize::from(op.node) == node) {
        match &mut op.phase {
            Phase::Asked(on, _) if usize::from(*on) == conn => op.phase = Phase::Missed,
            phase @ Phase::Sent(_) if *phase == Phase::Sent(name(conn)) && !keep => *phase = Phase::Lost,
            Phase::Received(reply, _) if usize::from(reply.conn) == conn => {
                reply.stale = true;
            }
            _ => {}
        }
    }
}

/// Cuts the links of a node to other servers than the one that it follows now.
pub(crate) fn close_other_runs(state: &mut State, node: usize, server: u8, rules: Rules) {
    for conn in 0..state.nodes[node].conns.len() {
        let link = &state.nodes[node].conns[conn];
        if link.link != Link::Down && link.server != server {
            cut(state, node, conn, rules);
        }
    }
}

/// Adds deliveries whose delay would reach no new outcome: replies of GET, which wait in the reader's mailbox, and ignored pushes.
pub(crate) fn first(steps: &mut Steps<'_>, node: usize) {
    for conn in 0..steps.from.nodes[node].conns.len() {
        let link = &steps.from.nodes[node].conns[conn];
        match link.deliveries.first() {
            Some(Delivery::Push(_)) if link.link != Link::Ready => delivers(steps, node, conn),
            Some(Delivery::Value(..)) => delivers(steps, node, conn),
            Some(_) if steps.rules.takeover().is_some() => delivers(steps, node, conn),
            _ => {}
        }
    }
}

fn delivers(steps: &mut Steps<'_>, node: usize, conn: usize) {
    let (receiver, rules) = (&steps.from.nodes[node], steps.rules);
    let Some(delivery) = receiver.conns[conn].deliveries.first() else { return };
    let folding = receiver.fold.as_ref().map(|fold| usize::from(fold.conn));
    let folds = !matches!(delivery, Delivery::Value(..) | Delivery::Pong(_));
    if folding == Some(conn) || (folds && folding.is_some()) {
        return;
    }
    let text = match delivery {
        Delivery::Push(_) => "a push arrives",
        Delivery::Value(..) => "the reply of GET arrives",
        Delivery::Appended(_) => "the reply of the script arrives",
        Delivery::Delta(..) => "the delta arrives",
        Delivery::Pong(_) => "the reply of PING arrives",
    };
    steps.add(Action::Conn(name(node), name(conn), text), |state| {
        let delivery = state.nodes[node].conns[conn].deliveries.remove(0);
        deliver(state, node, conn, delivery, rules);
        if rules.takeover().is_some() {
            fold::whole(state, node, rules);
        }
    });
}

fn deliver(state: &mut State, at: usize, conn: usize, delivery: Delivery, rules: Rules) {
    let now = state.now;
    let node = &mut state.nodes[at];
    let link = node.conns[conn].link;
    let run = state.servers[usize::from(node.conns[conn].server)].run;
    match delivery {
        // Records that are pushed before the reply of the delta are in the delta.
        Delivery::Push(_) if link != Link::Ready => {}
        Delivery::Push(record) => fold::begin(node, conn, run, record, After::Nothing, rules),
        Delivery::Value(op, stored) => {
            let phase = &mut state.ops[usize::from(op)].phase;
            if let Phase::Asked(_, local) = *phase {
                *phase = Phase::Received(Reply { stored, conn: name(conn), stale: false }, local);
            }
        }
        Delivery::Appended(record) => appended(state, at, conn, run, record, rules),
        Delivery::Delta(from, mut records, last) => {
            if takeover::waits(state, at, conn, last, rules) {
                return;
            }
            records.retain(|record| last.is_none_or(|last| last.nonce == record.nonce));
            resync(state, at, conn, Some(from), records, rules);
        }
        Delivery::Pong(sent) => {
            let time = if rules.has(Mutant::TrustFromReceipt) { now } else { sent };
            node.trusted = node.trusted.max(time);
            takeover::backed(node, sent, now, rules);
        }
    }
}

fn appended(state: &mut State, at: usize, conn: usize, run: u8, record: Record, rules: Rules) {
    let node = &mut state.nodes[at];
    match record.token {
        Token::Genesis => resync(state, at, conn, None, vec![record], rules),
        Token::Replay(ops) => {
            fold::begin(node, conn, run, record, After::Replayed(ops, record.scopes), rules);
            if node.fold.is_none() {
                node.ring.iter_mut().for_each(|entry| entry.replay = None);
            }
        }
        Token::Own(op) if state.ops[usize::from(op)].phase == Phase::Sent(name(conn)) => {
            fold::begin(node, conn, run, record, After::Return(op), rules);
            if node.fold.is_none() {
                state.ops[usize::from(op)].phase = Phase::Lost;
            }
        }
        Token::Own(_) => {}
    }
}

/// Handles a delta, which includes the requested position; or, without one, the log's end that an append of the node found.
fn resync(state: &mut State, at: usize, conn: usize, from: Option<u8>, records: Vec<Record>, rules: Rules) {
    let node = &mut state.nodes[at];
    let Some(first) = records.first() else { return empty_delta(&mut node.conns[conn], rules) };
    let run = state.servers[usize::from(node.conns[conn].server)].run;
    let incarnation = Incarnation { run, nonce: first.nonce };
    let enters = rules.has(Mutant::ResetToRetired) || rules.takeover().is_some();
    if node.feed.retired.contains(&incarnation) && !enters {
        return cut(state, at, conn, rules);
    }
    let reset = !node.feed.follows(incarnation, rules);
    let known = |from: u8| first.id == from && from <= node.feed.position;
    let contiguous = !reset && (from.is_some_and(known) || rules.has(Mutant::DeltaExclusive));
    let gap = !reset && !contiguous && !rules.has(Mutant::GapUnnoticed);
    let skip = usize::from(contiguous && !rules.has(Mutant::DeltaExclusive));
    let mut records: Vec<Record> = records.into_iter().skip(skip).collect();
    if rules.has(Mutant::PartialDelta) {
        records.truncate(1);
    }
    if records.is_empty() {
        node.conns[conn].link = Link::Ready;
        contract::sees(node, conn);
        return;
    }
    let reset = reset.then_some(incarnation);
    let after = After::Ready;
    node.fold = Some(Fold { conn: name(conn), records, stage: 0, reset, gap, seen: false, last: 0, after });
}

/// Handles an empty delta: the log is empty or another one, and an append of the node finds its end.
fn empty_delta(link: &mut Conn, rules: Rules) {
    if rules.has(Mutant::GenesisMissing) || rules.has(Mutant::DeltaExclusive) {
        link.link = Link::Ready;
    } else {
        link.requests.push(Request::Append(0, Token::Genesis));
    }
}
