use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::SeqCst;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::*;
use crate::sync::{block_on, lock_std as lock};

/// An event with a number, of a kind, from a part with a name.
#[derive(Clone, Debug)]
enum TestEvent {
    Number(u64, #[allow(dead_code)] Option<Arc<dyn std::fmt::Debug + Send + Sync>>), // for its `Drop`
    Missed(u64),
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Even = 0,
    Odd = 1,
}

impl Subscribable for TestEvent {}

impl EventForm for TestEvent {
    type Kind = Kind;

    fn number(kind: Kind) -> u32 {
        kind as u32
    }

    fn missed(events: u64) -> Self {
        Self::Missed(events)
    }

    fn is_named(name: &str, wanted: &str) -> bool {
        name == wanted
    }
}

/// Reports the name of the thread that drops it.
#[derive(Debug)]
struct OnDrop(Sender<Option<String>>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        let _ = self.0.send(std::thread::current().name().map(str::to_owned));
    }
}

fn bus() -> &'static EventBus<TestEvent> {
    Box::leak(Box::new(EventBus::new()))
}

fn send(bus: &EventBus<TestEvent>, number: u64) {
    let kind = if number.is_multiple_of(2) { Kind::Even } else { Kind::Odd };
    bus.send(kind, Some("part"), || TestEvent::Number(number, None));
}

/// Takes the events that wait: numbers, and those that were missed as negative numbers.
fn waiting(events: &mut Subscription<TestEvent>) -> Vec<i64> {
    let number = |event| match event {
        TestEvent::Number(number, _) => number.cast_signed(),
        TestEvent::Missed(events) => -events.cast_signed(),
    };
    std::iter::from_fn(|| events.try_next()).map(number).collect()
}

#[test]
fn each_subscriber_gets_the_events_that_it_wants_from_then_on() {
    let bus = bus();
    send(bus, 1);
    let mut all = Subscription::to_process(bus, Filter::all());
    let mut odd = Subscription::to_process(bus, Filter::kinds([Kind::Odd]));
    let mut others = Subscription::to_process(bus, Filter::all().named("other"));
    (2..=5).for_each(|number| send(bus, number));
    bus.send(Kind::Even, Some("other"), || TestEvent::Number(6, None));
    bus.send(Kind::Even, None, || TestEvent::Number(8, None));
    assert_eq!(waiting(&mut all), [2, 3, 4, 5, 6, 8]);
    assert_eq!(waiting(&mut odd), [3, 5]);
    assert_eq!(waiting(&mut others), [6, 8], "an event without a name concerns all");
}

#[test]
fn an_event_that_no_subscriber_wants_is_not_made() {
    let (bus, made) = (bus(), AtomicUsize::new(0));
    let send = |kind, name: &str| {
        bus.send(kind, Some(name), || {
            made.fetch_add(1, SeqCst);
            TestEvent::Number(0, None)
        });
    };
    send(Kind::Even, "part");
    let odd = Subscription::to_process(bus, Filter::kinds([Kind::Odd]).named("part"));
    send(Kind::Even, "part");
    send(Kind::Odd, "other");
    assert_eq!(made.load(SeqCst), 0);
    send(Kind::Odd, "part");
    assert_eq!(made.load(SeqCst), 1);
    drop(odd);
    send(Kind::Odd, "part");
    assert!(made.load(SeqCst) == 1 && !bus.wants(Kind::Odd));
}

#[test]
fn a_slow_subscriber_misses_its_oldest_events_and_is_told_how_many() {
    let bus = bus();
    let mut slow = Subscription::to_process(bus, Filter::all().room(3));
    let mut quick = Subscription::to_process(bus, Filter::all().room(100));
    (1..=8).for_each(|number| send(bus, number));
    assert_eq!(waiting(&mut slow), [-5, 6, 7, 8]);
    assert_eq!(waiting(&mut quick), [1, 2, 3, 4, 5, 6, 7, 8], "another subscriber is not concerned");
    send(bus, 9);
    assert_eq!(waiting(&mut slow), [9], "told once");
    let mut least = Subscription::to_process(bus, Filter::all().room(0));
    (1..=3).for_each(|number| send(bus, number));
    assert_eq!(waiting(&mut least), [-2, 3]);
}

#[test]
fn missed_events_are_not_dropped_by_the_sender() {
    let (bus, (report, dropped)) = (bus(), channel());
    let events = Subscription::to_process(bus, Filter::all().room(1));
    let sender = std::thread::Builder::new().name("sender".into()).spawn(move || {
        for number in 0..1_000 {
            bus.send(Kind::Even, None, || TestEvent::Number(number, Some(Arc::new(OnDrop(report.clone())))));
        }
    });
    sender.unwrap().join().unwrap();
    drop(events);
    let threads: Vec<_> = dropped.iter().flatten().collect();
    assert!(threads.iter().all(|thread| thread != "sender"), "its locks may be held");
    assert!(threads.iter().filter(|thread| *thread == "fastness-events").count() > 800, "{}", threads.len());
}

