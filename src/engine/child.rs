//! A child process of a script: how the parent starts it, and what the child does from first to last.
//!
//! Both worlds use the same message and the same `run_child`; they differ in what a process is: a copy of
//! this binary (role `process`), or a second interpreter in the simulation.

use super::config::Config;
use super::job::{self, Job};
use super::{DEADLOCK, begin, compile, counts, finish, options, report, template, tracing};
use crate::gil::{self, Held, SpawnError};
use crate::object::{Name, Ref, TypeId, Value, name};
use crate::process;
use crate::vm::children::{Awaited, Birth, ChildProcess, Handing, Method, Passed, ProcessStarter, StartError};
use crate::vm::errors::Uncaught;
use crate::vm::pipes::Pipes;
use crate::vm::thread::Ending;
use crate::vm::{Res, Thread};
use crate::world::child::Stream;
use crate::world::work::Descriptor;
use crate::world::{Clock, ProcessId, WaitKey, out};
use serde_json::{Value as Json, json};
use std::io;
use std::sync::{Arc, OnceLock};

/// The role of a child in the command line's table of workers.
pub const ROLE: &str = "process";

/// The first byte of every frame between a script's process and its child. Other versions are refused.
const VERSION: u8 = 1;

/// Turns the table of frames into `Tag`. What has no row here is no frame of this version.
macro_rules! frames {
    ($($(#[doc = $doc:literal])+ $name:ident $number:literal;)+) => {
        /// The second byte of every frame: what the rest is.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        enum Tag { $($(#[doc = $doc])+ $name = $number,)+ }

        impl Tag {
            fn of(byte: u8) -> Option<Tag> {
                match byte { $($number => Some(Tag::$name),)+ _ => None }
            }
        }
    };
}
frames! {
    /// Parent to child, once: the length of a header in four bytes (little-endian), the header as JSON, the
    /// encoded Process object.
    Begin 1;
}

/// A `Begin` frame.
fn begin_frame(birth: &Birth) -> Vec<u8> {
    let header = json!({
        "method": birth.method.name(),
        "name": birth.name,
        "default": birth.default.map(Method::name),
        "argv": birth.argv,
        "limit": birth.limit,
        "environ": birth.environ,
    });
    let header = header.to_string();
    let mut frame = vec![VERSION, Tag::Begin as u8];
    frame.extend((header.len() as u32).to_le_bytes());
    frame.extend(header.as_bytes());
    frame.extend(&birth.payload);
    frame
}

/// Reads a `Begin` frame; `None` if it is none.
fn read_begin(frame: &[u8]) -> Option<Birth> {
    let [version, tag, rest @ ..] = frame else { return None };
    if *version != VERSION || Tag::of(*tag)? != Tag::Begin {
        return None;
    }
    let (length, rest) = rest.split_first_chunk()?;
    let (header, payload) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    let header: Json = serde_json::from_slice(header).ok()?;
    let method = |j: &Json| Method::ALL.into_iter().find(|m| Some(m.name()) == j.as_str());
    let argv = match &header["argv"] {
        Json::Null => None,
        row => Some(row.as_array()?.iter().map(|a| a.as_str().map(str::to_string)).collect::<Option<_>>()?),
    };
    let default = match &header["default"] {
        Json::Null => None,
        one => Some(method(one)?),
    };
    let entry = |(k, v): (&String, &Json)| match v {
        Json::Null => Some((k.clone(), None)),
        v => Some((k.clone(), Some(v.as_str()?.to_string()))),
    };
    Some(Birth {
        method: method(&header["method"])?,
        name: header["name"].as_str()?.to_string(),
        default,
        argv,
        limit: header["limit"].as_u64()?.try_into().ok()?,
        environ: header["environ"].as_object()?.iter().map(entry).collect::<Option<_>>()?,
        payload: payload.to_vec(),
    })
}

/// Starts the children of a run.
pub struct Starter {
    config: Config,
    /// What a template is told: as of the first child, with which it is started.
    template: OnceLock<Json>,
}

impl Starter {
    pub fn new(config: &Config) -> Starter {
        Starter { config: config.clone(), template: OnceLock::new() }
    }
}

impl ProcessStarter for Starter {
    fn start(&self, th: &mut Thread, birth: Birth, passed: Vec<Passed>) -> Result<Arc<dyn ChildProcess>, StartError> {
        let mut config = self.config.clone();
        // As it is now: the script may have set it.
        config.gil.interval_us = Some(th.held.switch_interval());
        // The counters printed at the end are the main process's; a sweep adds up all.
        config.stats = config.counts.is_some();
        let frame = begin_frame(&birth);
        if th.held.simulated() {
            return start_simulated(th, config, &birth.name, frame, passed);
        }
        // Each process that leaves figures or a trace begins at its own beginning.
        let plain = config.trace.is_none() && config.counts.is_none();
        let template = plain.then(|| self.template.get_or_init(|| template::extra(th)).clone());
        start_real(th, config, frame, &passed, template).map_err(StartError::Os)
    }
}

fn start_real(
    th: &mut Thread,
    config: Config,
    frame: Vec<u8>,
    passed: &[Passed],
    template: Option<Json>,
) -> io::Result<Arc<dyn ChildProcess>> {
    let descriptors: Vec<Descriptor> =
        passed.iter().filter_map(|p| if let Passed::Descriptor(d) = p { Some(d.clone()) } else { None }).collect();
    let (awaited, on_exit) = Awaited::new(&mut th.held);
    let job = Job { role: ROLE, config, extra: json!({ "descriptors": descriptors.len() }), template };
    let mut child = th.held.holding(|| job.start(Stream::Inherit, Stream::Inherit, on_exit))?;
    th.held.trace_child(child.pid());
    let channel = child.channel.take();
    if let Some(channel) = &channel
        && let Err(e) =
            job::sent(channel.send_descriptors(&descriptors)).and_then(|()| job::sent(channel.send_aside(frame)))
    {
        child.handle().kill()?;
        return Err(e);
    }
    Ok(awaited.child(&child, channel))
}

/// A second interpreter in this run of the simulation.
struct SimulatedChild(ProcessId);

/// Minus the numbers of SIGKILL and SIGTERM, as exit codes have them.
const KILLED: i32 = -9;
const TERMINATED: i32 = -15;

fn start_simulated(
    th: &mut Thread,
    config: Config,
    name: &str,
    frame: Vec<u8>,
    passed: Vec<Passed>,
) -> Result<Arc<dyn ChildProcess>, StartError> {
    // As the OS has it: the lowest eight bits of an exit code count.
    let outside = th.interp.pipes.with(&th.held, |p| p.child());
    let body = Box::new(move |held: Held| run_child(held, &config, &frame, passed, Some(outside)) & 0xff);
    match th.held.spawn_process(name, body) {
        Ok(id) => Ok(Arc::new(SimulatedChild(id))),
        Err(SpawnError::Os(e)) => Err(StartError::Os(e)),
        Err(e) => Err(StartError::Refused(e.to_string())),
    }
}

impl ChildProcess for SimulatedChild {
    fn pid(&self) -> u32 {
        self.0.0
    }
    fn key(&self) -> WaitKey {
        WaitKey::Process(self.0)
    }
    fn sentinel(&self) -> Passed {
        Passed::Simulated(Arc::new(self.0))
    }
    fn exit(&self, held: &Held) -> Option<i32> {
        held.process_exit_code(self.0)
    }
    fn pending(&self) -> bool {
        // Nothing happens between two steps of a thread, and the wait itself sees who has ended.
        true
    }
    fn terminate(&self, held: &mut Held) -> io::Result<()> {
        held.end_process(self.0, TERMINATED);
        Ok(())
    }
    fn signal(&self, held: &mut Held, number: i32) -> io::Result<()> {
        held.end_process(self.0, -number);
        Ok(())
    }
    fn kill(&self, held: &mut Held) -> io::Result<()> {
        held.end_process(self.0, KILLED);
        Ok(())
    }
}

/// The worker of the role `process`: reads the frame and runs it in the real world.
pub fn work(job: job::Received) -> i32 {
    let count = job.extra["descriptors"].as_u64().and_then(|n| usize::try_from(n).ok()).unwrap_or(0);
    let passed = match job.channel.receive_descriptors(count) {
        Ok(all) => all.into_iter().map(Passed::Descriptor).collect(),
        Err(e) => return complain(&e.to_string()),
    };
    let frame = match job.channel.receive() {
        Ok(Some(frame)) => frame,
        Ok(None) => return complain("the parent ended before it had said what to do"),
        Err(e) => return complain(&e.to_string()),
    };
    out::share();
    let mut config = job.config;
    tracing::begin(&mut config);
    let gil = config.gil.clone();
    // The channel lives as long as the process.
    let channel = job.channel;
    let code = gil::run(gil, move |held| run_child(held, &config, &frame, passed, None));
    drop(channel);
    match code {
        Ok(code) => code,
        Err(e) => complain(&e.to_string()),
    }
}

fn complain(text: &str) -> i32 {
    out::error(format!("kit: a child process could not begin: {text}\n").as_bytes());
    1
}

/// The main thread of a child, in either world: makes an interpreter, does what the frame says, ends as a
/// main program does; in a simulation on its parent's network and files. Gives the exit code.
pub fn run_child(held: Held, config: &Config, frame: &[u8], passed: Vec<Passed>, outside: Option<Pipes>) -> i32 {
    let Some(birth) = read_begin(frame) else {
        return complain("parent and child are different versions of kit");
    };
    let (mut config, name) = (config.clone(), birth.name.clone());
    if let Some(argv) = &birth.argv {
        config.argv = argv.clone();
    }
    let cpu_start = held.now(Clock::Process);
    let mut th = begin(held, &config, options(&config));
    th.limit = birth.limit;
    let environ = birth.environ.clone();
    th.interp.environ.with(&th.held, |own| *own = environ);
    if let Some(outside) = outside {
        th.interp.pipes.with(&th.held, |p| *p = outside);
    }
    let (code, stuck) = match th.to_end(|th| run_process(th, &config, birth, passed)) {
        Ok(code) => (code, false),
        Err(e) => {
            let stuck = matches!(e, Uncaught::Ending(Ending::Deadlock(_)));
            (report(&mut th, e), stuck)
        }
    };
    debug_assert!(!stuck || code == DEADLOCK);
    let outcome = finish(th, &config, cpu_start, code, stuck);
    if let Err(e) = counts::leave(&config, &outcome) {
        out::error(format!("kit: the counters of process {name} are lost: {e}\n").as_bytes());
    }
    tracing::leave(&config, outcome.trace, &name);
    outcome.code
}

/// Decodes the Process object and lets it run; gives the exit code.
fn run_process(th: &mut Thread, config: &Config, birth: Birth, passed: Vec<Passed>) -> Res<i32> {
    // First of all modules, so that `sys.modules` knows it.
    let main = main_module(th, config, birth.method);
    let processes = th.import("multiprocessing.process", true)?;
    if birth.method == Method::Spawn {
        let shown = th.str(&birth.name);
        th.call_method(&processes, Name::of("_prepare"), &[shown])?;
        import_main(th, config, &main)?;
    }
    let roots = decode(th, &birth.payload, passed)?;
    if birth.method == Method::Spawn {
        th.call_method(&processes, Name::of("_prepared"), &[])?;
    }
    let Some(object) = roots.first() else {
        return Err(th.raise(TypeId::SystemError, "a child process without a Process object"));
    };
    let default = match birth.default {
        Some(method) => th.str(method.name()),
        None => Value::None,
    };
    match th.call_method(object, Name::of("_bootstrap"), &[default])? {
        // As the OS has it: the lowest eight bits count.
        Value::Int(code) => Ok(code as i32),
        _ => Err(th.raise(TypeId::SystemError, "a process ended without an exit code")),
    }
}

/// The values of the frame, which may name what was passed along.
fn decode(th: &mut Thread, payload: &[u8], passed: Vec<Passed>) -> Res<Vec<Value>> {
    let (me, interp) = (th.held.tid(), th.interp);
    interp.children.with(&th.held, |all| all.begin(me, Handing { spawning: true, things: passed }));
    let roots = process::decode(th, payload);
    let left = interp.children.with(&th.held, |all| all.end(me));
    drop(left);
    roots
}

/// An empty main module that knows its file: `__main__`, with spawn `__mp_main__`, which `__main__` then
/// means too.
fn main_module(th: &mut Thread, config: &Config, method: Method) -> Ref {
    let module = match method {
        Method::Fork => th.new_module(name::MAIN),
        Method::Spawn => th.new_module(Name::of("__mp_main__")),
    };
    let shown: Value = module.clone().into();
    let old = th.interp.modules.with(&th.held, |all| all.set(name::MAIN, shown));
    drop(old);
    let file = match &config.script {
        super::Script::File(path) => path.to_string_lossy().into_owned(),
        super::Script::Text { name, .. } => name.clone(),
    };
    let file = th.str(&file);
    th.store_global(&module, name::FILE, file);
    module
}

/// Runs the script in the main module.
fn import_main(th: &mut Thread, config: &Config, module: &Ref) -> Res<()> {
    let code = match compile(&config.script, config.every_safe_point) {
        Ok(code) => code,
        Err(e) => return Err(th.raise(TypeId::SyntaxError, e.short())),
    };
    th.run_module(&code, module)
}

#[cfg(test)]
mod tests {
    use super::{begin_frame, read_begin};
    use crate::vm::children::{Birth, Method};

    fn birth() -> Birth {
        Birth {
            method: Method::Spawn,
            name: "Prozeß-1:2".into(),
            default: Some(Method::Fork),
            argv: Some(vec!["x.kit".into(), String::new()]),
            limit: 1000,
            environ: [("A".into(), Some("ä".into())), ("B".into(), None)].into(),
            payload: vec![0, 1, 255],
        }
    }

    #[test]
    fn a_frame_travels_whole() {
        assert_eq!(read_begin(&begin_frame(&birth())), Some(birth()));
        let plain = Birth { default: None, argv: None, payload: vec![], ..birth() };
        assert_eq!(read_begin(&begin_frame(&plain)), Some(plain));
    }

    #[test]
    fn what_is_no_frame_is_refused() {
        let good = begin_frame(&birth());
        let header_end = good.len() - 3;
        for end in 0..header_end {
            assert_eq!(read_begin(&good[..end]), None, "{end} bytes");
        }
        for at in [0, 1, 6] {
            let mut bad = good.clone();
            bad[at] ^= 0x55;
            assert_eq!(read_begin(&bad), None, "byte {at}");
        }
        let mut long = good;
        long[2..6].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(read_begin(&long), None);
    }
}
