//! See `benches/` for what is here.
