//! Rows of numbers of one machine type, which several threads may read and write at once (N1).

use super::num::Num;
use crate::object::pure::{ErrKind, PureError, Result};
use std::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering::Relaxed,
};

/// What a program sees of an item: its static type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Item {
    Int,
    Float,
}

macro_rules! rows {
    ($($code:literal $name:ident $atomic:ident $int:ident $bytes:literal $least:literal $most:literal;)*) => {
        /// The items of an `array.array`, by its type code; the last two hold the bits of floats.
        pub enum Cells {
            $($name(Vec<$atomic>),)*
            F32(Vec<AtomicU32>),
            F64(Vec<AtomicU64>),
        }

        impl Cells {
            /// Type codes and bytes of an item.
            pub const CODES: &'static [(char, usize)] = &[$(($code, $bytes),)* ('f', 4), ('d', 8)];

            /// An empty row; `None`: no such type code.
            pub fn new(code: char) -> Option<Cells> {
                match code {
                    $($code => Some(Cells::$name(Vec::new())),)*
                    'f' => Some(Cells::F32(Vec::new())),
                    'd' => Some(Cells::F64(Vec::new())),
                    _ => None,
                }
            }
            pub fn len(&self) -> usize {
                match self {
                    $(Cells::$name(v) => v.len(),)*
                    Cells::F32(v) => v.len(),
                    Cells::F64(v) => v.len(),
                }
            }
            pub fn item(&self) -> Item {
                if matches!(self, Cells::F32(_) | Cells::F64(_)) { Item::Float } else { Item::Int }
            }
            /// The bits of an item as a register holds it. `at` is inside.
            #[inline]
            pub fn load(&self, at: usize) -> Result<u64> {
                Ok(match self {
                    Cells::F64(v) => v[at].load(Relaxed),
                    $(Cells::$name(v) => {
                        let x = v[at].load(Relaxed);
                        i64::try_from(x).map_err(|_| too_large())? as u64
                    })*
                    Cells::F32(v) => f64::from(f32::from_bits(v[at].load(Relaxed))).to_bits(),
                })
            }
            /// Stores an int. `at` is inside.
            #[inline]
            pub fn store_int(&self, at: usize, x: i64) -> Result<()> {
                match self {
                    $(Cells::$name(v) => match $int::try_from(x) {
                        Ok(x) => v[at].store(x, Relaxed),
                        Err(_) => return Err(PureError::overflow(if x < 0 { $least } else { $most })),
                    },)*
                    Cells::F32(v) => v[at].store((x as f32).to_bits(), Relaxed),
                    Cells::F64(v) => v[at].store((x as f64).to_bits(), Relaxed),
                }
                Ok(())
            }
            /// Stores a float. `at` is inside.
            #[inline]
            pub fn store_float(&self, at: usize, x: f64) -> Result<()> {
                match self {
                    Cells::F64(v) => v[at].store(x.to_bits(), Relaxed),
                    Cells::F32(v) => v[at].store((x as f32).to_bits(), Relaxed),
                    _ => return Err(no_integer("float")),
                }
                Ok(())
            }
            /// Makes it `n` items long; new ones are 0.
            pub fn resize(&mut self, n: usize) {
                match self {
                    $(Cells::$name(v) => v.resize_with(n, Default::default),)*
                    Cells::F32(v) => v.resize_with(n, Default::default),
                    Cells::F64(v) => v.resize_with(n, Default::default),
                }
            }
            /// Appends the items that lie in `bytes` as the machine stores them.
            pub fn extend_bytes(&mut self, bytes: &[u8]) {
                match self {
                    $(Cells::$name(v) => v.extend(bytes.as_chunks::<$bytes>().0.iter().map(|b| $atomic::new($int::from_ne_bytes(*b)))),)*
                    Cells::F32(v) => v.extend(bytes.as_chunks::<4>().0.iter().map(|b| AtomicU32::new(u32::from_ne_bytes(*b)))),
                    Cells::F64(v) => v.extend(bytes.as_chunks::<8>().0.iter().map(|b| AtomicU64::new(u64::from_ne_bytes(*b)))),
                }
            }
            /// The items as the machine stores them.
            pub fn bytes(&self) -> Vec<u8> {
                let mut out = Vec::with_capacity(self.len() * self.width());
                match self {
                    $(Cells::$name(v) => v.iter().for_each(|x| out.extend_from_slice(&x.load(Relaxed).to_ne_bytes())),)*
                    Cells::F32(v) => v.iter().for_each(|x| out.extend_from_slice(&x.load(Relaxed).to_ne_bytes())),
                    Cells::F64(v) => v.iter().for_each(|x| out.extend_from_slice(&x.load(Relaxed).to_ne_bytes())),
                }
                out
            }
            pub fn code(&self) -> char {
                match self {
                    $(Cells::$name(_) => $code,)*
                    Cells::F32(_) => 'f',
                    Cells::F64(_) => 'd',
                }
            }
        }
    };
}

