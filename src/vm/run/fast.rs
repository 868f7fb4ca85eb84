//! The loop's short cuts and its bookkeeping of frames. With the lock on those that look into shared objects
//! do it in place. With the lock off (`OFF`) they open the object for one look, check its shape again
//! inside, and read what never dies from tables that need no opening (`Lasting`).
#![allow(unsafe_code)]

use crate::bytecode::Instr;
use crate::gil::off;
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::exception::{Exception, TraceEntry};
use crate::object::function::{Function, Native};
use crate::object::instance::Instance;
use crate::object::iter::Iter;
use crate::object::module::Module;
use crate::object::types::{List, Range, Tuple};
use crate::object::{Kind, Ref, TypeId, Value};
use crate::vm::attr::IN_CLASS;
use crate::vm::frame::{Frame, FrameKind};
use crate::vm::native::NativeFn;
use crate::vm::thread::{Res, Thread};
use std::sync::atomic::Ordering::Relaxed;

/// Bit of a global's cache word that says: among the builtins.
pub const IN_BUILTINS: u32 = 1 << 31;

/// Bit of a global's cache word that says: in the table of values that never die, with the lock off.
pub const IN_FIXED: u64 = 1 << 63;

/// A modulo for a positive divisor; a 32-bit division where both fit, which is several times faster.
#[inline(always)]
pub fn mod_positive(x: i64, y: i64) -> i64 {
    if x >= 0 && x <= u32::MAX as i64 && y <= u32::MAX as i64 { (x as u32 % y as u32) as i64 } else { x.rem_euclid(y) }
}

/// A global through its cache word {version, position}.
#[inline(always)]
pub fn global_fast<const OFF: bool>(th: &Thread, code: &CodeObj, word: u64) -> Option<Value> {
    if OFF {
        return if word & IN_FIXED != 0 {
            th.interp.globals.get(&th.held, word as u32)
        } else {
            global_open(th, code, word)
        };
    }
    let (version, position) = ((word >> 32) as u32, word as u32);
    // SAFETY: the lock is on: nobody changes the module while this thread looks (H1, H3).
    unsafe {
        let names = &(*code.module.body::<Module>()).names;
        if names.version() != version {
            return None;
        }
        if position & IN_BUILTINS == 0 {
            return names.at(position).cloned();
        }
        let builtins = &th.interp.fixed(&th.held).builtins;
        (*builtins.body::<Module>()).names.at(position & !IN_BUILTINS).cloned()
    }
}

fn global_open(th: &Thread, code: &CodeObj, word: u64) -> Option<Value> {
    code.module.with::<Module, _>(&th.held, |m| {
        let right = m.names.version() & !(IN_FIXED >> 32) as u32 == (word >> 32) as u32;
        if right { m.names.at(word as u32).cloned() } else { None }
    })
}

/// An instance's slot through its cache word {shape, slot}.
#[inline(always)]
pub fn slot_fast<const OFF: bool>(th: &Thread, o: &Ref, word: u64) -> Option<Value> {
    if OFF {
        if (word >> 32) as u32 != o.shape() || word == 0 || word as u32 & IN_CLASS != 0 {
            return None;
        }
        return with_slot(th, o, word, |place| place.clone());
    }
    // SAFETY: as in `place_fast`.
    place_fast(o, word).map(|p| unsafe { (*p).clone() })
}

/// Opens an instance for its slot of a cache word, if it still has the word's shape.
#[inline(always)]
fn with_slot<R>(th: &Thread, o: &Ref, word: u64, f: impl FnOnce(&mut Value) -> R) -> Option<R> {
    let slot = word as u32 as usize;
    o.with_slots(&th.held, |i, row| {
        if (word >> 32) as u32 != o.shape() {
            return None;
        }
        match row.get_mut(slot) {
            Some(place) => Some(f(place)),
            None => i.more.as_mut()?.get_mut(slot - i.cap as usize).map(f),
        }
    })
}

/// Where the slot of a cache word lies. Only instances of script classes have shapes in such words.
#[inline(always)]
pub fn place_fast(o: &Ref, word: u64) -> Option<*mut Value> {
    let slot = word as u32;
    if (word >> 32) as u32 != o.shape() || word == 0 || slot & IN_CLASS != 0 {
        return None;
    }
    // SAFETY: S1: the shape says that the slot exists; the lock is on (H3).
    unsafe {
        let p = o.body::<Instance>();
        let cap = (*p).cap as u32;
        if slot < cap {
            return Some(Instance::slots(p).add(slot as usize));
        }
        let more = (*p).more.as_mut()?;
        more.get_mut((slot - cap) as usize).map(|v| v as *mut Value)
    }
}

