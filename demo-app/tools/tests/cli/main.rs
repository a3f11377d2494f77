//! The program from outside: the built binary, against real servers.

mod indexes;
mod load;
mod program;
mod seed;
mod usage;
