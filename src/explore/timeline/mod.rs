//! A timeline, shown: as text for a terminal, as SVG, as one HTML file, and as sentences about the longest waits.
//!
//! All show the same rows (`rows`): for each process the lock, then its threads. Two timelines are shown one
//! under the other with the same scale, so that equal lengths are equal times.
//!
//! V1 A cell of a terminal shows what took most of its time; a picture shows every slice that is wide enough
//!    to be seen, and what is narrower merges with its neighbours of the same state.
//! V2 Text fits the width that it is given; without a terminal that is 80 columns.
//! V3 An HTML file loads nothing: styles, script and data are in it.
//!
//! Not here: the data (`explore/trace`), flags and files (`cli/timeline.rs`).

mod html;
mod svg;
mod text;
mod why;

pub use html::html;
pub use svg::svg;
pub use text::{Style, text};
pub use why::why;

use crate::explore::trace::{Process, Timeline, Track};
use crate::gil::policy;
use crate::world::Nanos;

/// Threads of a process that are shown; of more, those that waited longest for the lock.
pub const TRACKS_MAX: usize = 24;

/// The threads of a process that are shown, in order of creation, and how many are not.
fn shown(process: &Process) -> (Vec<usize>, usize) {
    use crate::explore::trace::State;
    let mut order: Vec<usize> = (0..process.tracks.len()).collect();
    let waited = |t: &Track| t.slices.iter().filter(|s| s.state == State::Ready).map(|s| s.to - s.from).sum::<Nanos>();
    order.sort_by_key(|t| (*t > 0, std::cmp::Reverse(waited(&process.tracks[*t]))));
    let hidden = order.len().saturating_sub(TRACKS_MAX);
    order.truncate(TRACKS_MAX);
    order.sort_unstable();
    (order, hidden)
}

/// What stands over a timeline.
fn heading(t: &Timeline) -> String {
    let world = if t.simulated { "virtual" } else { "real" };
    let count = |n: usize, one: &str, more: &str| format!("{n} {}", if n == 1 { one } else { more });
    let threads = count(t.tracks().count(), "thread", "threads");
    let processes = match t.processes.len() {
        1 => String::new(),
        n => format!(" in {n} processes"),
    };
    let policy = t.processes.first().map_or(String::new(), |p| match p.policy.as_str() {
        "off" => ", no lock".to_string(),
        policy => format!(", policy {policy}, interval {}", interval(p)),
    });
    format!("{}: {} of {world} time, {threads}{processes}{policy}", t.script, length(t.end))
}

/// The slice of a process's lock, in the unit of its policy.
fn interval(p: &Process) -> String {
    match policy::find(&p.policy).map(|row| row.unit) {
        Some(policy::Unit::Checks(_)) => format!("{} checks", p.interval_us),
        _ => crate::engine::config::interval_text(p.interval_us),
    }
}

/// A process's heading; none if it is the only one.
fn process_heading(t: &Timeline, p: &Process) -> Option<String> {
    let name = if p.name.is_empty() { "main process" } else { &p.name };
    (t.processes.len() > 1).then(|| format!("{name} ({})", p.pid))
}

/// A length of time with three digits and its unit.
pub fn length(ns: Nanos) -> String {
    let (unit, name) = match ns {
        0 => return "0 s".to_string(),
        1..1_000 => return format!("{ns} ns"),
        1_000..1_000_000 => (1e3, "us"),
        1_000_000..1_000_000_000 => (1e6, "ms"),
        _ => (1e9, "s"),
    };
    let n = ns as f64 / unit;
    let decimals = if n < 10.0 {
        2
    } else if n < 100.0 {
        1
    } else {
        0
    };
    format!("{n:.decimals$} {name}")
}

/// Moments for a scale: at most `count` steps of 1, 2 or 5 times a power of ten up to `end`, and the text of each.
fn ticks(end: Nanos, count: usize) -> Vec<(Nanos, String)> {
    let least = (end / count.max(1) as u64).max(1);
    let power = 10u64.pow(least.ilog10());
    let step = [1, 2, 5, 10].into_iter().map(|n| n * power).find(|s| *s >= least).unwrap_or(10 * power);
    let (unit, name) = match step {
        0..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "us"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => (1_000_000_000, "s"),
    };
    // Whole seconds are easier to read than a thousand milliseconds.
    let (unit, name) = if name == "ms" && end >= 1_000_000_000 { (1_000_000_000, "s") } else { (unit, name) };
    let text = |at: Nanos| {
        let n = at as f64 / unit as f64;
        let decimals = if step % unit == 0 { 0 } else { (unit / step).max(2).ilog10() as usize + 1 };
        if at == 0 { format!("0 {name}") } else { format!("{n:.*}", decimals.min(3)) }
    };
    (0..=end / step).map(|i| (i * step, text(i * step))).collect()
}

#[cfg(test)]
mod tests {
    use super::{length, ticks};

    #[test]
    fn lengths_have_three_digits() {
        for (ns, text) in [
            (0, "0 s"),
            (999, "999 ns"),
            (1_500, "1.50 us"),
            (12_345_678, "12.3 ms"),
            (7_000_000_000, "7.00 s"),
            (123_456_789_000, "123 s"),
        ] {
            assert_eq!(length(ns), text);
        }
    }

    #[test]
    fn scales_have_round_steps() {
        let texts = |end, count| ticks(end, count).into_iter().map(|(_, t)| t).collect::<Vec<_>>();
        assert_eq!(texts(7_000_000_000, 7), ["0 s", "1", "2", "3", "4", "5", "6", "7"]);
        assert_eq!(texts(1_000_000_000, 4), ["0 s", "0.5", "1.0"]);
        assert_eq!(texts(30_000_000, 3), ["0 ms", "10", "20", "30"]);
        assert_eq!(texts(700, 3), ["0 ns", "500"]);
        assert_eq!(texts(0, 3), ["0 ns"]);
    }
}
