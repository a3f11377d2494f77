//! `MessagePack`, read: what `rmp-serde` writes with structs as maps, in serde's human-readable form.
//!
//! `rmp-serde` itself reads from anything that gives bytes, and whatever is asked for goes through one path. Reading is what a
//! cache does most, so here it is from a slice, with a short path for each kind of value. The rare extension types are left to
//! `rmp-serde`, and how a value is read differs in nothing that a type could notice.
//!
//! Invariants: bytes of unknown origin are a value or refused; room is made only for what is there; nesting is bounded.

use std::borrow::Cow;
use std::fmt;

use serde::de::{self, DeserializeOwned};

mod deserializer;
mod reader;

use reader::Reader;

/// Reads a value, and nothing after it.
pub(crate) fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refused> {
    let mut reader = Reader::new(bytes);
    let value = T::deserialize(&mut reader)?;
    if reader.is_done() { Ok(value) } else { Err(refused("bytes are left over")) }
}

/// Why bytes are no value. Behind a pointer, because every step of reading returns one or none.
#[derive(Debug)]
pub(crate) struct Refused(Box<Cow<'static, str>>);

#[cold]
fn refused(why: &'static str) -> Refused {
    Refused(Box::new(Cow::Borrowed(why)))
}

#[cold]
fn cut_off() -> Refused {
    refused("the bytes are cut off")
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Refused {}

impl de::Error for Refused {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Box::new(Cow::Owned(why.to_string())))
    }
}

#[cfg(test)]
mod tests;
