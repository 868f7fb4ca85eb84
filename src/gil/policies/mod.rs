//! The lock policies, one file each, as pure state machines (`policy.rs` has the trait and the table).
//!
//! P1 A waiter appears once; a holder is never a waiter.
//! P2 `requested` implies that somebody waits: a request without a waiter would make a lone thread drop.
//! P3 After a release because of a request the next holder differs, if anybody waited; a policy that
//!    `barges` promises this for a yield only.
//! P4 The uncontended lock may move without the policy (`adopt`), so nothing that matters may depend on
//!    having seen each take.
//!
//! Source: CPython's `Python/ceval_gil.c`, and what was measured on CPython 3.11; `fifo` makes the two
//! choices which that leaves to chance; the others name theirs. Not here: time-keeping, waking, breaker words: the drivers'.

mod bfs;
mod cpython;
mod fifo;
mod line;
mod off;
mod priority;
mod pypy;
mod ruby;
mod ticks;

pub use bfs::Bfs;
pub use cpython::Cpython;
pub use fifo::Fifo;
pub use off::Off;
pub use priority::Priority;
pub use pypy::Pypy;
pub use ruby::Ruby;
pub use ticks::Ticks;