#[test]
fn events_that_a_subscriber_drops_at_once_are_not_dropped_by_the_sender() {
    let (bus, (report, dropped)) = (bus(), channel());
    let mut others: Vec<_> = (0..2).map(|_| Subscription::to_process(bus, Filter::all().room(1))).collect();
    let mut quick = Subscription::to_process(bus, Filter::all());
    let sender = std::thread::Builder::new().name("sender".into()).spawn(move || {
        for number in 0..10_000 {
            bus.send(Kind::Even, None, || TestEvent::Number(number, Some(Arc::new(OnDrop(report.clone())))));
        }
    });
    let sender = sender.unwrap();
    while !sender.is_finished() {
        quick.try_next();
        for events in &mut others {
            events.try_next();
        }
    }
    sender.join().unwrap();
    drop((quick, others));
    let threads: Vec<_> = dropped.iter().flatten().collect();
    assert!(threads.iter().all(|thread| thread != "sender"), "its locks may be held");
    assert!(threads.len() > 1_000, "{}", threads.len());
}

#[test]
fn an_event_that_cannot_be_made_is_missed_at_its_place() {
    let bus = bus();
    let mut events: Vec<_> = (0..2).map(|_| Subscription::to_process(bus, Filter::all())).collect();
    send(bus, 1);
    for _ in 0..2 {
        bus.send(Kind::Odd, None, || panic!("on purpose: the clone of an argument"));
    }
    send(bus, 2);
    bus.send(Kind::Odd, None, || panic!("on purpose: the clone of an argument"));
    for events in &mut events {
        assert_eq!(waiting(events), [1, -2, 2, -1]);
    }
}

#[test]
fn missed_events_take_no_more_memory_though_their_drop_is_slow() {
    let (bus, gate) = (bus(), Arc::new(Mutex::new(())));
    let mut events = Subscription::to_process(bus, Filter::all().room(1));
    let made = AtomicUsize::new(0);
    let send = |number| {
        bus.send(Kind::Even, None, || {
            made.fetch_add(1, SeqCst);
            TestEvent::Number(number, Some(Arc::new(WaitingDrop(gate.clone()))))
        });
    };
    let closed = lock(&gate);
    (0..20_000).for_each(send);
    let most = made.load(SeqCst);
    assert!(most < 10_000, "{most}");
    drop(closed);
    let seen = waiting(&mut events);
    let &[before, last, after] = &seen[..] else { panic!("{seen:?}") };
    assert_eq!((before - 1 + after, last + 1), (-20_000, before.abs() + 1));
    // The thread goes on, and so do events.
    while made.load(SeqCst) == most {
        send(0);
    }
}

/// Waits for the gate when it is dropped.
#[derive(Debug)]
struct WaitingDrop(Arc<Mutex<()>>);

impl Drop for WaitingDrop {
    fn drop(&mut self) {
        drop(lock(&self.0));
    }
}

#[test]
fn a_subscriber_is_woken_on_another_thread_than_that_of_the_event() {
    struct Reports(Sender<Option<String>>);
    impl Wake for Reports {
        fn wake(self: Arc<Self>) {
            let _ = self.0.send(std::thread::current().name().map(str::to_owned));
            panic!("on purpose: a waker that panics");
        }
    }
    let (bus, (report, woken)) = (bus(), channel());
    let mut events = Subscription::to_process(bus, Filter::all());
    let waker = Waker::from(Arc::new(Reports(report)));
    let mut cx = Context::from_waker(&waker);
    for number in 1..=3 {
        assert!(events.poll_next(&mut cx).is_pending());
        send(bus, number);
        assert_eq!(woken.recv().unwrap().as_deref(), Some("fastness-events"));
        assert!(matches!(events.poll_next(&mut cx), Poll::Ready(Some(TestEvent::Number(n, _))) if n == number));
    }
}

#[test]
fn a_subscriber_that_panics_concerns_no_other() {
    let bus = bus();
    let mut other = Subscription::to_process(bus, Filter::all());
    let mut panics = Subscription::to_process(bus, Filter::all());
    let task = std::thread::spawn(move || {
        block_on(panics.next());
        panic!("on purpose");
    });
    send(bus, 1);
    assert!(task.join().is_err());
    send(bus, 2);
    assert_eq!(waiting(&mut other), [1, 2]);
}

#[test]
fn the_end_of_the_source_follows_its_last_event() {
    let bus = Arc::new(EventBus::new());
    let mut events = Subscription::to_handle(&bus, Filter::all());
    let waits = std::thread::spawn(move || {
        let mut seen = 0;
        while block_on(events.next()).is_some() {
            seen += 1;
        }
        seen
    });
    (1..=3).for_each(|number| send(&bus, number));
    drop(bus);
    assert_eq!(waits.join().unwrap(), 3);
}

#[test]
fn every_thread_sees_the_events_of_others_in_their_order() {
    const EACH: usize = 2_000;
    let (bus, last) = (bus(), Mutex::new(0));
    let mut subscribers: Vec<_> = (0..3).map(|_| Subscription::to_process(bus, Filter::all().room(4 * EACH))).collect();
    std::thread::scope(|threads| {
        for _ in 0..4 {
            threads.spawn(|| {
                for _ in 0..EACH {
                    let mut last = lock(&last);
                    *last += 1;
                    send(bus, *last);
                }
            });
        }
        // Others come and go meanwhile, and see a part without gaps.
        for _ in 0..200 {
            let mut passing = Subscription::to_process(bus, Filter::all().room(4 * EACH));
            let seen = waiting(&mut passing);
            assert!(seen.windows(2).all(|pair| pair[1] == pair[0] + 1), "{seen:?}");
        }
    });
    for events in &mut subscribers {
        assert!(waiting(events).into_iter().eq(1..=8_000));
    }
}
