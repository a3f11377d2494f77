//! The form in which one call site stores its values: the first of a few that gives them back.

use std::sync::atomic::AtomicBool;
use std::sync::atomic::AtomicU8;
use std::sync::atomic::Ordering::Relaxed;

use super::Codec;
use super::formats::Formats;
use super::forms::{Form, Unfit};
use super::msgpack::Extent;

/// The forms that one call site has tried for its values.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// The number of forms that were given up because a value did not come back from them.
    step: AtomicU8,
    /// True once a value has come back.
    is_verified: AtomicBool,
}

/// A value on its way to its bytes, in one form after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attempt {
    asked: Codec,
    step: u8,
    /// False where a value comes back if all of it is in its bytes.
    verify: bool,
}

impl Choice {
    /// The first attempt for a value. `is_settled` says whether its type announced all that it is made of.
    ///
    /// `MessagePack` gives back all that is written of such a type, so that the first value and those with a field left out are decoded
    /// again. Any other value is decoded again each time: whether it comes back is a matter of what is in it.
    pub(crate) fn attempt(&self, asked: Codec, is_settled: bool) -> Attempt {
        let step = self.step.load(Relaxed);
        let attempt = Attempt { asked, step, verify: true };
        let by_type = is_settled && attempt.form().codec() == Codec::MessagePack;
        Attempt { verify: !(by_type && self.is_verified.load(Relaxed)), ..attempt }
    }

    /// A value was stored. `why` is what the attempts before this one ended in, if there were any.
    pub(crate) fn stored(&self, attempt: Attempt, type_name: &str, why: Option<&Unfit>) {
        if attempt.verify {
            self.is_verified.store(true, Relaxed);
        }
        let Some(Unfit(why)) = why else { return };
        let before = self.step.fetch_max(attempt.step, Relaxed);
        if before == 0 && attempt.asked != Codec::MessagePack {
            tracing::warn!(
                r#type = type_name,
                codec = ?attempt.asked,
                why,
                "values of this type do not survive the codec that is asked for and are stored as MessagePack: leave `codec` out"
            );
        }
    }
}

impl Attempt {
    pub(crate) fn form(self) -> Form {
        match self.step {
            0 => Form::Plain(self.asked),
            1 => Form::Plain(Codec::MessagePack),
            _ => Form::Exact,
        }
    }

    /// The form to try when a value did not come back from this one.
    pub(crate) fn next(self) -> Option<Self> {
        let step = match self.form() {
            Form::Plain(Codec::MessagePack) => 2,
            Form::Plain(_) => 1,
            Form::Exact => return None,
        };
        Some(Self { step, verify: true, ..self })
    }

    /// Appends the bytes of a value, if they give it back.
    pub(crate) fn encode<V>(self, formats: &Formats<V>, value: &V, bytes: &mut Vec<u8>) -> Result<(), Unfit> {
        let (start, form) = (bytes.len(), self.form());
        let extent = formats.encode(value, form, bytes)?;
        if self.verify || extent == Extent::Part {
            formats.verify(value, &bytes[start..], form.codec())
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests;
