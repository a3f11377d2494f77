//! Health, performance, metrics and a dashboard, as an axum router.
//!
//! May use: nothing yet.
