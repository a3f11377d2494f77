//! The program from outside: the built binary, against real servers.

#[cfg(target_os = "linux")]
mod files;
mod log;
mod memory;
mod program;
mod stop;
mod usage;
