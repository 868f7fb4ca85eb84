//! `off`: no lock, so everybody who asks has it, in simulation too: there the baton sees to it that one thread
//! is awake at a time, and virtual time that they overlap.

use crate::gil::policy::{Ask, Handoff, LockPolicy, To, Why};
use crate::world::{Nanos, Tid};

/// Grants every request at once. The lock word has no fast path then (`quiet`): it has one owner at most.
pub struct Off;

impl LockPolicy for Off {
    fn request(&mut self, _: Tid, _: Nanos) -> Ask {
        Ask::Granted { frees: None }
    }
    fn due(&self) -> Option<Nanos> {
        None
    }
    fn requested(&mut self) {}
    fn check(&mut self, _: Tid, _: Nanos) -> bool {
        false
    }
    fn release(&mut self, _: Tid, _: Why, _: Nanos) -> Handoff {
        Handoff { to: To::Nobody, stay: false }
    }
    fn adopt(&mut self, _: Option<Tid>, _: Nanos) {}
    fn forget(&mut self, _: Tid) {}
    fn quiet(&self) -> bool {
        false
    }
    fn holder(&self) -> Option<Tid> {
        None
    }
    fn waiters(&self) -> usize {
        0
    }
    fn waiter(&self, _: usize) -> Tid {
        Tid::MAIN
    }
    fn eager(&self) -> bool {
        false
    }
    fn set_slice(&mut self, _: u64) {}
}
