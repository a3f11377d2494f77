//! The error type, free of stored values.
//!
//! The driver prints whole replies of the server, and the server quotes documents and commands in its messages. Both can contain personal
//! data, so an error here holds the code, its name, and the message without the quoted parts.
//!
//! May use: nothing of this crate.

use std::fmt;
use std::time::Duration;

use mongodb::error::{ErrorKind, WriteConcernError, WriteFailure};

/// An error of MongoDB, or of the connection to it.
///
/// The text names the operation that failed, and contains no stored values.
#[derive(Clone, Debug)]
pub struct Error {
    /// Completes "cannot ..": `list the indexes of ..`
    operation: String,
    detail: Detail,
}

#[derive(Clone, Debug)]
enum Detail {
    Server {
        code: i32,
        name: String,
        message: String,
    },
    Unreachable(String),
    Timeout(Duration),
    /// Another process holds the lease on building indexes.
    Busy(String),
    BadSetting(String),
    /// The server continues an index build without progress; these members have not built the index.
    Unfinished(Vec<String>),
    Other(String),
}

/// Error codes of the server that this crate handles.
pub(crate) mod code {
    pub(crate) const UNAUTHORIZED: i32 = 13;
    pub(crate) const MISSING_COLLECTION: i32 = 26;
    pub(crate) const MISSING_INDEX: i32 = 27;
    pub(crate) const CANNOT_CREATE: i32 = 67;
    pub(crate) const NO_PLAN: i32 = 291;
    pub(crate) const MAX_TIME_EXPIRED: i32 = 50;
    pub(crate) const COLLECTION_EXISTS: i32 = 48;
    pub(crate) const ABORTED: i32 = 276;
    pub(crate) const DUPLICATES: i32 = 359;
    pub(crate) const DUPLICATE_KEY: i32 = 11_000;
    /// Returned by a server without an oplog, which has no change streams.
    pub(crate) const NO_REPLICA_SET: i32 = 40_573;
    /// Refusals that may be temporary: privileges, elections, lost connections, exceeded times.
    pub(crate) const TRANSIENT: [i32; 20] =
        [6, 7, 11, 13, 18, 24, 43, 46, 50, 63, 89, 112, 133, 150, 175, 202, 234, 237, 262, 9_001];
    /// The server is shutting down, is no longer the primary, or could not confirm the write concern.
    pub(crate) const STATE_CHANGES: [i32; 9] = [64, 91, 189, 10_058, 10_107, 11_600, 11_602, 13_435, 13_436];
}

impl Error {
    /// Converts an error of the driver. `operation` completes "cannot ..": `list the indexes of ..`.
    pub(crate) fn from_driver(operation: impl Into<String>, error: &mongodb::error::Error) -> Self {
        Self { operation: operation.into(), detail: Detail::from_driver(error) }
    }

    pub(crate) fn timeout(operation: impl Into<String>, limit: Duration) -> Self {
        Self { operation: operation.into(), detail: Detail::Timeout(limit) }
    }

    pub(crate) fn busy(message: impl Into<String>) -> Self {
        Self { operation: "build indexes".to_owned(), detail: Detail::Busy(message.into()) }
    }

    pub(crate) fn bad_setting(message: impl Into<String>) -> Self {
        Self { operation: "connect to MongoDB".to_owned(), detail: Detail::BadSetting(message.into()) }
    }

    pub(crate) fn other(operation: impl Into<String>, message: impl Into<String>) -> Self {
        Self { operation: operation.into(), detail: Detail::Other(message.into()) }
    }

    /// An index build that was left to the server.
    pub(crate) fn unfinished(waits_for: Vec<String>) -> Self {
        Self { operation: "wait for an index build".to_owned(), detail: Detail::Unfinished(waits_for) }
    }

    /// Returns the members that an index build waits for, if it was left to the server.
    pub(crate) fn waits_for(&self) -> Option<&[String]> {
        if let Detail::Unfinished(members) = &self.detail { Some(members) } else { None }
    }

    /// Returns the server's error code, if the server refused the operation.
    pub fn code(&self) -> Option<i32> {
        match self.detail {
            Detail::Server { code, .. } => Some(code),
            _ => None,
        }
    }

    /// Returns whether no server could be reached, or the connection was lost. The operation may have been done or not.
    pub fn is_unreachable(&self) -> bool {
        matches!(self.detail, Detail::Unreachable(_))
    }

    /// Returns whether the operation exceeded its time limit.
    pub fn is_timeout(&self) -> bool {
        matches!(self.detail, Detail::Timeout(_)) || self.code() == Some(code::MAX_TIME_EXPIRED)
    }

    /// Returns whether the user lacks a privilege (code 13).
    pub fn is_unauthorized(&self) -> bool {
        self.code() == Some(code::UNAUTHORIZED)
    }

    /// Returns whether stored documents violate a unique index (codes 359 and 11000).
    pub fn is_duplicate(&self) -> bool {
        self.code().is_some_and(|code| [code::DUPLICATES, code::DUPLICATE_KEY].contains(&code))
    }

    /// Returns whether another process held the lease on building indexes for longer than [`max_wait`](crate::plan::Settings::max_wait), or
    /// took it over during the build.
    pub fn is_busy(&self) -> bool {
        matches!(self.detail, Detail::Busy(_))
    }

    /// Returns whether an address or a setting of the client is invalid.
    pub fn is_bad_setting(&self) -> bool {
        matches!(self.detail, Detail::BadSetting(_))
    }

