use std::sync::Arc;

use super::*;

fn alerts() -> Alerts {
    let mut thresholds = Thresholds::default();
    thresholds.set(AlertKind::Memory, Threshold::above(90.0, 85.0).samples(1));
    Alerts::new(thresholds)
}

fn memory(value: f64) -> [(AlertKind, Option<AlertReading>); 1] {
    [(AlertKind::Memory, Some(AlertReading { value, events: 1 }))]
}

#[test]
fn a_firing_alert_is_listed_with_its_last_value_and_its_beginning() {
    let alerts = alerts();
    alerts.update("t1", &memory(95.0));
    alerts.update("t2", &memory(97.0));
    let firing = alerts.firing();
    assert_eq!((firing.len(), firing[0].since.as_str(), firing[0].value), (1, "t1", 97.0));
    assert_eq!(firing[0].message, "memory in use is 97 %: the alert fires above 90 and is resolved below 85");
    alerts.update("t3", &memory(50.0));
    assert!(alerts.firing().is_empty());
    let states: Vec<_> = alerts.recent().into_iter().map(|alert| (alert.firing, alert.since)).collect();
    assert_eq!(states, [(true, "t1".to_owned()), (false, "t3".to_owned())]);
}

#[test]
fn only_the_last_changes_are_kept() {
    let alerts = alerts();
    for _ in 0..HISTORY {
        alerts.update("t", &memory(95.0));
        alerts.update("t", &memory(5.0));
    }
    assert_eq!(alerts.recent().len(), HISTORY);
}

#[tokio::test]
async fn a_subscriber_that_never_reads_blocks_no_other() {
    let alerts = alerts();
    let (mut quick, mut lazy) = (alerts.subscribe(), alerts.subscribe());
    alerts.update("t", &memory(95.0));
    assert!(quick.next().await.unwrap().firing);
    for _ in 0..HISTORY {
        alerts.update("t", &memory(5.0));
        alerts.update("t", &memory(95.0));
    }
    assert!(lazy.next().await.is_some(), "the subscriber goes on with the alerts that are left");
    drop(alerts);
    while quick.next().await.is_some() {}
}

#[tokio::test]
async fn a_callback_that_panics_is_called_for_the_next_alert() {
    let alerts = alerts();
    let (sender, mut inbox) = tokio::sync::mpsc::unbounded_channel();
    let callback = Arc::new(move |alert: &Alert| {
        sender.send(alert.firing).unwrap();
        assert!(!alert.firing, "on purpose");
    });
    let passing = tokio::spawn(run_callback(alerts.subscribe(), callback));
    alerts.update("t", &memory(95.0));
    alerts.update("t", &memory(5.0));
    assert_eq!(inbox.recv().await, Some(true));
    assert_eq!(inbox.recv().await, Some(false));
    drop(alerts);
    passing.await.unwrap();
}

#[test]
fn bounds_that_contradict_each_other_are_invalid() {
    let with = |threshold| {
        let mut thresholds = Thresholds::default();
        thresholds.set(AlertKind::Memory, threshold);
        thresholds.are_valid()
    };
    assert!(Thresholds::default().are_valid());
    assert!(!with(Threshold::above(80.0, 90.0)));
    assert!(!with(Threshold::below(80.0, 70.0)));
    assert!(!with(Threshold::above(f64::NAN, 0.0)));
}
