//! A change of master after which the former one takes writes for some more ticks.
//!
//! The rules are *settle* (a node enters a server only if the life of its log names the server; a node that has seen another life there for
//! `wait` gives the log a new one), *lease* (a server is used only for `lease` after a heartbeat that most Sentinels backed) and *replay*
//! (recent announcements are in doubt again when a node enters another server).

use crate::fold::name;
use crate::mutants::{Mutant, Rules};
use crate::scenario::{Begin, Scenario};
use crate::state::{
    Conn, Delivery, Incarnation, Kind, Link, Node, Phase, Record, Request, RingEntry, Server, Sight, State, Stored,
    Token,
};
use crate::steps::{Action, Steps};
use crate::{link, server};

/// The settings of a change of master.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Takeover {
    /// Ticks for which a node waits after it first saw an unsettled server.
    pub(crate) wait: u8,
    /// Ticks for which a former master executes requests after the promotion of its successor; `None` for ever.
    pub(crate) goes_on: Option<u8>,
    /// Ticks for which a heartbeat that most Sentinels backed allows requests.
    pub(crate) lease: Option<u8>,
    /// Ticks after a promotion until most Sentinels know of it.
    pub(crate) lag: u8,
    /// True for one address without Sentinel: an empty log of a server that was never promoted needs no wait.
    pub(crate) single: bool,
    /// True if recent announcements are in doubt again when a node enters another server. A former master may then go on for longer
    /// than `wait`.
    pub(crate) replay: bool,
}

/// Makes the initial state of a scenario with a promotion.
pub(crate) fn begin(scenario: &Scenario, state: &mut State) {
    let new = |node: &mut Node| {
        (node.feed.incarnation, node.feed.position, node.feed.floor) = (None, 0, 0);
        node.l1 = None;
        connecting(node, 0, Rules::default().with_takeover(scenario.takeover));
        node.conns.iter_mut().for_each(|conn| conn.link = Link::Down);
    };
    if scenario.begin == Begin::First {
        state.servers[0].log.clear();
        state.nodes.iter_mut().for_each(new);
        return;
    }
    promote(state, scenario.takeover);
    let successor = &mut state.servers[1];
    match scenario.begin {
        Begin::PromotedLeft => state.nodes[1].conns.iter_mut().for_each(|conn| conn.link = Link::Down),
        Begin::PromotedNewcomer => new(&mut state.nodes[1]),
        Begin::PromotedEmpty => {
            (successor.log, successor.l2, successor.promoted) = (vec![], None, false);
            new(&mut state.nodes[1]);
        }
        Begin::Returned | Begin::ReturnedNewcomer => {
            let left = Incarnation { run: 1, nonce: 1 };
            let genesis = Record { id: 1, prev: 0, nonce: 1, names: 1, scopes: 0, token: Token::Genesis };
            (successor.log, successor.promoted) = (vec![genesis], false);
            successor.l2 = Some(Stored { value: 0, incarnation: left, id: 1 });
            state.nonces = 2;
            state.nodes.iter_mut().for_each(|node| node.feed.retired.push(left));
            if scenario.begin == Begin::ReturnedNewcomer {
                state.nodes[1].feed.retired.clear();
                new(&mut state.nodes[1]);
            }
        }
        _ => {}
    }
}

/// Promotes a replica with all data; the former master goes on.
pub(crate) fn promote(state: &mut State, takeover: Option<Takeover>) {
    let now = state.now;
    let Some(former) = state.servers.last_mut() else { return };
    former.until = takeover.and_then(|takeover| takeover.goes_on).map(|ticks| now + ticks);
    let mut new = former.clone();
    new.orphans.clear();
    new.run += 1;
    (new.since, new.until, new.promoted) = (now, None, true);
    state.servers.push(new);
}

/// Returns whether a server, whose log ends with this entry, is not settled for a node.
pub(crate) fn unsettled(node: &Node, at: u8, server: &Server, last: Option<&Record>, rules: Rules) -> bool {
    let Some(takeover) = rules.takeover() else { return false };
    let knows_none = node.feed.incarnation.is_none() && node.feed.retired.is_empty();
    let over = node.sight.is_some_and(|sight| sight.server == at && sight.over);
    let enters = rules.enters_at_once() || (knows_none && rules.has(Mutant::NewcomerEntersAtOnce));
    if over || enters {
        return false;
    }
    let Some(last) = last else {
        let first = takeover.single && knows_none || rules.has(Mutant::EmptyLogIsFirst);
        return !first || server.promoted;
    };
    let left = node.feed.retired.contains(&Incarnation { run: server.run, nonce: last.nonce });
    last.names != server.run || left
}

