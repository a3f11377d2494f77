use std::task::Waker;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

/// A type that may hold a rejection.
type Anything = String;

#[test]
fn a_rejection_counts_while_it_lives_or_is_lost_in_an_error() {
    let before = mark();
    assert_eq!(before.rejection::<Anything>(), None);
    let id = note(Some(SECOND));
    assert_eq!(before.rejection::<Anything>(), Some(Rejection { retry_after: Some(SECOND) }));
    assert_eq!(before.rejection::<u64>(), None, "a number cannot hold a rejection");
    assert_eq!(mark().rejection::<Anything>(), None, "the rejection was noted before the mark");
    copied(id);
    dropped(id, Some(SECOND));
    assert!(before.rejection::<Anything>().is_some(), "a copy still exists");
    dropped(id.wrapping_add(1), Some(SECOND));
    assert!(before.rejection::<Anything>().is_some(), "another rejection was dropped");
    dropped(id, Some(SECOND));
    assert_eq!(before.rejection::<Anything>(), None);
    converted(id, Some(SECOND), || ());
    assert!(before.rejection::<u64>().is_some(), "lost");
    recover();
    assert_eq!(before.rejection::<u64>(), None);
    let id = note(None);
    converted(id, None, || ());
    recover();
    assert!(before.rejection::<Anything>().is_some(), "a rejection that the error holds is not lost");
    note_again(None);
    assert_eq!(before.rejection::<Anything>(), None);
}

#[test]
fn a_dropped_error_reports_the_rejections_in_it() {
    struct Holds(Option<Duration>);
    impl Drop for Holds {
        fn drop(&mut self) {
            dropped(1, self.0);
        }
    }
    struct Nests;
    impl Drop for Nests {
        fn drop(&mut self) {
            assert_eq!(drop_noting(Holds(Some(SECOND * 9))), Some(SECOND * 9));
        }
    }
    assert_eq!(drop_noting(Holds(Some(SECOND))), Some(SECOND));
    assert_eq!(drop_noting((Holds(Some(SECOND)), Holds(None), Holds(Some(SECOND * 2)))), Some(SECOND * 2));
    assert_eq!(drop_noting((Holds(Some(SECOND)), Nests)), Some(SECOND), "only rejections of this value count");
    assert_eq!(drop_noting(String::new()), None);
    assert_eq!(drop_noting(7), None);
    drop(Holds(Some(SECOND)));
    assert_eq!(drop_noting(String::new()), None, "earlier rejections do not count");
}

#[test]
fn a_rejection_while_a_future_is_made_counts_when_it_is_polled() {
    let mut held = None;
    let mut future = Box::pin(made(|| {
        held = Some(note(Some(SECOND)));
        std::future::ready(String::new())
    }));
    note_again(None);
    let mark = mark();
    assert!(future.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    // The future cannot hold a rejection.
    assert_eq!(mark.rejection::<Anything>().is_some(), needs_drop::<std::future::Ready<String>>());
}
