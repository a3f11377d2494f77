//! Small worlds, each for one part of the protocol, explored to the end.

use crate::state::Verdict;
use crate::state::{
    Conn, Faults, Feed, Incarnation, KEY, Kind, Link, Local, Node, OTHER, Op, PREFIX, Phase, Placed, Record, Server,
    State, Stored, Token,
};

/// What may happen in one run.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// How mutants and the report call it.
    pub name: &'static str,
    pub(crate) ops: Vec<(u8, Kind)>,
    pub(crate) faults: Faults,
    /// Connections of node A, and of node B.
    pub(crate) links: [usize; 2],
    /// What holds the first version of the value.
    pub(crate) warm: Warm,
    /// How many writes the ring holds one by one.
    pub(crate) ring: usize,
    pub(crate) max_stale: u8,
    /// Each node makes its calls one by one.
    pub(crate) sequential: bool,
    /// The node whose links are not cut.
    pub(crate) steady: Option<u8>,
    pub(crate) begin: Begin,
    /// A former primary may go on answering.
    pub(crate) partition: bool,
}

/// What holds the value when everything begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Warm {
    /// L1 of both nodes, and the shared tier.
    All,
    /// The shared tier.
    Shared,
    /// Nothing.
    Nothing,
}

/// Where the nodes are when everything begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begin {
    /// Both follow the one server.
    Together,
    /// A replica took over that lacks what B folded last; A follows it, B has lost its links.
    AfterFailover,
    /// B has lost its link.
    Apart,
    /// A replica took over; A follows it, B's first link is still with the former primary.
    Parted,
}

const A: u8 = 0;
const B: u8 = 1;
const READ: Kind = Kind::Read;
const EXACT: Kind = Kind::Invalidate(KEY);
const NEXT: Kind = Kind::Invalidate(OTHER);
const BELOW: Kind = Kind::Invalidate(PREFIX);

impl Scenario {
    fn new(name: &'static str, ops: &[(u8, Kind)]) -> Self {
        Self {
            name,
            ops: ops.to_vec(),
            faults: Faults::default(),
            links: [1, 1],
            warm: Warm::All,
            ring: 4,
            max_stale: 1,
            sequential: false,
            steady: None,
            begin: Begin::Together,
            partition: false,
        }
    }

    fn cold(self) -> Self {
        Self { warm: Warm::Nothing, ..self }
    }

    fn shared(self) -> Self {
        Self { warm: Warm::Shared, ..self }
    }

    fn sequential(self) -> Self {
        Self { sequential: true, ..self }
    }

    fn steady(self, node: u8) -> Self {
        Self { steady: Some(node), ..self }
    }

    fn begin(self, begin: Begin) -> Self {
        Self { begin, ..self }
    }

    fn links(self, a: usize, b: usize) -> Self {
        Self { links: [a, b], ..self }
    }

    fn faults(self, faults: Faults) -> Self {
        Self { faults, ..self }
    }

