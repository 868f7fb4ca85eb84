//! Child processes: this binary, started again, or forked from a copy of it that waits (`template.rs`).
//!
//! One thread, the *nursery*, starts every child and sees every child end. It lives as long as the
//! process, because Linux ties the parent-death signal of a child to the thread that started it. So no
//! child outlives this process, also when it is killed: the child asks for SIGKILL at its parent's end
//! (`die_with_parent`) as the first thing it does.
//!
//! Signals go through a descriptor of the process (pidfd), never through its number: a number may have
//! been given to somebody else meanwhile.

use super::channel::Channel;
use super::command::{Ends, Program};
use super::template::Template;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, pidfd_open, pidfd_send_signal, waitid};
use std::io::{self, Read};
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a standard stream of a child goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Stream {
    /// Where this process's goes.
    Inherit,
    Null,
    /// To be read by the parent.
    Capture,
}

/// What to start: this binary with `args`. Standard input is the channel.
#[derive(Clone, Debug)]
pub struct Spec {
    pub args: Vec<String>,
    /// Added to (or replacing) what this process has in its environment.
    pub env: Vec<(String, String)>,
    pub stdout: Stream,
    pub stderr: Stream,
    /// The first frame for a template (`template.rs`) from which the child may be forked; it has the
    /// environment of this process's beginning.
    pub template: Option<Vec<u8>>,
}

/// How a child ended: the exit code, or minus the number of the signal that ended it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exit(pub i32);

/// A started child. Dropping it does not end it.
pub struct Child {
    pid: u32,
    process: Arc<OwnedFd>,
    /// The channel to the child, ours to take.
    pub channel: Option<Channel>,
    /// What the child writes, if captured.
    pub stdout: Option<Reader>,
    pub stderr: Option<Reader>,
}

/// A captured stream of a child.
pub struct Reader(Box<dyn Read + Send>);

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.read(buffer)
    }
}

impl Reader {
    /// Everything until the child (and whoever inherited the stream) has closed it.
    pub fn to_end(mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

impl Child {
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// What signals go through; outlives the child and then does nothing.
    pub fn handle(&self) -> Handle {
        Handle(self.process.clone())
    }
}

/// Sends signals to one child, and to nobody else.
#[derive(Clone)]
pub struct Handle(Arc<OwnedFd>);

impl Handle {
    /// Can be read when the child has ended.
    pub fn descriptor(&self) -> super::work::Descriptor {
        self.0.clone()
    }
    /// SIGTERM. Nothing happens if the child has ended.
    pub fn terminate(&self) -> io::Result<()> {
        self.send(Signal::TERM)
    }
    /// SIGKILL.
    pub fn kill(&self) -> io::Result<()> {
        self.send(Signal::KILL)
    }
    /// SIGINT, as Ctrl-C.
    pub fn interrupt(&self) -> io::Result<()> {
        self.send(Signal::INT)
    }
    /// Any signal, by its number. `InvalidInput` if there is none of it.
    pub fn signal(&self, number: i32) -> io::Result<()> {
        match super::command::named(number) {
            Some(signal) => self.send(signal),
            None => Err(io::Error::from_raw_os_error(rustix::io::Errno::INVAL.raw_os_error())),
        }
    }
    fn send(&self, signal: Signal) -> io::Result<()> {
        match pidfd_send_signal(&*self.0, signal) {
            Err(rustix::io::Errno::SRCH) => Ok(()),
            other => Ok(other?),
        }
    }
}

/// Called on the nursery's thread when the child has ended: it must not wait for anything.
pub type OnExit = Box<dyn FnOnce(Exit) + Send>;

/// Starts a child. Returns when it exists; `on_exit` is called once, when it has ended and is reaped.
pub fn start(spec: Spec, on_exit: OnExit) -> io::Result<Child> {
    nursery()?.start(What::Ourselves(spec), on_exit).map(|(child, _)| child)
}

/// Starts a program of the system, which may outlive this process.
pub fn start_program(program: Program, on_exit: OnExit) -> io::Result<(Child, Ends)> {
    nursery()?.start(What::Program(program), on_exit)
}

fn nursery() -> io::Result<Arc<Nursery>> {
    static NURSERY: Mutex<Option<Arc<Nursery>>> = Mutex::new(None);
    // Kept only once its thread runs: without it nobody would ever answer.
    let mut kept = NURSERY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(nursery) = &*kept {
        return Ok(nursery.clone());
    }
    let nursery = Nursery::open()?;
    let body = nursery.clone();
    super::thread::start("children", 256 << 10, Box::new(move || body.run()))?;
    Ok(kept.insert(nursery).clone())
}

/// Makes the kernel kill this process when its parent (that started it by `start`) ends; ends it at once
/// if `parent` is not its parent any more.
pub fn die_with_parent(parent: u32) -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    if super::host::parent_id() != parent {
        super::host::exit(-Signal::KILL.as_raw() & 0xff);
    }
    Ok(())
}

/// What to start.
enum What {
    Ourselves(Spec),
    Program(Program),
}

struct Request {
    what: What,
    on_exit: OnExit,
    answer: crossbeam::channel::Sender<io::Result<(Child, Ends)>>,
}

struct Nursery {
    requests: Mutex<Vec<Request>>,
    /// Written after a request, polled beside the children.
    bell: OwnedFd,
}

/// A child that has not ended.
struct Live {
    pid: u32,
    process: Arc<OwnedFd>,
    on_exit: OnExit,
}

/// Waits for a child that is known to have ended.
fn reap(process: &OwnedFd) -> io::Result<Exit> {
    let ended = rustix::io::retry_on_intr(|| waitid(WaitId::PidFd(process.as_fd()), WaitIdOptions::EXITED))?;
    let ended = ended.ok_or(io::ErrorKind::NotFound)?;
    Ok(Exit(ended.exit_status().unwrap_or_else(|| -ended.terminating_signal().unwrap_or(0))))
}

/// The next child has a template of its own: what a child inherits has changed.
pub fn forget_template() {
    FORGET.store(true, Relaxed);
}

static FORGET: AtomicBool = AtomicBool::new(false);

impl Nursery {
    fn open() -> io::Result<Arc<Nursery>> {
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        Ok(Arc::new(Nursery { requests: Mutex::default(), bell }))
    }

