//! Byte strings: what `text/` does for str, for bytes.
//!
//! B1. Case and classes are ASCII's; white space is blank, tab, line feed, return, vertical tab, form feed.
//! B2. Decoding gives text or says which bytes are wrong and why, in the words of CPython's `UnicodeDecodeError`; what an
//!     error handler would turn into surrogates is refused by name.
//!
//! Not here: formatting of bytes by `%`, which Kit refuses; file encodings (`stdlib/`).

use super::slice::Indices;
use super::{PureError, Result};

mod case;
mod codec;
mod hex;
mod search;
mod split;
mod wide;

#[cfg(test)]
mod tests;

pub use case::{
    capitalize, center, expandtabs, is_alnum, is_alpha, is_ascii, is_digit, is_lower, is_space, is_title, is_upper,
    ljust, lower, rjust, swapcase, title, translate, upper, zfill,
};
pub use codec::{CodecError, Encoding, UnicodeError, decode, encode};
pub use hex::{from_hex, repr, to_hex};
pub use search::{
    contains, count, endswith, find, index, removeprefix, removesuffix, replace, rfind, rindex, startswith,
};
pub use split::{join, lstrip, partition, rpartition, rsplit, rstrip, split, splitlines, strip};

/// `data[slice]`.
pub fn slice(data: &[u8], slice: Indices) -> Vec<u8> {
    if slice.len == 0 {
        return Vec::new();
    }
    if slice.step == 1 {
        return data[slice.start as usize..][..slice.len].to_vec();
    }
    slice.iter().map(|at| data[at]).collect()
}

/// `data * times`.
pub fn repeat(data: &[u8], times: i64) -> Result<Vec<u8>> {
    let times = usize::try_from(times).unwrap_or(0);
    match data.len().checked_mul(times) {
        Some(len) if len <= super::text::LENGTH_MAX => super::room(len).map(|()| data.repeat(times)),
        _ => Err(PureError::memory()),
    }
}

/// An int as an item of bytes.
pub fn byte(value: i64) -> Result<u8> {
    u8::try_from(value).map_err(|_| PureError::value("bytes must be in range(0, 256)"))
}

/// `ord(data)`.
pub fn ord(data: &[u8]) -> Result<u32> {
    match data {
        [byte] => Ok(u32::from(*byte)),
        _ => Err(PureError::type_(format!("ord() expected a character, but string of length {} found", data.len()))),
    }
}

fn is_white(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}
