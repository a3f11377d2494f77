//! Proof of an answer by measurement.

use bson::{Bson, Document, doc};
use mongodb::Database;

use super::{Answer, Asked, Collection, Cost, Flaw, NewIndex, Question, Tempting};

/// Drops the database, and fills it with the collections of a question.
pub async fn set_up(db: &Database, collections: &[Collection]) {
    db.drop().await.unwrap();
    for collection in collections {
        db.create_collection(collection.name).await.unwrap();
        for documents in collection.documents.chunks(10_000) {
            db.collection::<Document>(collection.name).insert_many(documents).await.unwrap();
        }
        if !collection.indexes.is_empty() {
            let command = doc! { "createIndexes": collection.name, "indexes": collection.indexes.clone() };
            db.run_command(command).await.unwrap();
        }
    }
}

/// Measures an answer on a server; returns what contradicts it.
pub async fn prove(db: &Database, question: &Question) -> Vec<String> {
    set_up(db, &question.collections).await;
    match &question.asked {
        Asked::Command { command, answer } => prove_command(db, question, command, answer).await,
        Asked::Indexes { commands, needless, needed, refused } => {
            let collection = question.collections[0].name;
            let mut wrong = Vec::new();
            for index in needless {
                let harm = harm_without(db, collection, &[index], commands, refused).await;
                wrong.extend(harm.map(|harm| format!("{index} is called needless, but without it {harm}")));
            }
            for index in needed {
                if harm_without(db, collection, &[index], commands, refused).await.is_none() {
                    wrong.push(format!("{index} is called needed, but nothing is worse without it"));
                }
            }
            wrong
        }
    }
}

async fn prove_command(db: &Database, question: &Question, command: &Document, answer: &Answer) -> Vec<String> {
    let before = Cost::of(db, command).await.unwrap_or(Cost::FAILED);
    let none = (Vec::new(), Vec::new());
    let (choices, tempting) = match answer {
        Answer::Create(choices) => (choices, &none.1),
        Answer::Instead { choices, tempting } => (choices, tempting),
        Answer::Nothing { tempting } => (&none.0, tempting),
    };
    let mut wrong = Vec::new();
    for choice in choices {
        create(db, choice).await.unwrap_or_else(|error| panic!("{}: {error}", question.name));
        let after = Cost::of(db, command).await.unwrap_or_else(|error| panic!("{}: {error}", question.name));
        if !after.halves(&before) {
            wrong.push(format!("{choice:?} does not help: {before:?}, then {after:?}"));
        }
        drop_again(db, choice).await;
    }
    for choice in tempting {
        wrong.extend(prove_flaw(db, command, &before, choice).await);
    }
    if choices.is_empty() && tempting.is_empty() && before.read_in_all() > before.returned + 500 {
        wrong.push(format!("an index could help: {before:?}"));
    }
    wrong
}

async fn prove_flaw(db: &Database, command: &Document, before: &Cost, tempting: &Tempting) -> Option<String> {
    let Tempting { indexes, flaw } = tempting;
    let built = create(db, indexes).await;
    let wrong = match (flaw, built) {
        (Flaw::Refused, Ok(())) => Some("the server builds it".to_owned()),
        (Flaw::Refused, Err(_)) => None,
        (_, Err(error)) => Some(error.to_string()),
        (Flaw::Useless, Ok(())) => {
            let after = Cost::of(db, command).await.unwrap();
            after.halves(before).then(|| format!("it helps: {before:?}, then {after:?}"))
        }
        (Flaw::Breaks(write), Ok(())) => is_accepted(db, write).await.then(|| "the write is accepted".to_owned()),
    };
    drop_again(db, indexes).await;
    if let (Flaw::Breaks(write), None) = (flaw, &wrong)
        && !is_accepted(db, write).await
    {
        return Some(format!("{write} is refused without the index"));
    }
    wrong.map(|wrong| format!("{indexes:?}: {wrong}"))
}

/// Creates indexes under their default names.
pub(super) async fn create(db: &Database, indexes: &[NewIndex]) -> mongodb::error::Result<()> {
    for index in indexes {
        if let Ok(name) = index.options.get_str("unhide") {
            set_hidden(db, index, name, false).await?;
            continue;
        }
        let mut definition = doc! { "key": index.key.clone(), "name": name(index) };
        definition.extend(index.options.clone());
        db.run_command(doc! { "createIndexes": index.collection, "indexes": [definition] }).await?;
    }
    Ok(())
}

