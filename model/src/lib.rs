//! An exhaustive model of the shared tier's protocol, by which nodes stay coherent through a log in Redis.
//!
//! **Modelled.** Two nodes, each with one or two connections to one server; one key, its prefix, and another key's scope. The
//! server's log and its values; trimming, loss of all data, failover to a replica that lacks a suffix, a former primary that
//! goes on answering. A node's local tier (L1), in-flight loads (flights), both scope tables, folds in steps, loads, puts, the
//! ring of records in doubt and their replay, resync by delta, heartbeats, and the floor of a silent link. Every request and
//! reply is a message of its own, in order per connection; every read of shared memory is a step of its own.
//!
//! **Contract** (`contract`). Versions of the origin are numbered. After an invalidation returned `Announced`, no read that
//! starts later on that node, and no GET that is executed later for any node, returns an older version; nor does a read of
//! another node's L1 or flights that starts more than `max_stale` later. After `LocalOnly` the first guarantee holds, and the
//! others hold from the acknowledgement of the replay. The same is true of a refresh, except for reads by functions that accept
//! expired values. Records that a failover loses are excused until the node follows the new primary; records that a former
//! primary acknowledged are excused on nodes that had left it before. From every state a path leads to the end: all calls have
//! returned, and the ring is empty.
//!
//! **A promotion with two writable servers** (`takeover`, scenarios in `promotions`) has no excuse: an announcement on either
//! server binds every node, even if the promoted server lacks entries, if the announcing process ends at once, or if another
//! promotion follows. Three rules ensure it.
//! *Settle*: a node enters a server only if the last life of its log names the server and is not one that the node has left;
//! `wait` ticks after it first saw another life, the node gives the log a new one by a script that compares the life. *Lease*:
//! GET and the script are sent only within `lease` ticks after the sending of a heartbeat that most Sentinels backed; no other
//! heartbeat counts. *Replay*, optional, for a former master that goes on for longer than the wait: announcements then bind
//! other nodes from the replay on. `wait` exceeds the ticks for which a former master executes requests or, with a lease, the
//! sum of the Sentinels' delay and the lease. A GET that a former master executes under a lease is judged by the announcements
//! elsewhere at the time when it was *sent*. `limits` are scenarios outside the contract; each shows a stale read.
//!
//! **Abstracted.** The scope tables are exact, except for the eviction of pairs. A judgement of a value from the shared tier is
//! one step, and so is a judgement of a local position: the code needs one object per incarnation that is swapped as a whole.
//! Raises of the local table exclude each other. The ticker fires at each tick, so the bound in the code is `max_stale` plus
//! the ticker's period. Expiry by time and the fast path over published heads are left out. A read that accepts an expired
//! value starts no refresh.
//!
//! In scenarios of a promotion a node's own steps (a fold, a judgement, the notes at the start of a load) are taken at once,
//! and so are all requests except heartbeats and those that a lease allows to be sent to a former master: other scenarios
//! explore those delays. Heartbeats are left out where they affect nothing. Time is whole ticks, so a wait of equal length is
//! not longer. The last tick of a scenario is long enough for everything that a tick ends, and a wait needs no ticks once none
//! is left and every former master is demoted. Sentinels are one bit: whether most of them may still name a server. A process
//! that has returned from all its calls with no record in doubt ends, which stands for a crash. The name of a life is never
//! used twice; the chance that 32 bits of a name match another server is left out.
//!
//! **Bounds.** Each scenario has up to four calls and up to four faults, and is explored breadth first to the end, except
//! `failback`. The search has 150 lines and uses no library, because it has to stop at the shortest trace of a mistake
//! (`mutants`), and to find out from which states no path leads to the end.

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
