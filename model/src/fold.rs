//! Folding of records into a node's tables: the global table first, then the local one, and the position last. A node runs one fold at a
//! time, and readers run between its steps.

use crate::mutants::{Mutant, Rules};
use crate::state::{ALL, After, Fold, Incarnation, Kind, Link, Node, Op, Phase, Record, State, Token, Verdict};
use crate::steps::{Action, Steps};
use crate::{contract, link, takeover, write};

/// Adds the next step of the node's fold, if there is one.
pub(crate) fn steps(steps: &mut Steps<'_>, node: usize) {
    let Some(fold) = &steps.from.nodes[node].fold else { return };
    let (stage, rules) = (fold.stage, steps.rules);
    let text = ["folds, first step", "folds, second step", "folds, last step"][usize::from(stage)];
    steps.add(Action::Node(name(node), text), |state| step(state, node, rules));
}

/// Runs a fold to its end, so that readers see no state in between.
pub(crate) fn whole(state: &mut State, node: usize, rules: Rules) {
    while state.nodes[node].fold.is_some() {
        step(state, node, rules);
    }
}

fn step(state: &mut State, node: usize, rules: Rules) {
    let Some(mut fold) = state.nodes[node].fold.take() else { return };
    let order = match rules.mutant() {
        Some(Mutant::PositionBeforeTables) => [publish, raise_global, raise_local],
        Some(Mutant::LocalBeforeGlobal) => [raise_local, raise_global, publish],
        _ => [raise_global, raise_local, publish],
    };
    order[usize::from(fold.stage)](state, node, &mut fold, rules);
    fold.stage += 1;
    if fold.stage == 3 {
        fold.last = fold.records.remove(0).id;
        (fold.stage, fold.reset, fold.gap) = (0, None, false);
    }
    if fold.records.is_empty() {
        finish(state, node, &fold, rules);
    } else {
        state.nodes[node].fold = Some(fold);
    }
}

/// Starts to fold one record of a push or of the node's own append.
pub(crate) fn begin(node: &mut Node, conn: usize, run: u8, record: Record, after: After, rules: Rules) {
    let incarnation = Incarnation { run, nonce: record.nonce };
    let feed = &node.feed;
    let reset = !feed.follows(incarnation, rules);
    if reset && feed.retired.contains(&incarnation) && !rules.has(Mutant::ResetToRetired) {
        return;
    }
    let pushed = after == After::Nothing;
    let gap = pushed && !reset && record.prev > feed.position;
    let reset = reset.then_some(incarnation);
    node.fold =
        Some(Fold { conn: name(conn), records: vec![record], stage: 0, reset, gap, seen: false, last: 0, after });
}

fn raise_global(state: &mut State, at: usize, fold: &mut Fold, rules: Rules) {
    let node = &mut state.nodes[at];
    let record = fold.records[0];
    if fold.reset.is_some() {
        leave_incarnation(node, fold, rules);
        takeover::doubt_again(state, at, rules);
        let node = &mut state.nodes[at];
        let server = node.conns[usize::from(fold.conn)].server;
        if !rules.has(Mutant::ResetWithoutGlobalFloor) {
            node.feed.floor = record.id;
        }
        if !rules.has(Mutant::OtherRunStaysConnected) {
            link::close_other_runs(state, at, server, rules);
        }
    }
    let node = &mut state.nodes[at];
    if fold.gap {
        node.feed.floor = node.feed.floor.max(record.id);
    }
    fold.seen = node.feed.last(record.scopes) >= record.id
        && !rules.has(Mutant::FoldWithoutMax)
        && !rules.has(Mutant::FoldTwice);
    if record.scopes != 0 {
        node.feed.raise(record.scopes, record.id, rules);
    }
}

fn leave_incarnation(node: &mut Node, fold: &Fold, rules: Rules) {
    let feed = &mut node.feed;
    if let Some(old) = feed.incarnation.take() {
        feed.retired.push(old);
        feed.retired.sort_by_key(|left| (left.run, left.nonce));
        feed.retired.dedup();
    }
    feed.retired.retain(|left| Some(*left) != fold.reset);
    if !rules.has(Mutant::ResetKeepsTable) {
        (feed.scopes, feed.refreshed) = ([0, 0], [0, 0]);
        feed.floor = 0;
    }
}

fn raise_local(state: &mut State, at: usize, fold: &mut Fold, rules: Rules) {
    let record = fold.records[0];
    let node = &mut state.nodes[at];
    let quiet = rules.has(Mutant::ResetWithoutLocalFloor) || rules.has(Mutant::EnterWithoutReset);
    let reset = fold.reset.is_some() && !quiet;
    let gap = fold.gap && !rules.has(Mutant::GapWithoutLocalFloor);
    let now = state.now;
    let own = own_put(&mut state.ops, record, at);
    let late = rules.has(Mutant::VerdictAfterRaise);
    let heard = |node: &Node, began| {
        let lenient = rules.has(Mutant::PutIgnoresRefresh) && node.local.valid(began);
        lenient || node.local.current(began)
    };
    let early = own.as_ref().is_some_and(|op| heard(node, op.began)) || rules.has(Mutant::PutWithoutVerdict);
    if reset || gap {
        node.local.raise(ALL, rules);
    }
    if !fold.seen && record.scopes != 0 {
        node.local.raise(record.scopes, rules);
    }
    if let Some(op) = own {
        let valid = if late { heard(node, op.began) } else { early };
        let valid = valid && !fold.seen;
        let late = op.sent != now && !rules.has(Mutant::PutIgnoresTime);
        op.verdict = if valid { Verdict::Valid((!late).then_some(node.local.counter)) } else { Verdict::Overtaken };
    }
}

fn own_put(ops: &mut [Op], record: Record, node: usize) -> Option<&mut Op> {
    let Token::Own(op) = record.token else { return None };
    let op = &mut ops[usize::from(op)];
    (op.kind == Kind::Put && usize::from(op.node) == node && op.verdict == Verdict::Open).then_some(op)
}

fn publish(state: &mut State, at: usize, fold: &mut Fold, _: Rules) {
    let feed = &mut state.nodes[at].feed;
    let id = fold.records[0].id;
    if let Some(new) = fold.reset {
        feed.incarnation = Some(new);
        feed.position = id;
    } else {
        feed.position = feed.position.max(id);
    }
}

fn finish(state: &mut State, at: usize, fold: &Fold, rules: Rules) {
    let node = &mut state.nodes[at];
    match fold.after {
        After::Nothing => {}
        After::Ready => {
            let conn = &mut node.conns[usize::from(fold.conn)];
            if conn.link == Link::Syncing {
                conn.link = Link::Ready;
                contract::sees(node, usize::from(fold.conn));
            }
        }
        After::Return(op) => {
            if let Some(incarnation) = node.feed.incarnation {
                let server = node.conns[usize::from(fold.conn)].server;
                write::folded(state, op, fold.conn, Phase::Folded(incarnation, fold.last, server));
            }
        }
        After::Replayed(ops, scopes) => write::replayed(state, at, ops, scopes, rules),
    }
}

/// Converts an index to the number in a state.
pub(crate) fn name(index: usize) -> u8 {
    u8::try_from(index).expect("few of everything")
}
