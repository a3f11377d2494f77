//! The part of a call site in the shared tier.

#[cfg(feature = "redis")]
use std::sync::OnceLock;

#[cfg(feature = "redis")]
use xxhash_rust::xxh3::xxh3_64_with_seed;

#[cfg(feature = "redis")]
use crate::codec::{Wire, choice::Choice};

/// How the values of one call site are named and encoded in the tier. Nothing in a build without one.
#[derive(Debug)]
pub(crate) struct SiteEncoding {
    /// Sets its values apart from others of the same key and type.
    #[cfg(feature = "redis")]
    variant: u64,
    #[cfg(feature = "redis")]
    types: OnceLock<Types>,
    /// The codec in use, where the one that is asked for does not give all values back.
    #[cfg(feature = "redis")]
    pub(super) codec: Choice,
}

/// The marks of values of one type and variant, by which they are told from others of the same key.
#[cfg(feature = "redis")]
#[derive(Debug)]
pub(super) struct Types {
    pub(super) fingerprint: u64,
    /// True if the type announced all that it is made of.
    pub(super) is_settled: bool,
    /// The end of their addresses.
    pub(super) suffix: String,
}

impl SiteEncoding {
    /// `variant` sets the values apart from others of the same key and type.
    #[cfg_attr(
        not(feature = "redis"),
        expect(unused_variables, reason = "without a tier there is nothing to set apart")
    )]
    pub(crate) fn new(variant: u64) -> Self {
        Self {
            #[cfg(feature = "redis")]
            variant,
            #[cfg(feature = "redis")]
            types: OnceLock::new(),
            #[cfg(feature = "redis")]
            codec: Choice::default(),
        }
    }
}

#[cfg(feature = "redis")]
impl SiteEncoding {
    pub(super) fn types<V>(&self, wire: &Wire<V>) -> &Types {
        self.types.get_or_init(|| {
            let announced = wire.formats.announced();
            let fingerprint = xxh3_64_with_seed(&announced.fingerprint.to_le_bytes(), self.variant);
            Types { fingerprint, is_settled: announced.is_settled, suffix: format!("#{fingerprint:016x}") }
        })
    }
}
