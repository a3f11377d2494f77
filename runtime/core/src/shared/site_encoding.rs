//! The names and the encoding of a call site's values in the shared tier.

#[cfg(feature = "redis")]
use std::sync::OnceLock;

#[cfg(feature = "redis")]
use xxhash_rust::xxh3::xxh3_64_with_seed;

#[cfg(feature = "redis")]
use crate::codec::{Wire, choice::Choice};

/// The names and the encoding of a call site's values in the tier. Empty in builds without a shared tier.
#[derive(Debug)]
pub(crate) struct SiteEncoding {
    /// Keeps its values apart from others of the same key and type.
    #[cfg(feature = "redis")]
    variant: u64,
    #[cfg(feature = "redis")]
    types: OnceLock<Types>,
    /// The encoding in use, if values do not decode unchanged from the requested codec.
    #[cfg(feature = "redis")]
    pub(super) codec: Choice,
}

/// The marks that keep the values of one type and variant apart from others of the same key.
#[cfg(feature = "redis")]
#[derive(Debug)]
pub(super) struct Types {
    pub(super) fingerprint: u64,
    /// True if the type announced all of its parts to serde.
    pub(super) is_settled: bool,
    /// The suffix of their addresses.
    pub(super) suffix: String,
}

impl SiteEncoding {
    /// Makes the encoding of a call site. `variant` keeps its values apart from others of the same key and type.
    #[cfg_attr(not(feature = "redis"), expect(unused_variables, reason = "there is no shared tier"))]
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
            let announced = wire.codec.announced();
            let fingerprint = xxh3_64_with_seed(&announced.fingerprint.to_le_bytes(), self.variant);
            Types { fingerprint, is_settled: announced.is_settled, suffix: format!("#{fingerprint:016x}") }
        })
    }
}
