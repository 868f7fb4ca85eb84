//! The form of a frame: THE table of tags, numbers of variable length, the reader that trusts nothing.
//!
//! A frame: `MAGIC`, `VERSION`, globals (count, then name, 1 and a value or 0 and the reason), roots (count, values),
//! globals again. A count is a varint: seven bits a byte, lowest first. Text is a count and UTF-8. A name
//! is 0 and its text the first time, later its number from 1.

use crate::world::alloc;

/// First bytes of a frame.
pub const MAGIC: [u8; 2] = [0x80, b'K'];
/// Changes with every change of the table.
pub const VERSION: u8 = 3;

/// Levels of nesting, whatever the recursion limit says: each takes stack of the thread.
pub const DEPTH_MAX: u32 = 1000;
/// Bytes of a frame.
pub const FRAME_MAX: usize = 1 << 30;

/// The attribute of a decoded exception that holds the traceback it had where it came from, as text.
pub const REMOTE_TRACEBACK: &str = "__remote_traceback__";

macro_rules! tags {
    ($($(#[doc = $doc:expr])* $name:ident)*) => {
        /// The first byte of a value. The doc is what follows; `*` marks what is remembered, where it is made.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        #[repr(u8)]
        pub enum Tag { $($(#[doc = $doc])* $name),* }

        impl Tag {
            pub const ALL: &'static [Tag] = &[$(Tag::$name),*];
        }
    };
}

tags! {
    /// An unset cell.
    Unbound
    None
    True
    False
    Ellipsis
    NotImplemented
    /// Varint, zigzag.
    Int
    /// Count and bytes, two's complement, lowest first *
    BigInt
    /// Eight bytes, lowest first.
    Float
    /// Text *
    Str
    /// Count, bytes *
    Bytes
    /// Count, bytes *
    ByteArray
    /// The number of something remembered.
    Back
    /// Count, values, end *
    ///
    /// An *end* is 0 when the object is made now, else 1 + the number under which a cycle has made it.
    Tuple
    /// Count, values, end *
    FrozenSet
    /// Three values, end *
    Slice
    /// Three ints: start, stop, step *
    Range
    /// Three values: start, stop, step, end *
    LongRange
    /// Count * values
    List
    /// * 0 or 1 + the greatest length, count, values
    Deque
    /// Count * keys and values
    Dict
    /// Count * values
    Set
    /// Name of a builtin type.
    Builtin
    /// Name of a module.
    Module
    /// Name of a module, name with dots: what is found there *
    Global
    /// Module or type, name: a builtin function.
    Native
    /// As `Native`, then the object it is bound to, end *
    BoundNative
    /// Function, object, end *
    Method
    /// * value
    Cell
    /// Kind (0 property, 1 classmethod, 2 staticmethod), get, set, delete, doc, end *
    Descriptor
    /// Name of the module, name of the file, its text *
    Program
    /// Program, count and indices of the constants that lead to the code *
    Code
    /// Code * name, qualname, doc, defaults, kwdefaults, annotations, cells, attributes
    Function
    /// Name, qualname, name of the module, count and bases, metaclass or None * count, names and values
    Class
    /// Class * state: payload of a native base, count of attributes, names and values
    Object
    /// Class * payload, state for `__setstate__`
    Stateful
    /// Class, plain value, end * count, names and values: of a class derived from int, str, tuple ...
    Derived
    /// Callable, tuple, end * state or `Unbound`, items of a list, pairs of a dict
    Reduced
}

/// Why a frame is no frame.
#[derive(Debug, PartialEq, Eq)]
pub struct Malformed(pub String);

/// A result of reading.
pub type Read<T> = Result<T, Malformed>;

/// Says what is wrong with a frame.
pub fn malformed<T>(text: impl Into<String>) -> Read<T> {
    Err(Malformed(text.into()))
}

/// Writes a varint.
pub fn put_count(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push(n as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

/// Writes a signed varint.
pub fn put_int(out: &mut Vec<u8>, i: i64) {
    put_count(out, (i << 1 ^ i >> 63) as u64);
}

/// Writes a count and the bytes.
pub fn put_bytes(out: &mut Vec<u8>, b: &[u8]) {
    put_count(out, b.len() as u64);
    // With room for what usually follows: the next byte would move all of them once more.
    out.reserve(b.len() + AFTER);
    put_whole(out, b);
}

/// Writes bytes as they are.
pub fn put_whole(out: &mut Vec<u8>, b: &[u8]) {
    out.reserve(b.len());
    alloc::filling(&mut out.spare_capacity_mut()[..b.len()]);
    out.extend_from_slice(b);
}

/// Room for the end of a frame.
const AFTER: usize = 64;

/// Reads from a frame; never beyond its end.
pub struct Input<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Input<'a> {
    /// After the header.
    pub fn new(bytes: &'a [u8]) -> Read<Input<'a>> {
        let mut input = Input { bytes, at: 0 };
        if input.take(2)? != MAGIC {
            return malformed("these are not bytes that Kit's pickle wrote");
        }
        match input.byte()? {
            VERSION => Ok(input),
            v => malformed(format!("unsupported pickle protocol: {v} (this Kit writes {VERSION})")),
        }
    }
    pub fn left(&self) -> usize {
        self.bytes.len() - self.at
    }
    pub fn take(&mut self, n: usize) -> Read<&'a [u8]> {
        match self.bytes.get(self.at..).and_then(|rest| rest.get(..n)) {
            Some(part) => {
                self.at += n;
                Ok(part)
            }
            None => malformed("pickle data was truncated"),
        }
    }
    pub fn byte(&mut self) -> Read<u8> {
        Ok(self.take(1)?[0])
    }
    pub fn tag(&mut self) -> Read<Tag> {
        let b = self.byte()?;
        match Tag::ALL.get(b as usize) {
            Some(t) => Ok(*t),
            None => malformed(format!("invalid load key, '\\x{b:02x}'.")),
        }
    }
    pub fn number(&mut self) -> Read<u64> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let b = self.byte()?;
            let part = u64::from(b & 0x7f);
            if part << shift >> shift != part {
                break;
            }
            n |= part << shift;
            if b < 0x80 {
                return Ok(n);
            }
        }
        malformed("a number of more than 64 bits")
    }
    pub fn int(&mut self) -> Read<i64> {
        let n = self.number()?;
        Ok((n >> 1) as i64 ^ -((n & 1) as i64))
    }
    /// How many things follow, each of which takes a byte at least: so a count bounds what is allocated.
    pub fn count(&mut self) -> Read<usize> {
        let n = self.number()?;
        if n > self.left() as u64 {
            return malformed("pickle data was truncated");
        }
        Ok(n as usize)
    }
    pub fn blob(&mut self) -> Read<&'a [u8]> {
        let n = self.count()?;
        self.take(n)
    }
    pub fn text(&mut self) -> Read<&'a str> {
        match std::str::from_utf8(self.blob()?) {
            Ok(t) => Ok(t),
            Err(_) => malformed("text that is not UTF-8"),
        }
    }
}
