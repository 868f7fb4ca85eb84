//! The files of a simulation: the host's, with everything that the run changes kept in memory.
//!
//! A tree of nodes lies over the host's. It begins with the root alone; what is looked up on the host becomes
//! a node then and keeps the status it had (`tree.rs`). A folder's node knows which names were added, changed
//! or taken away; for all others it asks the host's folder. The bytes of an open file are a file in memory
//! of the system (`content.rs`), so that reading, writing and places are the system's own; a file of the host
//! is copied there when it is opened.
//!
//! O1 Nothing of the host is written, made, removed or renamed. Reading is all that is done there.
//! O2 All processes of a run share one tree; each has its own folder to start from and its own numbers.
//! O3 What is written bears virtual time; what was made has a device and inodes of its own, counted from 1.
//!    Listings are sorted. Nothing depends on the host's clock.
//! O4 Checks come in the system's order: what is missing or of the wrong kind, then who may, then `deny`.
//! O5 A node without a name lives as long as somebody has it open. Files that nobody has open give their
//!    descriptors back when many are in use.
//!
//! Source of the idea: union mounts (Pendry and McKusick 1995), Linux' overlayfs, whose copying up this is.
//! Refused by name: pipes, sockets and devices by name except null, zero and full; folders as open files;
//! writing below /proc and /sys, and to a very large file of the host that is just being read.
//! Not here: what the operations raise (`stdlib/files/disk.rs`).

mod content;
mod ops;
mod tree;

use self::tree::{Id, Tree};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;
use std::sync::atomic::Ordering::Relaxed;

/// When a file was changed, and its entry: nanoseconds since 1970.
#[derive(Debug)]
pub struct Stamp {
    changed: AtomicI64,
    entry: AtomicI64,
}

impl Stamp {
    fn new(changed: i64, entry: i64) -> Arc<Stamp> {
        Arc::new(Stamp { changed: changed.into(), entry: entry.into() })
    }

    pub fn touch(&self, now: i64) {
        self.changed.store(now, Relaxed);
        self.entry.store(now, Relaxed);
    }
}

/// The files as one process sees them, at one moment.
#[derive(Clone)]
pub struct View {
    tree: Arc<Mutex<Tree>>,
    /// Where relative paths start; `None`: nowhere, as in a folder that is gone.
    folder: Arc<Mutex<Option<Id>>>,
    now: i64,
}

impl View {
    /// The view of a run's first process. `denies`: nothing may be written.
    pub fn new(denies: bool) -> View {
        let mut tree = Tree::new(denies);
        let folder = super::host::current_dir().ok().and_then(|here| tree.walk(None, &here, true).ok()?.id);
        View { tree: Arc::new(Mutex::new(tree)), folder: Arc::new(Mutex::new(folder)), now: 0 }
    }

    pub fn at(&self, now: i64) -> View {
        View { now, ..self.clone() }
    }

    pub fn now(&self) -> i64 {
        self.now
    }

    pub fn child(&self) -> View {
        let folder = *self.folder.lock();
        View { folder: Arc::new(Mutex::new(folder)), ..self.clone() }
    }
}
