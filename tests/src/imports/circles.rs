//! Circles of a graph whose nodes have names.

use std::collections::BTreeSet;

/// A node and one that it needs.
type Edge = (String, String);

/// The groups of nodes that need each other, directly or through other nodes.
pub(super) fn circles(edges: &[&Edge]) -> Vec<BTreeSet<String>> {
    let mut circles: Vec<BTreeSet<String>> = Vec::new();
    for (node, _) in edges {
        if circles.iter().any(|circle| circle.contains(node)) {
            continue;
        }
        let needed = reached(node, edges);
        let circle: BTreeSet<_> = needed.into_iter().filter(|other| reached(other, edges).contains(node)).collect();
        if !circle.is_empty() {
            circles.push(circle);
        }
    }
    circles
}

/// All nodes that can be reached from this one.
fn reached(from: &str, edges: &[&Edge]) -> BTreeSet<String> {
    let (mut reached, mut left) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(at) = left.pop() {
        for (_, to) in edges.iter().filter(|(from, _)| *from == at) {
            if reached.insert(to.clone()) {
                left.push(to.clone());
            }
        }
    }
    reached
}
