//! Finds the name that the user probably meant, for "did you mean" in error messages.
//!
//! Invariant: at most a third of the letters of a suggestion differ, as in a typing mistake. Nothing is suggested otherwise, because
//! a wrong guess misleads the user.
//!
//! May use: nothing of this crate.

#[cfg(test)]
mod tests;

/// The candidate nearest to `name`, if one is near enough.
pub(crate) fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(distance, candidate)| *distance <= allowed(name, candidate))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// The text `; did you mean ..?` to append to a message, or nothing if no candidate is near.
pub(crate) fn hint<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(name, candidates).map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}

/// The largest distance at which one name may be meant by the other.
fn allowed(left: &str, right: &str) -> usize {
    (left.chars().count().max(right.chars().count()) / 3).max(1)
}

/// Edit distance in which a swap of two neighbours counts as one (optimal string alignment).
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut rows = vec![vec![0; right.len() + 1]; left.len() + 1];
    rows[0] = (0..=right.len()).collect();
    for row in 1..=left.len() {
        rows[row][0] = row;
        for column in 1..=right.len() {
            let same = left[row - 1] == right[column - 1];
            let mut best = (rows[row - 1][column - 1] + usize::from(!same))
                .min(rows[row - 1][column] + 1)
                .min(rows[row][column - 1] + 1);
            let swapped =
                row > 1 && column > 1 && left[row - 1] == right[column - 2] && left[row - 2] == right[column - 1];
            if swapped {
                best = best.min(rows[row - 2][column - 2] + 1);
            }
            rows[row][column] = best;
        }
    }
    rows[left.len()][right.len()]
}
