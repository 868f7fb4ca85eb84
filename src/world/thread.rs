//! OS threads: starting them, parking them, pausing them.

#![allow(unsafe_code)]

use super::work::{Labour, Step};
use super::{Nanos, alloc};
use rustix::event::{EventfdFlags, eventfd};
use rustix::thread::futex;
use std::cell::Cell;
use std::ffi::CString;
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::panic::AssertUnwindSafe;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::SeqCst, fence};
use std::thread::Thread;
use std::time::Duration;

/// Stack of a script thread. Scripts recurse in registers, not here; natives that call back do not.
/// Without optimization each of those takes many times as much.
pub const STACK_BYTES: usize = if cfg!(debug_assertions) { 64 << 20 } else { 16 << 20 };
/// Stack of the main script thread, which also loads and compiles.
pub const MAIN_STACK_BYTES: usize = if cfg!(debug_assertions) { 256 << 20 } else { 64 << 20 };

/// What a new thread does first and then.
struct Birth {
    name: CString,
    body: Box<dyn FnOnce() + Send>,
}

/// Starts an OS thread that nobody joins. The error is the OS's (no memory, too many threads).
///
/// Not by `std`: it asks for the bounds of each thread's stack and maps a second one, to word an overflow of the
/// stack. Calls of scripts are counted and do not overflow it, and thousands of threads pay 1 KB and eight system
/// calls each.
pub fn start(name: &str, stack: usize, body: Box<dyn FnOnce() + Send>) -> std::io::Result<()> {
    let birth = Box::into_raw(Box::new(Birth { name: short(name), body }));
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let mut id = MaybeUninit::uninit();
    // SAFETY: the attributes are initialised by the first call, used by the next three and given up by the
    // last; `begin` takes the box, which is ours again if no thread was made.
    let failed = unsafe {
        match libc::pthread_attr_init(attributes.as_mut_ptr()) {
            0 => {
                let attributes = attributes.as_mut_ptr();
                let mut failed = libc::pthread_attr_setstacksize(attributes, stack.max(libc::PTHREAD_STACK_MIN));
                if failed == 0 {
                    failed = libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED);
                }
                if failed == 0 {
                    failed = libc::pthread_create(id.as_mut_ptr(), attributes, begin, birth.cast());
                }
                libc::pthread_attr_destroy(attributes);
                failed
            }
            failed => failed,
        }
    };
    if failed != 0 {
        // SAFETY: no thread has it.
        drop(unsafe { Box::from_raw(birth) });
        return Err(std::io::Error::from_raw_os_error(failed));
    }
    Ok(())
}

extern "C" fn begin(birth: *mut libc::c_void) -> *mut libc::c_void {
    // SAFETY: `start` made it for this call alone.
    let Birth { name, body } = *unsafe { Box::from_raw(birth.cast::<Birth>()) };
    // The system's tools show it; nothing depends on it.
    let _ = rustix::thread::set_name(&name);
    // A panic has been reported by its hook and ends this thread only.
    let _ = std::panic::catch_unwind(AssertUnwindSafe(body));
    std::ptr::null_mut()
}

/// Runs `body` on a thread with a stack of its own and waits for it; a panic goes on in the caller.
pub fn run_on<R: Send>(name: &str, stack: usize, body: impl FnOnce() -> R + Send) -> std::io::Result<R> {
    std::thread::scope(|scope| {
        let grown = move || {
            alloc::grow_up();
            body()
        };
        let builder = std::thread::Builder::new().name(name.to_string()).stack_size(stack);
        let thread = builder.spawn_scoped(scope, grown)?;
        match thread.join() {
            Ok(r) => Ok(r),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// The OS keeps 15 bytes of a name and allows no NUL.
fn short(name: &str) -> CString {
    let mut end = name.len().min(15);
    while !name.is_char_boundary(end) {
        end -= 1;
    }
    CString::new(name[..end].replace('\0', "")).unwrap_or_default()
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

/// A call of the system that wakes whoever sleeps on a word on which nobody does: costs what glibc's `sem_post` costs
/// where waiters are on their way.
pub fn call_kernel() {
    static NOBODY: AtomicU32 = AtomicU32::new(0);
    // Says how many it woke: none.
    let _ = futex::wake(&NOBODY, futex::Flags::PRIVATE, 1);
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
            Some(until) if until > now => {
                exact_timers();
                std::thread::park_timeout(Duration::from_nanos(until - now));
            }
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

/// Makes the timers of the calling thread as exact as the kernel can without privileges: without it a sleep ends up to
/// 50 us late. Best effort.
pub fn exact_timers() {
    thread_local!(static EXACT: Cell<bool> = const { Cell::new(false) });
    if !EXACT.replace(true) {
        #[cfg(target_os = "linux")]
        let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
    }
}
