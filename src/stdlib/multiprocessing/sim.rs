//! Pipes, permits and memory between simulated processes: plain data that all of them see. Only one thread
//! of the whole run is awake at a time, so the mutexes are never contended.

use crate::gil::Held;
use crate::vm::children::Passed;
use crate::world::{ProcessId, WaitKey};
use parking_lot::Mutex;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Messages that a pipe holds before its sender waits, as a socket does.
const ROOM: usize = 256;

/// One end of a pipe. Each end object counts as one holder of its side.
pub struct End {
    pair: Arc<Mutex<Pair>>,
    side: usize,
}

struct Pair {
    sides: [Side; 2],
}

/// What belongs to one end: what has been sent to it, who has it.
struct Side {
    inbox: VecDeque<(Vec<u8>, Vec<Passed>)>,
    key: WaitKey,
    watchers: Vec<WaitKey>,
    holders: BTreeMap<ProcessId, usize>,
    /// Copies in frames that nobody has read yet.
    flying: usize,
}

/// What an attempt to receive found.
pub enum Found {
    Message(Vec<u8>, Vec<Passed>),
    Nothing,
    End,
}

impl End {
    pub fn pair(held: &mut Held) -> (End, End) {
        let me = held.process();
        let mut side = || Side {
            inbox: VecDeque::new(),
            key: held.new_key(),
            watchers: Vec::new(),
            holders: BTreeMap::from([(me, 1)]),
            flying: 0,
        };
        let sides = [side(), side()];
        let pair = Arc::new(Mutex::new(Pair { sides }));
        (End { pair: pair.clone(), side: 0 }, End { pair, side: 1 })
    }

    /// What a wait on this end is woken by, for messages and for room.
    pub fn key(&self) -> WaitKey {
        self.pair.lock().sides[self.side].key
    }

    fn open(side: &Side, held: &Held) -> bool {
        side.flying > 0 || side.holders.iter().any(|(p, n)| *n > 0 && held.process_exit_code(*p).is_none())
    }

    /// Sends if there is room: `None` if nobody can receive it, else whether it was sent.
    pub fn send(&self, held: &mut Held, bytes: &[u8], along: &[Passed]) -> Option<bool> {
        let (sent, keys) = {
            let mut pair = self.pair.lock();
            let there = &mut pair.sides[1 - self.side];
            if !End::open(there, held) {
                return None;
            }
            if there.inbox.len() >= ROOM {
                return Some(false);
            }
            there.inbox.push_back((bytes.to_vec(), along.to_vec()));
            (true, there.keys())
        };
        wake(held, keys);
        Some(sent)
    }

    pub fn receive(&self, held: &mut Held) -> Found {
        let (message, keys) = {
            let mut pair = self.pair.lock();
            match pair.sides[self.side].inbox.pop_front() {
                Some(m) => (m, pair.sides[1 - self.side].keys()),
                None if End::open(&pair.sides[1 - self.side], held) => return Found::Nothing,
                None => return Found::End,
            }
        };
        // There is room again.
        wake(held, keys);
        Found::Message(message.0, message.1)
    }

    /// Whether `receive` would find something.
    pub fn ready(&self, held: &Held) -> bool {
        let pair = self.pair.lock();
        !pair.sides[self.side].inbox.is_empty() || !End::open(&pair.sides[1 - self.side], held)
    }

    pub fn watch(&self, key: WaitKey, on: bool) {
        let mut pair = self.pair.lock();
        let row = &mut pair.sides[self.side].watchers;
        match row.iter().position(|k| *k == key) {
            Some(at) if !on => drop(row.remove(at)),
            None if on => row.push(key),
            _ => {}
        }
    }

    /// A copy goes into a frame.
    pub fn take_off(&self) {
        self.pair.lock().sides[self.side].flying += 1;
    }

    /// A copy came out of a frame.
    pub fn land(&self, process: ProcessId) {
        let mut pair = self.pair.lock();
        let side = &mut pair.sides[self.side];
        side.flying = side.flying.saturating_sub(1);
        *side.holders.entry(process).or_default() += 1;
    }

    /// A process lets go of a copy; gives the keys to wake.
    pub fn close(&self, process: ProcessId) -> Vec<WaitKey> {
        let mut pair = self.pair.lock();
        if let Some(n) = pair.sides[self.side].holders.get_mut(&process) {
            *n = n.saturating_sub(1);
        }
        pair.sides.iter().flat_map(Side::keys).collect()
    }
}

impl Side {
    fn keys(&self) -> Vec<WaitKey> {
        std::iter::once(self.key).chain(self.watchers.iter().copied()).collect()
    }
}

fn wake(held: &mut Held, keys: Vec<WaitKey>) {
    for key in keys {
        held.wake(key, usize::MAX);
    }
}

/// Permits.
pub struct Tokens {
    pub key: WaitKey,
    count: Mutex<u64>,
}

impl Tokens {
    pub fn new(held: &mut Held, count: u64) -> Tokens {
        Tokens { key: held.new_key(), count: Mutex::new(count) }
    }
    pub fn take(&self) -> bool {
        let mut n = self.count.lock();
        let any = *n > 0;
        *n -= u64::from(any);
        any
    }
    pub fn give(&self) {
        *self.count.lock() += 1;
    }
    pub fn count(&self) -> u64 {
        *self.count.lock()
    }
}

/// Shared memory.
pub struct Bytes(pub Mutex<Vec<u8>>);