rows! {
    'b' I8 AtomicI8 i8 1 "signed char is less than minimum" "signed char is greater than maximum";
    'B' U8 AtomicU8 u8 1 "unsigned byte integer is less than minimum" "unsigned byte integer is greater than maximum";
    'h' I16 AtomicI16 i16 2 "signed short integer is less than minimum" "signed short integer is greater than maximum";
    'H' U16 AtomicU16 u16 2 "unsigned short is less than minimum" "unsigned short is greater than maximum";
    'i' I32 AtomicI32 i32 4 "signed integer is less than minimum" "signed integer is greater than maximum";
    'I' U32 AtomicU32 u32 4 "can't convert negative value to unsigned int" "unsigned int is greater than maximum";
    'l' I64 AtomicI64 i64 8 "Python int too large to convert to C long" "Python int too large to convert to C long";
    'L' U64 AtomicU64 u64 8 "can't convert negative value to unsigned int" "Python int too large to convert to C unsigned long";
    'q' Q64 AtomicI64 i64 8 "int too big to convert" "int too big to convert";
    'Q' UQ64 AtomicU64 u64 8 "can't convert negative int to unsigned" "int too big to convert";
}

fn too_large() -> PureError {
    PureError::overflow("an item of the array does not fit in the 64 bits of an int of a nogil function")
}

fn no_integer(got: &str) -> PureError {
    PureError::new(ErrKind::TypeError, format!("'{got}' object cannot be interpreted as an integer"))
}

impl Cells {
    /// Stores the bits of an unsigned item of 64 bits.
    pub fn store_bits(&self, at: usize, x: u64) {
        if let Cells::U64(v) | Cells::UQ64(v) = self {
            v[at].store(x, Relaxed);
        }
    }
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Bytes of an item.
    pub fn width(&self) -> usize {
        let code = self.code();
        Cells::CODES.iter().find(|(c, _)| *c == code).map_or(8, |(_, n)| *n)
    }
    /// Stores what `item = x` of Python stores.
    pub fn store(&self, at: usize, x: Num) -> Result<()> {
        match (self.item(), x) {
            (_, Num::Bool(b)) => self.store_int(at, i64::from(b)),
            (_, Num::Int(i)) => self.store_int(at, i),
            (_, Num::Float(x)) => self.store_float(at, x),
            (Item::Int, Num::None) => Err(no_integer("NoneType")),
            (Item::Float, Num::None) => Err(PureError::type_("must be real number, not NoneType")),
        }
    }
    pub fn get(&self, at: usize) -> Result<Num> {
        let bits = self.load(at)?;
        Ok(match self.item() {
            Item::Int => Num::Int(bits as i64),
            Item::Float => Num::Float(f64::from_bits(bits)),
        })
    }
    /// A row of the same items.
    pub fn copy(&self) -> Cells {
        let mut c = Cells::new(self.code()).expect("a code that a row has");
        c.extend_bytes(&self.bytes());
        c
    }
}
