//! The bytes of a file: on the host, in memory, or, while somebody has it open, in a file in memory of the
//! system, of which everybody who opens it gets a description of his own.

use super::tree::{Id, Tree, What};
use crate::world::disk::{Fault, Got};
use crate::world::handle;
use crate::world::work::Descriptor;
use rustix::fs::{MemfdFlags, memfd_create};
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, Seek, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::sync::{Arc, Weak};

const WRITES: u32 = 0o1;
const BOTH: u32 = 0o2;
const EMPTIES: u32 = 0o1000;
/// Flags that mean something for a file that is there: access, emptying, appending, not waiting.
const KEPT: u32 = 0o3 | EMPTIES | 0o2000 | 0o4000;

/// Files of the host above this size are read where they are.
const LARGE_BYTES: u64 = 64 << 20;
/// With so many descriptors held, those that nobody uses are given back.
const LIVE_MAX: usize = 200;

pub struct Content {
    /// The bytes are still those of the host's file.
    of_host: bool,
    bytes: Vec<u8>,
    live: Option<OwnedFd>,
    /// Who has `live` open, or else the host's file.
    openers: Vec<Weak<OwnedFd>>,
}

impl Content {
    pub fn empty() -> Content {
        Content { of_host: false, bytes: Vec::new(), live: None, openers: Vec::new() }
    }

    pub fn of_host() -> Content {
        Content { of_host: true, ..Content::empty() }
    }

    pub fn is_open(&mut self) -> bool {
        self.openers.retain(|o| o.strong_count() > 0);
        !self.openers.is_empty()
    }

    /// How long it is; `known`: as the host said.
    pub fn size(&self, known: u64) -> io::Result<u64> {
        match &self.live {
            Some(fd) => Ok(rustix::fs::fstat(fd)?.st_size as u64),
            None if self.of_host => Ok(known),
            None => Ok(self.bytes.len() as u64),
        }
    }

    /// Brings the bytes into a file in memory; `empty`: nobody needs those there are.
    fn wake(&mut self, origin: Option<&Path>, empty: bool) -> io::Result<()> {
        if self.live.is_some() {
            return Ok(());
        }
        let mut file = File::from(memfd_create("kit-file", MemfdFlags::CLOEXEC)?);
        match origin.filter(|_| self.of_host) {
            _ if empty => {}
            Some(origin) => drop(io::copy(&mut File::open(origin)?, &mut file)?),
            None => file.write_all(&self.bytes)?,
        }
        self.bytes = Vec::new();
        self.live = Some(file.into());
        Ok(())
    }

    /// Gives the descriptor back.
    fn sleep(&mut self) -> io::Result<()> {
        if let Some(fd) = self.live.take()
            && !self.of_host
        {
            let mut file = File::from(fd);
            file.rewind()?;
            io::Read::read_to_end(&mut file, &mut self.bytes)?;
        }
        Ok(())
    }
}

impl Tree {
    /// Opens the file `id`, which is called `path`. Who may has been asked before.
    pub fn open_content(&mut self, id: Id, path: &Path, flags: u32) -> Got<Descriptor> {
        self.give_back()?;
        let writes = flags & (WRITES | BOTH | EMPTIES) != 0;
        let node = self.node(id)?;
        let (origin, size) = (node.origin.clone(), node.status.size);
        let What::File(content) = &mut node.what else { return Err(Errno::INVAL.into()) };
        let asleep = content.live.is_none();
        if let Some(origin) = origin.as_deref().filter(|_| content.of_host && asleep) {
            // What the system makes up while it is read has no size.
            let made_up = origin.starts_with("/proc") || origin.starts_with("/sys");
            if writes && (made_up || content.is_open()) {
                let why = if made_up { "made up by the system" } else { "large and just being read" };
                return Err(Fault::Refused(format!("writing to '{}', which is {why},", path.display())));
            }
            if made_up || !writes && size > LARGE_BYTES {
                let fd = Arc::new(handle::open_by_flags(&origin.to_string_lossy(), flags & KEPT, 0)?);
                content.openers.push(Arc::downgrade(&fd));
                return Ok(fd);
            }
        }
        content.wake(origin.as_deref(), flags & EMPTIES != 0)?;
        let Some(live) = &content.live else { return Err(Errno::BADF.into()) };
        let again = format!("/proc/self/fd/{}", live.as_raw_fd());
        let fd = Arc::new(handle::open_by_flags(&again, flags & KEPT, 0)?);
        content.of_host &= !writes;
        content.openers.push(Arc::downgrade(&fd));
        if asleep {
            self.live.push(id);
        }
        Ok(fd)
    }

    /// With many descriptors held, gives those back that nobody uses (O5).
    fn give_back(&mut self) -> Got<()> {
        if self.live.len() < LIVE_MAX {
            return Ok(());
        }
        for id in std::mem::take(&mut self.live) {
            let Some(node) = self.nodes.get_mut(&id) else { continue };
            let What::File(content) = &mut node.what else { continue };
            if content.is_open() {
                self.live.push(id);
            } else if node.status.links == 0 {
                self.nodes.remove(&id);
            } else {
                content.sleep()?;
            }
        }
        Ok(())
    }
}
