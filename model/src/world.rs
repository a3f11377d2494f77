//! The clock, and the evictions from a node's tables.

use crate::fold::name;
use crate::mutants::{Mutant, Rules};
use crate::server;
use crate::state::Node;
use crate::steps::{Action, Steps};
use crate::takeover;

/// Adds the next steps of servers, clock and tables.
pub(crate) fn steps(steps: &mut Steps<'_>) {
    server::steps(steps);
    let (rules, max_stale) = (steps.rules, steps.scenario.max_stale);
    if steps.from.faults.ticks > 0 {
        steps.add(Action::World("the clock ticks"), |state| {
            // The last tick lasts long enough for everything that a tick can end.
            let long = rules.takeover().filter(|_| state.faults.ticks == 1);
            state.faults.ticks -= 1;
            for _ in 0..long.map_or(1, |takeover| takeover.wait.max(takeover.goes_on.unwrap_or(0) + 1)) {
                state.now += 1;
                let now = state.now;
                state.nodes.iter_mut().for_each(|node| tick(node, now, max_stale, rules));
                takeover::demote(state, rules);
            }
        });
    }
    if steps.from.faults.evictions > 0 {
        evictions(steps);
    }
}

/// Samples the local counter. While the link is silent, invalidates loads that began more than `max_stale` ago.
fn tick(node: &mut Node, now: u8, max_stale: u8, rules: Rules) {
    let before = node.local.counter;
    node.local.counter += 1;
    node.samples.push(if rules.has(Mutant::SampleBeforeBump) { before } else { node.local.counter });
    let Some(limit) = now.checked_sub(max_stale) else { return };
    if limit <= node.trusted || rules.has(Mutant::SilentFloorStays) {
        return;
    }
    let late = u8::from(rules.has(Mutant::SampleOfOlderTime));
    let sample = node.samples[usize::from(limit.saturating_sub(late))];
    node.local.floor = node.local.floor.max(sample);
}

fn evictions(steps: &mut Steps<'_>) {
    let rules = steps.rules;
    for (at, node) in steps.from.nodes.iter().enumerate() {
        for index in 0..2 {
            if node.feed.scopes[index] > 0 && node.fold.is_none() {
                steps.add(Action::Node(name(at), "evicts a pair of its table"), |state| {
                    state.faults.evictions -= 1;
                    state.nodes[at].feed.evict(index, rules);
                });
            }
        }
    }
}
