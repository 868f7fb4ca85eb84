//! A timeline from a file that `write` made.

use super::{Instant, Kind, Process, Slice, State, Timeline, Track};
use crate::trace::Spot;
use crate::world::Nanos;
use indexmap::IndexMap;
use serde_json::Value as Json;
use std::sync::Arc;

/// Why a file is no trace of ours.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("it is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it is not a trace that kit wrote: {0}")]
    Other(&'static str),
}

/// Reads the text of a file.
pub fn read(text: &[u8]) -> Result<Timeline, ReadError> {
    let file: Json = serde_json::from_slice(text)?;
    let about = &file["otherData"];
    let (Some(script), Some(simulated)) = (about["script"].as_str(), about["simulated"].as_bool()) else {
        return Err(ReadError::Other("it does not say of which script"));
    };
    let events = file["traceEvents"].as_array().ok_or(ReadError::Other("it has no events"))?;
    let mut processes: IndexMap<u64, Process> = IndexMap::new();
    for event in events {
        one(event, &mut processes).ok_or(ReadError::Other("an event lacks what it must have"))?;
    }
    let mut processes: Vec<Process> = processes.into_values().collect();
    for process in &mut processes {
        process.tracks.iter_mut().for_each(|t| t.slices.sort_by_key(|s| s.from));
        process.find_holds();
    }
    let end = nanos(&about["end"]).ok_or(ReadError::Other("it does not say when it ends"))?;
    Ok(Timeline { script: script.to_string(), simulated, end, processes })
}

fn nanos(micros: &Json) -> Option<Nanos> {
    let micros = micros.as_f64().filter(|m| *m >= 0.0)?;
    Some((micros * 1000.0).round() as Nanos)
}

fn small(n: &Json) -> Option<u32> {
    n.as_u64()?.try_into().ok()
}

fn one(event: &Json, processes: &mut IndexMap<u64, Process>) -> Option<()> {
    let (pid, args) = (event["pid"].as_u64()?, &event["args"]);
    let process = processes.entry(pid).or_default();
    match (event["ph"].as_str()?, event["name"].as_str()?) {
        ("M", "process_name") => {
            process.pid = pid.try_into().ok()?;
            process.parent = small(&args["parent"])?;
            process.name = args["kit_name"].as_str()?.to_string();
            process.policy = args["policy"].as_str()?.to_string();
            process.interval_us = args["interval_us"].as_u64()?;
        }
        ("M", "thread_name") => {
            let ident = small(&event["tid"])?;
            if ident != super::chrome::LOCK {
                let dropped = args["dropped"].as_u64().unwrap_or(0);
                let name = args["name"].as_str()?.to_string();
                process.tracks.push(Track { ident, name, dropped, ..Track::default() });
            }
        }
        ("X", _) if event["cat"] != "lock" => {
            let state = State::find(event["cat"].as_str()?)?;
            let from = nanos(&event["ts"])?;
            let to = from + nanos(&event["dur"])?;
            let cause = args["let go"].as_str().unwrap_or_default().into();
            track(process, event)?.slices.push(Slice { from, to, state, what: what(args), place: place(args), cause });
        }
        ("i", _) => {
            let kind = Kind::find(event["cat"].as_str()?)?;
            let at = nanos(&event["ts"])?;
            track(process, event)?.instants.push(Instant { at, kind, text: what(args), place: place(args) });
        }
        // The lock's track, counters and arrows follow from the rest.
        _ => {}
    }
    Some(())
}

fn track<'a>(process: &'a mut Process, event: &Json) -> Option<&'a mut Track> {
    let ident = small(&event["tid"])?;
    process.tracks.iter_mut().find(|t| t.ident == ident)
}

fn what(args: &Json) -> Arc<str> {
    args["what"].as_str().unwrap_or_default().into()
}

fn place(args: &Json) -> Option<Spot> {
    let file = args["file"].as_str()?.into();
    Some(Spot { file, line: small(&args["line"])?, function: args["function"].as_str()?.into() })
}
