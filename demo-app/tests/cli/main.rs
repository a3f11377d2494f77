//! The program from outside: the built binary, against real servers.

mod indexes;
mod load;
mod log;
mod memory;
mod program;
mod seed;
mod stop;
mod usage;
