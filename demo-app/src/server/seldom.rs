//! Log lines for events that may come a thousand times a second: one line a second, with how many were left out.

use std::time::Duration;

use tokio::time::Instant;

/// The time between two lines.
const EVERY: Duration = Duration::from_secs(1);

/// Rhythm of one kind of line.
#[derive(Debug, Default)]
pub(super) struct Seldom {
    due: Option<Instant>,
    left_out: u64,
}

impl Seldom {
    /// Takes note of an event; if it is to be logged, tells how many before it were not.
    pub(super) fn note(&mut self, now: Instant) -> Option<u64> {
        if self.due.is_some_and(|due| now < due) {
            self.left_out += 1;
            return None;
        }
        self.due = Some(now + EVERY);
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_a_second_and_how_many_are_missing() {
        let (start, mut seldom) = (Instant::now(), Seldom::default());
        let mut at = |millis| seldom.note(start + Duration::from_millis(millis));
        assert_eq!([0, 1, 999, 1_000, 1_500, 2_000].map(&mut at), [Some(0), None, None, Some(2), None, Some(1)]);
        assert_eq!(at(60_000), Some(0));
    }
}
