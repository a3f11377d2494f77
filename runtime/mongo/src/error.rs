//! The error: what MongoDB, or the way to it, answers instead of what was asked for.
//!
//! The driver prints whole replies of the server, and the server quotes documents and commands in its messages. Both can
//! hold people's data, so an error here holds the code, its name, and the message without what it quotes.
//!
//! May use: nothing of this crate.

use std::fmt;
use std::time::Duration;

use mongodb::error::ErrorKind;

/// An error of MongoDB, or of the way to it.
///
/// Its text says what was being done, and is free of stored values.
#[derive(Clone, Debug)]
pub struct Error {
    /// `list the indexes of ..`
    doing: String,
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    Server { code: i32, name: String, message: String },
    Unreachable(String),
    Elapsed(Duration),
    Busy { holder: String },
    Setting(String),
    Other(String),
}

/// The server's codes that mean something here.
pub(crate) mod code {
    pub(crate) const UNAUTHORIZED: i32 = 13;
    pub(crate) const MISSING_COLLECTION: i32 = 26;
    pub(crate) const MISSING_INDEX: i32 = 27;
    pub(crate) const NO_PLAN: i32 = 291;
    pub(crate) const MAX_TIME_EXPIRED: i32 = 50;
    pub(crate) const ABORTED: i32 = 276;
    pub(crate) const DUPLICATES: i32 = 359;
    pub(crate) const DUPLICATE_KEY: i32 = 11_000;
    /// A server without an oplog, which has no change streams.
    pub(crate) const NO_REPLICA_SET: i32 = 40_573;
    /// What may be gone the next time, though the server said no: privileges, elections, lost connections, exceeded times.
    pub(crate) const MAY_PASS: [i32; 20] =
        [6, 7, 11, 13, 18, 24, 43, 46, 50, 63, 89, 112, 133, 150, 175, 202, 234, 237, 262, 9_001];
    /// Another index is in the way.
    pub(crate) const CONFLICTS: [i32; 2] = [85, 86];
    /// The server stops, or is no longer the primary, or was not sure to have written to enough members.
    pub(crate) const STATE_CHANGES: [i32; 9] = [64, 91, 189, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436];
}

impl Error {
    /// What the driver says of what was being done: `list the indexes of ..`.
    pub(crate) fn of(doing: impl Into<String>, error: &mongodb::error::Error) -> Self {
        Self { doing: doing.into(), kind: Kind::of(error) }
    }

    pub(crate) fn elapsed(doing: impl Into<String>, bound: Duration) -> Self {
        Self { doing: doing.into(), kind: Kind::Elapsed(bound) }
    }

    pub(crate) fn busy(holder: impl Into<String>) -> Self {
        Self { doing: "build indexes".to_owned(), kind: Kind::Busy { holder: holder.into() } }
    }

    pub(crate) fn setting(message: impl Into<String>) -> Self {
        Self { doing: "connect to MongoDB".to_owned(), kind: Kind::Setting(message.into()) }
    }

    pub(crate) fn other(doing: impl Into<String>, message: impl Into<String>) -> Self {
        Self { doing: doing.into(), kind: Kind::Other(message.into()) }
    }

    /// The server's code, if it was the server that refused.
    pub fn code(&self) -> Option<i32> {
        match self.kind {
            Kind::Server { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Whether no server could be reached, or the connection was lost: whether the operation was done is unknown.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.kind, Kind::Unreachable(_))
    }

    /// Whether the operation exceeded its bound.
    pub fn is_timeout(&self) -> bool {
        matches!(self.kind, Kind::Elapsed(_)) || self.code() == Some(code::MAX_TIME_EXPIRED)
    }

    /// Whether the user lacks a privilege.
    pub fn is_unauthorized(&self) -> bool {
        self.code() == Some(code::UNAUTHORIZED)
    }

    /// Whether another index stands in the way (85, 86).
    pub fn is_conflict(&self) -> bool {
        self.code().is_some_and(|code| code::CONFLICTS.contains(&code))
    }

    /// Whether what is stored contradicts a unique index.
    pub fn is_duplicate(&self) -> bool {
        self.code().is_some_and(|code| [code::DUPLICATES, code::DUPLICATE_KEY].contains(&code))
    }

    /// Whether somebody else was building indexes all the time that was waited.
    pub fn is_busy(&self) -> bool {
        matches!(self.kind, Kind::Busy { .. })
    }

    /// Whether an address or a setting of the client makes no sense.
    pub fn is_bad_setting(&self) -> bool {
        matches!(self.kind, Kind::Setting(_))
    }

    /// Whether nobody knows if it was done, or it was undone by a change of the primary: what is there has to be looked at.
    pub(crate) fn is_unknown(&self) -> bool {
        let changed = |code| code::STATE_CHANGES.contains(&code) || code == code::ABORTED;
        self.is_unreachable() || self.code().is_some_and(changed)
    }
}

impl Kind {
    fn concern(error: &mongodb::error::WriteConcernError) -> Self {
        Self::Server { code: error.code, name: error.code_name.clone(), message: without_values(&error.message) }
    }

