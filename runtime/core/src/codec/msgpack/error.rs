//! The error of reading and writing `MessagePack`.

use std::borrow::Cow;
use std::fmt;

use serde::{de, ser};

/// The reason why bytes could not be decoded, or a value not encoded. Boxed, because every step of reading returns a `Result` of it.
#[derive(Debug)]
pub(crate) struct MsgpackError(Box<Cow<'static, str>>);

#[cold]
pub(super) fn msgpack_error(why: &'static str) -> MsgpackError {
    MsgpackError(Box::new(Cow::Borrowed(why)))
}

#[cold]
pub(super) fn cut_off() -> MsgpackError {
    msgpack_error("the bytes are cut off")
}

impl fmt::Display for MsgpackError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for MsgpackError {}

impl ser::Error for MsgpackError {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Box::new(Cow::Owned(why.to_string())))
    }
}

impl de::Error for MsgpackError {
    #[cold]
    fn custom<T: fmt::Display>(why: T) -> Self {
        Self(Box::new(Cow::Owned(why.to_string())))
    }
}
