//! The I/O thread.

use std::io;
use std::sync::{Mutex, PoisonError};
use tokio::runtime::{Builder, Handle, Runtime};

/// Stack of the threads that wait for the network: nothing recurses there.
const STACK_BYTES: usize = 1 << 20;
/// Threads that ask the system's resolver, which blocks.
const RESOLVERS: usize = 8;

/// What runs on the thread of the clients; started when first asked for.
pub fn handle() -> io::Result<Handle> {
    static CLIENTS: Mutex<Option<Handle>> = Mutex::new(None);
    let mut kept = CLIENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(handle) = &*kept {
        return Ok(handle.clone());
    }
    let handle = start("http")?;
    Ok(kept.insert(handle).clone())
}

/// A thread with a runtime of its own, which lives as long as the process.
pub fn start(name: &str) -> io::Result<Handle> {
    raise_file_limit();
    let runtime = build()?;
    let handle = runtime.handle().clone();
    let body = Box::new(move || runtime.block_on(std::future::pending::<()>()));
    crate::world::thread::start(name, STACK_BYTES, body)?;
    Ok(handle)
}

/// A runtime for the calling thread.
pub fn build() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(RESOLVERS)
        .thread_stack_size(STACK_BYTES)
        .thread_name("resolver")
        .build()
}

/// Each connection is a descriptor; most systems allow 1024 unless one asks for what one may have.
pub fn raise_file_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum {
        limit.current = limit.maximum;
        // A system that refuses keeps its limit; who runs into it is told so.
        let _ = setrlimit(Resource::Nofile, limit);
    }
}
