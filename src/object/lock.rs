//! The payload of `threading.Lock` and `RLock`: who has it, how often, and who waits for it.
//!
//! It is a kind of its own, so that `with lock:` finds it without asking the class for methods.

use super::heap::Ref;
use super::kind::Trace;
use crate::gil::Held;
use std::sync::Arc;

pub struct Lock {
    /// The number of its wait key.
    pub key: u64,
    /// The owner's number plus one; 0: it is free.
    owner: u32,
    /// Threads between looking in vain and looking again: a release without any wakes nobody.
    pub waiting: u32,
    /// How often the owner has taken it.
    pub count: u64,
    /// Its owner may take it again, and only its owner may release it: an RLock.
    pub reentrant: bool,
    /// What reports call it.
    pub name: Arc<str>,
}

/// What a release brought.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Given {
    /// Nobody has it, or not the thread that may release it.
    Refused,
    Kept,
    /// It is free; somebody waits for this key.
    Free {
        awaited: Option<u64>,
    },
}

impl Lock {
    pub fn new(key: u64, reentrant: bool, name: Arc<str>) -> Lock {
        Lock { key, owner: 0, waiting: 0, count: 0, reentrant, name }
    }

    /// Takes it `times` times if this thread may.
    #[inline]
    pub fn take(&mut self, held: &Held, times: u64) -> bool {
        let me = held.tid().0 + 1;
        let may = self.owner == 0 || self.owner == me && self.reentrant;
        if may {
            self.owner = me;
            self.count += times;
        }
        may
    }

    /// Gives it up `times` times, with `None` entirely.
    #[inline]
    pub fn give(&mut self, held: &Held, times: Option<u64>) -> Given {
        if self.owner == 0 || self.reentrant && self.owner != held.tid().0 + 1 {
            return Given::Refused;
        }
        self.count -= times.unwrap_or(self.count);
        if self.count > 0 {
            return Given::Kept;
        }
        self.owner = 0;
        Given::Free { awaited: (self.waiting > 0).then_some(self.key) }
    }

    /// The number of the thread that has it.
    pub fn owner(&self) -> Option<u32> {
        self.owner.checked_sub(1)
    }
}

impl Trace for Lock {
    fn trace(&self, _: &mut dyn FnMut(&Ref)) {}
    fn clear(&mut self) {}
}
