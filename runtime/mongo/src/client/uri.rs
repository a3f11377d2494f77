//! What the driver refuses in a URI and we understand.

use std::time::Duration;

use crate::error::Error;

/// The URI without `socketTimeoutMS`, which other drivers know and this one refuses, and its value.
pub(super) fn without_timeout(uri: &str) -> Result<(String, Option<Duration>), Error> {
    let Some((head, query)) = uri.split_once('?') else { return Ok((uri.to_owned(), None)) };
    let (mut timeout, mut rest) = (None, Vec::new());
    for option in query.split('&') {
        match option.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("socketTimeoutMS") => {
                let millis =
                    value.parse().map_err(|_| Error::setting("`socketTimeoutMS` is no number of milliseconds"))?;
                // To other drivers, 0 is no bound; here there is always one.
                timeout = (millis > 0).then_some(Duration::from_millis(millis));
            }
            _ => rest.push(option),
        }
    }
    let uri = if rest.is_empty() { head.to_owned() } else { format!("{head}?{}", rest.join("&")) };
    Ok((uri, timeout))
}

/// The driver may quote what it did not understand.
pub(super) fn refused(error: &mongodb::error::Error) -> Error {
    let error = Error::of("read the address of MongoDB", error);
    if error.is_unreachable() {
        return error;
    }
    Error::setting(
        "this is no address: write mongodb://[user:password@]host[:port][,..][/database][?options], with user and password \
         percent-encoded, and options that the driver knows",
    )
}
