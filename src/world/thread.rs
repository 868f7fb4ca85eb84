//! OS threads: starting them, parking them, pausing them.

use super::work::{Labour, Step};
use super::{Nanos, alloc};
use rustix::event::{EventfdFlags, eventfd};
use std::cell::Cell;
use std::os::fd::OwnedFd;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst, fence};
use std::thread::Thread;
use std::time::Duration;

/// Stack of a script thread. Scripts recurse in registers, not here; natives that call back do not.
/// Without optimization each of those takes many times as much.
pub const STACK_BYTES: usize = if cfg!(debug_assertions) { 64 << 20 } else { 16 << 20 };
/// Stack of the main script thread, which also loads and compiles.
pub const MAIN_STACK_BYTES: usize = if cfg!(debug_assertions) { 256 << 20 } else { 64 << 20 };

/// Starts an OS thread that nobody joins. The error is the OS's (no memory, too many threads).
pub fn start(name: &str, stack: usize, body: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
    builder(name, stack).spawn(body).map(drop)
}

/// Runs `body` on a thread with a stack of its own and waits for it; a panic goes on in the caller.
pub fn run_on<R: Send>(name: &str, stack: usize, body: impl FnOnce() -> R + Send) -> std::io::Result<R> {
    std::thread::scope(|scope| {
        let grown = move || {
            alloc::grow_up();
            body()
        };
        let thread = builder(name, stack).spawn_scoped(scope, grown)?;
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
    /// Wakes the thread while it waits for descriptors; made when it first does.
    bell: OnceLock<OwnedFd>,
    /// The thread listens to the bell.
    listens: AtomicBool,
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
        // After whatever the thread is woken for, before the look at whether it listens.
        fence(SeqCst);
        if self.listens.load(SeqCst)
            && let Some(bell) = self.bell.get()
        {
            // Full means that it has been rung.
            let _ = rustix::io::write(bell, &1u64.to_ne_bytes());
        }
    }

    /// Waits until the work can go on, until `until`, or until somebody unparks; does a step of the work
    /// before. Says whether the work is done.
    pub fn attend(&self, work: &Labour, until: Option<Nanos>, now: Nanos, over: &dyn Fn() -> bool) -> bool {
        let Step::Wants(watched) = work.0.step() else { return true };
        if self.bell.get().is_none() {
            match eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) {
                Ok(bell) => drop(self.bell.set(bell)),
                // Without descriptors left: look again and again, but not all the time.
                Err(_) => {
                    std::thread::park_timeout(Duration::from_millis(1));
                    return false;
                }
            }
        }
        self.listens.store(true, SeqCst);
        fence(SeqCst);
        if !over() {
            let length = until.map(|at| at.saturating_sub(now));
            // What the OS refuses to watch, the next step finds out.
            let _ = super::work::ready_or_bell(&watched, self.bell.get(), length);
        }
        self.listens.store(false, SeqCst);
        if let Some(bell) = self.bell.get() {
            let _ = rustix::io::read(bell, &mut [0; 8]);
        }
        false
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
