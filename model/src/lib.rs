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
//! acknowledgement. The same holds of a refresh, but for reads by functions that are served expired values. What a failover loses is excused until the node follows the new primary; what a former primary acknowledged is
//! excused on nodes that had left it before. From every state some way leads to the end: all calls returned, the ring empty.
//!
//! **A promotion with two writable servers** (`takeover`, scenarios in `promotions`) has no excuse: an announcement on either server binds every
//! node, also if the promoted server lacks entries, if the announcing process ends at once, or if another promotion follows. The rules that keep
//! it: *settle* (a server is entered only if the last life of its log names it and is not one that the process left; `wait` ticks after the
//! first sight of another life, a script that compares it gives the log a new one), *lease* (GET and the script are sent only within
//! `lease` ticks of a heartbeat that most Sentinels backed when it was sent; no other heartbeat counts) and *replay* (optional, where a former master
//! goes on for longer than the wait: announcements then bind other nodes from the replay on). `wait` exceeds the ticks for which a former master
//! executes requests, or, with a lease, the Sentinels' delay and the lease together. A GET that is executed by a former master under a lease is judged by
//! what was announced elsewhere when it was *sent*. `limits` are scenarios that the promise excludes; each shows a stale read.
//!
//! **What is abstracted.** The scope tables are exact but for the eviction of pairs. A judgement of a value from the shared
//! tier is one step, and so is one of a local position: the code needs one object per incarnation that is swapped as a whole.
//! Raises of the local table exclude each other. The ticker fires at each tick, so the bound in the code is `max_stale` plus
//! the ticker's period. Expiry by time and the fast path over published heads are left out; who is served an expired value asks for no new one.
//!
//! In scenarios of a promotion a node's own steps (a fold, a judgement, the notes at a load's beginning) are taken at once, and so are requests
//! but for heartbeats and what a lease lets be sent to a former master: other scenarios explore those delays. Heartbeats are
//! left out where only the shared tier is of interest. Time is whole ticks, so a wait of equal length is not longer. The last tick of a scenario is long
//! enough for everything that a tick ends, and a wait needs no ticks once none is left and every former master is demoted. Sentinels
//! are one bit: whether most of them may still name a server. A process that has returned from all its calls with nothing in doubt
//! ends, which stands for its crash. A new life is never given twice; the chance that a name of 32 bits fits another server is left out.
//!
//! **Bounds.** Each scenario has up to four calls and up to four faults, and is explored breadth first, to the end but for `failback`.
//! An own search of 150 lines instead of a library, because a mistake in the protocol (`mutants`) must stop at its shortest trace
//! and the way back from every state is judged as well.

pub use mutants::{Mutant, Rules};
pub use scenario::Scenario;
pub use search::{Outcome, explore};

mod catalogue;
mod promotions;
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

mod takeover;

mod contract;
mod message;
mod mutants;
mod state;
