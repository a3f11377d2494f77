//! The scopes of the changes that are to be announced together.

use std::collections::HashSet;
use std::time::SystemTime;

use super::Watched;
use crate::index::Rendered;
use crate::log::Record;

/// Scopes that are announced at once; more are announced in turn.
const ENOUGH: usize = 1_000;
/// Scopes that are kept while they cannot be announced; beyond it everything is.
const MOST: usize = 10_000;

/// What is to be announced. It stays until all were told, so that it is told again if they were not.
#[derive(Debug, Default)]
pub(super) struct Batch {
    scopes: HashSet<Rendered>,
    /// How many of them nobody was told of yet.
    fresh: usize,
    /// Changes since the last announcement, and when the last of them happened.
    pub(super) changes: u64,
    pub(super) last: Option<SystemTime>,
}

impl Batch {
    pub(super) fn push(&mut self, scope: Rendered) {
        self.fresh += usize::from(self.scopes.insert(scope));
    }

    /// All that a model's changes can concern.
    pub(super) fn push_everything(&mut self, model: &Watched) {
        self.scopes.extend(model.scopes.iter().map(|scope| scope.render(|_| None)));
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Whether it should not wait for more.
    pub(super) fn is_full(&self) -> bool {
        self.fresh >= ENOUGH
    }

    /// As one invalidation.
    pub(super) fn record(&mut self, models: &[Watched]) -> Record {
        if self.scopes.len() > MOST {
            self.scopes.clear();
            for model in models {
                self.push_everything(model);
            }
        }
        self.fresh = 0;
        let mut record = Record::default();
        for pattern in self.scopes.iter().map(Rendered::pattern) {
            record.push(pattern.scope, pattern.root);
        }
        record
    }

    /// Everybody was told.
    pub(super) fn told(&mut self) {
        self.scopes.clear();
    }
}

#[cfg(test)]
impl Batch {
    /// The patterns, in order.
    pub(super) fn texts(&self) -> Vec<String> {
        let text = |scope: &Rendered| scope.text.clone() + if scope.prefix { ":*" } else { "" };
        let mut texts: Vec<_> = self.scopes.iter().map(text).collect();
        texts.sort();
        texts
    }
}
