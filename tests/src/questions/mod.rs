//! Questions to the advice on MongoDB indexes, with answers that are proven by measurement on a real server.
//!
//! A question is a small database and one of two things: a command, of which is asked which index would help it; or a collection, of
//! which is asked which of its indexes are needed. The answer was written from MongoDB's published guidance, those of `manual` without
//! sight of the advice, and [`prove`] measures it: the indexes of the answer make the command read less, and what the question tempts to
//! does not.

mod arrays;
mod cost;
mod equality;
mod judge;
mod manual;
mod needless;
mod pipelines;
mod proof;
mod ranges;
mod write;
mod writes;

use bson::Document;

pub use cost::Cost;
pub use judge::{Judgement, Verdict, judge};
pub use proof::{prove, set_up};

/// A question with its answer.
#[derive(Clone, Debug)]
pub struct Question {
    /// Name, unique among the questions, in `snake_case`.
    pub name: &'static str,
    /// Page of the manual that the answer follows, by its address or its title and section.
    pub source: &'static str,
    /// The collections of the database.
    pub collections: Vec<Collection>,
    /// The question and its answer.
    pub asked: Asked,
}

/// A collection of a question.
#[derive(Clone, Debug, Default)]
pub struct Collection {
    /// Name of the collection.
    pub name: &'static str,
    /// Documents; enough of them that reading them all counts as waste (more than 500).
    pub documents: Vec<Document>,
    /// Indexes beside the one on `_id`, as `createIndexes` takes them: `{key: {..}, name: ".."}`.
    pub indexes: Vec<Document>,
}

/// A question and its answer.
#[derive(Clone, Debug)]
pub enum Asked {
    /// Asks for an index for a command (`find`, `aggregate`, `count`, `distinct`, `update`, `delete`, `findAndModify`) as a driver sends
    /// it, and that took at least 100 ms.
    Command {
        /// The command, without `$db` and session.
        command: Document,
        /// The answer.
        answer: Answer,
    },
    /// Asks which indexes of the first collection can go. Each of the commands runs ten times before the question is put, so that the
    /// server counts the use of its indexes.
    Indexes {
        /// Commands that the application sends.
        commands: Vec<Document>,
        /// Names of the indexes that can go: without them no command reads more, and none fails.
        needless: Vec<&'static str>,
        /// Names of the indexes that look as if they could go, and are needed: without one of them some command fails or reads more, or a
        /// write that it refuses is accepted.
        needed: Vec<&'static str>,
        /// Writes that an index in `needed` refuses.
        refused: Vec<Document>,
    },
}

/// Answer to the question for an index.
#[derive(Clone, Debug)]
pub enum Answer {
    /// Each of these sets of indexes makes the command read at most half, or ends its sort in memory.
    Create(Vec<Vec<NewIndex>>),
    /// Each of these sets of indexes makes the command read at most half, and the tempting ones are no answer.
    Instead {
        /// Sets of indexes that help.
        choices: Vec<Vec<NewIndex>>,
        /// Sets of indexes that a rule of thumb suggests, and that do not help, cannot be built or break writes.
        tempting: Vec<Tempting>,
    },
    /// No index is worth its cost. Without a tempting one, the command wastes at most 500 reads.
    Nothing {
        /// Sets of indexes that a rule of thumb suggests, and that do not help, cannot be built or break writes.
        tempting: Vec<Tempting>,
    },
}

/// A set of indexes that seems to help.
#[derive(Clone, Debug)]
pub struct Tempting {
    /// The indexes.
    pub indexes: Vec<NewIndex>,
    /// Reason for which they are no answer.
    pub flaw: Flaw,
}

/// Reason for which an index is no answer.
#[derive(Clone, Debug)]
pub enum Flaw {
    /// The command reads more than half of what it read without the index.
    Useless,
    /// The server refuses to build the index.
    Refused,
    /// The server refuses this write, which it accepts without the index.
    Breaks(Document),
}

/// An index to create.
#[derive(Clone, Debug)]
pub struct NewIndex {
    /// Name of the collection.
    pub collection: &'static str,
    /// Key: `{status: 1, created: -1}`.
    pub key: Document,
    /// Options, such as a collation or a partial filter. `{unhide: "user_1"}` shows an existing index again.
    pub options: Document,
}

impl NewIndex {
    /// Returns an index with this key and no options.
    pub fn new(collection: &'static str, key: Document) -> Self {
        Self { collection, key, options: Document::new() }
    }
}

/// Returns all questions.
pub fn all() -> Vec<Question> {
    [
        equality::questions(),
        ranges::questions(),
        arrays::questions(),
        pipelines::questions(),
        writes::questions(),
        needless::questions(),
        manual::questions(),
    ]
    .concat()
}
