//! Health, readiness and the memory guard, with servers that are really gone and memory that is really used.

mod health;
mod memory;
