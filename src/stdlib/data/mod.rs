//! Native halves of library modules that compute on data: random numbers, JSON, hashes, compression,
//! packed records, heaps.
//!
//! Each file is one module, or the `_name` beneath a module in `kit/`. State that lives between calls (a
//! generator, a digest, a stream) is an `Opaque` of its own type; `state` makes one, `this` opens one.
//!
//! D1: work on more than `OUTSIDE_BYTES` bytes is done with the lock released, on bytes that the call
//! owns, as CPython does from 2,047 bytes on.
//! D2: nothing here draws chance or time but through `Held`.
//!
//! Not here: regular expressions (`re`), what is written in Kit (`kit/`).

pub mod base64;
mod blake2;
pub mod compress;
pub mod digest;
pub mod heap;
pub mod json;
pub mod json_write;
pub mod operator;
pub mod pack;
pub mod random;

use crate::object::opaque::Opaque;
use crate::object::types::Attrs;
use crate::object::{Ref, TypeId, Value};
use crate::vm::{Call, NativeRow, Res, Thread};
use std::any::Any;

/// From here on native work releases the lock (D1).
pub const OUTSIDE_BYTES: usize = 2048;

/// All tables of this folder.
pub fn tables() -> Vec<&'static [NativeRow]> {
    vec![
        base64::BASE64,
        random::MODULE,
        random::TWISTER,
        json::JSON,
        heap::HEAPQ,
        heap::BISECT,
        operator::OPERATOR,
        pack::STRUCT,
        digest::MODULE,
        digest::HASHER,
        compress::ZLIB,
        compress::DEFLATER,
        compress::INFLATER,
    ]
}

/// An object around a native state.
pub(super) fn state(th: &Thread, t: TypeId, state: impl Any + Send) -> Value {
    let state = Opaque { state: Box::new(state), attrs: Attrs::default() };
    Ref::new(&th.held, t.shape(), state).into()
}

/// Opens the state of argument 0, which is a `what`.
pub(super) fn this<T: 'static, R>(c: &mut Call, what: &str, f: impl FnOnce(&mut T) -> R) -> Res<R> {
    let v = c.arg(0);
    let open = |r: &Ref| r.try_with::<Opaque, _>(&c.held, |o| o.state.downcast_mut::<T>().map(f)).flatten();
    match v.as_ref().and_then(open) {
        Some(r) => Ok(r),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("a {what} is needed, not '{got}'")))
        }
    }
}

/// The bytes of an argument that must be bytes-like.
pub(super) fn bytes(c: &mut Call, i: usize) -> Res<Vec<u8>> {
    let v = c.arg(i);
    match c.bytes_like(&v) {
        Some(b) => Ok(b),
        None => {
            let got = c.type_name(&v);
            Err(c.type_error(format!("a bytes-like object is required, not '{got}'")))
        }
    }
}

/// Runs pure work on `size` bytes, without the lock if it is much (D1).
pub(super) fn computed<R: Send>(c: &mut Call, size: usize, f: impl FnOnce() -> R + Send) -> R {
    if size >= OUTSIDE_BYTES { c.held.outside(f) } else { f() }
}
