//! Order statistics of a few figures. Medians and quartiles, because timings have a long upper tail and a
//! sweep has few runs: one disturbed run must not move the row.

/// What is said of several runs.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Summary {
    pub runs: usize,
    pub median: f64,
    /// First and third quartile.
    pub q1: f64,
    pub q3: f64,
    pub min: f64,
    pub max: f64,
}

impl Summary {
    /// `None` of no values. The values are finite.
    pub fn of(values: &[f64]) -> Option<Summary> {
        let mut sorted = values.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (min, max) = (*sorted.first()?, *sorted.last()?);
        let at = |share| quantile(&sorted, share);
        Some(Summary { runs: sorted.len(), median: at(0.5), q1: at(0.25), q3: at(0.75), min, max })
    }

    /// Half the distance between the quartiles: what stands after ±.
    pub fn spread(&self) -> f64 {
        (self.q3 - self.q1) / 2.0
    }

    /// The middle halves of both have a value in common, so the medians do not tell them apart.
    pub fn overlaps(&self, other: &Summary) -> bool {
        self.q1 <= other.q3 && other.q1 <= self.q3
    }
}

/// The value below which `share` of a sorted, non-empty row lies, between two values in proportion
/// (type 7 of Hyndman and Fan, the one that R and NumPy use).
pub fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let below = place.floor() as usize;
    let above = (below + 1).min(sorted.len() - 1);
    sorted[below] + (sorted[above] - sorted[below]) * (place - below as f64)
}

#[cfg(test)]
mod tests {
    use super::Summary;

    #[test]
    fn quartiles_are_those_of_numpy() {
        // numpy.percentile(v, [25, 50, 75])
        for (values, [q1, median, q3]) in [
            (&[7.0][..], [7.0, 7.0, 7.0]),
            (&[2.0, 1.0], [1.25, 1.5, 1.75]),
            (&[3.0, 1.0, 2.0], [1.5, 2.0, 2.5]),
            (&[4.0, 1.0, 3.0, 2.0], [1.75, 2.5, 3.25]),
            (&[5.0, 1.0, 100.0, 2.0, 4.0], [2.0, 4.0, 5.0]),
        ] {
            let s = Summary::of(values).unwrap();
            assert_eq!((s.q1, s.median, s.q3), (q1, median, q3), "{values:?}");
            assert_eq!(s.runs, values.len());
        }
        let s = Summary::of(&[5.0, 1.0, 100.0, 2.0, 4.0]).unwrap();
        assert_eq!((s.min, s.max, s.spread()), (1.0, 100.0, 1.5));
        assert_eq!(Summary::of(&[]), None);
    }

    #[test]
    fn what_overlaps_is_not_told_apart() {
        let of = |v: &[f64]| Summary::of(v).unwrap();
        assert!(of(&[1.0, 2.0, 3.0]).overlaps(&of(&[2.0, 3.0, 4.0])));
        assert!(!of(&[1.0, 1.1, 1.2]).overlaps(&of(&[2.0, 2.1, 2.2])));
        assert!(of(&[1.0]).overlaps(&of(&[1.0])) && !of(&[1.0]).overlaps(&of(&[1.5])));
    }
}
