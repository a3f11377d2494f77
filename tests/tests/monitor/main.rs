//! Health, readiness and the memory guard, with real servers that are stopped and with memory that is really used.

mod health;
mod memory;
