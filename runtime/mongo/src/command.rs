//! Commands whose reply is a cursor, read to its end.
//!
//! May use: `error`.

use bson::Document;
use mongodb::Database;
use mongodb::action::RunCursorCommand;

use crate::error::Error;

/// Collects [`documents`]. `action` names the command in an error.
pub(crate) async fn collect(
    db: &Database,
    command: Document,
    action: impl Fn() -> String,
) -> Result<Vec<Document>, Error> {
    documents(db.run_cursor_command(command)).await.map_err(|error| Error::from_driver(action(), &error))
}

/// Runs a command that returns a cursor, and collects all documents.
pub(crate) async fn documents(command: RunCursorCommand<'_>) -> mongodb::error::Result<Vec<Document>> {
    let mut cursor = command.await?;
    let mut documents = Vec::new();
    while cursor.advance().await? {
        documents.push(cursor.deserialize_current()?);
    }
    Ok(documents)
}
