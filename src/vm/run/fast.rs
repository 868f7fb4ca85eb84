//! The loop's short cuts and its bookkeeping of frames. Those that look into shared objects are used
//! only while the lock is on.
#![allow(unsafe_code)]

use crate::bytecode::Instr;
use crate::object::code::CodeObj;
use crate::object::exception::{Exception, TraceEntry};
use crate::object::function::{Function, Native};
use crate::object::instance::Instance;
use crate::object::iter::Iter;
use crate::object::module::Module;
use crate::object::types::{List, Tuple};
use crate::object::{Kind, Ref, TypeId, Value};
use crate::vm::attr::IN_CLASS;
use crate::vm::frame::{Frame, FrameKind};
use crate::vm::native::NativeFn;
use crate::vm::thread::{Res, Thread};

/// Bit of a global's cache word that says: among the builtins.
pub const IN_BUILTINS: u32 = 1 << 31;

/// A modulo for a positive divisor; a 32-bit division where both fit, which is several times faster.
#[inline(always)]
pub fn mod_positive(x: i64, y: i64) -> i64 {
    if x >= 0 && x <= u32::MAX as i64 && y <= u32::MAX as i64 {
        (x as u32 % y as u32) as i64
    } else {
        x.rem_euclid(y)
    }
}

/// A global through its cache word {version, position}.
#[inline(always)]
pub fn global_fast(th: &Thread, code: &CodeObj, word: u64) -> Option<Value> {
    let (version, position) = ((word >> 32) as u32, word as u32);
    // SAFETY: the lock is on: nobody changes the module while this thread looks (H1, H3).
    unsafe {
        let names = &(*code.module.body::<Module>()).names;
        if names.version() != version {
            return None;
        }
        if position & IN_BUILTINS == 0 {
            return Some(names.at(position).clone());
        }
        let builtins = &th.interp.fixed(&th.held).builtins;
        Some(
            (*builtins.body::<Module>())
                .names
                .at(position & !IN_BUILTINS)
                .clone(),
        )
    }
}

/// An instance's slot through its cache word {shape, slot}.
#[inline(always)]
pub fn slot_fast(o: &Ref, word: u64) -> Option<Value> {
    // SAFETY: as in `place_fast`.
    place_fast(o, word).map(|p| unsafe { (*p).clone() })
}

/// Where the slot of a cache word lies. Only instances of script classes have shapes in such words.
#[inline(always)]
pub fn place_fast(o: &Ref, word: u64) -> Option<*mut Value> {
    let slot = word as u32;
    if (word >> 32) as u32 != o.shape() || word == 0 || slot & IN_CLASS != 0 {
        return None;
    }
    // SAFETY: S1: the shape says that the slot exists; the lock is on (H3). Slots beyond the block go the long way.
    unsafe {
        let p = o.body::<Instance>();
        if slot < (*p).cap as u32 {
            Some(Instance::slots(p).add(slot as usize))
        } else {
            None
        }
    }
}

/// A method through its cache word {shape, place in the look-ups}.
#[inline(always)]
pub fn method_fast(th: &Thread, o: &Ref, word: u64) -> Option<Value> {
    let place = word as u32;
    if (word >> 32) as u32 != o.shape() || place & IN_CLASS == 0 {
        return None;
    }
    // SAFETY: the lock is on (H3); C1: the place exists for ever, unset when it is out of date.
    let v = unsafe { (&(*th.interp.lookups.peek()).values)[(place & !IN_CLASS) as usize].clone() };
    if v.is_unbound() { None } else { Some(v) }
}

/// `list[i]`, `tuple[i]` of the builtin types.
#[inline(always)]
pub fn item_fast(o: &Ref, i: i64) -> Option<Value> {
    if o.shape() == TypeId::List.shape() {
        // SAFETY: the lock is on (H3).
        list_place(o, i).map(|p| unsafe { (*p).clone() })
    } else if o.shape() == TypeId::Tuple.shape() {
        let row = &o.frozen::<Tuple>().0;
        let i = if i < 0 { i + row.len() as i64 } else { i };
        row.get(usize::try_from(i).ok()?).cloned()
    } else {
        None
    }
}

/// Where `list[i]` lies.
#[inline(always)]
pub fn list_place(o: &Ref, i: i64) -> Option<*mut Value> {
    if o.shape() != TypeId::List.shape() {
        return None;
    }
    // SAFETY: the lock is on (H3).
    let row = unsafe { &mut (*o.body::<List>()).items };
    let i = if i < 0 { i + row.len() as i64 } else { i };
    row.get_mut(usize::try_from(i).ok()?)
        .map(|v| v as *mut Value)
}

/// One step of a `for`.
pub enum Fast {
    Item(Value),
    End,
    /// The iterator has to be asked.
    Ask,
}

#[inline(always)]
pub fn step_fast<const OFF: bool>(state: &mut Value, left: &mut Value, step: &Value) -> Fast {
    match (&mut *state, &mut *left, step) {
        (Value::Int(next), Value::Int(left), Value::Int(step)) => {
            if *left <= 0 {
                return Fast::End;
            }
            let v = *next;
            *left -= 1;
            *next = v.wrapping_add(*step);
            Fast::Item(Value::Int(v))
        }
        (Value::Obj(o), _, _) if !OFF && o.shape() == TypeId::ListIterator.shape() => list_step(o),
        _ => Fast::Ask,
    }
}

