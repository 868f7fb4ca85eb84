//! The longest waits for the lock, a sentence each: who waited, who had it, in what, why it did not let go.

use super::length;
use crate::explore::trace::{Hold, Kind, Process, Slice, State, Timeline, Track};
use crate::trace::Spot;
use crate::world::Nanos;
use std::fmt::Write;

/// Shorter waits are the cost of a hand-over, not worth a sentence.
const WAIT_NS_MIN: Nanos = 1_000;

/// Sentences about the `count` longest waits of all.
pub fn why(t: &Timeline, count: usize, width: usize) -> String {
    // Without a lock who is ready waits for a core.
    let waits = t.tracks().filter(|(p, _)| p.policy != "off").flat_map(|(p, track)| {
        let ready = track.slices.iter().filter(|s| s.state == State::Ready && s.to - s.from >= WAIT_NS_MIN);
        ready.map(move |s| (p, track, s))
    });
    let mut waits: Vec<(&Process, &Track, &Slice)> = waits.collect();
    waits.sort_by_key(|(_, track, s)| (std::cmp::Reverse(s.to - s.from), s.from, track.ident));
    if waits.is_empty() {
        return "No thread waited for the lock.\n".to_string();
    }
    let total: Nanos = waits.iter().map(|(_, _, s)| s.to - s.from).sum();
    let n = waits.len();
    let (all, shown) = (format!("{n} wait{} for the lock", if n == 1 { "" } else { "s" }), count.min(n));
    let mut text = format!("{all}, {} in all", length(total));
    let _ = match shown {
        1 if n == 1 => writeln!(text, "."),
        _ => writeln!(text, "; the longest {shown}:"),
    };
    for (n, (process, track, wait)) in waits.into_iter().take(count).enumerate() {
        let of = if t.processes.len() > 1 { format!(" of process {}", process.pid) } else { String::new() };
        let _ = write!(text, "\n{:>2}. ", n + 1);
        wrap(&mut text, &sentence(process, track, wait, &of), width);
    }
    text
}

/// Breaks lines at `width`; all but the first begin with four blanks.
fn wrap(text: &mut String, sentences: &str, width: usize) {
    for (n, line) in sentences.lines().enumerate() {
        let mut used = 4;
        if n > 0 {
            text.push_str("    ");
        }
        for (i, word) in line.split_whitespace().enumerate() {
            let length = word.chars().count();
            if i > 0 && used + 1 + length > width {
                text.push_str("\n    ");
                used = 4;
            } else if i > 0 {
                text.push(' ');
                used += 1;
            }
            text.push_str(word);
            used += length;
        }
        text.push('\n');
    }
}

fn at(place: Option<&Spot>) -> String {
    match place {
        None => String::new(),
        Some(p) if p.function.is_empty() || &*p.function == "<module>" => format!(" at line {}", p.line),
        Some(p) => format!(" at line {} in {}()", p.line, p.function),
    }
}

fn sentence(process: &Process, track: &Track, wait: &Slice, of: &str) -> String {
    let after = match &*wait.what {
        "start" => "before it could begin",
        "request" => "after it had to let go",
        "yield" => "after it had yielded",
        _ => "after it woke up",
    };
    let begins = format!(
        "{}{of} waited {} for the lock{} {after}, from {} on",
        track.name,
        length(wait.to - wait.from),
        at(wait.place.as_ref()),
        length(wait.from)
    );
    // Who had the lock meanwhile, longest first.
    let overlap = |h: &Hold| h.to.min(wait.to).saturating_sub(h.from.max(wait.from));
    let mut holds: Vec<&Hold> = process.holds.iter().filter(|h| overlap(h) > 0).collect();
    holds.sort_by_key(|h| (std::cmp::Reverse(overlap(h)), h.from));
    let Some(longest) = holds.first() else {
        return format!("{begins}:\nnobody held it; the time went into waking up.");
    };
    let mut text = format!("{begins}:\n{}", held(process, wait, longest));
    let mut others: Vec<(usize, Nanos, usize)> = Vec::new();
    for hold in &holds[1..] {
        match others.iter_mut().find(|(track, ..)| *track == hold.track) {
            Some((_, ns, times)) => (*ns, *times) = (*ns + overlap(hold), *times + 1),
            None => others.push((hold.track, overlap(hold), 1)),
        }
    }
    for (track, ns, times) in others.into_iter().take(3) {
        let again = if track == longest.track { "had it again" } else { "had it" };
        let times = if times == 1 { String::new() } else { format!(", {times} times") };
        let _ = write!(text, "\n{} {again} for {}{times} of this.", process.tracks[track].name, length(ns));
    }
    text
}

/// What the holder did while the other waited, and why it did not let go.
fn held(process: &Process, wait: &Slice, hold: &Hold) -> String {
    let holder = &process.tracks[hold.track];
    let overlap = |s: &Slice| s.to.min(wait.to).saturating_sub(s.from.max(wait.from));
    let within = |s: &&Slice| s.from >= hold.from && s.to <= hold.to && s.state.has_lock();
    let slices = holder.slices.iter().filter(within);
    let Some(longest) = slices.max_by_key(|s| overlap(s)) else { return String::new() };
    let name = &holder.name;
    let requests = holder.instants.iter().filter(|i| i.kind == Kind::Request);
    let asked = requests.map(|i| i.at).find(|at| *at >= hold.from.max(wait.from) && *at <= hold.to);
    let held = length(hold.to - hold.from);
    let place = at(longest.place.as_ref());
    let covers = overlap(longest) * 2 > hold.to.min(wait.to) - hold.from.max(wait.from);
    if longest.state == State::Holding && covers {
        let native = if longest.what.is_empty() { "a native function" } else { &longest.what };
        let length_of = |ns: Nanos| if length(ns) == held { "all".to_string() } else { length(ns) };
        let mut text = format!(
            "{name} held it for {held}, {} of that in {native}{place}, which keeps the lock while it works",
            length_of(longest.to - longest.from)
        );
        let _ = match asked {
            Some(at) if at < longest.to => write!(
                text,
                "; it was asked after {} and could let go only when the call was over, {} later.",
                length(at - hold.from.max(wait.from)),
                length(longest.to - at)
            ),
            _ => write!(text, ", and there is no safe point in it."),
        };
        return text;
    }
    let mut text = format!(
        "{name} held it for {held}, {} up to{}",
        if longest.state == State::Holding {
            format!("running script code and {}", longest.what)
        } else {
            "running script code".to_string()
        },
        if place.is_empty() { " its end" } else { place.trim_start_matches(" at") }
    );
    let interval = super::interval(process);
    let _ = match (asked, &*hold.cause) {
        (Some(at), "request") => write!(
            text,
            "; it was asked after {} (the interval is {interval}) and let go {}, at its next safe point.",
            length(at - hold.from.max(wait.from)),
            if hold.to == at { "at once".to_string() } else { format!("{} later", length(hold.to - at)) }
        ),
        (Some(at), cause) => write!(
            text,
            "; it was asked after {} and let go {} later, when it {}.",
            length(at - hold.from.max(wait.from)),
            length(hold.to - at),
            ended(cause)
        ),
        (None, "request") => write!(text, "; it had been asked before, for another thread."),
        (None, cause) => {
            write!(text, "; nobody asked it within the interval of {interval}; it let go when it {}.", ended(cause))
        }
    };
    text
}

fn ended(cause: &str) -> &'static str {
    match cause {
        "yield" => "yielded",
        "exit" => "ended",
        _ => "had to wait itself",
    }
}
