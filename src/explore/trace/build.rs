//! A recording becomes a timeline.

use super::{Instant, Kind, Process, Slice, State, Timeline, Track};
use crate::gil::stats::Cause;
use crate::trace::{Event, PlaceIx, Recording, Spot, TextIx};
use crate::world::{Nanos, WaitKind};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A holder that needs longer than this to let go after it was asked was in something without safe points.
const STUCK_NS: Nanos = 100_000;

/// The timeline of a run of `script`.
pub fn timeline(recording: &Recording, script: &str, simulated: bool) -> Timeline {
    let first = recording.threads.iter().filter_map(|t| t.events.first()).map(|(at, _)| *at);
    let start = recording.processes.iter().map(|p| p.born).chain(first).min().unwrap_or(0);
    let mut processes: Vec<Process> = recording.processes.iter().map(process).collect();
    let pids: Vec<u32> = processes.iter().map(|p| p.pid).collect();
    for process in processes.iter_mut().filter(|p| !pids.contains(&p.parent)) {
        process.parent = 0;
    }
    let build = Build { recording, start };
    // Requests that the lock's log has: the threads that it numbers are of the run's first recorder.
    let mut requests: BTreeMap<u32, Vec<(Nanos, Event)>> = BTreeMap::new();
    for (at, event) in &recording.requests {
        if let Event::Requested { holder, .. } = event {
            requests.entry(*holder).or_default().push((*at, *event));
        }
    }
    let mut ends = vec![0; processes.len()];
    for thread in &recording.threads {
        let Some(process) = processes.get_mut(thread.process as usize) else { continue };
        let mut events = thread.events.clone();
        // A thread number stands for a thread of the first recorder where it occurs first.
        events.extend(requests.remove(&thread.thread).unwrap_or_default());
        events.sort_by_key(|(at, _)| *at);
        let end = events.last().map_or(0, |(at, _)| *at);
        ends[thread.process as usize] = end.max(ends[thread.process as usize]);
        process.tracks.push(build.track(thread, &events));
    }
    for (process, end) in processes.iter_mut().zip(&ends) {
        // What was going on when the last thing was recorded of a child went on till then; of the first
        // process, till the end.
        let end = if process.parent == 0 { recording.end } else { *end };
        for slice in process.tracks.iter_mut().filter_map(|t| t.slices.last_mut()) {
            slice.to = if slice.to == Nanos::MAX { end.saturating_sub(start).max(slice.from) } else { slice.to };
        }
        process.tracks.iter_mut().for_each(|t| t.slices.retain(|s| s.to > s.from));
        process.find_holds();
    }
    Timeline { script: script.to_string(), simulated, end: recording.end.saturating_sub(start), processes }
}

fn process(p: &crate::trace::recording::Process) -> Process {
    Process {
        pid: p.pid,
        parent: p.parent,
        name: p.name.clone(),
        policy: p.policy.clone(),
        interval_us: p.interval_us,
        ..Process::default()
    }
}

struct Build<'a> {
    recording: &'a Recording,
    start: Nanos,
}

