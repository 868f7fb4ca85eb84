//! One call: the worker's side and the side that starts it.

use crate::engine::Config;
use crate::engine::job::{Job, Received};
use crate::engine::variant::{self, Answer, Task, Variant};
use crate::explore::sweep::Failure;
use crate::world::capture::{self, End, Stop};
use crate::world::child::{Exit, Stream};
use crate::world::{Nanos, out};
use serde_json::{Value as Json, json};

/// The row of the table of roles.
pub const ROLE: &str = "variant";

/// The worker: does the task, answers, and ends with the script's exit code.
pub fn work(job: Received) -> i32 {
    let task = match job.extra["call"].as_u64() {
        Some(index) => Task::Call(index as usize, job.extra["size"].as_f64()),
        None => Task::List,
    };
    let (code, answer) = match variant::run(job.config, &task) {
        Ok(both) => both,
        Err(e) => {
            out::error(format!("kit: {e}\n").as_bytes());
            return 1;
        }
    };
    if let Some(answer) = answer
        && let Err(e) = job.channel.send(answer_json(&answer).to_string().as_bytes())
    {
        out::error(format!("kit: the result of the run could not be sent: {e}\n").as_bytes());
        return 1;
    }
    code
}

fn answer_json(answer: &Answer) -> Json {
    match answer {
        Answer::Variants(all) => {
            let one = |v: &Variant| json!({ "name": v.name, "sizes": v.sizes, "takes_size": v.takes_size });
            json!({ "variants": all.iter().map(one).collect::<Vec<_>>() })
        }
        Answer::Took { wall_ns, cpu_ns } => json!({ "wall_ns": wall_ns, "cpu_ns": cpu_ns }),
    }
}

fn read(frame: &[u8]) -> Option<Answer> {
    let answer: Json = serde_json::from_slice(frame).ok()?;
    let Some(all) = answer["variants"].as_array() else {
        return Some(Answer::Took { wall_ns: answer["wall_ns"].as_u64()?, cpu_ns: answer["cpu_ns"].as_u64()? });
    };
    let one = |v: &Json| {
        let sizes = v["sizes"].as_array()?.iter().map(Json::as_f64).collect::<Option<_>>()?;
        Some(Variant { name: v["name"].as_str()?.to_string(), sizes, takes_size: v["takes_size"].as_bool()? })
    };
    Some(Answer::Variants(all.iter().map(one).collect::<Option<_>>()?))
}

/// Does one task in a process of its own, at most `limit` of real time.
pub fn one(config: Config, task: &Task, limit: Nanos) -> Result<Answer, Box<Failure>> {
    let extra = match task {
        Task::List => Json::Null,
        Task::Call(index, size) => json!({ "call": index, "size": size }),
    };
    let job = Job { role: ROLE, config, extra, template: None };
    let failed = |text: String, stdout: Vec<u8>, stderr: Vec<u8>| Box::new(Failure { text, stdout, stderr });
    let start = |on_exit| job.start(Stream::Capture, Stream::Capture, on_exit);
    let done = capture::watch(start, limit, &Stop::never())
        .map_err(|e| failed(format!("the process cannot be started or read: {e}"), vec![], vec![]))?;
    let wrong = match (done.end, done.exit, done.frames.first().map(|frame| read(frame))) {
        (End::Ended, Exit(0), Some(Some(answer))) => return Ok(answer),
        (End::TimedOut, ..) => {
            format!("it did not end within {} s of real time and was killed (--timeout)", limit as f64 / 1e9)
        }
        (_, Exit(0), _) => "it ended without a result".to_string(),
        (_, Exit(code), _) if code < 0 => format!("ended by signal {}", -code),
        (_, Exit(code), _) => format!("exit code {code}"),
    };
    Err(failed(wrong, done.stdout, done.stderr))
}
