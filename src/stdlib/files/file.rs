//! What an open file is: its descriptor, what was read ahead, how its bytes are text.

use crate::object::pure::bytes::{self as codec, CodecError, Encoding};
use crate::world::disk::{self, Numbers};
use crate::world::file::Out;
use crate::world::{fd, handle};
use std::sync::Arc;

/// Bytes that a text file asks for at once.
pub const CHUNK: usize = 8192;

pub enum Io {
    Closed,
    Stdin,
    Stdout,
    Stderr,
    Open(Opened),
}

/// The number of a file: the system's, or a simulated process's, with the others of that process.
#[derive(Clone)]
pub enum Number {
    Host(i32),
    Simulated(i64, Arc<Numbers>),
}

/// A descriptor that `open` has made, or was given.
pub struct Opened {
    /// Never makes anybody wait for somebody else.
    pub regular: bool,
    pub file: disk::File,
    /// The number under which scripts know it, if they have asked or given it.
    pub number: Option<Number>,
    /// Closing the file closes the number.
    pub owned: bool,
    pub out: Option<Arc<Out>>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let (Some(number), true) = (&self.number, self.owned) {
            // Closed by its number before: nothing is left to do.
            let _ = match number {
                Number::Host(n) => fd::close(*n),
                Number::Simulated(n, all) => all.close(*n),
            };
        }
    }
}

/// Line ends: translated (`None`), found (`""`), or exactly one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Newline {
    Translate,
    Any,
    Lf,
    Cr,
    CrLf,
}

impl Newline {
    pub fn named(name: Option<&str>) -> Option<Newline> {
        Some(match name {
            None => Newline::Translate,
            Some("") => Newline::Any,
            Some("\n") => Newline::Lf,
            Some("\r") => Newline::Cr,
            Some("\r\n") => Newline::CrLf,
            Some(_) => return None,
        })
    }

    /// Text as it is written.
    pub fn written(self, text: &str) -> String {
        match self {
            Newline::Cr => text.replace('\n', "\r"),
            Newline::CrLf => text.replace('\n', "\r\n"),
            _ => text.to_string(),
        }
    }
}

/// How the bytes of a text file are text.
pub struct Text {
    pub encoding: Encoding,
    /// As `f.encoding` shows it.
    pub shown: String,
    pub errors: String,
    pub newline: Newline,
    /// Bytes of a character that is not all there yet.
    pub tail: Vec<u8>,
    /// Bytes of the read-ahead are valid up to here.
    pub valid: usize,
}

impl Text {
    /// The read-ahead holds the file's own bytes, not text made of them.
    pub fn direct(&self) -> bool {
        matches!(self.encoding, Encoding::Utf8 | Encoding::Ascii) && self.errors == "strict"
    }

    /// Cannot be read in pieces: where it begins says how the rest is meant.
    pub fn whole(&self) -> bool {
        matches!(self.encoding, Encoding::Utf16(_) | Encoding::Utf32(_) | Encoding::Utf8Sig)
    }
}

pub struct File {
    /// The path, or the number it was opened by.
    pub name: Result<String, i64>,
    pub mode: String,
    pub io: Io,
    pub readable: bool,
    pub writable: bool,
    /// Bytes that writing collects; 0: none.
    pub buffering: usize,
    pub line_buffered: bool,
    /// Read, but not asked for yet.
    pub ahead: Vec<u8>,
    pub at: usize,
    pub text: Option<Text>,
    /// Not buffered: each read and write is one below.
    pub raw: bool,
}

impl File {
    pub fn rest(&self) -> &[u8] {
        &self.ahead[self.at.min(self.ahead.len())..]
    }

    /// Adds what was read; `over`: nothing comes behind it. An error has the bytes that are no text.
    pub fn feed(&mut self, mut bytes: Vec<u8>, over: bool) -> Result<(), (Vec<u8>, CodecError)> {
        if self.at > 0 {
            self.ahead.drain(..self.at.min(self.ahead.len()));
            if let Some(t) = &mut self.text {
                t.valid = t.valid.saturating_sub(self.at);
            }
            self.at = 0;
        }
        let Some(t) = &mut self.text else {
            self.ahead.append(&mut bytes);
            return Ok(());
        };
        if t.direct() {
            self.ahead.append(&mut bytes);
            return check(&self.ahead, t, over);
        }
        t.tail.append(&mut bytes);
        let cut = match t.encoding {
            _ if over => t.tail.len(),
            Encoding::Utf8 => complete(&t.tail),
            Encoding::Latin1 | Encoding::Ascii => t.tail.len(),
            _ => 0,
        };
        let rest = t.tail.split_off(cut);
        let piece = std::mem::replace(&mut t.tail, rest);
        match codec::decode(&piece, t.encoding, &t.errors) {
            Ok(text) => self.ahead.extend_from_slice(text.as_bytes()),
            Err(e) => return Err((piece, e)),
        }
        t.valid = self.ahead.len();
        Ok(())
    }

    /// How many of the file's bytes were read and not asked for.
    pub fn unread(&self) -> usize {
        match &self.text {
            Some(t) if !t.direct() => {
                let rest = std::str::from_utf8(self.rest()).unwrap_or_default();
                let plain = match t.encoding {
                    Encoding::Utf8Sig => Encoding::Utf8,
                    other => other,
                };
                codec::encode(rest, plain, "replace").map_or(0, |b| b.len()) + t.tail.len()
            }
            _ => self.rest().len(),
        }
    }

    /// Forgets what was read ahead.
    pub fn forget(&mut self) {
        self.ahead.clear();
        self.at = 0;
        if let Some(t) = &mut self.text {
            t.tail.clear();
            t.valid = 0;
        }
    }

    pub fn opened(&self) -> Option<&Opened> {
        match &self.io {
            Io::Open(o) => Some(o),
            _ => None,
        }
    }

    /// The number by which scripts may use it: its own, else the one that is given to it.
    pub fn number(&mut self, given: Option<Number>) -> Option<i64> {
        match &mut self.io {
            Io::Stdin => Some(0),
            Io::Stdout => Some(1),
            Io::Stderr => Some(2),
            Io::Closed => None,
            Io::Open(o) => {
                o.number = o.number.take().or(given);
                o.number.as_ref().map(|n| match n {
                    Number::Host(n) => (*n).into(),
                    Number::Simulated(n, _) => *n,
                })
            }
        }
    }

    pub fn is_terminal(&self) -> bool {
        self.opened().is_some_and(|o| handle::is_terminal(&o.file.fd))
    }
}

/// Checks the bytes of a direct file that were not checked before.
fn check(ahead: &[u8], t: &mut Text, over: bool) -> Result<(), (Vec<u8>, CodecError)> {
    let new = &ahead[t.valid.min(ahead.len())..];
    let good = if t.encoding == Encoding::Ascii && !new.is_ascii() { 0 } else { complete(new) };
    let cut = if over { new.len() } else { good };
    match codec::decode(&new[..cut], t.encoding, "strict") {
        Ok(_) => {
            t.valid += cut;
            Ok(())
        }
        Err(e) => Err((new[..cut].to_vec(), e)),
    }
}

/// Up to the last character that is all there; everything, if it is no text anyway.
fn complete(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Err(e) if e.error_len().is_none() => e.valid_up_to(),
        _ => bytes.len(),
    }
}
