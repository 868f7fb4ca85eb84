//! One run of a sweep: the worker's side, which runs the script and answers with one frame of JSON, and the
//! sweep's side, which starts the worker and reads what comes.

use super::Failure;
use super::figures::{Ended, FIGURES};
use crate::engine::counts::{self, Counts};
use crate::engine::job::{Job, Received};
use crate::engine::{self, Better, Config, Metric, Outcome, tracing};
use crate::explore::trace;
use crate::world::capture::{self, End, Stop};
use crate::world::child::{Exit, Stream};
use crate::world::{Nanos, out};
use indexmap::IndexMap;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};

/// The row of the table of roles.
pub const ROLE: &str = "run";

/// What a run said of itself.
pub struct Measured {
    /// By row of `FIGURES`.
    pub figures: Vec<f64>,
    pub metrics: IndexMap<String, Metric>,
    /// All counters, as `--stats=json` has them.
    pub stats: Json,
    /// The sums over the child processes.
    pub children: Json,
    pub interval_changed: bool,
    pub params_unused: Vec<String>,
}

/// The worker: runs the script, answers, and ends with the script's exit code.
pub fn work(mut job: Received) -> i32 {
    let complain = |text: String| {
        out::error(format!("kit: {text}\n").as_bytes());
        1
    };
    let (folder, file) = (counts::folder(), job.extra["trace"].as_str().map(PathBuf::from));
    job.config.counts = Some(folder.clone());
    job.config.trace = file.is_some().then(tracing::folder);
    let script = job.config.argv.first().cloned().unwrap_or_default();
    let outcome = match engine::run(job.config) {
        Ok(outcome) => outcome,
        Err(e) => return complain(e.to_string()),
    };
    let children = match counts::gather(&folder) {
        Ok(children) => children,
        Err(e) => return complain(format!("the counters of child processes cannot be read: {e}")),
    };
    if let (Some(file), Some(traced)) = (file, &outcome.trace)
        && let Err(e) = trace::save(&file, &script, traced)
    {
        return complain(format!("can't write the trace '{}': {e}", file.display()));
    }
    // Without counters the script has not begun (it does not compile): the exit code says enough.
    if let Some(answer) = answer(&outcome, &children)
        && let Err(e) = job.channel.send(answer.to_string().as_bytes())
    {
        return complain(format!("the result of the run could not be sent: {e}"));
    }
    outcome.code
}

fn answer(outcome: &Outcome, children: &Counts) -> Option<Json> {
    let stats = outcome.stats.as_ref()?;
    let mut all = Counts::of(stats, outcome.cpu_ns);
    all.add(children);
    let ended = Ended { wall_ns: stats.elapsed_ns, all };
    let report = &outcome.report;
    let metrics = report.metrics.iter().map(|(name, m)| json!([name, m.value, m.better.word()]));
    Some(json!({
        "figures": FIGURES.iter().map(|f| (f.read)(&ended)).collect::<Vec<_>>(),
        "metrics": metrics.collect::<Vec<_>>(),
        "stats": stats.json(),
        "children": children.json(),
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
        children: answer["children"].clone(),
        interval_changed: answer["interval_changed"].as_bool()?,
        params_unused: serde_json::from_value(answer["params_unused"].clone()).ok()?,
    })
}

/// Runs one configuration in a process of its own, at most `limit` of real time; `trace` is where it leaves one.
pub fn one(config: Config, limit: Nanos, trace: Option<&Path>) -> Result<Measured, Box<Failure>> {
    let job = Job { role: ROLE, config, extra: json!({ "trace": trace }), template: None };
    let failed = |text: String, stdout: Vec<u8>, stderr: Vec<u8>| Box::new(Failure { text, stdout, stderr });
    let start = |on_exit| job.start(Stream::Capture, Stream::Capture, on_exit);
    let done = capture::watch(start, limit, &Stop::never())
        .map_err(|e| failed(format!("the process cannot be started or read: {e}"), vec![], vec![]))?;
    let wrong = match (done.end, done.exit, done.frames.first().map(|frame| measured(frame))) {
        (End::Ended, Exit(0), Some(Some(measured))) => return Ok(measured),
        (End::TimedOut, ..) => {
            format!("it did not end within {} s of real time and was killed (--timeout)", limit as f64 / 1e9)
        }
        (_, Exit(0), Some(None)) => "its result cannot be read".to_string(),
        (_, Exit(0), None) => "it ended without a result".to_string(),
        (_, Exit(code), _) if code < 0 => format!("ended by signal {}", -code),
        (_, Exit(code), _) => format!("exit code {code}"),
    };
    Err(failed(wrong, done.stdout, done.stderr))
}