    fn of(error: &mongodb::error::Error) -> Self {
        match error.kind.as_ref() {
            ErrorKind::Command(error) => Self::Server {
                code: error.code,
                name: error.code_name.clone(),
                message: without_values(&error.message),
            },
            ErrorKind::Write(mongodb::error::WriteFailure::WriteError(error)) => Self::Server {
                code: error.code,
                name: error.code_name.clone().unwrap_or_default(),
                message: without_values(&error.message),
            },
            ErrorKind::Write(mongodb::error::WriteFailure::WriteConcernError(error)) => Self::concern(error),
            ErrorKind::InsertMany(error) => {
                match (error.write_errors.iter().flatten().next(), &error.write_concern_error) {
                    // The first says why it stopped.
                    (Some(first), _) => Self::Server {
                        code: first.code,
                        name: first.code_name.clone().unwrap_or_default(),
                        message: without_values(&first.message),
                    },
                    (None, Some(error)) => Self::concern(error),
                    (None, None) => Self::Other("some documents could not be stored".to_owned()),
                }
            }
            ErrorKind::Authentication { .. } => Self::Server {
                code: 18,
                name: "AuthenticationFailed".to_owned(),
                message: "user, password or authentication database is wrong".to_owned(),
            },
            ErrorKind::Io(error) => Self::Unreachable(error.to_string()),
            ErrorKind::ConnectionPoolCleared { .. } => Self::Unreachable("the connection was lost".to_owned()),
            ErrorKind::DnsResolve { .. } => Self::Unreachable("its name cannot be resolved".to_owned()),
            ErrorKind::ServerSelection { .. } => Self::Unreachable(
                "none of its servers that could take this answered within the server selection timeout".to_owned(),
            ),
            ErrorKind::InvalidArgument { message, .. } | ErrorKind::InvalidTlsConfig { message, .. } => {
                Self::Setting(message.clone())
            }
            _ => Self::Other("the driver failed, or did not understand the reply".to_owned()),
        }
    }
}

/// The server's message, without the documents and commands that it quotes, and without what we say ourselves.
///
/// `Error in specification { a: 1 } :: caused by :: the reason`: what follows a quoted document is the reason, or the value in it
/// that the server does not like.
fn without_values(message: &str) -> String {
    const REASON: &str = " :: caused by :: ";
    // `error processing query: ns=..Tree: a $eq "value" .. planner returned error :: caused by :: the reason`
    if message.contains("error processing query") {
        let reason = message.rsplit_once("planner returned error").map_or("", |(_, reason)| reason);
        let reason = reason.strip_prefix(REASON).or_else(|| reason.strip_prefix(": ")).unwrap_or(reason);
        return format!("error processing query: {}", without_values(reason));
    }
    // `Failed to parse number 'value' in $convert with no onError value: ..`, `Error parsing date string 'value'; ..`
    let conversions = ["Failed to parse", "Error parsing", "in $convert"];
    if conversions.iter().any(|conversion| message.contains(conversion)) {
        let (head, _) = message.split_at(message.find(['\'', '"', '{']).unwrap_or(message.len()));
        return format!("{}: a stored value has an unexpected format (value omitted)", head.trim_end());
    }
    let (head, quoted) = message.split_at(message.find('{').unwrap_or(message.len()));
    let head = match head.rfind(REASON) {
        Some(at) if head.starts_with("Index build failed") => &head[at + REASON.len()..],
        _ => head,
    };
    let reason = quoted.rfind('}').map_or("", |end| &quoted[end + 1..]);
    let reason = if reason.starts_with(REASON) { reason } else { "" };
    format!("{head}{}{reason}", if quoted.is_empty() { "" } else { "{..}" })
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: ", self.doing)?;
        match &self.kind {
            Kind::Server { code, name, message } => {
                write!(f, "{message} ({name}{}{code})", if name.is_empty() { "" } else { ", " })?;
                match *code {
                    code::UNAUTHORIZED => f.write_str(
                        "; to list indexes or to watch changes takes the role `read`, to build them `readWrite`, to change them in place or to profile `dbAdmin`",
                    ),
                    code::NO_PLAN => f.write_str("; `$near` and `$geoNear` take an index: `#[index(sphere)]`"),
                    code::MISSING_INDEX if message.starts_with("text index required") => {
                        f.write_str("; declare one: `#[index(text)]`")
                    }
                    _ => Ok(()),
                }
            }
            Kind::Unreachable(why) => write!(f, "MongoDB cannot be reached: {why}"),
            Kind::Elapsed(bound) => write!(f, "it took longer than {bound:?}"),
            Kind::Busy { holder } => write!(f, "{holder} is building indexes, and did not finish while this waited"),
            Kind::Setting(message) | Kind::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::without_values;

    #[test]
    fn messages_hold_no_values() {
        let cases = [
            ("no such collection", "no such collection"),
            (
                "Error in specification { key: { a: 1 }, x: 1 } :: caused by :: cannot mix",
                "Error in specification {..} :: caused by :: cannot mix",
            ),
            (
                "Index build failed: 18c2: Collection d.c ( 2dff ) :: caused by :: E11000 duplicate key error \
                 collection: d.c index: a_1 dup key: { a: \"Ada\" }",
                "E11000 duplicate key error collection: d.c index: a_1 dup key: {..}",
            ),
            (
                "Can't extract geo keys: { _id: 1, p: \"}{\" }  geo element must be an array or object: p: \"Ada\"",
                "Can't extract geo keys: {..}",
            ),
            (
                "error processing query: ns=d.cTree: a $eq \"Ada\"\nSort: {}\nProj: {}\n planner returned error :: caused by :: bad hint",
                "error processing query: bad hint",
            ),
            (
                "Failed to parse number 'Ada' in $convert with no onError value: Did not consume any digits",
                "Failed to parse number: a stored value has an unexpected format (value omitted)",
            ),
            (
                "PlanExecutor error during aggregation :: caused by :: Error parsing date string 'Ada'; 0: passing \"x\"",
                "PlanExecutor error during aggregation :: caused by :: Error parsing date string: a stored value has an unexpected format (value omitted)",
            ),
            ("not authorized on d to execute command { collMod: \"c\" ", "not authorized on d to execute command {..}"),
        ];
        for (message, expected) in cases {
            assert_eq!(without_values(message), expected);
        }
    }
}
