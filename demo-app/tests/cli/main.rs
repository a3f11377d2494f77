//! The program from outside: the built binary, against real servers.

#[cfg(target_os = "linux")]
mod files;
mod indexes;
mod load;
mod log;
mod memory;
mod program;
mod seed;
mod stop;
mod usage;