fn list_step(o: &Ref) -> Fast {
    // SAFETY: the lock is on (H3): neither the iterator nor its list is open or changes here.
    unsafe {
        let Iter::List { list, at } = &mut *o.body::<Iter>() else {
            return Fast::Ask;
        };
        match (&(*list.body::<List>()).items).get(*at) {
            Some(v) => {
                *at += 1;
                Fast::Item(v.clone())
            }
            None => Fast::Ask,
        }
    }
}

/// Is the callee a builtin after which no safe point follows?
#[inline(always)]
pub fn is_quick(th: &Thread, callee: &Value) -> bool {
    match callee {
        Value::Obj(r) => r
            .get::<Native>()
            .is_some_and(|n| matches!(th.interp.natives[n.row as usize].run, NativeFn::Quick(_))),
        _ => false,
    }
}

/// Pushes the frame of a script function whose arguments lie right. False: the call needs the long way.
#[inline(always)]
pub fn push_fast(th: &mut Thread, func_at: u32, n: u32, dst: u32) -> bool {
    let Value::Obj(r) = &th.stack[func_at as usize] else {
        return false;
    };
    if r.kind() != Kind::Function {
        return false;
    }
    // SAFETY: a function's code never changes; the register keeps the function alive (frame.rs).
    let code: *const CodeObj = unsafe { (*r.body::<Function>()).code.frozen::<CodeObj>() };
    // SAFETY: as above.
    let plain = unsafe { &(*code).code };
    if !plain.flags.simple || plain.flags.generator || plain.params.positional as u32 != n {
        return false;
    }
    let base = func_at + 1;
    let top = base + plain.registers as u32;
    if th.frames.len() as u32 + th.depth >= th.limit || !th.reserve(top) {
        return false;
    }
    // Dead temporaries of the caller above the window: the callee's registers begin unset (R1).
    for at in base + n..th.top {
        drop(th.stack[at as usize].take());
    }
    th.frames.push(Frame {
        code,
        pc: 0,
        base,
        func_at,
        top,
        below: th.top,
        dst,
        kind: FrameKind::Script,
        this: Value::Unbound,
    });
    th.top = top;
    true
}

/// The top frame returns `v`. `Some`: the loop is left; `None`: it goes on in the frame below.
#[inline(always)]
pub fn finish(th: &mut Thread, v: Value) -> Option<Res<Value>> {
    let f = th.frames.pop().expect("a frame runs");
    for slot in &mut th.stack[f.func_at as usize..f.top as usize] {
        drop(slot.take());
    }
    th.top = f.below;
    match f.kind {
        FrameKind::Script => {
            th.stack[f.dst as usize] = v;
            None
        }
        FrameKind::Entry | FrameKind::Generator => Some(Ok(v)),
        FrameKind::Init | FrameKind::InitEntry => finish_init(th, f, v),
    }
}

#[inline(never)]
fn finish_init(th: &mut Thread, f: Frame, v: Value) -> Option<Res<Value>> {
    if !v.is_none() {
        let n = th.type_name(&v);
        let e = th.type_error(format!("__init__() should return None, not '{n}'"));
        if f.kind == FrameKind::InitEntry || !unwind(th) {
            return Some(Err(e));
        }
        // The loop goes on behind `pc`; the handler begins at it.
        let top = th.frames.last_mut().expect("unwound into a frame");
        top.pc = top.pc.wrapping_sub(1);
        return None;
    }
    if f.kind == FrameKind::InitEntry {
        return Some(Ok(f.this));
    }
    th.stack[f.dst as usize] = f.this;
    None
}

/// Looks for the handler of the exception in flight, giving up frames that have none. False: the loop
/// is left with the exception still in flight.
#[cold]
#[inline(never)]
pub fn unwind(th: &mut Thread) -> bool {
    loop {
        let f = th.frames.last().expect("a frame runs");
        // SAFETY: the frame's function keeps its code alive.
        let code = unsafe { &*f.code };
        let (pc, base) = (f.pc, f.base);
        let again = matches!(code.code.instrs[pc as usize], Instr::Reraise { .. });
        if let Value::Obj(e) = th.raised.clone()
            && e.is::<Exception>()
        {
            e.with::<Exception, _>(&th.held, |e| {
                if !again
                    || e.trail
                        .last()
                        .is_none_or(|t| !std::sync::Arc::ptr_eq(&t.code, &code.code))
                {
                    e.trail.push(TraceEntry {
                        code: code.code.clone(),
                        pc,
                    });
                }
            });
        }
        if th.ending.is_none()
            && let Some(h) = code
                .code
                .handlers
                .iter()
                .find(|h| h.from <= pc && pc < h.to)
        {
            let e = th.take_raised();
            th.set_reg(base + h.exc as u32, e);
            th.frames.last_mut().expect("a frame runs").pc = h.target;
            return true;
        }
        let f = th.frames.pop().expect("a frame runs");
        th.unset(f.func_at, f.top);
        th.top = f.below;
        if f.kind.is_entry() {
            return false;
        }
    }
}
