//! Commands whose reply is a cursor, read to its end.
//!
//! May use: `error`.

use bson::Document;
use mongodb::Database;

use crate::error::Error;

/// All that a command with a cursor gives.
pub(crate) async fn all(db: &Database, command: Document, doing: impl Fn() -> String) -> Result<Vec<Document>, Error> {
    let failed = |error| Error::of(doing(), &error);
    let mut cursor = db.run_cursor_command(command).await.map_err(failed)?;
    let mut documents = Vec::new();
    while cursor.advance().await.map_err(failed)? {
        documents.push(cursor.deserialize_current().map_err(failed)?);
    }
    Ok(documents)
}
