//! Tables of words that all threads read without opening anything: what makes a run without the lock scale.
//!
//! A table only grows, a chunk at a time, and a chunk never moves; a word is one atomic, so it cannot tear.
//! `Lasting` (share.rs) keeps immortal objects in such words: a reader needs neither a lock nor a count.

use std::sync::OnceLock;
use std::sync::atomic::{
    AtomicU32, AtomicUsize,
    Ordering::{Acquire, Relaxed, Release},
};

const CHUNK: usize = 4096;
const CHUNKS: usize = 256;

/// A growing row of words, all 0 at first.
pub struct Words {
    chunks: [OnceLock<Box<[AtomicUsize]>>; CHUNKS],
    used: AtomicU32,
}

impl Default for Words {
    fn default() -> Self {
        Words { chunks: [const { OnceLock::new() }; CHUNKS], used: AtomicU32::new(0) }
    }
}

impl Words {
    /// The number of a word that nobody else has; `None`: the table is full.
    pub fn reserve(&self) -> Option<u32> {
        let most = (CHUNK * CHUNKS) as u32;
        self.used.fetch_update(Relaxed, Relaxed, |n| (n < most).then_some(n + 1)).ok()
    }

    /// 0 where nothing has been put.
    #[inline(always)]
    pub fn get(&self, at: u32) -> usize {
        let chunk = self.chunks.get(at as usize / CHUNK).and_then(OnceLock::get);
        chunk.map_or(0, |chunk| chunk[at as usize % CHUNK].load(Acquire))
    }

    /// Words beyond the table's end stay 0.
    pub fn put(&self, at: u32, word: usize) {
        if let Some(chunk) = self.chunks.get(at as usize / CHUNK) {
            let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| AtomicUsize::new(0)).collect());
            chunk[at as usize % CHUNK].store(word, Release);
        }
    }
}
