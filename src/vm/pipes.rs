//! The descriptors of a simulated process: pipes, sockets (`world/simnet.rs` has what they do) and files by
//! number; and where the files are, in either world.

use crate::world::disk::{Disk, File, Numbers};
use crate::world::simnet::{End, Net};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The first number that stands for none of the standard streams.
const FIRST: i64 = 3;

#[derive(Default)]
pub struct Pipes {
    ends: BTreeMap<i64, Arc<End>>,
    /// The network of the whole simulation; a child process has its parent's.
    pub net: Arc<Net>,
    /// The files that this process sees.
    pub disk: Disk,
    /// Those that it has open by number.
    pub files: Arc<Numbers>,
}

impl Pipes {
    /// The lowest free number, as the system gives it.
    pub fn enter(&mut self, end: Arc<End>) -> i64 {
        let number = self.free();
        self.ends.insert(number, end);
        number
    }

    pub fn enter_file(&mut self, file: File) -> i64 {
        let number = self.free();
        self.files.enter(number, file);
        number
    }

    fn free(&self) -> i64 {
        (FIRST..).find(|n| !self.ends.contains_key(n) && !self.files.has(*n)).unwrap_or(FIRST)
    }

    /// What a child process begins with.
    pub fn child(&self) -> Pipes {
        Pipes { net: self.net.clone(), disk: self.disk.child(), ..Pipes::default() }
    }

    pub fn get(&self, number: i64) -> Option<Arc<End>> {
        self.ends.get(&number).cloned()
    }

    pub fn take(&mut self, number: i64) -> Option<Arc<End>> {
        self.ends.remove(&number)
    }

    pub fn all(&mut self) -> Vec<Arc<End>> {
        std::mem::take(&mut self.ends).into_values().collect()
    }
}
