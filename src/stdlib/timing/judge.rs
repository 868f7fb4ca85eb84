//! Was a duration met? A pure function of figures.
//!
//! Lower bounds are strict: noise only makes things longer. An upper bound that is missed by more than the
//! noise is a failure at once, because trying again would hide a real slowing down; one that would have been
//! met without the noise says nothing about the script.

use crate::world::Nanos;

/// How finely bounds are compared, unless they are exact.
const RESOLUTION_NS: Nanos = 1_000;

/// What was demanded.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    pub least: Option<Nanos>,
    pub most: Option<Nanos>,
    pub exact: bool,
}

/// How much of the time the operating system may have taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Noise {
    /// Simulation has none; elsewhere what the kernel tells.
    Known(Nanos),
    /// The kernel does not tell. `busy`: a fixed piece of work took more than a fifth longer than its CPU time.
    Unknown { busy: bool },
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Judgement {
    Met,
    TooShort,
    TooLong,
    Inconclusive,
}

pub fn judge(bounds: Bounds, took: Nanos, noise: Noise) -> Judgement {
    let slack = if bounds.exact { 0 } else { RESOLUTION_NS };
    if bounds.least.is_some_and(|least| took.saturating_add(slack) < least) {
        return Judgement::TooShort;
    }
    let Some(most) = bounds.most.map(|most| most.saturating_add(slack)) else { return Judgement::Met };
    if took <= most {
        return Judgement::Met;
    }
    match noise {
        Noise::Known(noise) if took.saturating_sub(noise) <= most => Judgement::Inconclusive,
        Noise::Unknown { busy: true } => Judgement::Inconclusive,
        Noise::Known(_) | Noise::Unknown { busy: false } => Judgement::TooLong,
    }
}

/// What the region's own thread may have lost: its own waiting for a core, and that of others as far as it
/// waited for them (for the lock, or for what another thread must do). An upper bound: what others lost
/// while this thread slept or computed cannot have delayed it.
///
/// `turn` is the longest that a thread waited for the lock. A thread that is kept from a core for a switch
/// interval may lose its place, and then the order of turns is not the script's any more: a few milliseconds
/// lost can cost a whole turn of a native that keeps the lock. So from there on one turn counts as well.
pub fn noise(own: Nanos, others: Nanos, waited_for_others: Nanos, interval: Nanos, turn: Nanos) -> Nanos {
    let turn = if own.saturating_add(others) >= interval { turn } else { 0 };
    own.saturating_add(others.saturating_add(turn).min(waited_for_others))
}

#[cfg(test)]
mod tests {
    use super::{Bounds, Judgement::*, Noise, judge, noise};

    const MS: u64 = 1_000_000;

    fn between(least: u64, most: u64) -> Bounds {
        Bounds { least: Some(least * MS), most: Some(most * MS), exact: false }
    }

    #[test]
    fn verdicts() {
        let quiet = Noise::Known(0);
        let b = between(95, 105);
        assert_eq!(judge(b, 100 * MS, quiet), Met);
        assert_eq!(judge(b, 95 * MS, quiet), Met);
        assert_eq!(judge(b, 94 * MS, quiet), TooShort);
        assert_eq!(judge(b, 106 * MS, quiet), TooLong);
        assert_eq!(judge(b, 130 * MS, Noise::Known(24 * MS)), TooLong);
        assert_eq!(judge(b, 130 * MS, Noise::Known(25 * MS)), Inconclusive);
        // Noise never excuses what is too short, and a met bound needs no excuse.
        assert_eq!(judge(b, 94 * MS, Noise::Known(50 * MS)), TooShort);
        assert_eq!(judge(b, 100 * MS, Noise::Known(50 * MS)), Met);
        assert_eq!(judge(b, 130 * MS, Noise::Unknown { busy: true }), Inconclusive);
        assert_eq!(judge(b, 130 * MS, Noise::Unknown { busy: false }), TooLong);
    }

    #[test]
    fn one_sided_and_exact() {
        let quiet = Noise::Known(0);
        let least = Bounds { least: Some(MS), most: None, exact: false };
        assert_eq!(judge(least, u64::MAX, quiet), Met);
        assert_eq!(judge(least, MS - 1_000, quiet), Met);
        assert_eq!(judge(least, MS - 1_001, quiet), TooShort);
        let exact = Bounds { least: Some(MS), most: Some(MS), exact: true };
        assert_eq!(judge(exact, MS, quiet), Met);
        assert_eq!(judge(exact, MS + 1, quiet), TooLong);
        assert_eq!(judge(exact, MS - 1, quiet), TooShort);
    }

    #[test]
    fn what_others_lost_counts_as_far_as_they_were_waited_for() {
        assert_eq!(noise(3, 100, 0, 500, 0), 3);
        assert_eq!(noise(3, 100, 40, 500, 0), 43);
        assert_eq!(noise(0, 10, 40, 500, 0), 10);
        // A whole turn more once an interval was lost, but never more than was waited.
        assert_eq!(noise(0, 10, 40, 11, 20), 10);
        assert_eq!(noise(0, 10, 40, 10, 20), 30);
        assert_eq!(noise(5, 10, 40, 10, 90), 45);
    }
}
