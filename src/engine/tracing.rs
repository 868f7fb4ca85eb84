//! The recording of a run, and how the parts of its processes come together.
//!
//! A child process of the real world leaves its part as a file in a folder that its configuration names; the
//! first process reads them when all have ended. A child that is killed leaves none, and is named.
//! Processes of a simulation share one recorder.

use super::{Config, parts};
use crate::gil::Held;
use crate::trace::{Event, Recorder, Recording};
use crate::world::{ProcessId, host, out};
use std::path::{Path, PathBuf};

/// What a run recorded.
#[derive(Debug)]
pub struct Traced {
    pub recording: Recording,
    pub simulated: bool,
    /// What is missing or could not be read, in words.
    pub warnings: Vec<String>,
}

/// A folder of its own for the parts of one run.
pub fn folder() -> PathBuf {
    parts::folder("trace")
}

/// Gives a run that is to be traced its recorder.
pub fn begin(config: &mut Config) {
    config.gil.trace = config.trace.is_some().then(Recorder::new);
}

/// What the process recorded, when its threads have ended. One of a simulation that is not the first leaves
/// it to that.
pub fn end(held: &Held, config: &Config) -> Option<Traced> {
    config.trace.as_ref()?;
    if held.process() != ProcessId::MAIN {
        return None;
    }
    let recording = held.recording()?;
    Some(Traced { recording, simulated: held.simulated(), warnings: vec![] })
}

/// A child's last act: its part goes to the folder.
pub fn leave(config: &Config, traced: Option<Traced>, name: &str) {
    let (Some(folder), Some(mut traced)) = (&config.trace, traced) else { return };
    for process in &mut traced.recording.processes {
        process.name = name.to_string();
    }
    if let Err(e) = parts::leave(folder, &host::process_id().to_string(), &traced.recording.encode()) {
        out::error(format!("kit: the trace of process {} is lost: {e}\n", host::process_id()).as_bytes());
    }
}

/// Adds what the children left, and empties the folder.
pub fn gather(folder: &Path, traced: &mut Traced) {
    let read = parts::gather(folder, |name, bytes| match Recording::decode(&bytes) {
        Some(part) => traced.recording.merge(part),
        None => traced.warnings.push(format!("the trace of process {name} is damaged")),
    });
    if let Err(e) = read {
        traced.warnings.push(format!("the traces of child processes cannot be read: {e}"));
    }
    let known = |pid: &u32| traced.recording.processes.iter().any(|p| p.pid == *pid);
    let events = traced.recording.threads.iter().flat_map(|t| &t.events);
    let started = events.filter_map(|(_, e)| if let Event::Child { pid } = e { Some(*pid) } else { None });
    let lost: Vec<String> = started.filter(|pid| !known(pid)).map(|pid| pid.to_string()).collect();
    if !lost.is_empty() {
        let text = format!("the trace lacks processes that were killed or ended by os._exit: {}", lost.join(", "));
        traced.warnings.push(text);
    }
    let dropped = traced.recording.dropped();
    if dropped > 0 {
        traced.warnings.push(format!("the trace is full: {dropped} later events were dropped"));
    }
}