impl Build<'_> {
    fn place(&self, at: PlaceIx) -> Option<Spot> {
        self.recording.places.get((at.0 as usize).checked_sub(1)?).cloned()
    }

    fn text(&self, at: TextIx) -> Arc<str> {
        let text = (at.0 as usize).checked_sub(1).and_then(|at| self.recording.texts.get(at));
        text.cloned().unwrap_or_else(|| "".into())
    }

    /// The slices of a thread; the last one is open (`Nanos::MAX`) unless the thread has ended.
    fn track(&self, thread: &crate::trace::recording::Thread, events: &[(Nanos, Event)]) -> Track {
        let mut track =
            Track { ident: thread.thread + 1, name: thread.name.clone(), dropped: thread.dropped, ..Track::default() };
        let mut now = Now { cause: "start".into(), callee: "".into(), asked: None };
        for (at, event) in events {
            let at = at.saturating_sub(self.start);
            if let Some((kind, text, place)) = self.instant(thread.process, event) {
                if kind == Kind::Request {
                    now.asked = now.asked.or(Some(at));
                }
                track.instants.push(Instant { at, kind, text, place });
                continue;
            }
            match *event {
                Event::Suspended { cause, what, place } => {
                    now.cause = Cause::WORDS.get(cause as usize).copied().unwrap_or("?").into();
                    now.callee = self.text(what);
                    // A place of its own for what ran until here.
                    if let Some(last) = track.slices.last_mut() {
                        last.place = last.place.take().or_else(|| self.place(place));
                    }
                    continue;
                }
                Event::Exited {} => {
                    close(&mut track.slices, at, &mut now, "exit".into());
                    continue;
                }
                // Said twice where a policy does not give a place at once.
                Event::Ready { .. }
                    if track.slices.last().is_some_and(|s| s.to == Nanos::MAX && s.state == State::Ready) =>
                {
                    continue;
                }
                _ => {}
            }
            let Some((state, what, place, gave)) = self.begins(event, &mut now) else { continue };
            if let Some(last) = track.slices.last_mut().filter(|s| s.state == State::Running && s.place.is_none()) {
                last.place = place.clone();
            }
            close(&mut track.slices, at, &mut now, gave);
            track.slices.push(Slice { from: at, to: Nanos::MAX, state, what, place, cause: "".into() });
        }
        track
    }

    /// What begins with an event, if anything does.
    fn begins(&self, event: &Event, now: &mut Now) -> Option<Begins> {
        let block = || Arc::from("block");
        Some(match *event {
            Event::Started {} => (State::Starting, "".into(), None, "".into()),
            Event::Ready { place } => {
                let why = std::mem::replace(&mut now.cause, "wake".into());
                (State::Ready, why.clone(), self.place(place), why)
            }
            Event::Resumed {} => (State::Running, "".into(), None, "".into()),
            Event::Holding { what, place } => (State::Holding, self.text(what), self.place(place), "".into()),
            Event::Outside { what, place } => (State::Outside, self.text(what), self.place(place), block()),
            Event::Blocked { wait, what, place } => {
                let word = WaitKind::ALL.get(wait as usize).map_or("?", |k| k.word());
                let name = self.text(what);
                let what = if name.is_empty() { word.into() } else { format!("{word} {name}").into() };
                (State::Blocked, what, self.place(place), block())
            }
            _ => return None,
        })
    }

    /// What an event is that takes no time.
    fn instant(&self, process: u32, event: &Event) -> Option<(Kind, Arc<str>, Option<Spot>)> {
        Some(match *event {
            Event::Requested { by, .. } => (Kind::Request, self.asker(process, by), None),
            Event::Marked { text, place } => (Kind::Mark, self.text(text), self.place(place)),
            Event::Failed {} => (Kind::Failed, "".into(), None),
            Event::HeldBack {} => (Kind::HeldBack, "".into(), None),
            _ => return None,
        })
    }

    /// The name of the thread with number `by` less one.
    fn asker(&self, process: u32, by: u32) -> Arc<str> {
        let of = |t: &&crate::trace::recording::Thread| t.process == process && Some(t.thread) == by.checked_sub(1);
        self.recording.threads.iter().find(of).map_or("".into(), |t| t.name.as_str().into())
    }
}

/// A state, in what, where, and why the thread has the lock no more.
type Begins = (State, Arc<str>, Option<Spot>, Arc<str>);

/// What is known of a thread between two events.
struct Now {
    /// Why it is about to be ready.
    cause: Arc<str>,
    /// What it called when it let go.
    callee: Arc<str>,
    /// Since when it has been asked to let go.
    asked: Option<Nanos>,
}

/// Ends the last slice. A thread that ran and was asked for the lock long before it let go, after a call, was in
/// that call: the rest of its slice is holding.
fn close(slices: &mut Vec<Slice>, at: Nanos, now: &mut Now, cause: Arc<str>) {
    let callee = std::mem::replace(&mut now.callee, "".into());
    // A request stands until the lock is given up.
    let asked = if cause.is_empty() { now.asked } else { now.asked.take() };
    if slices.last().is_some_and(|s| s.to == Nanos::MAX && s.from == at) {
        // It lasted no time; if it was the end of a hold, what was before it was.
        let gone = slices.pop();
        if let Some(before) = slices.last_mut().filter(|s| s.to == at && s.state.has_lock())
            && !cause.is_empty()
            && gone.is_some_and(|s| s.state.has_lock())
        {
            before.cause = cause;
        }
        return;
    }
    let Some(last) = slices.last_mut().filter(|s| s.to == Nanos::MAX) else { return };
    last.to = at;
    if last.state.has_lock() {
        last.cause.clone_from(&cause);
    }
    if let Some(asked) = asked
        && last.state == State::Running
        && !callee.is_empty()
        && asked > last.from
        && at.saturating_sub(asked) > STUCK_NS
    {
        last.to = asked;
        last.cause = "".into();
        let place = last.place.clone();
        slices.push(Slice { from: asked, to: at, state: State::Holding, what: callee, place, cause });
    }
}
