//! What a process and its caches, policies and databases are doing, judged: health, alerts and recommendations.
//!
//! May use: nothing yet.
