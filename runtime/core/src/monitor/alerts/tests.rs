use std::sync::Arc;

use super::*;

fn alerts() -> Alerts {
    Alerts::new(Thresholds::default().set(AlertKind::Memory, Threshold::above(90.0, 85.0).looks(1)))
}

fn memory(value: f64) -> [(AlertKind, Option<Reading>); 1] {
    [(AlertKind::Memory, Some(Reading { value, samples: 1 }))]
}

#[test]
fn what_fires_is_listed_with_its_last_value_and_its_beginning() {
    let alerts = alerts();
    alerts.look("t1", &memory(95.0));
    alerts.look("t2", &memory(97.0));
    let firing = alerts.firing();
    assert_eq!((firing.len(), firing[0].since.as_str(), firing[0].value), (1, "t1", 97.0));
    assert_eq!(firing[0].message, "memory in use is 97 %, an alert from above 90 until below 85");
    alerts.look("t3", &memory(50.0));
    assert!(alerts.firing().is_empty());
    let states: Vec<_> = alerts.recent().into_iter().map(|alert| (alert.state, alert.since)).collect();
    assert_eq!(states, [(AlertState::Firing, "t1".to_owned()), (AlertState::Resolved, "t3".to_owned())]);
}

#[test]
fn only_the_last_changes_are_kept() {
    let alerts = alerts();
    for _ in 0..KEPT {
        alerts.look("t", &memory(95.0));
        alerts.look("t", &memory(5.0));
    }
    assert_eq!(alerts.recent().len(), KEPT);
}

#[tokio::test]
async fn a_subscriber_that_never_looks_holds_up_nobody() {
    let alerts = alerts();
    let (mut quick, mut lazy) = (alerts.subscribe(), alerts.subscribe());
    alerts.look("t", &memory(95.0));
    assert_eq!(quick.next().await.unwrap().state, AlertState::Firing);
    for _ in 0..KEPT {
        alerts.look("t", &memory(5.0));
        alerts.look("t", &memory(95.0));
    }
    assert!(lazy.next().await.is_some(), "it goes on with what is left");
    drop(alerts);
    while quick.next().await.is_some() {}
}

#[tokio::test]
async fn a_callback_that_panics_hears_the_next_one() {
    let alerts = alerts();
    let (sender, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let callback = Arc::new(move |alert: &Alert| {
        sender.send(alert.state).unwrap();
        assert!(alert.state != AlertState::Firing, "as the test wants it");
    });
    let passing = tokio::spawn(pass_on(alerts.subscribe(), callback));
    alerts.look("t", &memory(95.0));
    alerts.look("t", &memory(5.0));
    assert_eq!(inbox.recv().await, Some(AlertState::Firing));
    assert_eq!(inbox.recv().await, Some(AlertState::Resolved));
    drop(alerts);
    passing.await.unwrap();
}

#[test]
fn bounds_that_contradict_each_other_make_no_sense() {
    let with = |threshold| Thresholds::default().set(AlertKind::Memory, threshold).make_sense();
    assert!(Thresholds::default().make_sense());
    assert!(!with(Threshold::above(80.0, 90.0)));
    assert!(!with(Threshold::below(80.0, 70.0)));
    assert!(!with(Threshold::above(f64::NAN, 0.0)));
}
