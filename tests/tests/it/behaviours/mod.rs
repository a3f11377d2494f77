//! Behaviours that the test suites of other caches and resilience libraries check, and no other test of ours. `docs/behaviours.md` lists
//! all of them, with the test of each; `page` compares that list with the sources.

mod batches;
mod bounds;
mod breaker;
mod direct;
mod keys;
mod limits;
mod origin;
mod page;
mod retry;
mod tags;
mod time;
