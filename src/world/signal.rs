//! Ctrl-C. The first one is handed to a listener; the second flushes the output and ends the process with
//! 130; should that hang, a third ends it in the signal handler itself.

use signal_hook::consts::SIGINT;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};

/// A Ctrl-C has been handed over and nobody has said that it was dealt with. Of the process, as signals are.
static SEEN: AtomicBool = AtomicBool::new(false);

/// Set by the signal handler itself, cleared when the listener has handed the Ctrl-C over.
static ARRIVED: LazyLock<Arc<AtomicBool>> = LazyLock::new(Arc::default);

/// The longest wait for the listener; it has nothing else to do.
const PATIENCE_MS: u32 = 1000;

/// Returns when every Ctrl-C that has arrived is handed over: for the end of a program, which may come
/// before the listener runs.
pub fn settle() {
    for _ in 0..PATIENCE_MS {
        if !ARRIVED.load(SeqCst) {
            return;
        }
        super::thread::sleep(1_000_000);
    }
}

/// The last Ctrl-C was dealt with: the next one is a first one again. What a prompt says after each input.
pub fn dealt_with() {
    SEEN.store(false, SeqCst);
}

/// Calls `first` on a thread of its own at the first Ctrl-C.
pub fn on_interrupt(first: Box<dyn Fn() + Send>) -> io::Result<()> {
    let ending = Arc::new(AtomicBool::new(false));
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, ending.clone())?;
    signal_hook::flag::register(SIGINT, ARRIVED.clone())?;
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
                ARRIVED.store(false, SeqCst);
            }
        }),
    )
}

/// Every Ctrl-C ends the process with 130: what the simulated world does.
pub fn interrupt_ends_process() -> io::Result<()> {
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::new(AtomicBool::new(true))).map(drop)
}
