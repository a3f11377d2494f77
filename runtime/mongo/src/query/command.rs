//! Queries from commands.

use bson::{Bson, Document};

use super::{Operation, Query, QueryParts};
use crate::conversions::read_count;
use crate::error::Error;

/// Options of commands that a query has too.
const OPTIONS: [&str; 6] = ["skip", "projection", "hint", "let", "min", "max"];

impl Query {
    /// Creates a search for the distinct values of a field, in documents that match a filter.
    pub fn distinct(collection: impl Into<String>, field: impl Into<String>, filter: Document) -> Self {
        let parts = QueryParts { filter, field: field.into(), ..QueryParts::default() };
        Self::new(collection, Operation::Distinct, parts)
    }

    /// Creates an update of the documents that match a filter. It is only examined, never executed.
    pub fn update(collection: impl Into<String>, filter: Document) -> Self {
        Self::new(collection, Operation::Update, QueryParts { filter, ..QueryParts::default() })
    }

    /// Creates a deletion of the documents that match a filter. It is only examined, never executed.
    pub fn delete(collection: impl Into<String>, filter: Document) -> Self {
        Self::new(collection, Operation::Remove, QueryParts { filter, ..QueryParts::default() })
    }

    /// Creates a query from a command, as a driver sends it and the server's profiler lists it: `find`, `aggregate`, `count`, `distinct`,
    /// `update` and `delete` with one statement, `findAndModify`. Writes are only examined, never executed.
    ///
    /// ```
    /// use bson::doc;
    /// use fastness::mongo::slow::Query;
    ///
    /// # fn main() -> Result<(), fastness::mongo::Error> {
    /// let command = doc! { "delete": "carts", "deletes": [{ "q": { "user": 7 }, "limit": 0 }] };
    /// assert_eq!(Query::from_command(&command)?.to_string(), r#"carts.remove {user: "?"}"#);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// Fails if the command is of another kind, lacks the name of its collection, or has several statements.
    pub fn from_command(command: &Document) -> Result<Self, Error> {
        let refused = |why: &str| Error::other("read a command", why);
        let Some((name, Bson::String(collection))) = command.iter().next() else {
            return Err(refused(
                "it does not begin with its name and its collection: write `{find: \"products\", ..}`",
            ));
        };
        let (operation, parts) = match name.as_str() {
            "update" | "delete" => statement(command)
                .ok_or_else(|| refused("it has no statement, or several: give one statement in each command"))?,
            _ => read_command(command).ok_or_else(|| {
                refused(
                    "it is not a query: give a `find`, `aggregate`, `count`, `distinct`, `update`, `delete` or `findAndModify`",
                )
            })?,
        };
        let mut query = Self::new(collection.clone(), operation, parts);
        let statement =
            ["updates", "deletes"].iter().find_map(|list| command.get_array(list).ok()?.first()?.as_document());
        for option in OPTIONS {
            if let Some(value) = statement.and_then(|statement| statement.get(option)).or_else(|| command.get(option)) {
                query = query.option(option, value.clone());
            }
        }
        Ok(query)
    }
}

/// Reads a command; `None` if it is none of the application's queries.
pub(crate) fn read_command(command: &Document) -> Option<(Operation, QueryParts)> {
    let (name, _) = command.iter().next()?;
    let sort = || command.get_document("sort").cloned().unwrap_or_default();
    Some(match name.as_str() {
        "find" => {
            // A negative limit is one of a single batch.
            let limit = command.get_i64("limit").unwrap_or_else(|_| command.get_i32("limit").unwrap_or(0).into());
            let limit = u32::try_from(limit.unsigned_abs()).unwrap_or(0);
            (Operation::Find, QueryParts { sort: sort(), limit, ..parts_with_filter(command, "filter") })
        }
        "count" => (Operation::Count, parts_with_filter(command, "query")),
        "distinct" => {
            let field = command.get_str("key").unwrap_or_default().to_owned();
            (Operation::Distinct, QueryParts { field, ..parts_with_filter(command, "query") })
        }
        "findAndModify" | "findandmodify" => {
            (Operation::FindAndModify, QueryParts { sort: sort(), limit: 1, ..parts_with_filter(command, "query") })
        }
        "aggregate" => {
            let stages = command.get_array("pipeline").ok()?;
            let pipeline: Vec<_> = stages.iter().filter_map(Bson::as_document).cloned().collect();
            let first = pipeline.first().and_then(|stage| stage.keys().next());
            if first.is_some_and(|stage| ["$indexStats", "$collStats", "$planCacheStats"].contains(&stage.as_str())) {
                return None;
            }
            (Operation::Aggregate, QueryParts { pipeline, collation: collation(command), ..QueryParts::default() })
        }
        _ => return None,
    })
}

/// Reads the only statement of an update or a delete.
fn statement(command: &Document) -> Option<(Operation, QueryParts)> {
    let updates = command.get_array("updates").ok().map(|updates| (Operation::Update, updates));
    let (operation, statements) = updates.or_else(|| Some((Operation::Remove, command.get_array("deletes").ok()?)))?;
    let [Bson::Document(statement)] = &statements[..] else { return None };
    Some((operation, read_write(operation, statement)))
}

/// Reads a statement of a write, which is also what the profiler lists of it.
pub(crate) fn read_write(operation: Operation, statement: &Document) -> QueryParts {
    let single = match operation {
        Operation::Update => !statement.get_bool("multi").unwrap_or(false),
        _ => read_count(statement.get("limit")) == 1,
    };
    QueryParts { limit: u32::from(single), ..parts_with_filter(statement, "q") }
}

fn parts_with_filter(command: &Document, field: &str) -> QueryParts {
    let filter = command.get_document(field).cloned().unwrap_or_default();
    QueryParts { filter, collation: collation(command), ..QueryParts::default() }
}

fn collation(command: &Document) -> Option<Document> {
    command.get_document("collation").ok().cloned()
}