/// Judges the end of a server's log. Returns true if the node has to wait.
pub(crate) fn waits(state: &mut State, at: usize, conn: usize, last: Option<Record>, rules: Rules) -> bool {
    let (now, node) = (state.now, &mut state.nodes[at]);
    let index = node.conns[conn].server;
    if !unsettled(node, index, &state.servers[usize::from(index)], last.as_ref(), rules) {
        node.sight = node.sight.filter(|sight| sight.server != index);
        return false;
    }
    let same = |sight: &Sight| sight.server == index || rules.has(Mutant::WaitGoesOnElsewhere);
    let since = node.sight.filter(same).map_or(now, |sight| sight.since);
    node.sight = Some(Sight { server: index, since, life: last.map(|last| last.nonce), over: false });
    node.conns[conn].link = Link::Waiting;
    true
}

/// Executes the script that gives a log a new life.
pub(crate) fn settle(state: &mut State, at: usize, seen: Option<u8>, rules: Rules) {
    let server = &mut state.servers[at];
    let last = server.log.last();
    if last.map(|last| last.nonce) != seen && !rules.has(Mutant::SettleUnconditionally) {
        return;
    }
    let (prev, nonce) = (last.map_or(0, |last| last.id), state.nonces);
    state.nonces += 1;
    server.clock = server.clock.max(prev) + 1;
    let record = Record { id: server.clock, prev, nonce, names: server.run, scopes: 0, token: Token::Genesis };
    server.log.push(record);
    let links = state.nodes.iter_mut().flat_map(|node| &mut node.conns);
    for link in links.filter(|link| link.link == Link::Ready && usize::from(link.server) == at) {
        link.deliveries.push(Delivery::Push(record));
    }
}

/// Adds the next steps of a node whose servers change.
pub(crate) fn steps(steps: &mut Steps<'_>, at: usize) {
    let Some(takeover) = steps.rules.takeover() else { return };
    doubts_late(steps, at);
    for conn in 0..steps.from.nodes[at].conns.len() {
        leaves(steps, at, conn);
        let (from, rules) = (steps.from, steps.rules);
        let (node, link) = (&from.nodes[at], &from.nodes[at].conns[conn]);
        let seen = |sight: &Sight| is_idle(link) && sight.server == link.server;
        let Some(sight) = node.sight.filter(seen) else { continue };
        let server = &from.servers[usize::from(link.server)];
        let (position, called) = (node.feed.position, |text| Action::Conn(name(at), name(conn), text));
        if !unsettled(node, link.server, server, server.log.last(), rules) {
            steps.add(called("looks again, and asks for the delta"), |state| {
                send_delta(&mut state.nodes[at].conns[conn], None, position);
            });
        }
        // The script compares the life, because the script of another node may have come first.
        if from.now >= sight.since + wait(takeover, rules) || time_is_over(from) {
            let left = server.log.last().is_some_and(|last| last.names == server.run);
            let over = rules.has(Mutant::WaitWithoutMark) || (left && rules.has(Mutant::ReenterOldLife));
            steps.add(called("has waited, and gives the log a new life"), |state| {
                let node = &mut state.nodes[at];
                node.sight = Some(Sight { over, ..sight });
                send_delta(&mut node.conns[conn], (!over).then_some(Request::Settle(sight.life)), position);
            });
        }
    }
}

/// Executes requests whose delay would reach no new outcome: all except heartbeats and requests to a former master under a lease.
pub(crate) fn execute(steps: &mut Steps<'_>, at: usize) {
    let (from, rules) = (steps.from, steps.rules);
    let leases = leases(rules);
    for (conn, link) in from.nodes[at].conns.iter().enumerate() {
        let former = usize::from(link.server) + 1 < from.servers.len();
        let waits = match link.requests.first() {
            None => true,
            Some(Request::Ping(_)) => former || !leases,
            Some(Request::Get(_) | Request::Append(..)) => former && leases,
            Some(_) => false,
        };
        if !waits {
            let text = Action::Conn(name(at), name(conn), "the server executes");
            steps.add(text, |state| server::execute(state, at, conn, false, rules));
            return;
        }
    }
}

fn is_idle(link: &Conn) -> bool {
    link.link == Link::Waiting && link.requests.is_empty() && link.deliveries.is_empty()
}

fn send_delta(link: &mut Conn, first: Option<Request>, position: u8) {
    link.link = Link::Syncing;
    link.requests.extend(first);
    link.requests.push(Request::Delta(position));
}

fn wait(takeover: Takeover, rules: Rules) -> u8 {
    takeover.wait - u8::from(rules.has(Mutant::WaitNotLonger))
}

