use std::sync::atomic::{AtomicU32, Ordering};

use super::*;

fn counting(count: &Arc<AtomicU32>) -> Probe {
    let count = count.clone();
    Probe::new("it", move || {
        count.fetch_add(1, Ordering::SeqCst);
        async { Ok::<_, String>(()) }
    })
}

#[tokio::test]
async fn a_storm_of_checks_asks_once_a_second() {
    let (count, clock) = (Arc::default(), Clock::manual());
    let prober = Prober::new(counting(&count), clock.clone());
    let storm: Vec<_> = (0..100)
        .map(|_| {
            tokio::spawn({
                let prober = prober.clone();
                async move { prober.answer().await }
            })
        })
        .collect();
    for asked in storm {
        assert!(asked.await.unwrap().ok);
    }
    assert_eq!(count.load(Ordering::SeqCst), 1);
    clock.advance(FRESH);
    prober.answer().await;
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_or_panics_has_failed() {
    let hung = Prober::new(Probe::new("hung", std::future::pending::<Result<(), String>>), Clock::manual());
    let answer = hung.answer().await;
    assert_eq!((answer.ok, answer.error.as_deref()), (false, Some("no answer within 1s")));
    let panics = Probe::new("panics", || -> std::future::Ready<Result<(), String>> { panic!("in the closure") });
    let answer = Prober::new(panics, Clock::manual()).answer().await;
    assert_eq!(answer.error.as_deref(), Some("the probe panicked"));
    let answer = Prober::new(Probe::new("says so", async || Err("down")), Clock::manual()).answer().await;
    assert_eq!(answer.error.as_deref(), Some("down"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_blocks_has_one_thread_and_no_more() {
    let (count, clock) = (Arc::new(AtomicU32::new(0)), Clock::manual());
    let (free, blocked) = std::sync::mpsc::channel::<()>();
    let (blocked, counted) = (Arc::new(std::sync::Mutex::new(blocked)), count.clone());
    let probe = Probe::new("blocks", move || {
        counted.fetch_add(1, Ordering::SeqCst);
        let blocked = blocked.clone();
        async move {
            let _ = blocked.lock().map(|free| free.recv());
            Ok::<_, String>(())
        }
    });
    let prober = Prober::new(probe.timeout(Duration::from_millis(50)), clock.clone());
    assert_eq!(prober.answer().await.error.as_deref(), Some("no answer within 50ms"));
    for _ in 0..3 {
        clock.advance(FRESH);
        assert!(prober.answer().await.error.unwrap().contains("blocks its thread"));
    }
    assert_eq!(count.load(Ordering::SeqCst), 1, "it is not asked again while it blocks");
    drop(free);
    loop {
        clock.advance(FRESH);
        if prober.answer().await.ok {
            break;
        }
    }
}

#[tokio::test]
async fn a_caller_that_is_dropped_takes_no_answer_from_others() {
    let (asked, answer) = (Arc::new(tokio::sync::Notify::new()), Arc::new(tokio::sync::Notify::new()));
    let probe = Probe::new("slow", {
        let (asked, answer) = (asked.clone(), answer.clone());
        move || {
            let (asked, answer) = (asked.clone(), answer.clone());
            async move {
                asked.notify_one();
                answer.notified().await;
                Ok::<_, String>(())
            }
        }
    });
    let prober = Prober::new(probe, Clock::manual());
    let first = tokio::spawn({
        let prober = prober.clone();
        async move { prober.answer().await }
    });
    asked.notified().await;
    first.abort();
    answer.notify_one();
    assert!(prober.answer().await.ok, "the question of the dropped caller was answered, and its answer is reused");
}

#[tokio::test(start_paused = true)]
async fn a_question_in_a_runtime_that_stands_still_blocks_no_caller_for_ever() {
    let prober = Prober::new(counting(&Arc::default()), Clock::manual());
    let other = prober.clone();
    let begins = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut asked = Box::pin(other.answer());
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx).is_pending())).await);
        });
        runtime
    });
    let stands_still = begins.join().unwrap();
    let answer = prober.answer().await;
    assert_eq!(answer.error.as_deref(), Some("the runtime that asked it does not run its tasks"));
    stands_still.shutdown_background();
    assert!(prober.answer().await.ok, "the permit is released with the task that had it");
}

#[tokio::test(start_paused = true)]
async fn a_waiter_takes_over_when_the_runtime_of_the_leader_ends() {
    let count = Arc::new(AtomicU32::new(0));
    let prober = Prober::new(counting(&count), Clock::manual());
    let other = prober.clone();
    let begins = std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(async {
            let mut asked = Box::pin(other.answer());
            assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(asked.as_mut().poll(cx).is_pending())).await);
        });
        runtime
    });
    let ends = begins.join().unwrap();
    let mut waits = Box::pin(prober.answer());
    assert!(std::future::poll_fn(|cx| std::task::Poll::Ready(waits.as_mut().poll(cx).is_pending())).await);
    ends.shutdown_background();
    assert!(waits.await.ok);
    assert_eq!(count.load(Ordering::SeqCst), 1, "the first caller's question was never asked");
}