    /// Returns whether it is unknown if the operation was done, because the connection or the primary was lost. The caller has to check.
    pub(crate) fn has_unknown_outcome(&self) -> bool {
        let changed = |code| code::STATE_CHANGES.contains(&code) || code == code::ABORTED;
        self.is_unreachable() || self.code().is_some_and(changed)
    }
}

impl Detail {
    fn from_write_concern(error: &WriteConcernError) -> Self {
        Self::Server { code: error.code, name: error.code_name.clone(), message: redacted(&error.message) }
    }

    fn from_driver(error: &mongodb::error::Error) -> Self {
        match error.kind.as_ref() {
            ErrorKind::Command(error) => {
                Self::Server { code: error.code, name: error.code_name.clone(), message: redacted(&error.message) }
            }
            ErrorKind::Write(WriteFailure::WriteError(error)) => Self::Server {
                code: error.code,
                name: error.code_name.clone().unwrap_or_default(),
                message: redacted(&error.message),
            },
            ErrorKind::Write(WriteFailure::WriteConcernError(error)) => Self::from_write_concern(error),
            ErrorKind::InsertMany(error) => {
                match (error.write_errors.iter().flatten().next(), &error.write_concern_error) {
                    // The first error stopped the batch.
                    (Some(first), _) => Self::Server {
                        code: first.code,
                        name: first.code_name.clone().unwrap_or_default(),
                        message: redacted(&first.message),
                    },
                    (None, Some(error)) => Self::from_write_concern(error),
                    (None, None) => Self::Other("some documents could not be inserted".to_owned()),
                }
            }
            ErrorKind::Authentication { .. } => Self::Server {
                code: 18,
                name: "AuthenticationFailed".to_owned(),
                message: "user, password or authentication database is wrong".to_owned(),
            },
            ErrorKind::Io(error) => Self::Unreachable(error.to_string()),
            ErrorKind::ConnectionPoolCleared { .. } => Self::Unreachable("the connection was lost".to_owned()),
            ErrorKind::DnsResolve { .. } => Self::Unreachable("its host name cannot be resolved".to_owned()),
            ErrorKind::ServerSelection { .. } => {
                Self::Unreachable("no suitable server answered within the server selection timeout".to_owned())
            }
            ErrorKind::InvalidArgument { message, .. } | ErrorKind::InvalidTlsConfig { message, .. } => {
                Self::BadSetting(message.clone())
            }
            _ => Self::Other("the driver failed, or could not parse the reply".to_owned()),
        }
    }
}

/// Returns the server's message without the documents and commands that it quotes.
///
/// In `Error in specification { a: 1 } :: caused by :: the reason`, the text after a quoted document is the reason, or the value in it
/// that the server rejects.
fn redacted(message: &str) -> String {
    const REASON: &str = " :: caused by :: ";
    // `error processing query: ns=..Tree: a $eq "value" .. planner returned error :: caused by :: the reason`
    if message.contains("error processing query") {
        let reason = message.rsplit_once("planner returned error").map_or("", |(_, reason)| reason);
        let reason = reason.strip_prefix(REASON).or_else(|| reason.strip_prefix(": ")).unwrap_or(reason);
        return format!("error processing query: {}", redacted(reason));
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
        write!(f, "cannot {}: ", self.operation)?;
        match &self.detail {
            Detail::Server { code, name, message } => {
                write!(f, "{message} ({name}{}{code})", if name.is_empty() { "" } else { ", " })?;
                match *code {
                    code::UNAUTHORIZED => f.write_str(
                        "; required roles: `read` to list indexes or watch changes, `readWrite` to build indexes, `dbAdmin` to change indexes in place or to profile",
                    ),
                    code::CANNOT_CREATE if message.contains("compounding") => f.write_str(
                        "; a wildcard beside other keys needs MongoDB 7.0: update the server, or declare an index for each",
                    ),
                    code::CANNOT_CREATE if message.contains("not supported in partial index") => f.write_str(
                        "; `||` and `in` in a partial filter need MongoDB 6.0: update the server, or declare an index for each value",
                    ),
                    code::NO_PLAN => f.write_str("; `$near` and `$geoNear` need an index: declare `#[index(sphere)]`"),
                    code::MISSING_INDEX if message.starts_with("text index required") => {
                        f.write_str("; declare one: `#[index(text)]`")
                    }
                    _ => Ok(()),
                }
            }
            Detail::Unreachable(why) => write!(f, "MongoDB cannot be reached: {why}"),
            Detail::Unfinished(members) => {
                write!(f, "the server continues it")?;
                if members.is_empty() { Ok(()) } else { write!(f, " and waits for {}", members.join(", ")) }
            }
            Detail::Timeout(limit) => write!(f, "it timed out after {limit:?}"),
            Detail::Busy(message) | Detail::BadSetting(message) | Detail::Other(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::{Detail, Error, redacted};

    #[test]
    fn messages_contain_no_values() {
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
            assert_eq!(redacted(message), expected);
        }
    }

    #[test]
    fn refusals_of_an_older_server_say_what_to_write() {
        let refused = |message: &str| {
            let detail = Detail::Server { code: 67, name: "CannotCreateIndex".to_owned(), message: message.to_owned() };
            Error { operation: "build `a_1`".to_owned(), detail }.to_string()
        };
        let wildcard = refused("wildcard indexes do not allow compounding");
        assert!(wildcard.ends_with("needs MongoDB 7.0: update the server, or declare an index for each"), "{wildcard}");
        let filter = refused("unsupported expression in partial index: $or");
        assert!(!filter.contains("MongoDB 6.0"), "another text, another reason: {filter}");
        let filter = refused("Expression not supported in partial index: $or");
        assert!(filter.contains("need MongoDB 6.0"), "{filter}");
    }
}
