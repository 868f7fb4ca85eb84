//! Weak references: who wants to know when an object is freed.
//!
//! A watched object has a flag; its address leads to a cell that says the address, or 0 once the object is
//! gone. The table hangs on the interpreter's heap; a mutex, not the lock, guards it, because with the lock
//! off any thread may free.

use super::{HeapRoot, Ref, SPEAKS_LAST};
use crate::gil::Held;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

/// Flag of an object that somebody watches.
pub(super) const WATCHED: u8 = 2;
const _: () = assert!(WATCHED & SPEAKS_LAST == 0);

/// The address of an object, 0 once it is gone.
pub type Watch = Arc<AtomicUsize>;

#[derive(Default)]
pub(super) struct Weak {
    cells: Mutex<HashMap<usize, Watch, foldhash::fast::FixedState>>,
    /// Watches whose object is gone and whose callbacks are still to be called.
    fired: Mutex<Vec<usize>>,
}

impl Weak {
    /// The object at `address` is about to be freed.
    pub(super) fn gone(&self, address: usize) {
        if let Some(cell) = self.cells.lock().remove(&address) {
            cell.store(0, Relaxed);
            self.fired.lock().push(Arc::as_ptr(&cell) as usize);
        }
    }
}

impl HeapRoot {
    /// The watch of an object; the same one as long as it lives.
    pub fn watch(&self, _held: &Held, r: &Ref) -> Watch {
        r.header().flags.fetch_or(WATCHED, Relaxed);
        let address = r.address();
        self.weak.cells.lock().entry(address).or_insert_with(|| Arc::new(AtomicUsize::new(address))).clone()
    }
    /// The watched object, if it lives.
    pub fn watched(&self, _held: &Held, watch: &Watch) -> Option<Ref> {
        let cells = self.weak.cells.lock();
        match watch.load(Relaxed) {
            0 => None,
            address => cells.contains_key(&address).then(|| Ref::living(address)).flatten(),
        }
    }
    /// Numbers of watches whose objects have gone since the last time.
    pub fn fired(&self, _held: &Held) -> Vec<usize> {
        std::mem::take(&mut *self.weak.fired.lock())
    }
}

/// A number by which a watch is known in `fired`.
pub fn number(watch: &Watch) -> usize {
    Arc::as_ptr(watch) as usize
}