/// Sets an attribute through the cache word of its site. Gives the value back when the word does not fit.
#[inline(always)]
pub fn store_fast<const OFF: bool>(th: &Thread, o: &Ref, word: u64, v: Value) -> Result<(), Value> {
    if OFF {
        return store_open(th, o, word, v);
    }
    match place_fast(o, word) {
        Some(p) => {
            // SAFETY: the slot exists; the lock is on, so nobody else is at it. The old value dies last.
            drop(unsafe { std::ptr::replace(p, v) });
            Ok(())
        }
        None if word as u32 & IN_CLASS != 0 => grow_fast(th, o, word, v),
        None => Err(v),
    }
}

fn store_open(th: &Thread, o: &Ref, word: u64, v: Value) -> Result<(), Value> {
    if (word >> 32) as u32 != o.shape() || word == 0 {
        return Err(v);
    }
    let mut v = v;
    if word as u32 & IN_CLASS == 0 {
        // The old value dies after the object is closed.
        return match with_slot(th, o, word, |place| std::mem::swap(place, &mut v)) {
            Some(()) => Ok(()),
            None => Err(v),
        };
    }
    let grown = word as u32 & !IN_CLASS;
    let slot = th.interp.sizes.get(grown).wrapping_sub(1);
    let done = o.with_slots(&th.held, |_, row| {
        let right = (word >> 32) as u32 == o.shape() && slot < row.len();
        if right {
            std::mem::swap(&mut row[slot], &mut v);
            o.set_shape(&th.held, grown);
        }
        right
    });
    if done { Ok(()) } else { Err(v) }
}

/// Sets a new attribute through the cache word {shape, grown shape with `IN_CLASS`} of its site, as
/// `__init__` does for each instance. Gives the value back when the word does not fit.
#[inline(always)]
fn grow_fast(th: &Thread, o: &Ref, word: u64, v: Value) -> Result<(), Value> {
    let grown = word as u32;
    if (word >> 32) as u32 != o.shape() || grown & IN_CLASS == 0 {
        return Err(v);
    }
    let grown = grown & !IN_CLASS;
    // SAFETY: S1: shapes never change; the new slot is the last of the grown shape, and unset. The lock is on (H3).
    unsafe {
        let slot = (*th.interp.shapes.peek()).names(grown).len() - 1;
        let p = o.body::<Instance>();
        if slot >= (*p).cap as usize {
            return Err(v);
        }
        *Instance::slots(p).add(slot) = v;
    }
    o.set_shape(&th.held, grown);
    Ok(())
}

/// A method through its cache word {shape, place in the look-ups}.
#[inline(always)]
pub fn method_fast<const OFF: bool>(th: &Thread, o: &Ref, word: u64) -> Option<Value> {
    let place = word as u32;
    if (word >> 32) as u32 != o.shape() || place & IN_CLASS == 0 {
        return None;
    }
    if OFF {
        return th.interp.methods.get(&th.held, place & !IN_CLASS);
    }
    // SAFETY: the lock is on (H3); C1: the place exists for ever, unset when it is out of date.
    let v = unsafe { (&(*th.interp.lookups.peek()).values)[(place & !IN_CLASS) as usize].clone() };
    if v.is_unbound() { None } else { Some(v) }
}

