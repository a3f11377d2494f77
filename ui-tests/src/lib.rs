//! See `ui-tests/` for what is here.
