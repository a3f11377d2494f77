//! [`Keyring`]: the secret keys that encrypt values in the shared tier, and the one that digests their names.
//!
//! | part, from below | purpose |
//! |---|---|
//! | `secret` | one secret key, and the texts that it is read from |
//! | `cipher` | one secret key that encrypts and decrypts |
//! | `digests` | digests of keys |

mod cipher;
mod digests;
mod secret;

use std::fmt;
use std::str::FromStr;

use self::cipher::Cipher;
use self::digests::Digester;
pub(crate) use self::digests::NameDigest;
pub use self::secret::SecretKey;
use super::secret_id::SecretId;
use super::unreadable::Unreadable;
use crate::error::{Error, ErrorDetail};

/// The entry of a keyring's text that is the secret key of names.
const NAMES: &str = "names";

const SYNTAX: &str = "this is not a keyring: write `names=SECRET ID=SECRET`, the secret key that encrypts before those that only decrypt";
const BAD_ID: &str = "this is not the id of a secret key: write 1 to 16 letters, digits, `.`, `-` or `_`, such as `2026-12`, and not `names`";
const SAME_ID: &str = "two secret keys have one id, by which values name theirs: give each an id of its own";

/// Secret keys for values in Redis, for [`Redis::encrypt`](crate::Redis::encrypt).
///
/// A keyring has
///
/// - one *current* secret key, which encrypts every value that is stored, and decrypts;
/// - any number of *former* ones, which only decrypt;
/// - one for *names*, from which the names of values in Redis are made. It stays when the others change: with another one, every value has
///   another name, so the shared tier is cold, and `erase` no longer reaches the old values.
///
/// Values name their secret key by its id, which is readable in Redis. To rotate, give a new secret key to all processes as a former
/// one, then make it the current one, and remove the old one when the values that it encrypted have expired.
///
/// `Debug` shows the ids. The bytes are overwritten when the last clone is dropped.
///
/// ```
/// use fastness::Redis;
/// use fastness::tier::Keyring;
///
/// # fn main() -> Result<(), fastness::Error> {
/// // As it stands in a secret of the deployment; `openssl rand -hex 32` prints such keys.
/// let text = "names=8c0c5a0fbd5b3a0d1b7dd2d6d4a3a0f1c6f3b9f42f9a5cfb3bb6f6b70e5f4d21 \
///             2026-12=5f1d7c34a0be96d2a4ce1f4087bb1e2f6f7f08c1d0a9d3e2b5c4f6a7988e1d03 \
///             2026-06=e3a1b0c9d8f7e6d5c4b3a29180f0e1d2c3b4a5968778695a4b3c2d1e0f102132";
/// let keyring: Keyring = text.parse()?;
/// assert_eq!(format!("{keyring:?}"), r#"Keyring { current: "2026-12", former: ["2026-06"], .. }"#);
/// let redis = Redis::single("redis://127.0.0.1:6379")?.encrypt(keyring);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Keyring {
    names: Digester,
    /// The current secret key, and the former ones.
    ciphers: Vec<(SecretId, Cipher)>,
}

impl Keyring {
    /// Creates a keyring of a secret key for names, and the current one for values with its id.
    ///
    /// # Errors
    ///
    /// Fails if the id is not 1 to 16 letters, digits, `.`, `-` and `_`, or is `names`.
    pub fn new(names: &SecretKey, id: &str, current: &SecretKey) -> Result<Self, Error> {
        Self { names: Digester::new(names), ciphers: Vec::new() }.with(id, current)
    }

    /// Adds a secret key that only decrypts.
    ///
    /// # Errors
    ///
    /// Fails as [`new`](Self::new) does, and if the keyring has a secret key of this id.
    pub fn former(self, id: &str, secret: &SecretKey) -> Result<Self, Error> {
        self.with(id, secret)
    }

