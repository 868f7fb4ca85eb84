//! A timeline as Chrome trace events, written piece by piece.

use super::{Instant, Process, Slice, Timeline, Track};
use crate::trace::Spot;
use crate::world::Nanos;
use serde_json::{Map, Value as Json, json};
use std::io;

/// The track of the lock, before those of the threads, whose numbers begin with 1.
pub const LOCK: u32 = 0;

/// Where the text goes.
type Sink<'a> = &'a mut dyn FnMut(&[u8]) -> io::Result<()>;

/// Writes the whole file.
pub fn write(timeline: &Timeline, sink: Sink) -> io::Result<()> {
    let about = json!({
        "kit": env!("CARGO_PKG_VERSION"),
        "script": timeline.script,
        "simulated": timeline.simulated,
        "end": micros(timeline.end),
        "dropped": timeline.dropped(),
    });
    sink(format!("{{\"displayTimeUnit\":\"ms\",\"otherData\":{about},\"traceEvents\":[\n").as_bytes())?;
    let mut out = Out { sink, first: true, flows: 0 };
    for process in &timeline.processes {
        out.process(process)?;
    }
    (out.sink)(b"\n]}\n")
}

/// Microseconds with three decimals, as the format wants them; no float is rounded on the way.
fn micros(ns: Nanos) -> Json {
    let text = format!("{}.{:03}", ns / 1000, ns % 1000);
    serde_json::from_str(&text).unwrap_or(Json::Null)
}

struct Out<'a> {
    sink: Sink<'a>,
    first: bool,
    flows: u64,
}

impl Out<'_> {
    fn event(&mut self, event: &Json) -> io::Result<()> {
        let comma = if std::mem::take(&mut self.first) { "" } else { ",\n" };
        (self.sink)(format!("{comma}{event}").as_bytes())
    }

    fn process(&mut self, p: &Process) -> io::Result<()> {
        let name = if p.name.is_empty() { "main process" } else { &p.name };
        let about = json!({
            "name": format!("{name} ({})", p.pid), "kit_name": p.name, "parent": p.parent, "policy": p.policy,
            "interval_us": p.interval_us,
        });
        self.event(&json!({ "ph": "M", "name": "process_name", "pid": p.pid, "tid": 0, "args": about }))?;
        self.names(p.pid, LOCK, "the lock", 0)?;
        for track in &p.tracks {
            self.names(p.pid, track.ident, &track.name, track.dropped)?;
        }
        for hold in &p.holds {
            let holder = &p.tracks[hold.track];
            self.event(&json!({
                "ph": "X", "cat": "lock", "name": holder.name, "pid": p.pid, "tid": LOCK,
                "ts": micros(hold.from), "dur": micros(hold.to - hold.from),
                "args": { "holder": holder.ident, "let go": &*hold.cause },
            }))?;
        }
        for track in &p.tracks {
            for slice in &track.slices {
                self.event(&slice_json(p, track, slice))?;
            }
            for instant in &track.instants {
                self.event(&instant_json(p, track, instant))?;
            }
        }
        for (at, count) in p.waiters() {
            self.event(&json!({
                "ph": "C", "name": "waiters", "pid": p.pid, "ts": micros(at), "args": { "waiting": count },
            }))?;
        }
        self.arrows(p)
    }

    fn names(&mut self, pid: u32, tid: u32, name: &str, dropped: u64) -> io::Result<()> {
        let mut args = json!({ "name": name });
        if dropped > 0 {
            args["dropped"] = dropped.into();
        }
        self.event(&json!({ "ph": "M", "name": "thread_name", "pid": pid, "tid": tid, "args": args }))?;
        let order = json!({ "sort_index": tid });
        self.event(&json!({ "ph": "M", "name": "thread_sort_index", "pid": pid, "tid": tid, "args": order }))
    }

    /// From each release to the grant that it made possible, if the next holder waited for it.
    fn arrows(&mut self, p: &Process) -> io::Result<()> {
        for pair in p.holds.windows(2) {
            let (from, to) = (&pair[0], &pair[1]);
            let waited = p.tracks[to.track]
                .slices
                .iter()
                .any(|s| s.state == super::State::Ready && s.from <= from.to && s.to == to.from);
            if from.track == to.track || !waited {
                continue;
            }
            self.flows += 1;
            // Inside the slices that they join, or a viewer binds them to the next ones.
            let ends = [("s", from.track, from.to - 1), ("f", to.track, to.from)];
            for (ph, track, at) in ends {
                let mut arrow = json!({
                    "ph": ph, "cat": "hand-over", "name": "hand-over", "id": self.flows, "pid": p.pid,
                    "tid": p.tracks[track].ident, "ts": micros(at),
                });
                if ph == "f" {
                    arrow["bp"] = "e".into();
                }
                self.event(&arrow)?;
            }
        }
        Ok(())
    }
}

fn args(what: &str, place: Option<&Spot>) -> Json {
    let mut args = Map::new();
    if !what.is_empty() {
        args.insert("what".to_string(), what.into());
    }
    if let Some(spot) = place {
        args.insert("file".to_string(), (*spot.file).into());
        args.insert("line".to_string(), spot.line.into());
        args.insert("function".to_string(), (*spot.function).into());
    }
    Json::Object(args)
}

fn slice_json(p: &Process, track: &Track, slice: &Slice) -> Json {
    let word = slice.state.word();
    let name = match slice.state {
        super::State::Running | super::State::Ready | super::State::Starting => word.to_string(),
        _ if slice.what.is_empty() => word.to_string(),
        _ => format!("{word}: {}", slice.what),
    };
    let mut about = args(&slice.what, slice.place.as_ref());
    if !slice.cause.is_empty() {
        about["let go"] = (*slice.cause).into();
    }
    json!({
        "ph": "X", "cat": word, "name": name, "pid": p.pid, "tid": track.ident,
        "ts": micros(slice.from), "dur": micros(slice.to - slice.from),
        "args": about,
    })
}

fn instant_json(p: &Process, track: &Track, instant: &Instant) -> Json {
    let word = instant.kind.word();
    let name = if instant.kind == super::Kind::Mark { &*instant.text } else { word };
    json!({
        "ph": "i", "s": "t", "cat": word, "name": name, "pid": p.pid, "tid": track.ident,
        "ts": micros(instant.at), "args": args(&instant.text, instant.place.as_ref()),
    })
}
