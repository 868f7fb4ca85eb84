//! Ctrl-C. The first one is handed to a listener; the second flushes the output and ends the process with
//! 130; should that hang, a third ends it in the signal handler itself.

use signal_hook::consts::SIGINT;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

/// A Ctrl-C has been handed over and nobody has said that it was dealt with. Of the process, as signals are.
static SEEN: AtomicBool = AtomicBool::new(false);

/// The last Ctrl-C was dealt with: the next one is a first one again. What a prompt says after each input.
pub fn dealt_with() {
    SEEN.store(false, SeqCst);
}

/// Calls `first` on a thread of its own at the first Ctrl-C.
pub fn on_interrupt(first: Box<dyn Fn() + Send>) -> io::Result<()> {
    let ending = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, ending.clone())?;
    let mut signals = signal_hook::iterator::Signals::new([SIGINT])?;
    super::thread::start(
        "signals",
        128 << 10,
        Box::new(move || {
            for _ in signals.forever() {
                if SEEN.swap(true, SeqCst) {
                    ending.store(true, SeqCst);
                    super::host::exit(130);
                }
                first();
            }
        }),
    )
}

/// Every Ctrl-C ends the process with 130: what the simulated world does.
pub fn interrupt_ends_process() -> io::Result<()> {
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::new(AtomicBool::new(true))).map(drop)
}
