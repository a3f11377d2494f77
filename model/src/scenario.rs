//! Small worlds, each for one part of the protocol, explored to the end.

use crate::state::Verdict;
use crate::state::{
    Conn, Faults, Feed, Incarnation, KEY, Kind, Link, Local, Node, Op, PREFIX, Phase, Placed, Record, Server, State,
    Stored, Token,
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
    /// A former primary may go on answering.
    pub(crate) partition: bool,
    /// The second failover goes back to the first server's process.
    pub(crate) failback: bool,
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

const A: u8 = 0;
const B: u8 = 1;
const READ: Kind = Kind::Read;
const EXACT: Kind = Kind::Invalidate(KEY);
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
            partition: false,
            failback: false,
        }
    }

    fn cold(self) -> Self {
        Self { warm: Warm::Nothing, ..self }
    }

    fn shared(self) -> Self {
        Self { warm: Warm::Shared, ..self }
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
        vec![
            Self::new("invalidate", &[(A, READ), (A, READ), (A, EXACT)]).shared(),
            Self::new("invalidate elsewhere", &[(A, READ), (B, READ), (B, READ), (A, BELOW)]).shared(),
            Self::new("load", &[(A, READ), (B, READ), (A, READ), (A, BELOW)]).cold(),
            Self::new("doubt", &[(A, READ), (A, READ), (A, EXACT)]).shared().faults(cut),
            Self::new("time-out", &[(A, READ), (A, READ), (A, EXACT)]).shared().faults(lost),
            Self::new("doubt elsewhere", &[(A, EXACT), (B, READ), (B, READ)]).shared().faults(cut),
            Self { ring: 1, ..Self::new("overflow", &[(A, EXACT), (A, BELOW), (A, READ)]) }.shared().faults(lost),
            Self::new("resync", &[(A, EXACT), (A, BELOW), (B, READ)]).shared().faults(cut),
            Self::new("trim", &[(A, EXACT), (B, READ), (B, READ)]).shared().faults(Faults { trims: 1, ..cut }),
            Self::new("evict", &[(A, EXACT), (A, BELOW), (B, READ)]).shared().faults(Faults { evictions: 1, ..none }),
            Self::new("cancel", &[(A, READ), (A, READ), (A, READ), (A, EXACT)])
                .cold()
                .faults(Faults { cancels: 1, ..none }),
            Self::new("puts", &[(A, Kind::Put), (B, Kind::Put), (A, READ)]),
            Self::new("put and invalidate", &[(A, Kind::Put), (B, EXACT), (A, READ)]),
            Self::new("flush", &[(A, EXACT), (B, READ), (B, READ)]).faults(Faults { flushes: 1, ..none }),
            Self::new("flush and cut", &[(A, EXACT), (B, READ)]).faults(Faults { flushes: 1, ..cut }),
            Self::new("failover", &[(A, EXACT), (B, READ), (B, READ)]).faults(Faults { failovers: 1, ..none }),
            Self::new("two links", &[(A, EXACT), (B, READ), (B, READ)]).shared().links(1, 2),
            Self::new("time", &[(A, EXACT), (B, READ), (B, READ)]).faults(Faults { ticks: 3, ..cut }),
        ]
    }

    /// Whether the incarnation can change.
    pub(crate) fn resets(&self) -> bool {
        self.faults.flushes + self.faults.failovers > 0
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
            began: 0,
            verdict: Verdict::Open,
        };
        State {
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
