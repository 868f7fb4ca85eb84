//! One run of a sweep: the worker's side, which runs the script and answers with one frame of JSON, and the
//! sweep's side, which starts the worker and reads what comes.

use super::Failure;
use super::figures::{Ended, FIGURES};
use crate::engine::job::{Job, Received};
use crate::engine::{self, Better, Config, Metric, Outcome};
use crate::world::child::{Exit, Reader, Stream};
use crate::world::{out, thread};
use crossbeam::channel::{Receiver, bounded};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use std::io;

/// The row of the table of roles.
pub const ROLE: &str = "run";

/// Reading a pipe to its end needs little.
const READER_STACK_BYTES: usize = 256 << 10;

/// What a run said of itself.
pub struct Measured {
    /// By row of `FIGURES`.
    pub figures: Vec<f64>,
    pub metrics: IndexMap<String, Metric>,
    /// All counters, as `--stats=json` has them.
    pub stats: Json,
    pub interval_changed: bool,
    pub params_unused: Vec<String>,
}

/// The worker: runs the script, answers, and ends with the script's exit code.
pub fn work(job: Received) -> i32 {
    let outcome = match engine::run(job.config) {
        Ok(outcome) => outcome,
        Err(e) => {
            out::error(format!("kit: {e}\n").as_bytes());
            return 1;
        }
    };
    // Without counters the script has not begun (it does not compile): the exit code says enough.
    if let Some(answer) = answer(&outcome)
        && let Err(e) = job.channel.send(answer.to_string().as_bytes())
    {
        out::error(format!("kit: the result of the run could not be sent: {e}\n").as_bytes());
        return 1;
    }
    outcome.code
}

fn answer(outcome: &Outcome) -> Option<Json> {
    let stats = outcome.stats.as_ref()?;
    let ended = Ended { stats, cpu_ns: outcome.cpu_ns };
    let report = &outcome.report;
    let metrics = report.metrics.iter().map(|(name, m)| json!([name, m.value, m.better.word()]));
    Some(json!({
        "figures": FIGURES.iter().map(|f| (f.read)(&ended)).collect::<Vec<_>>(),
        "metrics": metrics.collect::<Vec<_>>(),
        "stats": stats.json(),
        "interval_changed": report.interval_changed,
        "params_unused": report.params_unused,
    }))
}

/// Reads the worker's answer; `None` if it is not one.
fn measured(frame: &[u8]) -> Option<Measured> {
    let answer: Json = serde_json::from_slice(frame).ok()?;
    let figures: Vec<f64> = answer["figures"].as_array()?.iter().map(Json::as_f64).collect::<Option<_>>()?;
    let metric = |m: &Json| {
        let metric = Metric { value: m[1].as_f64()?, better: Better::find(m[2].as_str()?)? };
        Some((m[0].as_str()?.to_string(), metric))
    };
    (figures.len() == FIGURES.len()).then_some(())?;
    Some(Measured {
        figures,
        metrics: answer["metrics"].as_array()?.iter().map(metric).collect::<Option<_>>()?,
        stats: answer["stats"].clone(),
        interval_changed: answer["interval_changed"].as_bool()?,
        params_unused: serde_json::from_value(answer["params_unused"].clone()).ok()?,
    })
}

/// Runs one configuration in a process of its own.
pub fn one(config: Config) -> Result<Measured, Box<Failure>> {
    let failed = |text: String, [stdout, stderr]: [Vec<u8>; 2]| Box::new(Failure { text, stdout, stderr });
    let fault = |e: io::Error| failed(format!("the process cannot be started or read: {e}"), [vec![], vec![]]);
    let (exit, exited) = bounded(1);
    let job = Job { role: ROLE, config, extra: Json::Null };
    let on_exit = Box::new(move |code: Exit| {
        // Nobody waits for it any more if reading has failed.
        let _ = exit.send(code);
    });
    let mut child = job.start(Stream::Capture, Stream::Capture, on_exit).map_err(fault)?;
    // Both streams are read at the same time as the channel, or the child would wait on a full one.
    let stdout = drain(child.stdout.take()).map_err(fault)?;
    let stderr = drain(child.stderr.take()).map_err(fault)?;
    let frame = match &child.channel {
        Some(channel) => channel.receive(),
        None => Ok(None),
    };
    // The other side of each channel sends once, whatever happens.
    let gone = |_| io::Error::other("a thread of the sweep is gone");
    let exit = exited.recv().map_err(gone).map_err(fault)?;
    let mut output = [vec![], vec![]];
    for (bytes, stream) in output.iter_mut().zip([stdout, stderr]) {
        *bytes = stream.recv().map_err(gone).map_err(fault)?.map_err(fault)?;
    }
    match (exit, frame) {
        (Exit(0), Ok(Some(frame))) => match measured(&frame) {
            Some(measured) => Ok(measured),
            None => Err(failed("its result cannot be read".to_string(), output)),
        },
        (Exit(0), Ok(None)) => Err(failed("it ended without a result".to_string(), output)),
        (Exit(0), Err(e)) => Err(failed(format!("its result cannot be read: {e}"), output)),
        (Exit(code), _) if code < 0 => Err(failed(format!("ended by signal {}", -code), output)),
        (Exit(code), _) => Err(failed(format!("exit code {code}"), output)),
    }
}

/// Reads a stream to its end on a thread of its own.
fn drain(stream: Option<Reader>) -> io::Result<Receiver<io::Result<Vec<u8>>>> {
    let (bytes, read) = bounded(1);
    let body = move || {
        let all = stream.map_or(Ok(vec![]), Reader::to_end);
        // Nobody waits for it any more if the sweep has failed.
        let _ = bytes.send(all);
    };
    thread::start("output", READER_STACK_BYTES, Box::new(body))?;
    Ok(read)
}
