//! Callers that wait for a load get its value before it is encoded.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use fastness::{cacheable, with_cache};
use fastness_tests::servers::{PATIENCE, prefix, shared_redis, until};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::{node, stored};

/// A gate that a type's loads and encodings pass.
#[derive(Debug)]
struct Gate {
    loads: AtomicUsize,
    /// Permits that let loads end.
    open: Semaphore,
    /// Channels of the next encoding: it reports here that it has begun, and waits for a message.
    meeting: Mutex<Option<(Sender<()>, Receiver<()>)>>,
    panics: AtomicBool,
    encoded: AtomicUsize,
}

impl Gate {
    const fn new() -> Self {
        Self {
            loads: AtomicUsize::new(0),
            open: Semaphore::const_new(0),
            meeting: Mutex::new(None),
            panics: AtomicBool::new(false),
            encoded: AtomicUsize::new(0),
        }
    }

    async fn load(&self) {
        self.loads.fetch_add(1, Ordering::SeqCst);
        self.open.acquire().await.unwrap().forget();
    }

    /// Stops the next encoding. Returns the channels that report its beginning and let it go on.
    fn close(&self) -> (Receiver<()>, Sender<()>) {
        let ((begun, begins), (go, goes)) = (channel(), channel());
        *self.meeting.lock().unwrap() = Some((begun, goes));
        (begins, go)
    }

    fn encode(&self) {
        let meeting = self.meeting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((begun, goes)) = meeting {
            begun.send(()).unwrap();
            goes.recv_timeout(PATIENCE).expect("no caller waits for this");
        }
        assert!(!self.panics.load(Ordering::SeqCst), "this value cannot be encoded");
        self.encoded.fetch_add(1, Ordering::SeqCst);
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::SeqCst)
    }
}

/// A type with a gate of its own, and a function that loads its values.
macro_rules! gated {
    ($Type:ident $GATE:ident $function:ident $key:literal $($option:tt)*) => {
        static $GATE: Gate = Gate::new();

        #[derive(Clone, Debug, PartialEq, Deserialize)]
        struct $Type(u64);

        impl Serialize for $Type {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $GATE.encode();
                serializer.serialize_newtype_struct(stringify!($Type), &self.0)
            }
        }

        #[cacheable(ttl = 60, key = $key $($option)*)]
        async fn $function(id: u64) -> $Type {
            $GATE.load().await;
            $Type(id)
        }
    };
}

gated!(InBoth IN_BOTH in_both "encoded-in-both:{id}");
gated!(OnlyThere ONLY_THERE only_there "encoded-only-there:{id}", tier = shared);
gated!(Unfit UNFIT unfit "encoded-unfit:{id}");

fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Expands to a leader on a thread of its own that is encoding its value, the sender that lets it go on, and the result of a waiter.
macro_rules! led {
    ($GATE:ident $node:ident $call:expr) => {{
        let (begun, go) = $GATE.close();
        let leader = tokio::spawn({
            let node = $node.clone();
            async move { with_cache(&node, $call).await }
        });
        until("it loads", async || $GATE.loads() == 1).await;
        let mut waiter = pin!(with_cache(&$node, $call));
        assert!(poll(waiter.as_mut()).is_pending());
        $GATE.open.add_permits(9);
        until("it encodes", async || begun.try_recv().is_ok()).await;
        (leader, go, waiter.await)
    }};
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_waiter_does_not_wait_for_the_encoding() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let one = node(&redis.url(), &prefix).await;
    let (leader, go, waiter) = led!(IN_BOTH one in_both(1));
    assert_eq!(waiter, InBoth(1));
    assert_eq!(with_cache(&one, in_both(1)).await, InBoth(1), "from memory");
    assert_eq!(IN_BOTH.encoded.load(Ordering::SeqCst), 0);
    go.send(()).unwrap();
    assert_eq!(leader.await.unwrap(), InBoth(1));
    stored(&one, 1).await;
    let two = node(&redis.url(), &prefix).await;
    assert_eq!(with_cache(&two, in_both(1)).await, InBoth(1));
    assert_eq!(IN_BOTH.loads(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_caller_that_comes_during_the_encoding_does_not_load_a_value_of_the_shared_tier_again() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let one = node(&redis.url(), &prefix).await;
    let (leader, go, waiter) = led!(ONLY_THERE one only_there(1));
    assert_eq!(waiter, OnlyThere(1));
    let mut late = pin!(with_cache(&one, only_there(1)));
    assert!(poll(late.as_mut()).is_pending());
    assert_eq!(ONLY_THERE.encoded.load(Ordering::SeqCst), 0);
    go.send(()).unwrap();
    assert_eq!((leader.await.unwrap(), late.await), (OnlyThere(1), OnlyThere(1)));
    assert_eq!(ONLY_THERE.loads(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_value_whose_encoding_panics_reaches_all_callers_but_its_leader() {
    let (redis, prefix) = (shared_redis().await, prefix());
    let one = node(&redis.url(), &prefix).await;
    UNFIT.panics.store(true, Ordering::SeqCst);
    let (leader, go, waiter) = led!(UNFIT one unfit(1));
    assert_eq!(waiter, Unfit(1));
    go.send(()).unwrap();
    assert!(leader.await.unwrap_err().is_panic());
    assert_eq!(with_cache(&one, unfit(1)).await, Unfit(1), "from memory");
    assert_eq!(UNFIT.loads(), 1);
}
