//! What servers and networks do.
