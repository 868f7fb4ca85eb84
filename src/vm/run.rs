//! The loop: fetch an instruction, do it, go on. One `match`, no recursion for script calls.
//!
//! `pc` and `base` are raw: B1 (verified code) keeps every register, constant, site and jump in bounds,
//! R4 (a stack that never moves) keeps `base` valid. `OFF`: the lock is off, so fast paths that look
//! into shared objects are left to the ops, which open them. `COUNT`: instructions are charged block by
//! block to simulated time.
//!
//! Before anything that may raise, wait or look at the frame, `pc` is saved there. Fast paths are
//! inline; all else is in ops/, attr.rs, call.rs.
#![allow(unsafe_code)]
#![allow(dangerous_implicit_autorefs)]

mod fast;
mod rare;

pub(super) use self::fast::IN_BUILTINS;
use self::fast::*;
use super::call::Entered;
use super::frame::{Frame, FrameKind};
use super::ops::arith::BinOp;
use super::ops::compare::CmpOp;
use super::thread::{Raised, Res, Thread};
use crate::bytecode::{Instr, Reg};
use crate::gil::off;
use crate::object::Value;
use crate::object::code::CodeObj;
use crate::object::heap::HAS_LAST_WORDS;
use crate::object::types::Range;
use std::sync::atomic::Ordering::Relaxed;

/// Runs the top frame, an entry, until it returns. `inject`: begin by raising what is in flight.
pub(super) fn run(th: &mut Thread, inject: bool) -> Res<Value> {
    match (off(), th.counting) {
        (false, false) => run_loop::<false, false>(th, inject),
        (false, true) => run_loop::<false, true>(th, inject),
        (true, false) => run_loop::<true, false>(th, inject),
        (true, true) => run_loop::<true, true>(th, inject),
    }
}

