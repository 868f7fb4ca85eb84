//! The disk as natives use it, and what its faults raise.

use crate::object::TypeId;
use crate::stdlib::{net, os_error};
use crate::vm::{Raised, Thread};
use crate::world::disk::{Disk, Fault};
use crate::world::{Clock, handle};

/// The files of this process, at this moment.
pub fn disk(th: &Thread) -> Disk {
    th.interp.pipes.with(&th.held, |p| p.disk.clone()).at(|| moment(th))
}

/// Now, in nanoseconds since 1970.
pub fn moment(th: &Thread) -> i64 {
    i64::try_from(th.held.now(Clock::Wall)).unwrap_or(i64::MAX)
}

const EACCES: i32 = 13;

/// Raises what a fault is; `name` and `to` are the files.
pub fn fault(th: &mut Thread, fault: Fault, name: Option<&str>, to: Option<&str>) -> Raised {
    match fault {
        Fault::Os(e) => os_error::raise_between(th, &e, name, to),
        Fault::Folder => os_error::raise_between(th, &handle::folder(), name, to),
        Fault::Pipe => net::not_simulated(th, "a simulation has no named pipes"),
        Fault::Denied => {
            let words = "Permission denied: this simulation writes no files; run with --sim-fs overlay or commit";
            os_error::raise_as(th, EACCES, words, name, to)
        }
        Fault::Refused(what) => {
            let text = format!("{what} is not in a simulation's overlay; run with --sim-fs commit");
            th.raise(TypeId::NotImplementedError, text)
        }
    }
}
