//! [`Scenario`]: the calls, the faults and the initial state of a run.

use crate::state::{
    Conn, Faults, Feed, Incarnation, Kind, Link, Local, Node, Op, Phase, Placed, Record, Server, State, Stored, Token,
    Verdict,
};
use crate::takeover::{self, Takeover};

/// The calls and the faults of one run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The name, by which mutants and the report refer to it.
    pub name: &'static str,
    pub(crate) ops: Vec<(u8, Kind)>,
    pub(crate) faults: Faults,
    /// The number of connections of node A, and of node B.
    pub(crate) links: [usize; 2],
    /// The tiers that hold the first version of the value.
    pub(crate) warm: Warm,
    /// The number of writes that the ring holds one by one.
    pub(crate) ring: usize,
    pub(crate) max_stale: u8,
    /// True if each node makes its calls one by one.
    pub(crate) sequential: bool,
    /// The node whose links are not cut.
    pub(crate) steady: Option<u8>,
    pub(crate) begin: Begin,
    /// True if a former primary may go on answering.
    pub(crate) partition: bool,
    /// The settings of a change of master in which the former one goes on taking writes; its announcements bind every node.
    pub(crate) takeover: Option<Takeover>,
    /// True if nodes send heartbeats, provided that the clock ticks.
    pub(crate) heartbeats: bool,
}

/// The tiers that hold the value at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Warm {
    /// L1 of both nodes, and the shared tier.
    All,
    /// The shared tier.
    Shared,
    /// None.
    Nothing,
}

/// The connections of the nodes at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Both nodes follow the only server.
    Together,
    /// A replica took over that lacks the record that B folded last; A follows it, B has lost its links.
    AfterFailover,
    /// B has lost its link.
    Apart,
    /// A replica took over; A follows it, B's first link is still with the former primary.
    Parted,
    /// A replica was just promoted; both nodes are with the former primary.
    Promoted,
    /// Like `Promoted`, but B has left the former primary.
    PromotedLeft,
    /// Like `Promoted`, but B is a process that has just started.
    PromotedNewcomer,
    /// Like `PromotedNewcomer`, but the successor has lost everything and restarted.
    PromotedEmpty,
    /// The address leads back to a server that both nodes have left, and that has kept its data.
    Returned,
    /// Like `Returned`, but B is a process that has just started.
    ReturnedNewcomer,
    /// The only server has no log, and both processes have just started.
    First,
}

impl Scenario {
    /// Returns whether the incarnation can change.
    pub(crate) fn resets(&self) -> bool {
        matches!(self.begin, Begin::AfterFailover | Begin::Parted) || self.faults.flushes + self.faults.failovers > 0
    }

    /// Returns the initial state.
    pub(crate) fn start(&self) -> State {
        let incarnation = Incarnation { run: 0, nonce: 0 };
        let genesis = Record { id: 1, prev: 0, nonce: 0, names: 0, scopes: 0, token: Token::Genesis };
        let l2 = (self.warm != Warm::Nothing).then_some(Stored { value: 0, incarnation, id: 1 });
        let server = Server {
            run: 0,
            reachable: true,
            since: 0,
            until: None,
            promoted: false,
            clock: 1,
            log: vec![genesis],
            l2,
            orphans: vec![],
            answered: [0; 2],
        };
        let op = |&(node, kind): &(u8, Kind)| Op {
            node,
            kind,
            phase: Phase::Idle,
            version: 0,
            shared: 0,
            own: 0,
            sent: 0,
            began: 0,
            verdict: Verdict::Open,
        };
        let mut state = State {
            now: 0,
            origin: 0,
            nonces: 1,
            servers: vec![server],
            replica: None,
            nodes: self.links.iter().map(|links| self.node(*links, incarnation)).collect(),
            ops: self.ops.iter().map(op).collect(),
            announced: vec![],
            faults: self.faults,
            violation: None,
        };
        match self.begin {
            Begin::Together => {}
            Begin::Apart => state.nodes[1].conns[0].link = Link::Down,
            Begin::AfterFailover | Begin::Parted => self.part(&mut state),
            _ => takeover::begin(self, &mut state),
        }
        state
    }

    /// Lets a replica take over, which A follows.
    fn part(&self, state: &mut State) {
        let mut new = state.servers[0].clone();
        new.run = 1;
        state.servers.push(new);
        state.servers[0].reachable = self.begin == Begin::Parted;
        let [a, b] = &mut state.nodes[..] else { return };
        let former = a.feed.incarnation.replace(Incarnation { run: 1, nonce: 0 });
        (a.feed.server, a.l1) = (1, None);
        a.feed.retired.extend(former);
        a.conns.iter_mut().for_each(|conn| conn.server = 1);
        b.conns.iter_mut().skip(1).for_each(|conn| conn.link = Link::Down);
        if self.begin == Begin::AfterFailover {
            b.conns[0].link = Link::Down;
            b.feed.position = 3;
        }
    }

    fn node(&self, links: usize, incarnation: Incarnation) -> Node {
        let conn = Conn { server: 0, link: Link::Ready, requests: vec![], deliveries: vec![] };
        Node {
            local: Local { counter: 1, scopes: [0; 2], refreshed: [0; 2], floor: 0 },
            feed: Feed {
                incarnation: Some(incarnation),
                position: 1,
                scopes: [0; 2],
                refreshed: [0; 2],
                floor: 1,
                retired: vec![],
                server: 0,
            },
            conns: vec![conn; links],
            fold: None,
            l1: (self.warm == Warm::All).then_some(Placed { what: 0, local: 1, expired: false }),
            flight: None,
            ring: vec![],
            trusted: 0,
            samples: vec![1],
            sight: None,
            leased: self.takeover.is_none_or(|takeover| takeover.lease.is_none()).then_some(u8::MAX),
        }
    }
}
