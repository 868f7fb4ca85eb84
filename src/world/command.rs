//! Programs of the system: how one is described, its streams, and exchanging data with it.

use super::work::{Descriptor, READABLE, Step, WRITABLE, Work};
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::fs::OpenOptions;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a standard stream of a program goes, or comes from.
#[derive(Clone, Debug)]
pub enum Flow {
    Inherit,
    Null,
    /// To or from this process.
    Pipe,
    /// Standard error to where standard output goes.
    Joined,
    /// What this process has open.
    Open(Descriptor),
    /// One of this process's own standard streams.
    Standard(u8),
    /// A file: read from this place on, or written at its end.
    File {
        path: String,
        write: bool,
        at: u64,
    },
}

/// What to start.
#[derive(Clone, Debug)]
pub struct Program {
    pub program: String,
    pub args: Vec<String>,
    /// The whole environment; `None`: this process's.
    pub env: Option<Vec<(String, String)>>,
    pub cwd: Option<String>,
    pub flows: [Flow; 3],
    /// A session of its own: what is typed at the terminal does not reach it.
    pub own_group: bool,
}

/// Our ends of its streams.
pub type Ends = [Option<Descriptor>; 3];

impl Program {
    /// Called on the thread that starts children.
    pub(super) fn spawn(&self) -> io::Result<(std::process::Child, Ends)> {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        if let Some(env) = &self.env {
            command.env_clear().envs(env.iter().map(|(k, v)| (k, v)));
        }
        if let Some(cwd) = &self.cwd {
            command.current_dir(cwd);
        }
        if self.own_group {
            use std::os::unix::process::CommandExt;
            command.process_group(0);
        }
        let mut ends: Ends = [None, None, None];
        let stdin = self.flow(0, &mut ends)?;
        let stdout = self.flow(1, &mut ends)?;
        let stderr = match &self.flows[2] {
            Flow::Joined => stdout.as_ref().map(OwnedFd::try_clone).transpose()?,
            _ => self.flow(2, &mut ends)?,
        };
        let stdio = |fd: Option<OwnedFd>| fd.map_or_else(Stdio::inherit, Stdio::from);
        let joined_to_ours = matches!((&self.flows[2], &stdout), (Flow::Joined, None));
        let stderr = if joined_to_ours { Some(standard(1)?) } else { stderr };
        command.stdin(stdio(stdin)).stdout(stdio(stdout)).stderr(stdio(stderr));
        let child = command.spawn()?;
        Ok((child, ends))
    }

    /// The program's end of a stream; ours goes to `ends`. `None`: inherited.
    fn flow(&self, number: usize, ends: &mut Ends) -> io::Result<Option<OwnedFd>> {
        Ok(Some(match &self.flows[number] {
            Flow::Inherit | Flow::Joined => return Ok(None),
            Flow::Null => OpenOptions::new().read(true).write(true).open("/dev/null")?.into(),
            Flow::Pipe => {
                let (read, write) = pipe_with(PipeFlags::CLOEXEC)?;
                let (ours, theirs) = if number == 0 { (write, read) } else { (read, write) };
                rustix::io::ioctl_fionbio(&ours, true)?;
                ends[number] = Some(Arc::new(ours));
                theirs
            }
            Flow::Open(d) => {
                // The program expects to wait in its reads.
                rustix::io::ioctl_fionbio(&**d, false)?;
                d.try_clone()?
            }
            Flow::Standard(n) => standard(*n)?,
            Flow::File { path, write: true, .. } => OpenOptions::new().append(true).create(true).open(path)?.into(),
            Flow::File { path, at, .. } => {
                use std::io::{Seek, SeekFrom};
                let mut file = OpenOptions::new().read(true).open(path)?;
                file.seek(SeekFrom::Start(*at))?;
                file.into()
            }
        }))
    }
}

fn standard(n: u8) -> io::Result<OwnedFd> {
    let fd = match n {
        0 => rustix::stdio::stdin(),
        1 => rustix::stdio::stdout(),
        _ => rustix::stdio::stderr(),
    };
    Ok(rustix::io::fcntl_dupfd_cloexec(fd, 3)?)
}

/// Giving a program its input while its output is taken: neither waits for the other.
pub struct Exchange(pub Mutex<Exchanged>);

/// How far it has come.
#[derive(Default)]
pub struct Exchanged {
    pub input: Vec<u8>,
    pub written: usize,
    /// Taken out as they end.
    pub ends: Ends,
    pub output: [Vec<u8>; 2],
    pub error: Option<io::Error>,
    /// Enough when one of the outputs has so many bytes; `usize::MAX`: everything.
    pub enough: usize,
    /// Enough when there is a line end.
    pub line: bool,
}

impl Exchanged {
    fn write(&mut self) -> io::Result<()> {
        while let Some(fd) = &self.ends[0] {
            if self.written == self.input.len() {
                self.ends[0] = None;
                return Ok(());
            }
            match rustix::io::write(&**fd, &self.input[self.written..]) {
                Ok(n) => self.written += n,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                // It does not want to know more.
                Err(Errno::PIPE) => self.ends[0] = None,
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn read(&mut self, which: usize) -> io::Result<()> {
        let mut room = [0; 32 << 10];
        while let Some(fd) = &self.ends[which + 1] {
            if self.done(which) {
                return Ok(());
            }
            let most = self.enough.saturating_sub(self.output[which].len()).min(room.len());
            match rustix::io::read(&**fd, &mut room[..most]) {
                Ok(0) => self.ends[which + 1] = None,
                Ok(n) => self.output[which].extend_from_slice(&room[..n]),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }

    fn done(&self, which: usize) -> bool {
        let bytes = &self.output[which];
        bytes.len() >= self.enough || self.line && bytes.contains(&b'\n')
    }
}

impl Work for Exchange {
    fn step(&self) -> Step {
        let mut x = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let done = x.write().and_then(|()| x.read(0)).and_then(|()| x.read(1));
        if let Err(e) = done {
            x.error = Some(e);
            return Step::Done;
        }
        let mut wants: Vec<_> = x.ends[0].iter().map(|d| (d.clone(), WRITABLE)).collect();
        for which in 0..2 {
            if x.ends[which + 1].is_some() && x.done(which) {
                return Step::Done;
            }
            wants.extend(x.ends[which + 1].iter().map(|d| (d.clone(), READABLE)));
        }
        if wants.is_empty() { Step::Done } else { Step::Wants(wants) }
    }
}

/// A signal by its number.
pub fn named(signal: i32) -> Option<rustix::process::Signal> {
    rustix::process::Signal::from_named_raw(signal)
}
