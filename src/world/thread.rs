//! OS threads: starting them, parking them, pausing them.

use super::Nanos;
use std::cell::Cell;
use std::sync::OnceLock;
use std::thread::Thread;
use std::time::Duration;

/// Stack of a script thread. Scripts recurse in registers, not here; natives that call back do not.
pub const STACK_BYTES: usize = 16 << 20;
/// Stack of the main script thread, which also loads and compiles.
pub const MAIN_STACK_BYTES: usize = 64 << 20;

/// Starts an OS thread that nobody joins. The error is the OS's (no memory, too many threads).
pub fn start(name: &str, stack: usize, body: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
    builder(name, stack).spawn(body).map(drop)
}

/// Runs `body` on a thread with a stack of its own and waits for it; a panic goes on in the caller.
pub fn run_on<R: Send>(name: &str, stack: usize, body: impl FnOnce() -> R + Send) -> std::io::Result<R> {
    std::thread::scope(|scope| {
        let thread = builder(name, stack).spawn_scoped(scope, body)?;
        match thread.join() {
            Ok(r) => Ok(r),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

fn builder(name: &str, stack: usize) -> std::thread::Builder {
    // The OS keeps 15 bytes of a name and allows no NUL.
    let short: String = name.chars().filter(|c| *c != '\0').take(15).collect();
    std::thread::Builder::new().name(short).stack_size(stack)
}

/// The OS's number of the calling thread (`threading.get_native_id`).
pub fn native_id() -> u64 {
    thread_local!(static ID: Cell<u64> = const { Cell::new(0) });
    ID.with(|id| {
        if id.get() == 0 {
            id.set(u64::try_from(rustix::thread::gettid().as_raw_nonzero().get()).unwrap_or(0));
        }
        id.get()
    })
}

/// Where one thread sleeps until another unparks it. Parking may end for no reason: look again and loop.
#[derive(Default)]
pub struct Parker {
    thread: OnceLock<Thread>,
}

impl Parker {
    /// Called once by the thread that will park, before anybody needs to reach it.
    pub fn bind(&self) {
        self.thread.get_or_init(std::thread::current);
    }

    pub fn park(&self, until: Option<Nanos>, now: Nanos) {
        match until {
            None => std::thread::park(),
            Some(until) if until > now => std::thread::park_timeout(Duration::from_nanos(until - now)),
            Some(_) => {}
        }
    }

    pub fn unpark(&self) {
        if let Some(thread) = self.thread.get() {
            thread.unpark();
        }
    }
}

/// Lets others run: for short waits in a loop.
pub fn pause() {
    std::thread::yield_now();
}

/// Sleeps in place, keeping whatever the thread holds.
pub fn sleep(length: Nanos) {
    std::thread::sleep(Duration::from_nanos(length));
}

/// Parks the calling thread for the rest of the process: what a daemon thread does after the end.
pub fn park_for_ever() -> ! {
    loop {
        std::thread::park();
    }
}

/// Makes the timers of the calling thread as exact as the kernel can without privileges.
/// (A shorter scheduling slice would help too; rustix has no `sched_setattr`.) Best effort.
pub fn exact_timers() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}