    fn start(&self, what: What, on_exit: OnExit) -> io::Result<(Child, Ends)> {
        let (answer, answered) = crossbeam::channel::bounded(1);
        self.requests.lock().unwrap_or_else(PoisonError::into_inner).push(Request { what, on_exit, answer });
        rustix::io::write(&self.bell, &1u64.to_ne_bytes())?;
        answered.recv().unwrap_or_else(|_| Err(io::Error::other("the thread that starts children is gone")))
    }

    fn run(&self) {
        let mut live: Vec<Live> = Vec::new();
        let mut template = None;
        loop {
            let ended = {
                let mut watched = vec![PollFd::new(&self.bell, PollFlags::IN)];
                watched.extend(live.iter().map(|l| PollFd::new(&*l.process, PollFlags::IN)));
                match poll(&mut watched, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(e) => panic!("waiting for children: {e}"),
                }
                watched[1..].iter().map(|w| !w.revents().is_empty()).collect::<Vec<_>>()
            };
            for at in (0..live.len()).rev().filter(|at| ended[*at]) {
                let one = live.swap_remove(at);
                template.take_if(|t: &mut Template| t.pid == one.pid);
                super::sched::note_child(one.pid);
                // The descriptor said that it has ended, so this does not wait.
                (one.on_exit)(reap(&one.process).expect("an ended child can be waited for"));
            }
            let mut count = [0; 8];
            // Empty or not: what counts is the list.
            let _ = rustix::io::read(&self.bell, &mut count);
            let requests = std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner));
            for Request { what, on_exit, answer } in requests {
                let begun = match what {
                    What::Ourselves(spec) => begin(&spec, &mut template, &mut live).map(|c| (c, Ends::default())),
                    What::Program(program) => {
                        program.spawn().and_then(|(child, ends)| Ok((watched(child, None)?, ends)))
                    }
                };
                let started = begun.inspect(|(child, _)| {
                    live.push(Live { pid: child.pid, process: child.process.clone(), on_exit });
                });
                // Nobody hears it if the asker's thread has gone; the child is watched all the same.
                let _ = answer.send(started);
            }
        }
    }
}

/// On the nursery's thread: starts the process, by the template if that may be.
fn begin(spec: &Spec, template: &mut Option<Template>, live: &mut Vec<Live>) -> io::Result<Child> {
    let plain = spec.env.is_empty() && (spec.stdout, spec.stderr) == (Stream::Inherit, Stream::Inherit);
    if FORGET.swap(false, Relaxed) {
        *template = None;
    }
    if let Some(frame) = spec.template.as_ref().filter(|_| plain) {
        match forked(spec, frame, template, live) {
            Ok(child) => return Ok(child),
            // P3 of `template.rs`. Closing its channel ends what is left of it.
            Err(_) => *template = None,
        }
    }
    fresh(spec)
}

/// A child forked from the template, which is started if there is none.
fn forked(spec: &Spec, frame: &[u8], template: &mut Option<Template>, live: &mut Vec<Live>) -> io::Result<Child> {
    if template.is_none() {
        let mut new = fresh(spec)?;
        live.push(Live { pid: new.pid, process: new.process.clone(), on_exit: Box::new(|_| ()) });
        let channel = new.channel.take().ok_or(io::ErrorKind::NotConnected)?;
        channel.send(frame)?;
        *template = Some(Template::new(channel, new.pid));
    }
    let template = template.as_ref().ok_or(io::ErrorKind::NotFound)?;
    let (ours, theirs) = Channel::pair()?;
    let pid = template.fork(theirs)?;
    let process = Arc::new(pidfd_open(number(pid), PidfdFlags::empty())?);
    Ok(Child { pid, process, channel: Some(ours), stdout: None, stderr: None })
}

/// A child that is this binary, started.
fn fresh(spec: &Spec) -> io::Result<Child> {
    let (ours, theirs) = Channel::pair()?;
    let stdio = |s: Stream| match s {
        Stream::Inherit => Stdio::inherit(),
        Stream::Null => Stdio::null(),
        Stream::Capture => Stdio::piped(),
    };
    let child = Command::new(std::env::current_exe()?)
        .args(&spec.args)
        .envs(spec.env.iter().map(|(k, v)| (k, v)))
        .stdin(theirs.into_stdio())
        .stdout(stdio(spec.stdout))
        .stderr(stdio(spec.stderr))
        .spawn()?;
    watched(child, Some(ours))
}

fn number(pid: u32) -> Pid {
    i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the OS gave a process number")
}

/// A started process with the descriptor through which it is known; ended if there is none.
fn watched(mut child: std::process::Child, channel: Option<Channel>) -> io::Result<Child> {
    let pid = child.id();
    let process = match pidfd_open(number(pid), PidfdFlags::empty()) {
        Ok(fd) => Arc::new(fd),
        Err(e) => {
            child.kill()?;
            child.wait()?;
            return Err(e.into());
        }
    };
    let stdout = child.stdout.take().map(|r| Reader(Box::new(r)));
    let stderr = child.stderr.take().map(|r| Reader(Box::new(r)));
    Ok(Child { pid, process, channel, stdout, stderr })
}
