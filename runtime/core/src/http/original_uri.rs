//! The address of a request before routers took off what they matched.

use http::{Extensions, Uri};

/// The address as the client wrote it: routers strip what they have matched.
#[cfg_attr(not(feature = "axum"), expect(unused_variables, reason = "only axum's router leaves it there"))]
pub(super) fn original_uri<'a>(extensions: &'a Extensions, uri: &'a Uri) -> &'a Uri {
    #[cfg(feature = "axum")]
    if let Some(original) = extensions.get::<axum::extract::OriginalUri>() {
        return &original.0;
    }
    uri
}