/// `list[i]`, `tuple[i]` of the builtin types.
#[inline(always)]
pub fn item_fast<const OFF: bool>(th: &Thread, o: &Ref, i: i64) -> Option<Value> {
    if OFF && o.shape() == TypeId::List.shape() {
        o.with::<List, _>(&th.held, |l| {
            let i = if i < 0 { i + l.items.len() as i64 } else { i };
            l.items.get(usize::try_from(i).ok()?).cloned()
        })
    } else if o.shape() == TypeId::List.shape() {
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

/// `list[i] = v` of the builtin type with the lock off; was it that?
#[inline(always)]
pub fn item_open(th: &Thread, o: &Ref, i: i64, v: &Value) -> bool {
    if o.shape() != TypeId::List.shape() {
        return false;
    }
    let mut v = v.clone();
    // The old value dies after the list is closed.
    o.with::<List, _>(&th.held, |l| {
        let i = if i < 0 { i + l.items.len() as i64 } else { i };
        let place = usize::try_from(i).ok().and_then(|i| l.items.get_mut(i));
        place.map(|place| std::mem::swap(place, &mut v)).is_some()
    })
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
    row.get_mut(usize::try_from(i).ok()?).map(|v| v as *mut Value)
}

/// The state (next, left, step) of a `for` over a range; `None` for all else.
#[inline(always)]
pub fn range_state(v: &Value) -> Option<[Value; 3]> {
    let x = v.as_ref()?.get::<Range>()?;
    Some([Value::Int(x.start), Value::Int(x.len), Value::Int(x.step)])
}

/// One step of a `for`.
pub enum Fast {
    Item(Value),
    End,
    /// The iterator has to be asked.
    Ask,
}

#[inline(always)]
pub fn step_fast<const OFF: bool>(th: &Thread, state: &mut Value, left: &mut Value, step: &Value) -> Fast {
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
        (Value::Obj(o), _, _) if o.shape() == TypeId::ListIterator.shape() => {
            if OFF {
                list_open(th, o)
            } else {
                list_step(o)
            }
        }
        _ => Fast::Ask,
    }
}

fn list_open(th: &Thread, o: &Ref) -> Fast {
    o.with::<Iter, _>(&th.held, |it| {
        let Iter::List { list, at } = it else { return Fast::Ask };
        match list.with::<List, _>(&th.held, |l| l.items.get(*at).cloned()) {
            Some(v) => {
                *at += 1;
                Fast::Item(v)
            }
            None => Fast::Ask,
        }
    })
}

fn list_step(o: &Ref) -> Fast {
    // SAFETY: the lock is on (H3): neither the iterator nor its list is open or changes here.
    unsafe {
        let Iter::List { list, at } = &mut *o.body::<Iter>() else {
            return Fast::Ask;
        };
        let row: &Vec<Value> = &(*list.body::<List>()).items;
        match row.get(*at) {
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
        Value::Obj(r) => {
            r.get::<Native>().is_some_and(|n| matches!(th.interp.natives[n.row as usize].run, NativeFn::Quick(_)))
        }
        _ => false,
    }
}

/// Pushes the frame of a script function, or of the `__init__` of a script class, whose arguments lie
/// right; gives its code. None: the call needs the long way.
#[inline(always)]
pub fn push_fast(th: &mut Thread, func_at: u32, n: u32, dst: u32) -> Option<*const CodeObj> {
    // SAFETY: B1: the window lies in the stack.
    let Value::Obj(r) = (unsafe { &*th.stack.as_ptr().add(func_at as usize) }) else {
        return None;
    };
    match r.kind() {
        // SAFETY: a function's code changes only from an incomplete one, while its holder has the lock, and code
        // never dies; the register keeps the function alive (frame.rs).
        Kind::Function => push_frame(
            th,
            unsafe { (*r.body::<Function>()).code.body::<CodeObj>() },
            func_at,
            n,
            dst,
            FrameKind::Script,
        ),
        Kind::Class => push_init(th, func_at, n, dst),
        _ => None,
    }
}

#[inline(always)]
fn push_frame(
    th: &mut Thread,
    code: *const CodeObj,
    func_at: u32,
    n: u32,
    dst: u32,
    kind: FrameKind,
) -> Option<*const CodeObj> {
    // SAFETY: alive as said above; code is frozen.
    let (plain, registers, first) = unsafe { ((*code).plain, (*code).registers, (*code).first) };
    if plain as u32 != n {
        return None;
    }
    let base = func_at + 1;
    let top = base + registers as u32;
    if th.frames.len() as u32 + th.depth >= th.limit || th.frames.is_full() || !th.reserve(top) {
        return None;
    }
    // Dead temporaries of the caller above the window: the callee's registers begin unset (R1).
    for at in base + n..th.top {
        // SAFETY: below `top`, so in the stack.
        drop(unsafe { (*th.stack.as_mut_ptr().add(at as usize)).take() });
    }
    // SAFETY: there is room, as checked; dropping temporaries pushes nothing that stays.
    unsafe { th.frames.push_unchecked(Frame { code, first, pc: 0, base, below: th.top, dst, kind }) };
    th.top = top;
    Some(code)
}

fn plain_init(th: &Thread, class: &Ref) -> Option<Ref> {
    // SAFETY: the lock is on (H3); nothing here runs script code.
    let (epoch, init) = unsafe { (*class.body::<Class>()).plain_init.as_ref()? };
    (*epoch == th.interp.init_epoch.load(Relaxed)).then(|| init.clone())
}

/// A class with a known plain `__init__`: makes the instance, puts it before the arguments, pushes the frame.
#[inline(never)]
fn push_init(th: &mut Thread, func_at: u32, n: u32, dst: u32) -> Option<*const CodeObj> {
    let Value::Obj(class) = th.reg(func_at) else { return None };
    // SAFETY: the root shape is written when the class is made and never again; the hint is atomic.
    let (root, hint) = unsafe {
        let c = class.body::<Class>();
        ((*c).root, (*c).slots_hint.load(Relaxed))
    };
    let init = if off() { th.interp.inits.get(&th.held, root)?.as_ref()?.clone() } else { plain_init(th, &class)? };
    // SAFETY: as in `push_fast`.
    let code: *const CodeObj = unsafe { (*init.body::<Function>()).code.body::<CodeObj>() };
    // SAFETY: as above.
    if unsafe { (*code).plain } as u32 != n + 1 || th.frames.is_full() || !th.reserve(func_at + n + 4) {
        return None;
    }
    let this: Value = Ref::new_instance(&th.held, root, class.clone(), hint).into();
    let mut at = func_at + n + 1;
    if at >= th.top {
        th.set_reg(at, Value::Unbound);
    }
    while at > func_at + 1 {
        let v = th.take_reg(at - 1);
        th.set_reg(at, v);
        at -= 1;
    }
    th.set_reg(at, this.clone());
    th.set_reg(func_at, init.into());
    let pushed = push_frame(th, code, func_at, n + 1, dst, FrameKind::Init);
    if pushed.is_some() {
        th.inits.push(this);
        return pushed;
    }
    // Too deep: undo, and let the long way raise.
    for at in func_at + 1..=func_at + n {
        let v = th.take_reg(at + 1);
        th.set_reg(at, v);
    }
    th.set_reg(func_at, class.into());
    None
}

/// Takes the top frame, `f`, away: its registers become unset.
///
/// # Safety
/// `f` is the top frame.
#[inline(always)]
unsafe fn pop_frame(th: &mut Thread, f: &Frame) {
    // SAFETY: a frame runs; frames are plain data. The registers lie below `top`, so in the stack.
    unsafe {
        th.frames.pop_unread();
        let stack = th.stack.as_mut_ptr();
        let (mut slot, end) = (stack.add(f.func_at() as usize), stack.add(th.top as usize));
        while slot < end {
            if let Value::Obj(_) = &*slot {
                drop(std::ptr::read(slot));
            }
            slot.write(Value::Unbound);
            slot = slot.add(1);
        }
    }
    th.top = f.below;
}

/// The top frame, a call of a script function by script code, returns `v` to the frame below, the result.
///
/// # Safety
/// `frame` is the top frame and its kind is `Script`.
#[inline(always)]
pub unsafe fn finish_script(th: &mut Thread, frame: *mut Frame, v: Value) -> *mut Frame {
    // SAFETY: popped frames stay where they are until the next push; `dst` is a register of the caller.
    unsafe {
        pop_frame(th, &*frame);
        *th.stack.as_mut_ptr().add((*frame).dst as usize) = v;
        frame.add(1)
    }
}

/// The top frame, not of kind `Script`, returns `v`. `Some`: the loop is left; `None`: it goes on in the
/// frame below.
#[inline(never)]
pub fn finish(th: &mut Thread, v: Value) -> Option<Res<Value>> {
    let f = *th.frames.last().expect("a frame runs");
    // SAFETY: just taken.
    unsafe { pop_frame(th, &f) };
    if matches!(f.kind, FrameKind::Init | FrameKind::InitEntry) { finish_init(th, f, v) } else { Some(Ok(v)) }
}

fn finish_init(th: &mut Thread, f: Frame, v: Value) -> Option<Res<Value>> {
    let this = th.inits.pop();
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
    let this = this.unwrap_or_default();
    if f.kind == FrameKind::InitEntry {
        return Some(Ok(this));
    }
    th.stack[f.dst as usize] = this;
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
                if !again || e.trail.last().is_none_or(|t| !std::sync::Arc::ptr_eq(&t.code, &code.code)) {
                    e.trail.push(TraceEntry { code: code.code.clone(), pc });
                }
            });
        }
        if th.ending.is_none()
            && let Some(h) = code.code.handlers.iter().find(|h| h.from <= pc && pc < h.to)
        {
            let e = th.take_raised();
            th.set_reg(base + h.exc as u32, e);
            th.frames.last_mut().expect("a frame runs").pc = h.target;
            return true;
        }
        let f = th.frames.pop().expect("a frame runs");
        if matches!(f.kind, FrameKind::Init | FrameKind::InitEntry) {
            drop(th.inits.pop());
        }
        th.unset(f.func_at(), th.top);
        th.top = f.below;
        if f.kind.is_entry() {
            return false;
        }
    }
}
