//! The places of the endpoints, as the greeting names them.

use std::io;
use std::net::SocketAddr;

use crate::config::{Config, Control};
use crate::http::{Access, endpoints};
use crate::server::Listeners;

/// Addresses of a server, and what its control endpoints ask for.
#[derive(Debug)]
pub(super) struct Places<'a> {
    pub(super) public: SocketAddr,
    private: Option<SocketAddr>,
    control: Control<'a>,
}

impl<'a> Places<'a> {
    pub(super) fn new(listeners: &Listeners, config: &'a Config) -> io::Result<Self> {
        let private = listeners.private.as_ref().map(tokio::net::TcpListener::local_addr).transpose()?;
        Ok(Self { public: listeners.public.local_addr()?, private, control: config.control() })
    }

    /// Logs a line for each kind of endpoints.
    pub(super) fn log(&self) {
        for access in [Access::Open, Access::Health] {
            tracing::info!("{}", self.line(access));
        }
        let control = self.line(Access::Control);
        if matches!(self.control, Control::Closed) {
            tracing::warn!("{control}");
        } else {
            tracing::info!("{control}");
        }
    }

    fn line(&self, access: Access) -> String {
        let of_kind = endpoints().iter().filter(|endpoint| endpoint.access == access);
        let paths: Vec<_> = of_kind.map(|endpoint| &*endpoint.path).collect();
        let place = match access {
            Access::Open => format!("open at http://{}", self.public),
            Access::Health => self.health(),
            Access::Control => self.control(),
        };
        format!("{place}: {}", paths.join(" "))
    }

    fn health(&self) -> String {
        let private = self.private.map(|private| format!(" and http://{private}")).unwrap_or_default();
        let is_open = matches!(self.control, Control::Open);
        let detail = if is_open { "" } else { ", for others than control no more than a status" };
        format!("health at http://{}{private}{detail}", self.public)
    }

    fn control(&self) -> String {
        let Some((address, token)) = self.control_address() else {
            return "control, closed until ADMIN_TOKEN or ADMIN_ADDR is set".to_owned();
        };
        let how = match (&self.control, token) {
            (Control::Open, _) => {
                return format!("control, open at http://{address}, as this computer alone can reach it");
            }
            (Control::Private(..), true) => "private and with ADMIN_TOKEN",
            (Control::Private(..), false) => "private and without a token",
            _ => "with ADMIN_TOKEN",
        };
        format!("control, {how} at http://{address}")
    }

    /// The address of control endpoints, if they have one, and whether they ask for a token.
    fn control_address(&self) -> Option<(SocketAddr, bool)> {
        match self.control {
            Control::Open => Some((self.public, false)),
            Control::Token(_) => Some((self.public, true)),
            Control::Private(_, token) => Some((self.private?, token.is_some())),
            Control::Closed => None,
        }
    }

    /// The command that asks a control endpoint, if any can.
    pub(super) fn control_curl(&self, path: &str) -> Option<String> {
        let (address, token) = self.control_address()?;
        let header = if token { "-H \"authorization: Bearer $ADMIN_TOKEN\" " } else { "" };
        Some(format!("curl {header}http://{address}{path}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(variables: &[(&str, &str)]) -> Vec<String> {
        let given =
            |name: &str| variables.iter().find(|(given, _)| *given == name).map(|(_, value)| (*value).to_owned());
        let config = Config::from_vars(given).expect("settings that make sense");
        let places = Places { public: config.listen, private: config.admin_addr, control: config.control() };
        [Access::Open, Access::Health, Access::Control].map(|access| places.line(access)).into()
    }

    #[test]
    fn each_kind_of_endpoints_has_its_line() {
        let here = lines(&[]);
        assert!(here[0].starts_with("open at http://127.0.0.1:3000: / /api/businesses "), "{here:?}");
        assert_eq!(here[1], "health at http://127.0.0.1:3000: /health /health/live /health/ready");
        assert!(here[2].starts_with(
            "control, open at http://127.0.0.1:3000, as this computer alone can reach it: /api/breakers/{name} "
        ));

        let container = [("APP_ENV", "production"), ("HOST", "0.0.0.0"), ("ADMIN_ADDR", "127.0.0.1:3001")];
        let container = lines(&container);
        assert!(container[1].starts_with("health at http://0.0.0.0:3000 and http://127.0.0.1:3001, for others than"));
        assert!(container[2].starts_with("control, private and without a token at http://127.0.0.1:3001: "));

        let token = lines(&[("HOST", "0.0.0.0"), ("ADMIN_TOKEN", "0123456789abcdef")]);
        assert!(token[2].starts_with("control, with ADMIN_TOKEN at http://0.0.0.0:3000: "));
        assert!(!format!("{token:?}").contains("0123456789abcdef"));
        let closed = lines(&[("HOST", "0.0.0.0")]);
        assert!(closed[2].starts_with("control, closed until ADMIN_TOKEN or ADMIN_ADDR is set: "));
        let proxied = lines(&[("APP_ENV", "production")]);
        assert!(proxied[2].starts_with("control, closed "), "a proxy on this computer brings requests from everywhere");
    }
}
