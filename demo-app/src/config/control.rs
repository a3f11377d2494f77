//! The place of the control endpoints, and the token that they ask for.

use std::net::SocketAddr;

use super::{Config, Environment, Secret};

/// Place of the control endpoints: those that show the inside of the server (figures, metrics, indexes) or change it (invalidate,
/// force a breaker, break the supplier).
#[derive(Clone, Copy, Debug)]
pub enum Control<'a> {
    /// Control endpoints on the public listener, open: this computer alone can reach it.
    Open,
    /// Control endpoints on the public listener, for requests with this token.
    Token(&'a Secret),
    /// Control endpoints on the private listener alone; with a token, if there is one.
    Private(SocketAddr, Option<&'a Secret>),
    /// Nowhere: others can reach the public listener, and no setting says who may.
    Closed,
}

impl Config {
    /// Returns where the control endpoints stand: on the private listener if there is one, else behind the token if there is one, else
    /// open where the server listens to its own computer alone. In production that is no reason, as a proxy on the same computer
    /// brings requests from everywhere.
    pub fn control(&self) -> Control<'_> {
        match (self.admin_addr, &self.admin_token) {
            (Some(address), token) => Control::Private(address, token.as_ref()),
            (None, Some(token)) => Control::Token(token),
            (None, None) if self.listen.ip().is_loopback() && self.environment != Environment::Production => {
                Control::Open
            }
            (None, None) => Control::Closed,
        }
    }

    /// Returns a fault if these settings would open control endpoints to others by accident.
    pub(super) fn control_faults(&self) -> Option<String> {
        let address = self.admin_addr.filter(|address| !address.ip().is_loopback() && self.admin_token.is_none())?;
        Some(format!(
            "ADMIN_ADDR is `{address}`, which others can reach, and ADMIN_TOKEN is not set; set ADMIN_TOKEN, or take an address \
             such as 127.0.0.1:{}",
            address.port()
        ))
    }
}