fn run_loop<const OFF: bool, const COUNT: bool>(th: &mut Thread, inject: bool) -> Res<Value> {
    let breaker: *const std::sync::atomic::AtomicU32 = th.held.breaker();
    let stack: *mut Value = th.stack.as_mut_ptr();
    let mut code: &CodeObj;
    let mut first: *const Instr;
    let mut pc: *const Instr;
    let mut base: *mut Value;
    let mut block: *const Instr;
    // The top frame, until the next push or pop.
    let mut frame: *mut Frame;

    // SAFETY of all blocks below: B1 and R4, see the module's head.
    macro_rules! load {
        () => {{
            let f = th.frames.last_mut().expect("a frame runs");
            frame = f;
            
            // SAFETY: the frame's function keeps its code alive; `base` lies in the stack.
            unsafe {
                code = &*f.code;
                first = code.first;
                pc = first.add(f.pc as usize);
                base = stack.add(f.base as usize);
            }
            block = pc;
        }};
    }
    // Behind the call that the frame below was in.
    macro_rules! back {
        () => {{
            load!();
            // SAFETY: a call is never the last instruction.
            pc = unsafe { pc.add(1) };
        }};
    }
    macro_rules! r {
        ($x:expr) => {
            // SAFETY: B1: the register exists.
            unsafe { &mut *base.add($x.0 as usize) }
        };
    }
    macro_rules! at {
        ($x:expr, $i:expr) => {
            // SAFETY: B1: the verifier checked the whole window.
            unsafe { &mut *base.add($x.0 as usize + $i) }
        };
    }
    macro_rules! abs {
        ($x:expr) => {
            // SAFETY: both point into the stack.
            unsafe { base.offset_from(stack) as u32 + $x.0 as u32 }
        };
    }
    macro_rules! here {
        () => {
            // SAFETY: `pc` has moved past the instruction, within the code.
            unsafe { pc.offset_from(first) as u32 - 1 }
        };
    }
    macro_rules! save {
        () => {{
            let at = here!();
            // SAFETY: `frame` was taken when this frame came to the top; pushes in between were popped,
            // and the row of frames has room for the limit from the start, so it has not moved.
            unsafe { (*frame).pc = at };
        }};
    }
    macro_rules! count {
        () => {
            if COUNT {
                // SAFETY: both point into the code.
                let n = unsafe { pc.offset_from(block) };
                th.held.charge(n.max(0) as u64);
            }
        };
    }
    macro_rules! raise {
        () => {{
            if unwind(th) {
                load!();
                continue;
            }
            return Err(Raised(()));
        }};
    }
    macro_rules! ok {
        ($e:expr) => {{
            save!();
            match $e {
                Ok(v) => v,
                Err(_) => raise!(),
            }
        }};
    }
    macro_rules! set {
        ($dst:expr, $e:expr) => {{
            let v = ok!($e);
            *r!($dst) = v;
        }};
    }
    macro_rules! jump {
        ($by:expr) => {{
            count!();
            // SAFETY: B1: jumps land in the code.
            pc = unsafe { pc.offset($by.0 as isize) };
            block = pc;
        }};
    }
    macro_rules! check {
        () => {
            // SAFETY: the word lives as long as `held`.
            if unsafe { (*breaker).load(Relaxed) } != 0 {
                ok!(th.safe_point())
            }
        };
    }
    macro_rules! site {
        ($s:expr) => {
            // SAFETY: B1: the site exists; code outlives the frame.
            unsafe {
                (
                    code.sites.get_unchecked($s.0 as usize),
                    code.caches.get_unchecked($s.0 as usize),
                )
            }
        };
    }
    macro_rules! konst {
        ($k:expr) => {
            // SAFETY: B1: the constant exists.
            unsafe { code.consts.get_unchecked($k.0 as usize) }
        };
    }
    macro_rules! site_names {
        ($k:expr) => {
            // SAFETY: B1: the constant is a row (n, names...); code outlives the call.
            unsafe { code.keywords.get_unchecked($k.0 as usize) }.parts()
        };
    }
    macro_rules! arith {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $int:ident, $float:expr) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) if let Some(z) = x.$int(*y) => {
                    *r!($dst) = Value::Int(z)
                }
                (Value::Float(x), Value::Float(y)) => {
                    *r!($dst) = Value::float($float(x.get(), y.get()))
                }
                (a, b) => {
                    let (a, b) = (a.clone(), b.clone());
                    set!($dst, th.binary(BinOp::$op, &a, &b))
                }
            }
        }};
    }
    macro_rules! iarith {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $int:ident, $float:expr) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) if let Some(z) = x.$int(*y) => {
                    *r!($dst) = Value::Int(z)
                }
                (Value::Float(x), Value::Float(y)) => {
                    *r!($dst) = Value::float($float(x.get(), y.get()))
                }
                (a, b) => {
                    let (a, b) = (a.clone(), b.clone());
                    set!($dst, th.inplace(BinOp::$op, &a, &b))
                }
            }
        }};
    }
    macro_rules! arith_i {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $int:ident, $float:expr) => {{
            match &*r!($a) {
                Value::Int(x) if let Some(z) = x.$int($b.0 as i64) => *r!($dst) = Value::Int(z),
                Value::Float(x) => *r!($dst) = Value::float($float(x.get(), $b.0 as f64)),
                a => {
                    let a = a.clone();
                    set!($dst, th.binary(BinOp::$op, &a, &Value::Int($b.0 as i64)))
                }
            }
        }};
    }
    macro_rules! iarith_i {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $int:ident, $float:expr) => {{
            match &*r!($a) {
                Value::Int(x) if let Some(z) = x.$int($b.0 as i64) => *r!($dst) = Value::Int(z),
                Value::Float(x) => *r!($dst) = Value::float($float(x.get(), $b.0 as f64)),
                a => {
                    let a = a.clone();
                    set!($dst, th.inplace(BinOp::$op, &a, &Value::Int($b.0 as i64)))
                }
            }
        }};
    }
    macro_rules! binary {
        ($op:ident, $dst:expr, $a:expr, $b:expr) => {{
            let (a, b) = (r!($a).clone(), r!($b).clone());
            set!($dst, th.binary(BinOp::$op, &a, &b))
        }};
    }
    macro_rules! inplace {
        ($op:ident, $dst:expr, $a:expr, $b:expr) => {{
            let (a, b) = (r!($a).clone(), r!($b).clone());
            set!($dst, th.inplace(BinOp::$op, &a, &b))
        }};
    }
    macro_rules! bits {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $o:tt) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) => *r!($dst) = Value::Int(x $o y),
                (a, b) => {
                    let (a, b) = (a.clone(), b.clone());
                    set!($dst, th.binary(BinOp::$op, &a, &b))
                }
            }
        }};
    }
    macro_rules! test {
        ($op:ident, $a:expr, $b:expr, $o:tt) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) => x $o y,
                (Value::Float(x), Value::Float(y)) => x.get() $o y.get(),
                (a, b) => {
                    let (a, b) = (a.clone(), b.clone());
                    ok!(th.compare_truth(CmpOp::$op, &a, &b))
                }
            }
        }};
    }
    macro_rules! test_i {
        ($op:ident, $a:expr, $b:expr, $o:tt) => {{
            match &*r!($a) {
                Value::Int(x) => *x $o ($b.0 as i64),
                a => {
                    let a = a.clone();
                    ok!(th.compare_truth(CmpOp::$op, &a, &Value::Int($b.0 as i64)))
                }
            }
        }};
    }
    macro_rules! compare {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $o:tt) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) => *r!($dst) = Value::bool(x $o y),
                (a, b) => {
                    let (a, b) = (a.clone(), b.clone());
                    set!($dst, th.compare(CmpOp::$op, &a, &b))
                }
            }
        }};
    }
    macro_rules! truth {
        ($x:expr) => {{
            match &*r!($x) {
                Value::Bool(b) => *b != 0,
                Value::None => false,
                Value::Int(i) => *i != 0,
                v => {
                    let v = v.clone();
                    ok!(th.truth(&v))
                }
            }
        }};
    }
    macro_rules! unless {
        ($t:expr, $by:expr) => {
            if !$t {
                jump!($by)
            }
        };
    }
    macro_rules! looping {
        ($t:expr, $by:expr) => {
            if $t {
                check!();
                jump!($by);
            }
        };
    }
    macro_rules! entered {
        ($dst:expr, $e:expr) => {{
            match ok!($e) {
                Entered::Value(v) => {
                    *r!($dst) = v;
                    check!();
                }
                Entered::Frame => {
                    count!();
                    load!();
                    check_entry!();
                }
            }
        }};
    }
    macro_rules! last_words {
        () => {
            // SAFETY: as in `check`.
            if unsafe { (*breaker).load(Relaxed) } & HAS_LAST_WORDS != 0 {
                ok!(th.hear_last_words())
            }
        };
    }
    // At a function's entry nothing of it has run: the saved pc is its first instruction.
    macro_rules! check_entry {
        () => {
            // SAFETY: as in `check`.
            if unsafe { (*breaker).load(Relaxed) } != 0 && th.safe_point().is_err() {
                raise!()
            }
        };
    }

    load!();
    if inject {
        if !unwind(th) {
            return Err(Raised(()));
        }
        load!();
    }
    loop {
        // SAFETY: B1: code does not run off its end.
        let i = unsafe { *pc };
        // SAFETY: as above.
        pc = unsafe { pc.add(1) };
        match i {
            Instr::Move { dst, src } => {
                let v = r!(src).clone();
                *r!(dst) = v;
            }
            Instr::LoadConst { dst, k } => *r!(dst) = konst!(k).clone(),
            Instr::LoadInt { dst, value } => *r!(dst) = Value::Int(value.0 as i64),
            Instr::LoadNone { dst } => *r!(dst) = Value::None,
            Instr::LoadTrue { dst } => *r!(dst) = Value::TRUE,
            Instr::LoadFalse { dst } => *r!(dst) = Value::FALSE,
            Instr::Unset { dst } => *r!(dst) = Value::Unbound,
            Instr::CheckLocal { reg, name } => {
                if r!(reg).is_unbound() {
                    ok!(th.unbound_local(*site!(name).0))
                }
            }
            Instr::DeleteLocal { reg, name } => {
                if r!(reg).is_unbound() {
                    ok!(th.unbound_local(*site!(name).0))
                }
                *r!(reg) = Value::Unbound;
            }
            Instr::LoadGlobal { dst, name } => {
                let (name, cache) = site!(name);
                let word = cache.load(Relaxed);
                if !OFF
                    && word != 0
                    && let Some(v) = global_fast(th, code, word)
                {
                    *r!(dst) = v;
                } else {
                    set!(dst, th.load_global(code, *name, cache))
                }
            }
            Instr::StoreGlobal { src, name } => {
                let v = r!(src).clone();
                th.store_global(&code.module, *site!(name).0, v)
            }
            Instr::DeleteGlobal { name } => {
                ok!(th.delete_global(code.module.clone(), *site!(name).0))
            }
            Instr::LoadName { dst, name } => {
                let ns = at!(Reg(0), 0).clone();
                set!(dst, th.load_name(&ns, code, *site!(name).0))
            }
            Instr::StoreName { src, name } => {
                let (ns, v) = (at!(Reg(0), 0).clone(), r!(src).clone());
                th.store_name(&ns, *site!(name).0, v)
            }
            Instr::DeleteName { name } => {
                let ns = at!(Reg(0), 0).clone();
                ok!(th.delete_name(&ns, *site!(name).0))
            }
            Instr::LoadNameOrCell { dst, cell, name } => {
                let (ns, cell) = (at!(Reg(0), 0).clone(), r!(cell).clone());
                set!(dst, th.load_name_or_cell(&ns, &cell, *site!(name).0))
            }
            Instr::MakeCell { reg } => {
                let v = r!(reg).take();
                *r!(reg) = th.make_cell(v);
            }
            Instr::LoadCapture { dst, n } => set!(dst, th.capture(n.0)),
            Instr::LoadCell { dst, cell, name } => {
                let cell = r!(cell).clone();
                set!(dst, th.load_cell(&cell, *site!(name).0))
            }
            Instr::StoreCell { cell, src } => {
                let (cell, v) = (r!(cell).clone(), r!(src).clone());
                th.store_cell(&cell, v)
            }
            Instr::DeleteCell { cell, name } => {
                let cell = r!(cell).clone();
                ok!(th.delete_cell(&cell, *site!(name).0))
            }

            Instr::LoadAttr { dst, obj, name } => {
                let (name, cache) = site!(name);
                match &*r!(obj) {
                    Value::Obj(o) if !OFF && let Some(v) = slot_fast(o, cache.load(Relaxed)) => {
                        *r!(dst) = v
                    }
                    o => {
                        let o = o.clone();
                        set!(dst, th.load_attr(&o, *name, cache))
                    }
                }
            }
            Instr::StoreAttr { obj, src, name } => {
                let (name, cache) = site!(name);
                match &*r!(obj) {
                    Value::Obj(o)
                        if !OFF && let Some(place) = place_fast(o, cache.load(Relaxed)) =>
                    {
                        let v = r!(src).clone();
                        // SAFETY: the slot exists; the lock is on, so nobody else is at it. The old value dies last.
                        drop(unsafe { std::ptr::replace(place, v) });
                    }
                    o => {
                        let (o, v) = (o.clone(), r!(src).clone());
                        ok!(th.store_attr(&o, *name, v, cache))
                    }
                }
            }
            Instr::DeleteAttr { obj, name } => {
                let o = r!(obj).clone();
                ok!(th.del_attr(&o, *site!(name).0))
            }
            Instr::LoadMethod { dst, obj, name } => {
                let (name, cache) = site!(name);
                match &*r!(obj) {
                    Value::Obj(o)
                        if !OFF && let Some(f) = method_fast(th, o, cache.load(Relaxed)) =>
                    {
                        let this = r!(obj).clone();
                        *at!(dst, 1) = this;
                        *r!(dst) = f;
                    }
                    o => {
                        let o = o.clone();
                        let (f, this) = ok!(th.load_method(&o, *name, cache));
                        *r!(dst) = f;
                        *at!(dst, 1) = this.unwrap_or_default();
                    }
                }
            }
            Instr::LoadSuper { dst, class, this } => {
                let (class, this) = (r!(class).clone(), r!(this).clone());
                set!(dst, th.make_super(&class, &this))
            }
            Instr::GetItem { dst, obj, key } => match (&*r!(obj), &*r!(key)) {
                (Value::Obj(o), Value::Int(i)) if !OFF && let Some(v) = item_fast(o, *i) => {
                    *r!(dst) = v
                }
                (o, k) => {
                    let (o, k) = (o.clone(), k.clone());
                    set!(dst, th.get_item(&o, &k))
                }
            },
            Instr::GetItemI { dst, obj, key } => match &*r!(obj) {
                Value::Obj(o) if !OFF && let Some(v) = item_fast(o, key.0 as i64) => *r!(dst) = v,
                o => {
                    let o = o.clone();
                    set!(dst, th.get_item(&o, &Value::Int(key.0 as i64)))
                }
            },
            Instr::SetItem { obj, key, src } => match (&*r!(obj), &*r!(key)) {
                (Value::Obj(o), Value::Int(i)) if !OFF && let Some(place) = list_place(o, *i) => {
                    let v = r!(src).clone();
                    // SAFETY: as in StoreAttr.
                    drop(unsafe { std::ptr::replace(place, v) });
                }
                (o, k) => {
                    let (o, k, v) = (o.clone(), k.clone(), r!(src).clone());
                    ok!(th.set_item(&o, &k, v))
                }
            },
            Instr::DelItem { obj, key } => {
                let (o, k) = (r!(obj).clone(), r!(key).clone());
                ok!(th.del_item(&o, &k))
            }
            Instr::BuildSlice { dst, base: b } => {
                let (x, y, z) = (at!(b, 0).clone(), at!(b, 1).clone(), at!(b, 2).clone());
                *r!(dst) = th.make_slice(x, y, z);
            }

            Instr::Add { dst, a, b } => arith!(Add, dst, a, b, checked_add, |x: f64, y: f64| x + y),
            Instr::Sub { dst, a, b } => arith!(Sub, dst, a, b, checked_sub, |x: f64, y: f64| x - y),
            Instr::Mul { dst, a, b } => arith!(Mul, dst, a, b, checked_mul, |x: f64, y: f64| x * y),
            Instr::Div { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Float(x), Value::Float(y)) if y.get() != 0.0 => {
                    *r!(dst) = Value::float(x.get() / y.get())
                }
                _ => binary!(Div, dst, a, b),
            },
            Instr::FloorDiv { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Int(x), Value::Int(y)) if *y > 0 => *r!(dst) = Value::Int(x.div_euclid(*y)),
                _ => binary!(FloorDiv, dst, a, b),
            },
            Instr::Mod { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Int(x), Value::Int(y)) if *y > 0 => {
                    *r!(dst) = Value::Int(mod_positive(*x, *y))
                }
                _ => binary!(Mod, dst, a, b),
            },
            Instr::Pow { dst, a, b } => binary!(Pow, dst, a, b),
            Instr::MatMul { dst, a, b } => binary!(MatMul, dst, a, b),
            Instr::BitAnd { dst, a, b } => bits!(BitAnd, dst, a, b, &),
            Instr::BitOr { dst, a, b } => bits!(BitOr, dst, a, b, |),
            Instr::BitXor { dst, a, b } => bits!(BitXor, dst, a, b, ^),
            Instr::Shl { dst, a, b } => binary!(Shl, dst, a, b),
            Instr::Shr { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Int(x), Value::Int(y)) if (0..64).contains(y) => {
                    *r!(dst) = Value::Int(x >> y)
                }
                _ => binary!(Shr, dst, a, b),
            },
            Instr::AddI { dst, a, b } => {
                arith_i!(Add, dst, a, b, checked_add, |x: f64, y: f64| x + y)
            }
            Instr::SubI { dst, a, b } => {
                arith_i!(Sub, dst, a, b, checked_sub, |x: f64, y: f64| x - y)
            }
            Instr::MulI { dst, a, b } => {
                arith_i!(Mul, dst, a, b, checked_mul, |x: f64, y: f64| x * y)
            }
            Instr::FloorDivI { dst, a, b } => match &*r!(a) {
                Value::Int(x) if b.0 > 0 => *r!(dst) = Value::Int(x.div_euclid(b.0 as i64)),
                a => {
                    let a = a.clone();
                    set!(dst, th.binary(BinOp::FloorDiv, &a, &Value::Int(b.0 as i64)))
                }
            },
            Instr::ModI { dst, a, b } => match &*r!(a) {
                Value::Int(x) if b.0 > 0 => *r!(dst) = Value::Int(mod_positive(*x, b.0 as i64)),
                a => {
                    let a = a.clone();
                    set!(dst, th.binary(BinOp::Mod, &a, &Value::Int(b.0 as i64)))
                }
            },
            Instr::IAddI { dst, a, b } => {
                iarith_i!(Add, dst, a, b, checked_add, |x, y| x + y)
            }
            Instr::ISubI { dst, a, b } => {
                iarith_i!(Sub, dst, a, b, checked_sub, |x, y| x - y)
            }
            Instr::IAdd { dst, a, b } => {
                iarith!(Add, dst, a, b, checked_add, |x: f64, y: f64| x + y)
            }
            Instr::ISub { dst, a, b } => {
                iarith!(Sub, dst, a, b, checked_sub, |x: f64, y: f64| x - y)
            }
            Instr::IMul { dst, a, b } => {
                iarith!(Mul, dst, a, b, checked_mul, |x: f64, y: f64| x * y)
            }
            Instr::IDiv { dst, a, b } => inplace!(Div, dst, a, b),
            Instr::IFloorDiv { dst, a, b } => inplace!(FloorDiv, dst, a, b),
            Instr::IMod { dst, a, b } => inplace!(Mod, dst, a, b),
            Instr::IPow { dst, a, b } => inplace!(Pow, dst, a, b),
            Instr::IMatMul { dst, a, b } => inplace!(MatMul, dst, a, b),
            Instr::IBitAnd { dst, a, b } => inplace!(BitAnd, dst, a, b),
            Instr::IBitOr { dst, a, b } => inplace!(BitOr, dst, a, b),
            Instr::IBitXor { dst, a, b } => inplace!(BitXor, dst, a, b),
            Instr::IShl { dst, a, b } => inplace!(Shl, dst, a, b),
            Instr::IShr { dst, a, b } => inplace!(Shr, dst, a, b),
            Instr::Neg { dst, a } => match &*r!(a) {
                Value::Float(x) => *r!(dst) = Value::float(-x.get()),
                v => {
                    let v = v.clone();
                    set!(dst, th.negative(&v))
                }
            },
            Instr::Pos { dst, a } => {
                let v = r!(a).clone();
                set!(dst, th.positive(&v))
            }
            Instr::Invert { dst, a } => {
                let v = r!(a).clone();
                set!(dst, th.invert(&v))
            }
            Instr::Not { dst, a } => {
                let t = truth!(a);
                *r!(dst) = Value::bool(!t);
            }

            Instr::Lt { dst, a, b } => compare!(Lt, dst, a, b, <),
            Instr::Le { dst, a, b } => compare!(Le, dst, a, b, <=),
            Instr::Eq { dst, a, b } => compare!(Eq, dst, a, b, ==),
            Instr::Ne { dst, a, b } => compare!(Ne, dst, a, b, !=),
            Instr::Gt { dst, a, b } => compare!(Gt, dst, a, b, >),
            Instr::Ge { dst, a, b } => compare!(Ge, dst, a, b, >=),
            Instr::Is { dst, a, b } => {
                let t = r!(a).same(r!(b));
                *r!(dst) = Value::bool(t);
            }
            Instr::IsNot { dst, a, b } => {
                let t = r!(a).same(r!(b));
                *r!(dst) = Value::bool(!t);
            }
            Instr::In { dst, a, b } => {
                let (a, b) = (r!(a).clone(), r!(b).clone());
                let t = ok!(th.contains(&b, &a));
                *r!(dst) = Value::bool(t);
            }
            Instr::NotIn { dst, a, b } => {
                let (a, b) = (r!(a).clone(), r!(b).clone());
                let t = ok!(th.contains(&b, &a));
                *r!(dst) = Value::bool(!t);
            }

            Instr::Jump { by } => jump!(by),
            Instr::JumpBack { by } => {
                check!();
                jump!(by);
            }
            Instr::JumpIf { src, by } => unless!(!truth!(src), by),
            Instr::JumpIfNot { src, by } => unless!(truth!(src), by),
            Instr::JumpIfNone { src, by } => unless!(!r!(src).is_none(), by),
            Instr::JumpIfNotNone { src, by } => unless!(r!(src).is_none(), by),
            Instr::UnlessLt { a, b, by } => unless!(test!(Lt, a, b, <), by),
            Instr::UnlessLe { a, b, by } => unless!(test!(Le, a, b, <=), by),
            Instr::UnlessEq { a, b, by } => unless!(test!(Eq, a, b, ==), by),
            Instr::UnlessNe { a, b, by } => unless!(test!(Ne, a, b, !=), by),
            Instr::UnlessGt { a, b, by } => unless!(test!(Gt, a, b, >), by),
            Instr::UnlessGe { a, b, by } => unless!(test!(Ge, a, b, >=), by),
            Instr::UnlessLtI { a, b, by } => unless!(test_i!(Lt, a, b, <), by),
            Instr::UnlessLeI { a, b, by } => unless!(test_i!(Le, a, b, <=), by),
            Instr::UnlessEqI { a, b, by } => unless!(test_i!(Eq, a, b, ==), by),
            Instr::UnlessNeI { a, b, by } => unless!(test_i!(Ne, a, b, !=), by),
            Instr::UnlessGtI { a, b, by } => unless!(test_i!(Gt, a, b, >), by),
            Instr::UnlessGeI { a, b, by } => unless!(test_i!(Ge, a, b, >=), by),
            Instr::LoopIf { src, by } => looping!(truth!(src), by),
            Instr::LoopLt { a, b, by } => looping!(test!(Lt, a, b, <), by),
            Instr::LoopLe { a, b, by } => looping!(test!(Le, a, b, <=), by),
            Instr::LoopEq { a, b, by } => looping!(test!(Eq, a, b, ==), by),
            Instr::LoopNe { a, b, by } => looping!(test!(Ne, a, b, !=), by),
            Instr::LoopGt { a, b, by } => looping!(test!(Gt, a, b, >), by),
            Instr::LoopGe { a, b, by } => looping!(test!(Ge, a, b, >=), by),
            Instr::LoopLtI { a, b, by } => looping!(test_i!(Lt, a, b, <), by),
            Instr::LoopLeI { a, b, by } => looping!(test_i!(Le, a, b, <=), by),
            Instr::LoopEqI { a, b, by } => looping!(test_i!(Eq, a, b, ==), by),
            Instr::LoopNeI { a, b, by } => looping!(test_i!(Ne, a, b, !=), by),
            Instr::LoopGtI { a, b, by } => looping!(test_i!(Gt, a, b, >), by),
            Instr::LoopGeI { a, b, by } => looping!(test_i!(Ge, a, b, >=), by),

            Instr::GetIter { dst, src } => {
                let v = r!(src).clone();
                set!(dst, th.iter(&v))
            }
            Instr::ForPrep { iter, src } => {
                if let Value::Obj(o) = &*r!(src)
                    && let Some(x) = o.get::<Range>()
                {
                    let x = *x;
                    *at!(iter, 0) = Value::Int(x.start);
                    *at!(iter, 1) = Value::Int(x.len);
                    *at!(iter, 2) = Value::Int(x.step);
                } else {
                    let v = r!(src).clone();
                    set!(iter, th.iter(&v))
                }
            }
            Instr::ForEnter { iter, dst, by } => {
                match step_fast::<OFF>(at!(iter, 0), at!(iter, 1), at!(iter, 2)) {
                    Fast::Item(v) => *r!(dst) = v,
                    Fast::End => {
                        *at!(iter, 0) = Value::Unbound;
                        jump!(by)
                    }
                    Fast::Ask => {
                        let it = at!(iter, 0).clone();
                        match ok!(th.next(&it)) {
                            Some(v) => *r!(dst) = v,
                            None => {
                                *at!(iter, 0) = Value::Unbound;
                                jump!(by)
                            }
                        }
                    }
                }
            }
            Instr::ForLoop { iter, dst, by } => {
                match step_fast::<OFF>(at!(iter, 0), at!(iter, 1), at!(iter, 2)) {
                    Fast::Item(v) => {
                        *r!(dst) = v;
                        check!();
                        jump!(by);
                    }
                    Fast::End => *at!(iter, 0) = Value::Unbound,
                    Fast::Ask => {
                        let it = at!(iter, 0).clone();
                        match ok!(th.next(&it)) {
                            Some(v) => {
                                *r!(dst) = v;
                                check!();
                                jump!(by);
                            }
                            None => *at!(iter, 0) = Value::Unbound,
                        }
                    }
                }
            }

            Instr::Call { dst, base: b, n } => {
                save!();
                last_words!();
                if push_fast(th, abs!(b), n.0 as u32, abs!(dst)) {
                    count!();
                    load!();
                    check_entry!();
                } else {
                    let quick = is_quick(th, r!(b));
                    match th.enter(abs!(b), n.0 as u32, &[], abs!(dst), FrameKind::Script) {
                        Ok(Entered::Value(v)) => {
                            *r!(dst) = v;
                            if !quick {
                                check!();
                            }
                        }
                        Ok(Entered::Frame) => {
                            count!();
                            load!();
                            check_entry!();
                        }
                        Err(_) => raise!(),
                    }
                }
            }
            Instr::CallMethod { dst, base: b, n } => {
                save!();
                last_words!();
                if at!(b, 1).is_unbound() {
                    // Not a method: the callee moves up to its arguments.
                    let f = r!(b).take();
                    *at!(b, 1) = f;
                    entered!(
                        dst,
                        th.enter(abs!(b) + 1, n.0 as u32, &[], abs!(dst), FrameKind::Script)
                    )
                } else if push_fast(th, abs!(b), n.0 as u32 + 1, abs!(dst)) {
                    count!();
                    load!();
                    check_entry!();
                } else {
                    let quick = is_quick(th, r!(b));
                    match th.enter(abs!(b), n.0 as u32 + 1, &[], abs!(dst), FrameKind::Script) {
                        Ok(Entered::Value(v)) => {
                            *r!(dst) = v;
                            if !quick {
                                check!();
                            }
                        }
                        Ok(Entered::Frame) => {
                            count!();
                            load!();
                            check_entry!();
                        }
                        Err(_) => raise!(),
                    }
                }
            }
            Instr::CallKw { dst, base: b, k } => {
                let (n, names) = site_names!(k);
                entered!(
                    dst,
                    th.enter(abs!(b), n, names, abs!(dst), FrameKind::Script)
                )
            }
            Instr::CallMethodKw { dst, base: b, k } => {
                let (n, names) = site_names!(k);
                if at!(b, 1).is_unbound() {
                    let f = r!(b).take();
                    *at!(b, 1) = f;
                    entered!(
                        dst,
                        th.enter(abs!(b) + 1, n, names, abs!(dst), FrameKind::Script)
                    )
                } else {
                    entered!(
                        dst,
                        th.enter(abs!(b), n + 1, names, abs!(dst), FrameKind::Script)
                    )
                }
            }
            Instr::CallEx { dst, base: b } => {
                let (f, args, kw) = (at!(b, 0).take(), at!(b, 1).take(), at!(b, 2).take());
                set!(dst, th.call_spread(&f, &args, &kw));
                check!();
            }
            Instr::Return { src } => {
                let v = r!(src).take();
                count!();
                match finish(th, v) {
                    Some(r) => return r,
                    None => back!(),
                }
            }
            Instr::ReturnNone {} => {
                count!();
                match finish(th, Value::None) {
                    Some(r) => return r,
                    None => back!(),
                }
            }
            Instr::Yield { dst, src } => {
                check!();
                let v = r!(src).clone();
                count!();
                th.suspend(here!(), dst.0);
                return Ok(v);
            }
            Instr::YieldFrom { dst, iter } => {
                let (it, sent) = (r!(iter).clone(), r!(dst).clone());
                match ok!(th.delegate(&it, sent)) {
                    super::generator::Step::Yielded(v) => {
                        count!();
                        th.suspend(here!(), dst.0);
                        return Ok(v);
                    }
                    super::generator::Step::Returned(v) => *r!(dst) = v,
                }
            }
            other => {
                let at = abs!(Reg(0));
                ok!(rare::step(th, at, code, other));
                if other.row().checks {
                    check!();
                }
            }
        }
    }
}
