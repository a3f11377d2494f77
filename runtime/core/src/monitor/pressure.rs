//! The levels of pressure on memory.

use serde::Serialize;

/// Level of pressure on memory. Each level includes the ones before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
#[repr(u8)]
pub enum Pressure {
    /// There is enough memory.
    #[default]
    None,
    /// The local tier gives up entries.
    Shrink,
    /// Response bodies are no longer cached.
    NoBodies,
    /// Requests are rejected.
    Shed,
}

impl Pressure {
    /// Returns the name that JSON and metrics use, such as `"noBodies"`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Shrink => "shrink",
            Self::NoBodies => "noBodies",
            Self::Shed => "shed",
        }
    }

    pub(super) const fn from_u8(level: u8) -> Self {
        match level {
            0 => Self::None,
            1 => Self::Shrink,
            2 => Self::NoBodies,
            _ => Self::Shed,
        }
    }
}
