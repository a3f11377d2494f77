//! The steps that the system can take next.

use std::fmt;

use crate::mutants::Rules;
use crate::scenario::Scenario;
use crate::state::{Phase, State};
use crate::{fold, link, read, takeover, world, write};

/// The name of a step in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Action {
    /// A step of an operation.
    Op(u8, &'static str),
    /// A step of a connection, by node and number.
    Conn(u8, u8, &'static str),
    /// A step of a node itself.
    Node(u8, &'static str),
    /// A step of a server.
    Server(u8, &'static str),
    /// A step of the clock or of a failover.
    World(&'static str),
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |node: u8| char::from(b'A' + node);
        match *self {
            Action::Op(op, text) => write!(f, "op {op} {text}"),
            Action::Conn(node, conn, text) => write!(f, "{} link {conn}: {text}", name(node)),
            Action::Node(node, text) => write!(f, "{} {text}", name(node)),
            Action::Server(server, text) => write!(f, "server {server} {text}"),
            Action::World(text) => write!(f, "{text}"),
        }
    }
}

/// Collects the successors of one state.
pub(crate) struct Steps<'a> {
    pub(crate) scenario: &'a Scenario,
    pub(crate) rules: Rules,
    pub(crate) from: &'a State,
    pub(crate) next: Vec<(Action, State)>,
}

impl Steps<'_> {
    /// Adds the state that results from a change of the present one.
    pub(crate) fn add(&mut self, action: Action, change: impl FnOnce(&mut State)) {
        let mut state = self.from.clone();
        change(&mut state);
        self.next.push((action, state));
    }

    /// Returns whether an operation may start. Operations of one kind start in order; in a sequential scenario, all operations
    /// of a node run one by one.
    pub(crate) fn may_start(&self, op: usize) -> bool {
        let this = &self.from.ops[op];
        let mut before = self.from.ops[..op].iter().filter(|other| other.node == this.node);
        if self.scenario.sequential {
            return before.all(|other| other.phase == Phase::Done);
        }
        before.all(|other| other.phase != Phase::Idle || other.kind != this.kind)
    }
}

/// Returns all successors of a state.
pub(crate) fn successors(scenario: &Scenario, rules: Rules, from: &State) -> Vec<(Action, State)> {
    let mut steps = Steps { scenario, rules, from, next: Vec::new() };
    urgent(&mut steps);
    if !steps.next.is_empty() {
        return steps.next;
    }
    for op in 0..from.ops.len() {
        read::steps(&mut steps, op);
        write::steps(&mut steps, op);
    }
    for node in 0..from.nodes.len() {
        fold::steps(&mut steps, node);
        link::steps(&mut steps, node);
        takeover::steps(&mut steps, node);
        write::replays(&mut steps, node);
    }
    world::steps(&mut steps);
    steps.next
}

/// Adds a step that is taken at once and alone, because a delay of it would reach no new outcome: a request that is sent early may still be
/// executed late, and a message that arrives early may still be read late. Where two servers take writes, the steps of a node itself are
/// taken at once too, because other scenarios explore their delays.
fn urgent(steps: &mut Steps<'_>) {
    let coarse = steps.rules.takeover().is_some();
    for op in 0..steps.from.ops.len() {
        match steps.from.ops[op].phase {
            Phase::Leading => return read::send_get(steps, op),
            Phase::Written => return write::send(steps, op),
            Phase::Lost => return write::lose(steps, op),
            Phase::Missed | Phase::Received(..) | Phase::Judged(..) if coarse => return read::steps(steps, op),
            Phase::Doubted | Phase::Folded(..) if coarse => return write::steps(steps, op),
            _ => {}
        }
    }
    for node in 0..steps.from.nodes.len() {
        link::first(steps, node);
        if coarse && steps.next.is_empty() {
            takeover::execute(steps, node);
        }
        if !steps.next.is_empty() {
            return;
        }
    }
}