pub(super) async fn drop_again(db: &Database, indexes: &[NewIndex]) {
    for index in indexes {
        if let Ok(name) = index.options.get_str("unhide") {
            set_hidden(db, index, name, true).await.unwrap();
            continue;
        }
        // One that was refused does not exist.
        drop(db.run_command(doc! { "dropIndexes": index.collection, "index": name(index) }).await);
    }
}

async fn set_hidden(db: &Database, index: &NewIndex, name: &str, hidden: bool) -> mongodb::error::Result<()> {
    let change = doc! { "collMod": index.collection, "index": { "name": name, "hidden": hidden } };
    db.run_command(change).await.map(drop)
}

fn name(index: &NewIndex) -> String {
    let parts = index.key.iter().map(|(field, direction)| format!("{field}_{direction}"));
    format!("new_{}", parts.collect::<Vec<_>>().join("_"))
}

/// Returns the harm done while indexes are dropped: a command that fails or reads more, or a write that is no longer refused.
pub(super) async fn harm_without(
    db: &Database,
    collection: &str,
    indexes: &[&str],
    commands: &[Document],
    refused: &[Document],
) -> Option<String> {
    let mut with = Vec::new();
    for command in commands {
        with.push(Cost::of(db, command).await.unwrap());
    }
    let dropped = drop_indexes(db, collection, indexes).await;
    // The documents that one would expire are not waited for.
    let expires = dropped.iter().any(|index| index.contains_key("expireAfterSeconds"));
    let mut harm = expires.then(|| "no document expires".to_owned());
    for (command, with) in commands.iter().zip(with) {
        match Cost::of(db, command).await {
            Err(error) => harm = Some(format!("{command} fails: {error}")),
            // A tenth more is noise of the plans' competition.
            Ok(without) if with.halves(&without) || without.read_in_all() * 10 > with.read_in_all() * 11 + 10 => {
                harm = Some(format!("{command} costs {without:?}, with it {with:?}"));
            }
            Ok(_) => {}
        }
    }
    for write in refused {
        if is_accepted(db, write).await {
            harm = Some(format!("{write} is accepted"));
        }
    }
    if !dropped.is_empty() {
        db.run_command(doc! { "createIndexes": collection, "indexes": dropped }).await.unwrap();
    }
    harm
}

/// Drops indexes; returns their definitions.
async fn drop_indexes(db: &Database, collection: &str, indexes: &[&str]) -> Vec<Document> {
    let reply = db.run_command(doc! { "listIndexes": collection }).await.unwrap();
    let listed = reply.get_document("cursor").unwrap().get_array("firstBatch").unwrap();
    let listed = listed.iter().filter_map(Bson::as_document).cloned();
    let mut dropped: Vec<_> =
        listed.filter(|index| index.get_str("name").is_ok_and(|name| indexes.contains(&name))).collect();
    for index in &mut dropped {
        index.remove("v");
        let name = index.get_str("name").unwrap();
        db.run_command(doc! { "dropIndexes": collection, "index": name }).await.unwrap();
    }
    dropped
}

/// Runs a write command; returns whether the server accepts all of it. Documents that it inserts are deleted again.
pub(super) async fn is_accepted(db: &Database, write: &Document) -> bool {
    let mut write = write.clone();
    let mut inserted = Vec::new();
    if let Ok(documents) = write.get_array_mut("documents") {
        for document in documents.iter_mut().filter_map(Bson::as_document_mut) {
            let id = bson::oid::ObjectId::new();
            document.insert("_id", id);
            inserted.push(doc! { "q": { "_id": id }, "limit": 1 });
        }
    }
    let accepted = db.run_command(write.clone()).await.is_ok_and(|reply| !reply.contains_key("writeErrors"));
    if let (false, Ok(collection)) = (inserted.is_empty(), write.get_str("insert")) {
        db.run_command(doc! { "delete": collection, "deletes": inserted }).await.unwrap();
    }
    accepted
}