    /// Reads a keyring from an environment variable, whose text is that of [`from_str`](#method.from_str).
    ///
    /// # Errors
    ///
    /// Fails if the variable is not set, or is not such a text. No message repeats it.
    ///
    /// ```
    /// use fastness::tier::Keyring;
    ///
    /// let error = Keyring::from_env("SHOP_KEYRING").unwrap_err();
    /// assert!(error.to_string().starts_with("the environment variable of the keyring is not set: "), "{error}");
    /// ```
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        const UNSET: &str = "the environment variable of the keyring is not set: set it to `names=SECRET ID=SECRET`";
        std::env::var(variable).map_err(|_| ErrorDetail::Setting(UNSET).into()).and_then(|text| text.parse())
    }

    fn with(mut self, id: &str, secret: &SecretKey) -> Result<Self, Error> {
        let id = SecretId::parse(id.as_bytes()).filter(|_| id != NAMES).ok_or(ErrorDetail::Setting(BAD_ID))?;
        if self.ciphers.iter().any(|(known, _)| *known == id) {
            return Err(ErrorDetail::Setting(SAME_ID).into());
        }
        self.ciphers.push((id, Cipher::new(secret)));
        Ok(self)
    }

    /// Returns the digest of a key, which stands for it in the name of its values.
    pub(crate) fn name(&self, key: &str) -> NameDigest {
        self.names.digest(key)
    }

    /// Returns the digest of the hash of a key, which stands for it in the names of erasable values.
    pub(crate) fn hash(&self, hash: u64) -> u64 {
        self.names.hash(hash)
    }

    /// Appends the beginning of an encrypted body: the id of the current secret key, and a nonce. `None` if the system has no random bytes.
    pub(super) fn begin(&self, bytes: &mut Vec<u8>) -> Option<()> {
        let (id, _) = self.ciphers.first()?;
        let id = id.as_str().as_bytes();
        bytes.push(u8::try_from(id.len()).ok()?);
        bytes.extend(id);
        bytes.extend(cipher::nonce()?);
        Some(())
    }

    /// Encrypts the rest of a body that [`begin`](Self::begin) has begun, and returns the tag that is to follow it. The header and the key
    /// are authenticated too.
    pub(super) fn encrypt(&self, key: &str, header: &[u8], body: &mut [u8]) -> Option<[u8; cipher::TAG]> {
        let (_, cipher) = self.ciphers.first()?;
        let (clear, text) = body.split_at_mut_checked(clear_length(body)?)?;
        let (id, nonce) = clear.split_last_chunk()?;
        cipher.encrypt(nonce, &associated(header, id, key), text)
    }

    /// Decrypts the body of an envelope of this key, up to the tag at its end.
    pub(super) fn decrypt(&self, key: &str, header: &[u8], body: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let split = || {
            let (clear, text) = body.split_at_checked(clear_length(body)?)?;
            let (id, nonce) = clear.split_last_chunk()?;
            Some((id, SecretId::parse(&id[1..])?, nonce, text))
        };
        let (id, secret, nonce, text) = split().ok_or(Unreadable::Damaged)?;
        let cipher = self.ciphers.iter().find_map(|(known, cipher)| (*known == secret).then_some(cipher));
        let cipher = cipher.ok_or(Unreadable::UnknownSecret(secret))?;
        cipher.decrypt(nonce, &associated(header, id, key), text).ok_or(Unreadable::Forged(Some(secret)))
    }
}

/// Returns the length of the clear beginning of a body: the length of the id in one byte, the id, and the nonce.
fn clear_length(body: &[u8]) -> Option<usize> {
    body.first().map(|id| 1 + usize::from(*id) + cipher::NONCE)
}

/// Returns the bytes that are authenticated and not encrypted. They cannot run into each other: the header always has one length, and the id
/// begins with its own.
fn associated(header: &[u8], id: &[u8], key: &str) -> Vec<u8> {
    [header, id, key.as_bytes()].concat()
}

/// Parses `names=SECRET ID=SECRET ID=SECRET`, with spaces, line ends or commas between. The secret key of names may stand anywhere; the first of
/// the others is the current one. A secret is 64 hexadecimal digits or base64.
///
/// No message of an error repeats the text.
impl FromStr for Keyring {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let syntax = || ErrorDetail::Setting(SYNTAX);
        let mut parts = Vec::new();
        for part in text.split(|letter: char| letter == ',' || letter.is_whitespace()).filter(|part| !part.is_empty()) {
            let (id, secret) = part.split_once('=').ok_or_else(syntax)?;
            parts.push((id, secret.parse::<SecretKey>()?));
        }
        let names = parts.iter().position(|(id, _)| *id == NAMES).ok_or_else(syntax)?;
        let (_, names) = parts.remove(names);
        if parts.is_empty() {
            return Err(syntax().into());
        }
        let empty = Self { names: Digester::new(&names), ciphers: Vec::new() };
        parts.iter().try_fold(empty, |keyring, (id, secret)| {
            if *id == NAMES { Err(ErrorDetail::Setting(SAME_ID).into()) } else { keyring.with(id, secret) }
        })
    }
}

/// Shows the ids of the secret keys and nothing else.
impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ids = self.ciphers.iter().map(|(id, _)| id);
        let (current, former) = (ids.next().map(SecretId::as_str), ids.collect::<Vec<_>>());
        f.debug_struct("Keyring")
            .field("current", &current.unwrap_or_default())
            .field("former", &former)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
