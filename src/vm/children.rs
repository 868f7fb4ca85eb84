//! Child processes as scripts' threads see them: how `engine` hands in what starts them, and the table of
//! those that were started.

use super::thread::Thread;
use crate::gil::Held;
use crate::world::channel::Channel;
use crate::world::child::{Child, Exit, Handle, OnExit};
use crate::world::work::Descriptor;
use crate::world::{Tid, WaitKey};
use std::any::Any;
use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

/// How a child comes by the main script's names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Method {
    /// They are in the message, as they were at the start.
    Fork,
    /// It imports the script.
    Spawn,
}

impl Method {
    pub const ALL: [Method; 2] = [Method::Fork, Method::Spawn];
    /// As scripts say it.
    pub fn name(self) -> &'static str {
        match self {
            Method::Fork => "fork",
            Method::Spawn => "spawn",
        }
    }
}

/// What a child is started with.
#[derive(Clone, PartialEq, Debug)]
pub struct Birth {
    pub method: Method,
    /// The name of the Process object.
    pub name: String,
    /// The method that the parent's script has chosen for all processes, if it has.
    pub default: Option<Method>,
    /// `sys.argv` as the script left it; `None`: as the run began.
    pub argv: Option<Vec<String>>,
    /// `sys.getrecursionlimit()`.
    pub limit: u32,
    /// What the script changed in the environment (`Interp::environ`).
    pub environ: BTreeMap<String, Option<String>>,
    /// The Process object and what it needs, encoded.
    pub payload: Vec<u8>,
}

/// Why a child could not be started.
#[derive(Debug)]
pub enum StartError {
    /// What the OS said.
    Os(std::io::Error),
    /// Not in this world, or not so much.
    Refused(String),
}

/// What is handed to another process beside bytes: an end of a pipe, permits, shared memory.
#[derive(Clone)]
pub enum Passed {
    Descriptor(Descriptor),
    /// What its module made of it.
    Simulated(Arc<dyn Any + Send + Sync>),
}

/// A frame on its way out of or into a thread, and what goes along with it.
#[derive(Default)]
pub struct Handing {
    /// A child is being started: locks and queues may go along, which later messages do not take.
    pub spawning: bool,
    pub things: Vec<Passed>,
}

/// A started child.
pub trait ChildProcess: Send + Sync {
    fn pid(&self) -> u32;
    /// Its end wakes this key.
    fn key(&self) -> WaitKey;
    /// What is ready when it has ended.
    fn sentinel(&self) -> Passed;
    /// The exit code, or minus the signal's number, once it has ended.
    fn exit(&self, held: &Held) -> Option<i32>;
    /// Whether there is something to wait for. Asked under the driver's mutex, so it looks at plain data;
    /// a world in which nothing happens between two steps of a thread says yes.
    fn pending(&self) -> bool;
    /// SIGTERM. Nothing happens if it has ended.
    fn terminate(&self, held: &mut Held) -> std::io::Result<()>;
    /// Any signal, by its number.
    fn signal(&self, held: &mut Held, number: i32) -> std::io::Result<()>;
    /// SIGKILL.
    fn kill(&self, held: &mut Held) -> std::io::Result<()>;
}

/// A process of the system that is being started: what its end will tell, and wake.
pub struct Awaited {
    key: WaitKey,
    exit: Arc<OnceLock<i32>>,
}

impl Awaited {
    pub fn new(held: &mut Held) -> (Awaited, OnExit) {
        let (key, waker, exit) = (held.new_key(), held.waker(), Arc::new(OnceLock::new()));
        let told = exit.clone();
        let on_exit = Box::new(move |how: Exit| {
            // Before the wake, so that whoever looks after it sees the code.
            let _ = told.set(how.0);
            waker.wake(key);
        });
        (Awaited { key, exit }, on_exit)
    }

    /// It has been started. Its channel is kept open: a child whose channel is closed has no parent.
    pub fn child(self, started: &Child, channel: Option<Channel>) -> Arc<dyn ChildProcess> {
        Arc::new(RealChild { pid: started.pid(), handle: started.handle(), awaited: self, _channel: channel })
    }
}

/// A process of the system: a copy of this binary, or a program.
struct RealChild {
    pid: u32,
    handle: Handle,
    awaited: Awaited,
    _channel: Option<Channel>,
}

impl ChildProcess for RealChild {
    fn pid(&self) -> u32 {
        self.pid
    }
    fn key(&self) -> WaitKey {
        self.awaited.key
    }
    fn sentinel(&self) -> Passed {
        Passed::Descriptor(self.handle.descriptor())
    }
    fn exit(&self, _: &Held) -> Option<i32> {
        self.awaited.exit.get().copied()
    }
    fn pending(&self) -> bool {
        self.awaited.exit.get().is_none()
    }
    fn terminate(&self, _: &mut Held) -> std::io::Result<()> {
        self.handle.terminate()
    }
    fn signal(&self, _: &mut Held, number: i32) -> std::io::Result<()> {
        self.handle.signal(number)
    }
    fn kill(&self, _: &mut Held) -> std::io::Result<()> {
        self.handle.kill()
    }
}

/// How a child is started: owned by `engine`, which knows the configuration and the worlds.
pub trait ProcessStarter: Send + Sync {
    fn start(&self, th: &mut Thread, birth: Birth, passed: Vec<Passed>) -> Result<Arc<dyn ChildProcess>, StartError>;
}

/// Children whose end no script has seen yet, by number.
#[derive(Default)]
pub struct Children {
    started: u64,
    pub live: BTreeMap<u64, Arc<dyn ChildProcess>>,
    /// The frames that each thread writes or reads now, the inner one last.
    pub handing: BTreeMap<Tid, Vec<Handing>>,
}

impl Children {
    /// Enters a child; gives its number, which is never used again.
    pub fn enter(&mut self, child: Arc<dyn ChildProcess>) -> u64 {
        self.started += 1;
        self.live.insert(self.started, child);
        self.started
    }

    /// A frame begins.
    pub fn begin(&mut self, t: Tid, handing: Handing) {
        self.handing.entry(t).or_default().push(handing);
    }
    /// The frame that began last ends; gives what goes along.
    pub fn end(&mut self, t: Tid) -> Vec<Passed> {
        let Some(row) = self.handing.get_mut(&t) else { return Vec::new() };
        let last = row.pop().unwrap_or_default();
        if row.is_empty() {
            self.handing.remove(&t);
        }
        last.things
    }
    /// The frame that the thread is at.
    pub fn at(&mut self, t: Tid) -> Option<&mut Handing> {
        self.handing.get_mut(&t)?.last_mut()
    }
}
