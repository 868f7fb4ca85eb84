//! How a length of time is spread: counted in steps of a quarter of a power of two.

use crate::world::Nanos;
use hdrhistogram::Histogram;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// Up to 2^40 ns, 18 minutes; longer ones count as that.
const ROWS: usize = 40 * 4;

/// Steps that a thread counts in its record; most threads of a large crowd never need more.
const FEW: usize = 4;

/// Bits of a word of the few that count; the others say the step, plus one.
const COUNT_BITS: u32 = 24;
const COUNT_MAX: u32 = (1 << COUNT_BITS) - 1;

/// The counting side: a few steps in the thread's record, the others in a row that is made for the first of
/// them. Whoever reads makes a `Spread` of it.
#[derive(Default)]
pub struct Steps {
    few: [AtomicU32; FEW],
    rest: OnceLock<Box<[AtomicU32; ROWS]>>,
}

impl Steps {
    /// One more of this length, by the only writer.
    #[inline]
    pub fn add(&self, ns: Nanos) {
        let ns = ns.clamp(4, (1 << 40) - 1);
        let power = ns.ilog2();
        let row = power as usize * 4 + (ns >> (power - 2) & 3) as usize;
        for word in &self.few {
            let seen = word.load(Relaxed);
            if seen == 0 || seen >> COUNT_BITS == row as u32 + 1 && seen & COUNT_MAX < COUNT_MAX {
                let kept = if seen == 0 { (row as u32 + 1) << COUNT_BITS } else { seen };
                return word.store(kept + 1, Relaxed);
            }
        }
        let rest = self.rest.get_or_init(|| Box::new([const { AtomicU32::new(0) }; ROWS]));
        let count = &rest[row];
        count.store(count.load(Relaxed).saturating_add(1), Relaxed);
    }

    pub fn read(&self) -> Spread {
        let mut all = vec![0u32; ROWS];
        for word in self.few.iter().map(|word| word.load(Relaxed)).filter(|word| *word > 0) {
            all[(word >> COUNT_BITS) as usize - 1] += word & COUNT_MAX;
        }
        for (sum, count) in all.iter_mut().zip(self.rest.get().into_iter().flat_map(|rest| rest.iter())) {
            *sum = sum.saturating_add(count.load(Relaxed));
        }
        all.truncate(all.iter().rposition(|n| *n > 0).map_or(0, |i| i + 1));
        Spread(all)
    }
}

/// How many lengths there were in each step, up to the longest.
#[derive(Clone, Debug, Default)]
pub struct Spread(Vec<u32>);

impl Spread {
    /// Counts by step, and back.
    pub fn rows(&self) -> &[u32] {
        &self.0
    }

    pub fn of_rows(rows: Vec<u32>) -> Spread {
        Spread(rows)
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.0.iter().map(|n| u64::from(*n)).sum()
    }

    /// The end of the last step that has any.
    pub fn top(&self) -> Nanos {
        let last = self.0.iter().rposition(|n| *n > 0);
        last.map_or(0, |row| (5 + (row as u64 & 3)) << (row / 4) >> 2)
    }

    /// The quantiles asked for; 0 where nothing was counted.
    pub fn quantiles<const N: usize>(&self, which: [f64; N]) -> [Nanos; N] {
        let mut histogram = Histogram::<u64>::new(2).expect("two digits are allowed");
        for (row, count) in self.0.iter().enumerate().filter(|(_, count)| **count > 0) {
            // The middle of the step.
            let ns = (9 + 2 * (row as u64 & 3)) << (row / 4) >> 3;
            histogram.record_n(ns, u64::from(*count)).expect("the histogram grows");
        }
        which.map(|q| if histogram.is_empty() { 0 } else { histogram.value_at_quantile(q) })
    }

    pub fn add(&mut self, other: &Spread) {
        self.0.resize(self.0.len().max(other.0.len()), 0);
        self.0.iter_mut().zip(&other.0).for_each(|(mine, theirs)| *mine = mine.saturating_add(*theirs));
    }

    /// What has been counted since `then`.
    pub fn since(&self, then: &Spread) -> Spread {
        let before = then.0.iter().copied().chain(std::iter::repeat(0));
        Spread(self.0.iter().zip(before).map(|(now, then)| now.saturating_sub(then)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::Steps;

    #[test]
    fn steps_are_an_eighth_wide_at_most() {
        let steps = Steps::default();
        for ns in [0, 3, 100, 5_000_000, 1 << 50] {
            steps.add(ns);
        }
        assert_eq!(steps.read().count(), 5, "more than a few");
        let before = steps.read();
        (0..98).for_each(|_| steps.add(1_000_000));
        steps.add(20_000_000);
        let spread = steps.read().since(&before);
        assert_eq!(spread.count(), 99);
        let [p50, p99, all] = spread.quantiles([0.5, 0.98, 1.0]);
        assert!(p50.abs_diff(1_000_000) < 130_000 && p99 == p50, "{p50} {p99}");
        assert!(all.abs_diff(20_000_000) < 2_500_000, "{all}");
        assert!((20_000_000..25_000_000).contains(&spread.top()), "{}", spread.top());
    }
}
