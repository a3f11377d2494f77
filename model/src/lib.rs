//! An exhaustive model of how nodes stay coherent through a log in Redis: the shared tier's protocol, before it is code.
//!
//! **What is modelled.** Two nodes, each with one or two connections to one server; one key, its prefix, and another key's scope.
//! The server's log, its values, trimming, loss of all data, failover to a replica that lacks a suffix, a former primary that goes
//! on answering. A node's L1, flights, both scope tables, folds in steps, loads, puts, the ring of what is in doubt and its replay,
//! resync by delta, heartbeat and the floor of a silent link. Every request and reply is a message of its own, in order per
//! connection; every look of a reader at shared memory is a step of its own.
//!
//! **What is promised** (`contract`). Versions of the origin are numbered. After an invalidation returned `Announced`, no read
//! that starts later on that node and no GET that is executed later for any node returns an older version; nor does L1 or a flight
//! of another node that is asked more than `max_stale` after. After `LocalOnly` the first holds, and the others from the replay's
//! acknowledgement. What a failover loses is excused until the node follows the new primary; what a former primary acknowledged is
//! excused on nodes that had left it before. From every state some way leads to the end: all calls returned, the ring empty.
//!
//! **What is abstracted.** The scope tables are exact but for the eviction of pairs. A judgement of a value from the shared
//! tier is one step, and so is one of a local position: the code needs one object per incarnation that is swapped as a whole.
//! Raises of the local table exclude each other. The ticker fires at each tick, so the bound in the code is `max_stale` plus
//! the ticker's period. Expiry, serving stale values and the fast path over published heads are left out.
//!
//! **Bounds.** Each scenario has up to four calls and up to four faults, and is explored breadth first, to the end but for `failback`.
//! An own search of 150 lines instead of a library, because a mistake in the protocol (`mutants`) must stop at its shortest trace
//! and the way back from every state is judged as well.

pub use mutants::{Mutant, Rules};
pub use scenario::Scenario;
pub use search::{Outcome, explore};

mod catalogue;
mod scenario;

mod search;

mod reduce;
mod steps;

mod read;
mod write;

mod fold;
mod tables;

mod link;
mod server;
mod world;

mod contract;
mod mutants;
mod state;
