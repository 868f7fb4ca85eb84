//! The descriptors of a simulated process: pipes and sockets by number (`world/simnet.rs` has what they do).

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
}

impl Pipes {
    /// The lowest free number, as the system gives it.
    pub fn enter(&mut self, end: Arc<End>) -> i64 {
        let number = (FIRST..).find(|n| !self.ends.contains_key(n)).unwrap_or(FIRST);
        self.ends.insert(number, end);
        number
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
