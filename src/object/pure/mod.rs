//! What the types compute, without objects.
//!
//! Arithmetic, texts, formats, slices, hashes and tables of the built-in types as functions and plain data: no heap, no lock,
//! no interpreter, no script code. The object kinds and the natives unpack their values, call here, and pack the answer.
//!
//! P1. Nothing here calls back. Where equality of keys may run script code (`pydict`, `pyset`), the table hands out candidates
//!     and a version, and the caller compares with no table open and asks again if the version moved.
//! P2. An `IntVal` is normalised: what fits 64 bits is `Small`. Everything that makes one goes through `From`.
//! P3. Error texts are CPython 3.11's to the letter; a `PureError` names the exception class and its text.
//! P4. Positions and lengths of str are in code points, as scripts see them; only inside a function are they bytes.
//! P5. Same input, same output, on every machine and in every run: hashes have no random seed.
//!
//! Sources: CPython 3.11 `Objects/{longobject,floatobject,unicodeobject,setobject,tupleobject,sliceobject}.c` and
//! `Python/{formatter_unicode,pyhash}.c` for what is computed; num-bigint for big integers, zmij for the shortest digits of a
//! float, hashbrown for the index of a dict.
//!
//! Not here: objects (`object/`), methods and their arguments (`stdlib/`), comparison of keys by `__eq__` (`vm/`).

use std::borrow::Cow;
use std::fmt;

pub mod bytes;
pub mod float;
pub mod format;
pub mod hash;
pub mod int;
pub mod math;
pub mod pydict;
pub mod pyset;
pub mod slice;
pub mod text;
pub mod unicode;
pub mod unicode_case;

macro_rules! kinds {
    ($($name:ident)*) => {
        /// The exception class a `PureError` becomes; the variant's name is the class's name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ErrKind { $($name),* }

        impl ErrKind {
            pub fn name(self) -> &'static str {
                match self { $(ErrKind::$name => stringify!($name)),* }
            }
        }
    };
}

kinds! {
    TypeError ValueError OverflowError ZeroDivisionError IndexError KeyError LookupError MemoryError
    UnicodeDecodeError UnicodeEncodeError
}

/// An exception before it is an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PureError {
    pub kind: ErrKind,
    pub msg: Cow<'static, str>,
}

pub type Result<T> = std::result::Result<T, PureError>;

impl PureError {
    pub fn new(kind: ErrKind, msg: impl Into<Cow<'static, str>>) -> Self {
        PureError { kind, msg: msg.into() }
    }

    pub fn value(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrKind::ValueError, msg)
    }

    pub fn type_(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrKind::TypeError, msg)
    }

    pub fn overflow(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrKind::OverflowError, msg)
    }

    pub fn zero(msg: impl Into<Cow<'static, str>>) -> Self {
        Self::new(ErrKind::ZeroDivisionError, msg)
    }

    /// CPython raises MemoryError without a text.
    pub fn memory() -> Self {
        Self::new(ErrKind::MemoryError, "")
    }
}

/// Allocations below this are not asked about: they fail only when all is lost anyway.
const LARGE: usize = 16 << 20;

/// MemoryError where `bytes` are not to be had: known before they are written, since a failed allocation ends the
/// program. The memory is asked for and given back; untouched it costs nothing.
pub fn room(bytes: usize) -> Result<()> {
    if bytes < LARGE {
        return Ok(());
    }
    let mut probe = Vec::<u8>::new();
    let found = bytes <= isize::MAX as usize && probe.try_reserve_exact(bytes).is_ok();
    std::hint::black_box(&probe);
    if found { Ok(()) } else { Err(PureError::memory()) }
}

impl fmt::Display for PureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.msg)
    }
}
