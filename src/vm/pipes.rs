//! The pipes of a simulated process, which are rows of bytes (`stdlib/pipes.rs` has the natives).

use crate::world::{Nanos, WaitKey};
use std::collections::{BTreeMap, VecDeque};

/// By the number of the reading end; one more is that of the writing end.
#[derive(Default)]
pub struct Pipes(pub BTreeMap<i64, Pipe>);

pub struct Pipe {
    pub key: WaitKey,
    /// What was written and has not been read, and when it arrives.
    pub parts: VecDeque<(Nanos, Vec<u8>)>,
    /// How long bytes are under way.
    pub delay: Nanos,
    pub readable: bool,
    pub writable: bool,
}
