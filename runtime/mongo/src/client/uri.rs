//! URI options that the driver rejects and this crate supports.

use std::time::Duration;

use crate::error::Error;

/// Removes `socketTimeoutMS`, which other drivers support and this one rejects, and returns its value.
pub(super) fn without_timeout(uri: &str) -> Result<(String, Option<Duration>), Error> {
    let Some((head, query)) = uri.split_once('?') else { return Ok((uri.to_owned(), None)) };
    let (mut timeout, mut rest) = (None, Vec::new());
    for option in query.split('&') {
        match option.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("socketTimeoutMS") => {
                let millis = value
                    .parse()
                    .map_err(|_| Error::bad_setting("`socketTimeoutMS` is not a number of milliseconds"))?;
                // Other drivers take 0 for no limit; here there is always one.
                timeout = (millis > 0).then_some(Duration::from_millis(millis));
            }
            _ => rest.push(option),
        }
    }
    let uri = if rest.is_empty() { head.to_owned() } else { format!("{head}?{}", rest.join("&")) };
    Ok((uri, timeout))
}

/// Returns an error without the driver's message, which may quote the URI.
pub(super) fn parse_error(error: &mongodb::error::Error) -> Error {
    let error = Error::from_driver("parse the address of MongoDB", error);
    if error.is_unreachable() {
        return error;
    }
    Error::bad_setting(
        "the address is malformed: write mongodb://[user:password@]host[:port][,..][/database][?options], with user and password \
         percent-encoded, and options that the driver knows",
    )
}
