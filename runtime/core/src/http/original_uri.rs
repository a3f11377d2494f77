//! The URI of a request before routers stripped the prefix that they matched.

use http::{Extensions, Uri};

/// Returns the URI as the client sent it, before any router stripped a prefix.
#[cfg_attr(not(feature = "axum"), expect(unused_variables, reason = "only axum's router records it"))]
pub(super) fn original_uri<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    uri
}
