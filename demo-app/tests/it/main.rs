//! The server from outside: most tests call the router, those of `server` go through a socket.

mod api;
mod moody;

mod bad_input;
mod businesses;
mod caching;
mod control;
mod crowds;
mod faults;
mod health;
mod hostile;
mod layers;
mod openapi;
mod preconditions;
mod products;
mod refusals;
mod server;
mod supply_chain;
mod users;
mod votes;
