//! Types of closures and of futures that several layers have.

use std::pin::Pin;
use std::sync::Arc;

use http::Response;
use http::request::Parts;

/// A closure that derives a name from a request, such as that of its principal; `None` for a request without one.
pub(super) type RequestNameFn = Arc<dyn Fn(&Parts) -> Option<String> + Send + Sync>;

/// A boxed future of a response.
pub(super) type BoxedResponse<B, E> = Pin<Box<dyn Future<Output = Result<Response<B>, E>> + Send>>;
