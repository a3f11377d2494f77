//! Integration tests of fastness; see `tests/it`.
