//! Breadth-first search over all states of a scenario, so that the first violation has a shortest trace.
//!
//! Visited states are stored as 64-bit fingerprints (ten million states collide with a chance of one in 400 000), the frontier as states. A
//! trace is reconstructed from the fingerprints of its states.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::hash::BuildHasher;

use foldhash::quality::FixedState;

use crate::mutants::Rules;
use crate::reduce::reduced;
use crate::scenario::Scenario;
use crate::state::{Phase, State};

/// The result of an exploration.
#[derive(Debug)]
pub struct Outcome {
    /// The number of different states.
    pub states: usize,
    /// The largest number of steps that any state needs to be reached.
    pub depth: usize,
    /// A shortest path to a violation of the contract: its steps, and the violation last.
    pub violation: Option<Vec<String>>,
    /// A shortest path to a state from which no path leads to the end.
    pub stuck: Option<Vec<String>>,
    /// True if all states were explored.
    pub whole: bool,
}

/// Explores a scenario to the end or to the first violation. Stops at the depth at which more than `limit` states were found.
pub fn explore(scenario: &Scenario, rules: Rules, limit: usize) -> Outcome {
    let rules = rules.with_takeover(scenario.takeover);
    let mut search = Search::default();
    let mut frontier = vec![(0, scenario.start())];
    search.visit(&frontier[0].1, 0);
    let mut depth = 0;
    loop {
        let mut next = Vec::new();
        for (index, state) in &frontier {
            if finished(state) {
                search.finished.push(*index);
                continue;
            }
            for (_, successor) in reduced(scenario, rules, state) {
                let (reached, new) = search.visit(&successor, *index);
                search.edges.push((*index, reached));
                if successor.violation.is_some() {
                    let violation = Some(search.trace(scenario, rules, reached));
                    return Outcome {
                        states: search.prints.len(),
                        depth: depth + 1,
                        violation,
                        stuck: None,
                        whole: true,
                    };
                }
                if new {
                    next.push((reached, successor));
                }
            }
        }
        if next.is_empty() {
            break;
        }
        depth += 1;
        if search.prints.len() > limit {
            return Outcome { states: search.prints.len(), depth, violation: None, stuck: None, whole: false };
        }
        frontier = next;
    }
    let stuck = search.stuck().map(|index| search.trace(scenario, rules, index));
    Outcome { states: search.prints.len(), depth, violation: None, stuck, whole: true }
}

/// Returns whether all calls have returned and no record waits to be replayed.
fn finished(state: &State) -> bool {
    state.ops.iter().all(|op| op.phase == Phase::Done) && state.nodes.iter().all(|node| node.ring.is_empty())
}

#[derive(Default)]
struct Search {
    seen: HashMap<u64, u32, FixedState>,
    prints: Vec<u64>,
    parents: Vec<u32>,
    edges: Vec<(u32, u32)>,
    finished: Vec<u32>,
}

impl Search {
    fn visit(&mut self, state: &State, parent: u32) -> (u32, bool) {
        let print = fingerprint(state);
        match self.seen.entry(print) {
            Entry::Occupied(entry) => (*entry.get(), false),
            Entry::Vacant(entry) => {
                let index = u32::try_from(self.prints.len()).expect("fewer than four billion states");
                entry.insert(index);
                self.prints.push(print);
                self.parents.push(parent);
                (index, true)
            }
        }
    }

    /// Returns the first state from which no finished state can be reached.
    fn stuck(&mut self) -> Option<u32> {
        self.edges.sort_unstable_by_key(|(_, to)| *to);
        let mut ends = vec![false; self.prints.len()];
        let mut todo = self.finished.clone();
        while let Some(index) = todo.pop() {
            if std::mem::replace(&mut ends[index as usize], true) {
                continue;
            }
            let first = self.edges.partition_point(|(_, to)| *to < index);
            todo.extend(self.edges[first..].iter().take_while(|(_, to)| *to == index).map(|(from, _)| *from));
        }
        ends.iter().position(|ends| !ends).and_then(|index| u32::try_from(index).ok())
    }

    fn trace(&self, scenario: &Scenario, rules: Rules, mut index: u32) -> Vec<String> {
        let mut prints = Vec::new();
        while index != 0 {
            prints.push(self.prints[index as usize]);
            index = self.parents[index as usize];
        }
        let mut state = scenario.start();
        let mut text = Vec::new();
        for print in prints.into_iter().rev() {
            let step = reduced(scenario, rules, &state).into_iter().find(|(_, next)| fingerprint(next) == print);
            let (action, next) = step.expect("the search took this step");
            text.push(action.to_string());
            state = next;
        }
        text.extend(state.violation);
        text
    }
}

fn fingerprint(state: &State) -> u64 {
    FixedState::with_seed(1).hash_one(state)
}
