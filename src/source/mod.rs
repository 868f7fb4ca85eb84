//! Source files, positions in them, and what is wrong at a position.
//!
//! A position is a byte offset into the text of one file; lines and columns are computed only when
//! somebody reads them. Everything that later stages say about a place (a syntax error, a refusal of
//! the compiler, a line of a traceback) starts from a [`Span`] and a [`SourceFile`].
//!
//! Invariants:
//! - S1: the text of a file is valid UTF-8, without NUL bytes, without a byte order mark, and its
//!   lines end in `\n` only (`\r\n` and `\r` are turned into it when the file is read, as CPython does).
//! - S2: a text is at most 1 GiB, so every offset fits a `u32` with room to spare.
//! - S3: a span lies within its text and on character boundaries; `lo <= hi`.
//!
//! Not here: reading files from disk (the world does that), and tracebacks (they join many places).

mod diagnostic;
mod file;
mod outline;
mod span;

pub use diagnostic::{Diagnostic, ErrorKind};
pub use file::{LineCol, SourceFile};
pub use outline::{Part, outline};
pub use span::Span;
