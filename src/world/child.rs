//! Child processes: this binary, started again.
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
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};
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
    child: std::process::Child,
    process: Arc<OwnedFd>,
    on_exit: OnExit,
}

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
                let mut one = live.swap_remove(at);
                super::sched::note_child(one.child.id());
                // The descriptor said that it has ended, so this does not wait.
                let status = one.child.wait().expect("an ended child can be waited for");
                (one.on_exit)(Exit(status.code().unwrap_or_else(|| -status.signal().unwrap_or(0))));
            }
            let mut count = [0; 8];
            // Empty or not: what counts is the list.
            let _ = rustix::io::read(&self.bell, &mut count);
            let requests = std::mem::take(&mut *self.requests.lock().unwrap_or_else(PoisonError::into_inner));
            for Request { what, on_exit, answer } in requests {
                let begun = match what {
                    What::Ourselves(spec) => begin(spec),
                    What::Program(program) => {
                        program.spawn().and_then(|(child, ends)| watched(child, None).map(|(c, o)| (c, (o, ends))))
                    }
                };
                let started = begun.map(|(child, ours)| {
                    live.push(Live { child, process: ours.0.process.clone(), on_exit });
                    ours
                });
                // Nobody hears it if the asker's thread has gone; the child is watched all the same.
                let _ = answer.send(started);
            }
        }
    }
}

/// On the nursery's thread: starts the process.
fn begin(spec: Spec) -> io::Result<(std::process::Child, (Child, Ends))> {
    let (ours, theirs) = Channel::pair()?;
    let stdio = |s: Stream| match s {
        Stream::Inherit => Stdio::inherit(),
        Stream::Null => Stdio::null(),
        Stream::Capture => Stdio::piped(),
    };
    let child = Command::new(std::env::current_exe()?)
        .args(&spec.args)
        .envs(spec.env)
        .stdin(theirs.into_stdio())
        .stdout(stdio(spec.stdout))
        .stderr(stdio(spec.stderr))
        .spawn()?;
    let (child, ours) = watched(child, Some(ours))?;
    Ok((child, (ours, Ends::default())))
}

/// A started process with the descriptor through which it is known; ended if there is none.
fn watched(mut child: std::process::Child, channel: Option<Channel>) -> io::Result<(std::process::Child, Child)> {
    let pid = child.id();
    let raw = i32::try_from(pid).ok().and_then(Pid::from_raw).expect("the OS gave a process number");
    let process = match pidfd_open(raw, PidfdFlags::empty()) {
        Ok(fd) => Arc::new(fd),
        Err(e) => {
            child.kill()?;
            child.wait()?;
            return Err(e.into());
        }
    };
    let stdout = child.stdout.take().map(|r| Reader(Box::new(r)));
    let stderr = child.stderr.take().map(|r| Reader(Box::new(r)));
    Ok((child, Child { pid, process, channel, stdout, stderr }))
}
