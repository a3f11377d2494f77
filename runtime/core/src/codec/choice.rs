//! The form in which one call site stores its values: the first one from which they decode unchanged.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::Codec;
use super::forms::{CodecError, Form};
use super::msgpack::Extent;
use super::value_codec::ValueCodec;

/// The forms that one call site has tried for its values.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// The number of forms that were given up because a value did not decode unchanged from them.
    step: AtomicU8,
    /// True once a value has decoded unchanged.
    is_verified: AtomicBool,
}

/// An attempt to encode a value in one form.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EncodeAttempt {
    asked: Codec,
    step: u8,
    /// False if a value of this type decodes unchanged whenever all of its fields are in the bytes.
    verify: bool,
}

impl Choice {
    /// Returns the first attempt for a value. `is_settled` says whether its type announced all of its parts to serde.
    ///
    /// `MessagePack` returns all that was written of such a type, so only the first value, and those with a field left out, are decoded to
    /// verify them. Any other value is decoded each time, because its content decides whether it decodes unchanged.
    pub(crate) fn attempt(&self, asked: Codec, is_settled: bool) -> EncodeAttempt {
        let step = self.step.load(Relaxed);
        let attempt = EncodeAttempt { asked, step, verify: true };
        let by_type = is_settled && attempt.form().codec() == Codec::MessagePack;
        EncodeAttempt { verify: !(by_type && self.is_verified.load(Relaxed)), ..attempt }
    }

    /// Notes that a value was stored. `why` is the error of the earlier attempts, if there were any.
    pub(crate) fn stored(&self, attempt: EncodeAttempt, type_name: &str, why: Option<&CodecError>) {
        if attempt.verify {
            self.is_verified.store(true, Relaxed);
        }
        let Some(CodecError(why)) = why else { return };
        let before = self.step.fetch_max(attempt.step, Relaxed);
        if before == 0 && attempt.asked != Codec::MessagePack {
            tracing::warn!(
                r#type = type_name,
                codec = ?attempt.asked,
                why,
                "values of this type do not decode unchanged from the requested codec and are stored as MessagePack: leave `codec` out"
            );
        }
    }
}

impl EncodeAttempt {
    /// Returns the form of this attempt.
    pub(crate) fn form(self) -> Form {
        match self.step {
            0 => Form::Plain(self.asked),
            1 => Form::Plain(Codec::MessagePack),
            _ => Form::Exact,
        }
    }

    /// Returns the next attempt, for a value that did not decode unchanged from this one.
    pub(crate) fn next(self) -> Option<Self> {
        let step = match self.form() {
            Form::Plain(Codec::MessagePack) => 2,
            Form::Plain(_) => 1,
            Form::Exact => return None,
        };
        Some(Self { step, verify: true, ..self })
    }

    /// Appends the bytes of a value. Fails if they do not decode to the same value.
    pub(crate) fn encode<V>(self, codec: &ValueCodec<V>, value: &V, bytes: &mut Vec<u8>) -> Result<(), CodecError> {
        let (start, form) = (bytes.len(), self.form());
        let extent = codec.encode(value, form, bytes)?;
        if self.verify || extent == Extent::Part { codec.verify(value, &bytes[start..], form.codec()) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests;
