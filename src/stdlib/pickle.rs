//! `_pickle`: values to bytes and back by `process`; `pickle` itself is in `kit/`.

use crate::natives;
use crate::object::Value;
use crate::process::{self, Mode};
use crate::vm::{Call, Res};

natives! { pub PICKLE, "_pickle";
    /// The bytes of a value. PicklingError, TypeError or AttributeError when something in it cannot be pickled.
    holds dumps("obj, /") = dumps;
    /// The value of the bytes. UnpicklingError when they are not what `dumps` made.
    holds loads("data, /") = loads;
}

fn dumps(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let bytes = process::encode_as(c, &[v], Mode::Pickle)?;
    Ok(c.bytes(bytes))
}

fn loads(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let Some(bytes) = c.bytes_like(&v) else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
    };
    let mut roots = process::decode(c, &bytes)?;
    match (roots.pop(), roots.is_empty()) {
        (Some(v), true) => Ok(v),
        _ => Err(process::raise_pickle(c, "UnpicklingError", "a pickle holds one value")),
    }
}
