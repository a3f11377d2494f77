//! Questions whose answers stand in the manual: each page that names an index for a kind of command, or says that none helps.

mod arrays;
mod compound;
mod needed;
mod nothing;
mod options;
mod pipelines;
mod writes;

use bson::Document;

use super::{Answer, Asked, Collection, Flaw, NewIndex, Question, Tempting};

/// Returns the questions that follow the manual.
pub(super) fn questions() -> Vec<Question> {
    [
        compound::questions(),
        arrays::questions(),
        options::questions(),
        pipelines::questions(),
        writes::questions(),
        nothing::questions(),
        needed::questions(),
    ]
    .concat()
}

/// Returns a question for an index.
fn asked(
    name: &'static str,
    source: &'static str,
    collections: Vec<Collection>,
    command: Document,
    answer: Answer,
) -> Question {
    Question { name, source, collections, asked: Asked::Command { command, answer } }
}

/// Returns a collection of as many documents, each made from its number.
fn collection(
    name: &'static str,
    documents: i32,
    document: impl Fn(i32) -> Document,
    indexes: Vec<Document>,
) -> Collection {
    Collection { name, documents: (0..documents).map(document).collect(), indexes }
}

/// Returns the answer that any of these indexes, by itself, helps.
fn one_of(indexes: Vec<NewIndex>) -> Answer {
    Answer::Create(indexes.into_iter().map(|index| vec![index]).collect())
}

/// Returns an index with options.
fn with_options(collection: &'static str, key: Document, options: Document) -> NewIndex {
    NewIndex { collection, key, options }
}

/// Returns indexes that seem to help and do not.
fn useless(indexes: Vec<NewIndex>) -> Tempting {
    Tempting { indexes, flaw: Flaw::Useless }
}

/// Returns a number below `bound` that depends on the field and the number of its document, and looks random.
fn below(bound: i32, field: u64, number: i32) -> i32 {
    let mut mixed = u64::from(number.unsigned_abs()) ^ (field << 32);
    for factor in [0x9e37_79b9_7f4a_7c15, 0xbf58_476d_1ce4_e5b9_u64] {
        mixed = (mixed ^ (mixed >> 29)).wrapping_mul(factor);
    }
    i32::try_from((mixed >> 33) % u64::from(bound.unsigned_abs())).unwrap_or(0)
}

/// Returns the text that a document has in this field.
fn chosen<'texts>(texts: &[&'texts str], field: u64, number: i32) -> &'texts str {
    let count = i32::try_from(texts.len()).unwrap_or(1);
    usize::try_from(below(count, field, number)).ok().and_then(|at| texts.get(at)).copied().unwrap_or_default()
}