/// Returns whether no ticks are left, and no former master that a tick would demote.
fn time_is_over(state: &State) -> bool {
    state.faults.ticks == 0 && !state.servers.iter().any(|server| server.until.is_some() && server.reachable)
}

/// Adds the step of a node that leaves a former master.
fn leaves(steps: &mut Steps<'_>, at: usize, conn: usize) {
    let (from, rules) = (steps.from, steps.rules);
    let link = &from.nodes[at].conns[conn];
    let former = link.link != Link::Down && usize::from(link.server) + 1 < from.servers.len();
    let hears = steps.scenario.steady != Some(name(at)) || from.faults.ticks == 0;
    if former && hears {
        let text = Action::Conn(name(at), name(conn), "is given up: there is another master");
        steps.add(text, |state| link::cut(state, at, conn, rules));
    }
}

/// Returns whether servers are used under a lease.
pub(crate) fn leases(rules: Rules) -> bool {
    rules.takeover().is_some_and(|takeover| takeover.lease.is_some())
}

/// Returns whether most Sentinels may name this server now; they may until they learn of a promotion.
pub(crate) fn backs(state: &State, server: u8, rules: Rules) -> bool {
    let Some(takeover) = rules.takeover().filter(|takeover| takeover.lease.is_some()) else { return true };
    let successor = state.servers.get(usize::from(server) + 1);
    rules.has(Mutant::HeartbeatWithoutBacking)
        || rules.has(Mutant::TrustWithoutBacking)
        || successor.is_none_or(|next| state.now <= next.since + takeover.lag)
}

/// Extends the lease after a heartbeat that counts.
pub(crate) fn backed(node: &mut Node, sent: u8, now: u8, rules: Rules) {
    if let Some(lease) = rules.takeover().and_then(|takeover| takeover.lease) {
        let from = if rules.has(Mutant::LeaseFromReceipt) { now } else { sent };
        node.leased = node.leased.max(Some(from + lease));
    }
}

/// Ends the lease of a node that begins to connect: no heartbeat has counted yet.
pub(crate) fn connecting(node: &mut Node, now: u8, rules: Rules) {
    if let Some(lease) = rules.takeover().and_then(|takeover| takeover.lease) {
        node.leased = rules.has(Mutant::LeaseByEntering).then_some(now + lease);
    }
}

/// Demotes former masters whose time is over: they become replicas, and lose their logs.
pub(crate) fn demote(state: &mut State, rules: Rules) {
    for index in 0..state.servers.len() {
        let successor = state.servers.get(index + 1).map(|successor| successor.since);
        let server = &mut state.servers[index];
        // A former master counts as demoted once all nodes have left it and most Sentinels name another server.
        let left = rules.takeover().filter(|_| rules.has(Mutant::LeaveAlone)).zip(successor);
        let until = left.map_or(server.until, |(takeover, since)| Some(since + takeover.lag));
        if !server.reachable || until.is_none_or(|until| until >= state.now) {
            continue;
        }
        (server.reachable, server.l2) = (false, None);
        server.log.clear();
        server.orphans.clear();
        for node in 0..state.nodes.len() {
            for conn in 0..state.nodes[node].conns.len() {
                let link = &state.nodes[node].conns[conn];
                if link.link != Link::Down && usize::from(link.server) == index {
                    link::cut(state, node, conn, rules);
                }
            }
        }
    }
}

/// Puts a node's announcements elsewhere in doubt again, before it uses the new log.
pub(crate) fn doubt_again(state: &mut State, at: usize, rules: Rules) {
    let replays = rules.takeover().is_some_and(|takeover| takeover.replay) || rules.has(Mutant::ReplayAlone);
    if !replays || rules.has(Mutant::EnterWithoutReplay) {
        return;
    }
    let doubt = !rules.has(Mutant::ReplayAfterBelieving);
    for op in 0..state.ops.len() {
        let write = &state.ops[op];
        let (Kind::Invalidate(scopes), Phase::Done) = (write.kind, write.phase) else { continue };
        let ring = &mut state.nodes[at].ring;
        if usize::from(state.ops[op].node) == at && ring.iter().all(|entry| entry.ops & (1 << op) == 0) {
            ring.push(RingEntry { ops: 1 << op, scopes, doubt, replay: None });
        }
    }
}

/// Adds the step of the mistake that does so only after the node entered the log.
fn doubts_late(steps: &mut Steps<'_>, at: usize) {
    if !steps.rules.has(Mutant::ReplayAfterBelieving) || steps.from.nodes[at].ring.iter().all(|entry| entry.doubt) {
        return;
    }
    steps.add(Action::Node(name(at), "doubts what it announced"), |state| {
        state.nodes[at].ring.iter_mut().for_each(|entry| entry.doubt = true);
    });
}
