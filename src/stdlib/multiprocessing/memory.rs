//! Shared memory: bytes that several processes read and write.

use super::handle::{self, Bytes, Resource, memory, ok};
use super::sim;
use crate::natives;
use crate::object::{TypeId, Value};
use crate::stdlib::os_error;
use crate::vm::{Call, Res};
use crate::world::shared::Memory;
use std::sync::Arc;

natives! { pub MEMORY, "_multiprocessing";
    /// So many bytes, all 0, for this process and those that it hands them to.
    holds memory("size, /") = new_memory;
    /// Bytes under a name that any process can open: made with `size`, or opened without. FileExistsError,
    /// FileNotFoundError.
    holds named_memory("name, size=None, /") = named_memory;
    /// Takes the name of shared bytes away.
    holds unlink_memory("name, /") = unlink_memory;
    /// How many bytes there are.
    holds memory_size("handle, /") = memory_size;
    /// `n` bytes from `at`.
    holds memory_read("handle, at, n, /") = memory_read;
    /// Writes bytes from `at` on.
    holds memory_write("handle, at, data, /") = memory_write;
}

fn size(c: &mut Call, i: usize) -> Res<usize> {
    let n = c.arg(i);
    let n = c.index(&n)?;
    usize::try_from(n).map_err(|_| c.value_error("a size or place below 0"))
}

fn new_memory(c: &mut Call) -> Res<Value> {
    let n = size(c, 0)?;
    let made = if c.held.simulated() {
        Bytes::Sim(Arc::new(sim::Bytes(vec![0; n].into())))
    } else {
        let made = Memory::new(n);
        Bytes::Real(ok(c, made)?)
    };
    Ok(handle::object(c, Resource::Memory(made)))
}

fn real_world(c: &mut Call) -> Res<()> {
    if c.held.simulated() {
        let text = "shared memory with a name is of the real world; simulated processes share Value and Array";
        return Err(c.raise(TypeId::NotImplementedError, text));
    }
    Ok(())
}

fn named_memory(c: &mut Call) -> Res<Value> {
    real_world(c)?;
    let name = c.arg(0);
    let name = c.str_text(&name)?;
    let create = match c.some(1) {
        Some(_) => Some(size(c, 1)?),
        None => None,
    };
    match Memory::named(&name, create) {
        Ok(m) => Ok(handle::object(c, Resource::Memory(Bytes::Real(m)))),
        Err(e) => Err(os_error::raise(c, &e, Some(&name))),
    }
}

fn unlink_memory(c: &mut Call) -> Res<Value> {
    real_world(c)?;
    let name = c.arg(0);
    let name = c.str_text(&name)?;
    match Memory::unlink(&name) {
        Ok(()) => Ok(Value::None),
        Err(e) => Err(os_error::raise(c, &e, Some(&name))),
    }
}

fn memory_size(c: &mut Call) -> Res<Value> {
    let n = match memory(c)? {
        Bytes::Real(m) => {
            let n = m.size();
            ok(c, n)?
        }
        Bytes::Sim(b) => b.0.lock().len(),
    };
    Ok(Value::Int(n as i64))
}

fn memory_read(c: &mut Call) -> Res<Value> {
    let (at, n) = (size(c, 1)?, size(c, 2)?);
    let bytes = match memory(c)? {
        Bytes::Real(m) => {
            let bytes = m.size().and_then(|all| m.read(at, n.min(all.saturating_sub(at))));
            ok(c, bytes)?
        }
        Bytes::Sim(b) => b.0.lock().iter().skip(at).take(n).copied().collect(),
    };
    Ok(c.bytes(bytes))
}

fn memory_write(c: &mut Call) -> Res<Value> {
    let at = size(c, 1)?;
    let v = c.arg(2);
    let Some(bytes) = c.bytes_like(&v) else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("a bytes-like object is required, not '{got}'")));
    };
    let fits = match memory(c)? {
        Bytes::Real(m) => {
            let all = m.size();
            let fits = at.checked_add(bytes.len()).is_some_and(|end| all.as_ref().is_ok_and(|all| end <= *all));
            if fits {
                let done = m.write(at, &bytes);
                ok(c, done)?;
            }
            fits
        }
        Bytes::Sim(b) => match b.0.lock().get_mut(at..).and_then(|rest| rest.get_mut(..bytes.len())) {
            Some(place) => {
                place.copy_from_slice(&bytes);
                true
            }
            None => false,
        },
    };
    if fits { Ok(Value::None) } else { Err(c.raise(TypeId::IndexError, "shared memory ends before")) }
}
