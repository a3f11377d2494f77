//! Commands whose reply is a cursor, read to its end.
//!
//! May use: `error`.

use bson::Document;
use mongodb::Database;

use crate::error::Error;

/// Runs a command that returns a cursor, and collects all documents. `action` names the command in an error.
pub(crate) async fn collect(
    db: &Database,
    command: Document,
    action: impl Fn() -> String,
) -> Result<Vec<Document>, Error> {
    let failed = |error| Error::from_driver(action(), &error);
    let mut cursor = db.run_cursor_command(command).await.map_err(failed)?;
    let mut documents = Vec::new();
    while cursor.advance().await.map_err(failed)? {
        documents.push(cursor.deserialize_current().map_err(failed)?);
    }
    Ok(documents)
}
