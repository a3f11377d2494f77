//! The supplier: a service of another party, across a network, that may be slow, failing or gone.
//!
//! [`Client`] asks it and says what went wrong; how that is survived is the service's business. [`StandIn`] is one that the
//! demo runs itself, and can break at run time.
//!
//! May use: `config`.

mod client;
mod stand_in;

use std::io;

use crate::config::Url;
pub use client::{Client, Rating, SupplierError};
pub use stand_in::{Mood, StandIn};

/// The supplier that a server asks, and the control of the stand-in, if it is the demo's own.
#[derive(Clone, Debug)]
pub struct Supplier {
    /// Asks it.
    pub client: Client,
    /// The stand-in, if the demo runs one.
    pub stand_in: Option<StandIn>,
}

impl Supplier {
    /// A supplier of another party.
    pub fn at(url: impl Into<Url>) -> Self {
        Self { client: Client::new(url), stand_in: None }
    }

    /// One of the demo's own, which is up.
    ///
    /// # Errors
    ///
    /// No port is free.
    pub async fn stand_in() -> io::Result<Self> {
        let stand_in = StandIn::start().await?;
        Ok(Self { client: Client::new(stand_in.url()), stand_in: Some(stand_in) })
    }
}
