//! Times of the cases of a suite, by round, and the ratios between them.

/// Nanoseconds per call, by case and round.
#[derive(Clone, Debug)]
pub struct Times {
    names: Vec<&'static str>,
    nanos: Vec<Vec<f64>>,
}

/// A median and the quartiles around it.
#[derive(Clone, Copy, Debug)]
pub struct Spread {
    /// A quarter of the rounds is below.
    pub low: f64,
    /// The median.
    pub median: f64,
    /// A quarter of the rounds is above.
    pub high: f64,
}

impl Times {
    /// The names of the cases, and for each of them the nanoseconds per call of all rounds.
    pub fn new(names: Vec<&'static str>, nanos: Vec<Vec<f64>>) -> Self {
        Self { names, nanos }
    }

    /// The names of the cases, as they were given.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// Nanoseconds per call.
    ///
    /// # Panics
    ///
    /// If no case has this name.
    pub fn nanos(&self, name: &str) -> Spread {
        Spread::of(self.nanos[self.index(name)].clone())
    }

    /// A case's time as a multiple of another's, formed round by round.
    ///
    /// # Panics
    ///
    /// If no case has one of these names.
    pub fn ratio(&self, name: &str, of: &str) -> Spread {
        let (own, other) = (&self.nanos[self.index(name)], &self.nanos[self.index(of)]);
        Spread::of(own.iter().zip(other).map(|(own, other)| own / other).collect())
    }

    pub(crate) fn index(&self, name: &str) -> usize {
        let place = self.names.iter().position(|own| *own == name);
        place.unwrap_or_else(|| panic!("no case is called {name:?}"))
    }
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: f64| values[((values.len() - 1) as f64 * share).round() as usize];
        Self { low: at(0.25), median: at(0.5), high: at(0.75) }
    }
}
