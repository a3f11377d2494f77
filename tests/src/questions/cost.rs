//! Cost of a command: documents and index entries that the server reads, and sorts in memory.

use std::fmt;

use bson::{Bson, Document, doc};
use mongodb::Database;

/// Cost of a command by its `explain` with `executionStats`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Documents read, those of joined collections included.
    pub documents: u64,
    /// Index entries read, those of joined collections included.
    pub keys: u64,
    /// Documents that the command returns or changes.
    pub returned: u64,
    /// True if the server sorts in memory.
    pub sorts: bool,
    /// Time that the server took.
    pub millis: u64,
}

impl Cost {
    /// Cost of a command that the server refuses.
    pub const FAILED: Self = Self { documents: u64::MAX / 4, keys: 0, returned: 0, sorts: false, millis: 0 };

    /// Measures a command.
    pub async fn of(db: &Database, command: &Document) -> mongodb::error::Result<Self> {
        let mut command = command.clone();
        if command.contains_key("aggregate") {
            command.insert("cursor", doc! {});
        }
        let reply = db.run_command(doc! { "explain": command, "verbosity": "executionStats" }).await?;
        let mut cost = Self { documents: 0, keys: 0, returned: 0, sorts: false, millis: 0 };
        cost.read(&reply);
        Ok(cost)
    }

    /// Returns the documents and index entries read.
    pub fn read_in_all(&self) -> u64 {
        self.documents + self.keys
    }

    /// Returns whether this is at most half of `before`, or spares the sort in memory and reads hardly more.
    pub fn halves(&self, before: &Self) -> bool {
        let half = self.read_in_all() * 2 <= before.read_in_all();
        // An index that spares a sort is read beside the documents.
        half || (before.sorts && !self.sorts && self.read_in_all() <= before.read_in_all() * 2 + 10)
    }

    /// Adds what one part of a reply states: the figures of its `executionStats`, or those of a `$lookup`, and of each part below.
    fn read(&mut self, part: &Document) {
        if let Ok(stats) = part.get_document("executionStats") {
            self.documents += count(stats, "totalDocsExamined");
            self.keys += count(stats, "totalKeysExamined");
            self.returned = count(stats, "nReturned");
            self.millis += count(stats, "executionTimeMillis");
            self.read_plan(part);
            return;
        }
        if part.contains_key("$lookup") || part.contains_key("$graphLookup") {
            self.documents += count(part, "totalDocsExamined");
            self.keys += count(part, "totalKeysExamined");
            return;
        }
        if part.contains_key("$sort") {
            self.sorts = true;
        }
        for (_, below) in part {
            match below {
                Bson::Document(below) => self.read(below),
                Bson::Array(below) => below.iter().filter_map(Bson::as_document).for_each(|below| self.read(below)),
                _ => {}
            }
        }
    }

    /// Looks for a sort in a plan that won.
    fn read_plan(&mut self, part: &Document) {
        let winner = part.get_document("queryPlanner").and_then(|planner| planner.get_document("winningPlan"));
        self.sorts |= winner.is_ok_and(sorts);
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self == &Self::FAILED {
            return f.write_str("refused");
        }
        write!(f, "{} + {} keys, {} ms", self.documents, self.keys, self.millis)?;
        if self.sorts { f.write_str(", sorted in memory") } else { Ok(()) }
    }
}

fn sorts(plan: &Document) -> bool {
    let below = plan.iter().filter(|(name, _)| *name != "rejectedPlans").any(|(_, value)| match value {
        Bson::Document(below) => sorts(below),
        Bson::Array(below) => below.iter().filter_map(Bson::as_document).any(sorts),
        _ => false,
    });
    below || plan.get_str("stage").is_ok_and(|stage| stage == "SORT")
}

/// Reads a count, which the server sends as any type of number.
fn count(part: &Document, field: &str) -> u64 {
    match part.get(field) {
        Some(Bson::Int32(count)) => u64::try_from(*count).unwrap_or(0),
        Some(Bson::Int64(count)) => u64::try_from(*count).unwrap_or(0),
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are whole and not negative")]
        Some(Bson::Double(count)) => *count as u64,
        _ => 0,
    }
}
