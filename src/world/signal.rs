//! Ctrl-C. The first one is handed to a listener; the second ends the process with 130 at once, in the
//! signal handler itself, so it works whatever the program is doing.

use signal_hook::consts::SIGINT;
use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Calls `first` on a thread of its own at the first Ctrl-C.
pub fn on_interrupt(first: Box<dyn Fn() + Send>) -> io::Result<()> {
    let seen = Arc::new(AtomicBool::new(false));
    // The order is the meaning: at a signal the shutdown looks at `seen` before `seen` is set.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, seen.clone())?;
    signal_hook::flag::register(SIGINT, seen)?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT])?;
    super::thread::start(
        "signals",
        128 << 10,
        Box::new(move || {
            for _ in signals.forever() {
                first();
            }
        }),
    )
}

/// Every Ctrl-C ends the process with 130: what the simulated world does.
pub fn interrupt_ends_process() -> io::Result<()> {
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::new(AtomicBool::new(true))).map(drop)
}
