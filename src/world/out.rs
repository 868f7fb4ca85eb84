//! Standard output and error: whole writes, so that lines of different threads never mix.
//!
//! Output is buffered and goes out when the buffer is full, at exit, on `flush`, and, on a terminal,
//! after each write that ends a line. A reader that has gone away (EPIPE) ends the output quietly:
//! later writes are dropped, `closed` says so.
//!
//! Where several processes write to one stream (`share`), each writes in pieces that end with a line and
//! that a pipe takes whole, so that their lines do not mix either.

use parking_lot::Mutex;
use std::io::{self, IsTerminal, Write};

const BUFFER_BYTES: usize = 16 << 10;

/// What a pipe takes in one step, whoever else writes (POSIX's PIPE_BUF on Linux).
const WHOLE_BYTES: usize = 4096;

struct Out {
    buffer: Vec<u8>,
    terminal: Option<bool>,
    closed: bool,
    /// Other processes write to the same streams.
    shared: bool,
    /// While a line is being edited: how to write above it.
    above: Option<Above>,
}

/// Writes text above the line that is being edited.
pub type Above = Box<dyn FnMut(String) + Send>;

static OUT: Mutex<Out> =
    Mutex::new(Out { buffer: Vec::new(), terminal: None, closed: false, shared: false, above: None });

impl Out {
    fn drain(&mut self) -> io::Result<()> {
        if let Some(above) = &mut self.above {
            // The editor puts the prompt below a whole line only: the rest stays.
            if let Some(end) = self.buffer.iter().rposition(|b| *b == b'\n') {
                let lines: Vec<u8> = self.buffer.drain(..=end).collect();
                above(String::from_utf8_lossy(&lines).into_owned());
            }
            return Ok(());
        }
        let result = if self.closed { Ok(()) } else { write_all(&mut io::stdout().lock(), &self.buffer, self.shared) };
        self.buffer.clear();
        match result {
            Err(e) if e.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            other => other,
        }
    }
}

fn write_all(to: &mut impl Write, mut bytes: &[u8], shared: bool) -> io::Result<()> {
    while shared && bytes.len() > WHOLE_BYTES {
        // A longer line goes out as it is: no write of it would be whole.
        let end = bytes[..WHOLE_BYTES].iter().rposition(|b| *b == b'\n').map_or(WHOLE_BYTES, |at| at + 1);
        to.write_all(&bytes[..end])?;
        bytes = &bytes[end..];
    }
    to.write_all(bytes)?;
    to.flush()
}

/// From now on other processes write to the same streams.
pub fn share() {
    OUT.lock().shared = true;
}

/// Writes to standard output as one piece.
pub fn write(bytes: &[u8]) -> io::Result<()> {
    let mut out = OUT.lock();
    if out.closed {
        return Ok(());
    }
    out.buffer.extend_from_slice(bytes);
    let terminal = *out.terminal.get_or_insert_with(|| io::stdout().is_terminal());
    if out.buffer.len() >= BUFFER_BYTES || (terminal && bytes.contains(&b'\n')) {
        return out.drain();
    }
    Ok(())
}

/// From now on whole lines go above the line that is being edited; `None`: no line is.
pub fn set_above(above: Option<Above>) {
    OUT.lock().above = above;
}

/// Sends what is buffered to the reader.
pub fn flush() -> io::Result<()> {
    OUT.lock().drain()
}

/// The reader of standard output has gone away.
pub fn closed() -> bool {
    OUT.lock().closed
}

/// Flushes on the way out, where nobody is left to hear of an error. Does not wait for a thread that
/// is inside a write at this moment.
pub(super) fn flush_quietly() {
    if let Some(mut out) = OUT.try_lock_for(std::time::Duration::from_millis(100)) {
        let _ = out.drain();
    }
}

/// Writes to standard error as one piece, after what standard output still holds. Errors are dropped:
/// there is nowhere left to report them.
pub fn error(bytes: &[u8]) {
    let mut out = OUT.lock();
    let _ = out.drain();
    if let Some(above) = &mut out.above {
        return above(String::from_utf8_lossy(bytes).into_owned());
    }
    let _ = write_all(&mut io::stderr().lock(), bytes, out.shared);
}

pub fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

pub fn error_is_terminal() -> bool {
    io::stderr().is_terminal()
}