    /// The scenarios that tests explore.
    pub fn small() -> Vec<Self> {
        let none = Faults::default();
        let cut = Faults { cuts: 1, ..none };
        let lost = Faults { timeouts: 1, ..none };
        let flush = Faults { flushes: 1, ..none };
        let failover = Faults { failovers: 1, ..none };
        let put = Kind::Put;
        vec![
            Self::new("invalidate", &[(A, READ), (A, READ), (A, EXACT)]).shared(),
            Self::new("invalidate elsewhere", &[(A, READ), (B, READ), (B, READ), (A, BELOW)]).shared(),
            Self::new("load", &[(A, READ), (B, READ), (A, READ), (A, BELOW)]).cold(),
            Self::new("doubt", &[(A, READ), (A, READ), (A, EXACT)]).shared().faults(cut),
            Self::new("time-out", &[(A, READ), (A, READ), (A, EXACT)]).shared().faults(lost),
            Self::new("doubt elsewhere", &[(A, EXACT), (B, READ), (B, READ)]).shared().faults(cut),
            Self { ring: 1, ..Self::new("overflow", &[(A, EXACT), (A, BELOW), (A, READ)]) }.shared().faults(lost),
            Self::new("resync", &[(A, NEXT), (A, EXACT), (B, READ)]).shared().faults(cut).sequential(),
            Self::new("trim", &[(A, EXACT), (A, NEXT), (B, READ)])
                .shared()
                .faults(Faults { trims: 2, ..none })
                .begin(Begin::Apart)
                .sequential(),
            Self::new("trim and time", &[(A, EXACT), (A, NEXT), (B, READ)])
                .faults(Faults { trims: 2, ticks: 2, ..none })
                .begin(Begin::Apart)
                .sequential(),
            Self::new("evict", &[(A, EXACT), (A, BELOW), (B, READ)]).shared().faults(Faults { evictions: 1, ..none }),
            Self::new("cancel", &[(A, READ), (A, READ), (A, READ), (A, EXACT)])
                .cold()
                .faults(Faults { cancels: 1, ..none }),
            Self::new("puts", &[(A, put), (B, put), (A, READ)]),
            Self::new("put and invalidate", &[(A, put), (B, EXACT), (A, READ)]),
            Self::new("flush", &[(A, EXACT), (B, READ), (B, READ)]).cold().faults(flush),
            Self::new("flush and time", &[(A, EXACT), (B, READ)])
                .faults(Faults { ticks: 2, ..flush })
                .begin(Begin::Apart),
            Self::new("failover", &[(A, EXACT), (B, READ)]).shared().faults(failover),
            Self::new("failover, two reads", &[(A, EXACT), (B, READ), (B, READ)]).faults(failover).sequential(),
            Self::new("failover alone", &[(A, EXACT), (A, READ), (A, EXACT), (A, READ)])
                .cold()
                .faults(failover)
                .sequential(),
            Self::new("after a failover", &[(A, READ), (A, EXACT), (A, NEXT), (B, READ)])
                .cold()
                .sequential()
                .begin(Begin::AfterFailover),
            Self::new("partition", &[(A, EXACT), (B, READ)])
                .shared()
                .begin(Begin::Parted)
                .faults(Faults { cuts: 2, ..none })
                .steady(A),
            Self::new("partition, two links", &[(A, EXACT), (B, READ), (B, READ)])
                .cold()
                .links(1, 2)
                .begin(Begin::Parted)
                .sequential(),
            Self::new("two links", &[(A, EXACT), (B, READ), (B, READ)]).shared().links(1, 2),
            Self::new("two links, two writes", &[(A, EXACT), (A, READ), (A, EXACT), (B, READ)])
                .cold()
                .links(1, 2)
                .sequential(),
            Self::new("time", &[(A, EXACT), (B, READ)]).faults(Faults { ticks: 3, ..cut }).steady(A),
            Self::new("partition and time", &[(A, EXACT), (B, READ)])
                .faults(Faults { ticks: 2, ..none })
                .begin(Begin::Parted),
            Self::new("failback", &[(A, EXACT), (B, READ)])
                .shared()
                .steady(A)
                .begin(Begin::Apart)
                .faults(Faults { failovers: 2, ..none }),
            Self::new("time, shared", &[(A, EXACT), (B, READ), (B, READ)])
                .shared()
                .sequential()
                .faults(Faults { ticks: 3, ..none }),
            Self { max_stale: 2, ..Self::new("slow heartbeat", &[(A, EXACT), (B, READ)]) }
                .faults(Faults { ticks: 4, ..none }),
            Self::new("time and put", &[(A, EXACT), (B, put), (B, READ)])
                .cold()
                .sequential()
                .faults(Faults { ticks: 3, ..none }),
            Self::new("flush alone", &[(A, EXACT), (A, READ)]).faults(flush),
        ]
    }

    /// Whether the incarnation can change.
    pub(crate) fn resets(&self) -> bool {
        matches!(self.begin, Begin::AfterFailover | Begin::Parted) || self.faults.flushes + self.faults.failovers > 0
    }

    /// How everything begins.
    pub(crate) fn start(&self) -> State {
        let incarnation = Incarnation { run: 0, nonce: 0 };
        let genesis = Record { id: 1, prev: 0, nonce: 0, scopes: 0, token: Token::Genesis };
        let l2 = (self.warm != Warm::Nothing).then_some(Stored { value: 0, incarnation, id: 1 });
        let server =
            Server { run: 0, reachable: true, clock: 1, log: vec![genesis], l2, orphans: vec![], answered: [0; 2] };
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
        if self.begin == Begin::Apart {
            state.nodes[1].conns[0].link = Link::Down;
        } else if self.begin != Begin::Together {
            self.part(&mut state);
        }
        state
    }

    /// A replica has taken over, and A follows it.
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
            local: Local { counter: 1, scopes: [0; 2], floor: 0 },
            feed: Feed {
                incarnation: Some(incarnation),
                position: 1,
                scopes: [0; 2],
                floor: 1,
                retired: vec![],
                server: 0,
            },
            conns: vec![conn; links],
            fold: None,
            l1: (self.warm == Warm::All).then_some(Placed { what: 0, local: 1 }),
            flight: None,
            ring: vec![],
            trusted: 0,
            samples: vec![1],
        }
    }
}
