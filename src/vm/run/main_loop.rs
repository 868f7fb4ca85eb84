//! `run_loop`: one `match` over the instructions. See run.rs for what it relies on.
#![allow(unsafe_code)]

use super::fast::*;
use super::rare;
use crate::bytecode::{Instr, Reg};
use crate::object::Value;
use crate::object::code::CodeObj;
use crate::object::heap::HAS_LAST_WORDS;
use crate::vm::call::Entered;
use crate::vm::frame::{Frame, FrameKind};
use crate::vm::generator::Step;
use crate::vm::ops::arith::BinOp;
use crate::vm::ops::compare::CmpOp;
use crate::vm::thread::{Raised, Res, Thread};
use std::hint::cold_path;
use std::sync::atomic::Ordering::Relaxed;

pub(super) fn run_loop<const OFF: bool, const COUNT: bool>(th: &mut Thread, inject: bool) -> Res<Value> {
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
            frame = th.frames.last_mut().expect("a frame runs");
            resume!();
        }};
    }
    // The registers of the loop from the top frame.
    macro_rules! resume {
        () => {{
            // SAFETY: the frame's function keeps its code alive; `base` lies in the stack.
            unsafe {
                code = &*(*frame).code;
                first = (*frame).first;
                pc = first.add((*frame).pc as usize);
                base = stack.add((*frame).base as usize);
            }
            block = pc;
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
            // SAFETY: it does nothing; see the module's head.
            unsafe { std::arch::asm!(concat!("/*", line!(), "*/"), options(nomem, nostack, preserves_flags)) };
            // SAFETY: B1: jumps land in the code.
            pc = unsafe { pc.offset($by.0 as isize) };
            block = pc;
        }};
    }
    macro_rules! check {
        () => {
            // SAFETY: the word lives as long as `held`.
            if unsafe { (*breaker).load(Relaxed) } != 0 {
                cold_path();
                ok!(th.safe_point())
            }
        };
    }
    macro_rules! site {
        ($s:expr) => {
            // SAFETY: B1: the site exists; code outlives the frame.
            unsafe { (code.sites.get_unchecked($s.0 as usize), code.caches.get_unchecked($s.0 as usize)) }
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
    // `$how` is `binary` or `inplace`; ints and floats have their short cut.
    macro_rules! arith {
        ($how:ident $op:ident, $dst:expr, $a:expr, $b:expr, $int:ident, $o:tt) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) if let Some(z) = x.$int(*y) => *r!($dst) = Value::Int(z),
                (Value::Float(x), Value::Float(y)) => *r!($dst) = Value::float(x.get() $o y.get()),
                _ => slow!($how $op, $dst, $a, r!($b).clone()),
            }
        }};
    }
    macro_rules! arith_i {
        ($how:ident $op:ident, $dst:expr, $a:expr, $b:expr, $int:ident, $o:tt) => {{
            match &*r!($a) {
                Value::Int(x) if let Some(z) = x.$int($b.0 as i64) => *r!($dst) = Value::Int(z),
                Value::Float(x) => *r!($dst) = Value::float(x.get() $o $b.0 as f64),
                _ => slow!($how $op, $dst, $a, Value::Int($b.0 as i64)),
            }
        }};
    }
    // A step on a copy of a register's value.
    macro_rules! on {
        ($v:ident, $x:expr, $e:expr) => {{
            let $v = r!($x).clone();
            $e
        }};
    }
    macro_rules! slow {
        ($how:ident $op:ident, $dst:expr, $a:expr, $b:expr) => {{
            cold_path();
            let (a, b) = (r!($a).clone(), $b);
            set!($dst, th.$how(BinOp::$op, &a, &b))
        }};
    }
    macro_rules! bits {
        ($op:ident, $dst:expr, $a:expr, $b:expr, $o:tt) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) => *r!($dst) = Value::Int(x $o y),
                _ => slow!(binary $op, $dst, $a, r!($b).clone()),
            }
        }};
    }
    macro_rules! test {
        ($op:ident, $a:expr, $b:expr, $o:tt) => {{
            match (&*r!($a), &*r!($b)) {
                (Value::Int(x), Value::Int(y)) => x $o y,
                (Value::Float(x), Value::Float(y)) => x.get() $o y.get(),
                _ => ok!(on!(x, $a, th.compare_truth(CmpOp::$op, &x, &r!($b).clone()))),
            }
        }};
    }
    macro_rules! test_i {
        ($op:ident, $a:expr, $b:expr, $o:tt) => {{
            match &*r!($a) {
                Value::Int(x) => *x $o ($b.0 as i64),
                _ => ok!(on!(x, $a, th.compare_truth(CmpOp::$op, &x, &Value::Int($b.0 as i64)))),
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
    // The call was entered: its value, or its frame; `$quick` builtins are followed by no safe point.
    macro_rules! entered {
        ($dst:expr, $quick:expr, $e:expr) => {{
            match ok!($e) {
                Entered::Value(v) => {
                    *r!($dst) = v;
                    if !$quick {
                        check!();
                    }
                }
                Entered::Frame => {
                    count!();
                    load!();
                    check_entry!();
                }
            }
        }};
    }
    macro_rules! call {
        ($dst:expr, $b:expr, $n:expr) => {{
            if let Some(callee) = push_fast(th, abs!($b), $n, abs!($dst)) {
                count!();
                // SAFETY: as in `load`; the new frame lies below this one, its registers behind the callee's.
                unsafe {
                    frame = frame.sub(1);
                    code = &*callee;
                    base = base.add($b.0 as usize + 1);
                }
                (first, pc, block) = (code.first, code.first, code.first);
                check_entry!();
            } else {
                last_words!();
                let quick = is_quick(th, r!($b));
                entered!($dst, quick, th.enter(abs!($b), $n, &[], abs!($dst), FrameKind::Script))
            }
        }};
    }
    // After LoadMethod of what is not a method the callee moves up to its arguments.
    macro_rules! move_up {
        ($b:expr) => {{
            let f = r!($b).take();
            *at!($b, 1) = f;
        }};
    }
    macro_rules! returns {
        ($v:expr) => {{
            count!();
            let v = $v;
            // SAFETY: as in `save`; below the frame of a script call lies its caller's.
            if unsafe { (*frame).kind } == FrameKind::Script {
                // SAFETY: as just said.
                frame = unsafe { finish_script(th, frame, v) };
                resume!();
            } else if let Some(r) = finish(th, v) {
                return r;
            } else {
                load!();
            }
            // SAFETY: a call is never the last instruction.
            pc = unsafe { pc.add(1) };
        }};
    }
    // The next item of a `for`, or nothing at its end.
    macro_rules! next_item {
        ($iter:expr) => {{
            let item = match step_fast::<OFF>(th, at!($iter, 0), at!($iter, 1), at!($iter, 2)) {
                Fast::Item(v) => Some(v),
                Fast::End => None,
                Fast::Ask => {
                    let it = at!($iter, 0).clone();
                    ok!(th.next(&it))
                }
            };
            if item.is_none() {
                *at!($iter, 0) = Value::Unbound;
            }
            item
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
        let i: Instr;
        // SAFETY: B1: code does not run off its end.
        (i, pc) = unsafe { (*pc, pc.add(1)) };
        match i {
            Instr::Move { dst, src } => *r!(dst) = r!(src).clone(),
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
            Instr::LoadGlobal { dst, name } => {
                let (name, cache) = site!(name);
                let word = cache.load(Relaxed);
                if word != 0
                    && let Some(v) = global_fast::<OFF>(th, code, word)
                {
                    *r!(dst) = v;
                } else {
                    cold_path();
                    set!(dst, th.load_global(code, *name, cache))
                }
            }
            Instr::StoreGlobal { src, name } => {
                let v = r!(src).clone();
                th.store_global(&code.module, *site!(name).0, v)
            }
            Instr::LoadCell { dst, cell, name } => set!(dst, on!(c, cell, th.load_cell(&c, *site!(name).0))),
            Instr::LoadAttr { dst, obj, name } => {
                let (name, cache) = site!(name);
                match &*r!(obj) {
                    Value::Obj(o) if let Some(v) = slot_fast::<OFF>(th, o, cache.load(Relaxed)) => *r!(dst) = v,
                    _ => set!(dst, on!(o, obj, th.load_attr(&o, *name, cache))),
                }
            }
            Instr::StoreAttr { obj, src, name } => {
                let (name, cache) = site!(name);
                let v = r!(src).clone();
                let stored = match &*r!(obj) {
                    Value::Obj(o) => store_fast::<OFF>(th, o, cache.load(Relaxed), v),
                    _ => Err(v),
                };
                if let Err(v) = stored {
                    ok!(on!(o, obj, th.store_attr(&o, *name, v, cache)))
                }
            }
            Instr::LoadMethod { dst, obj, name } => {
                let (name, cache) = site!(name);
                match &*r!(obj) {
                    Value::Obj(o) if let Some(f) = method_fast::<OFF>(th, o, cache.load(Relaxed)) => {
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
            Instr::GetItem { dst, obj, key } => match (&*r!(obj), &*r!(key)) {
                (Value::Obj(o), Value::Int(i)) if let Some(v) = item_fast::<OFF>(th, o, *i) => *r!(dst) = v,
                _ => set!(dst, on!(o, obj, th.get_item(&o, &r!(key).clone()))),
            },
            Instr::GetItemI { dst, obj, key } => match &*r!(obj) {
                Value::Obj(o) if let Some(v) = item_fast::<OFF>(th, o, key.0 as i64) => *r!(dst) = v,
                _ => set!(dst, on!(o, obj, th.get_item(&o, &Value::Int(key.0 as i64)))),
            },
            Instr::SetItem { obj, key, src } => match (&*r!(obj), &*r!(key)) {
                (Value::Obj(o), Value::Int(i)) if !OFF && let Some(place) = list_place(o, *i) => {
                    let v = r!(src).clone();
                    // SAFETY: as in StoreAttr.
                    drop(unsafe { std::ptr::replace(place, v) });
                }
                (Value::Obj(o), Value::Int(i)) if OFF && item_open(th, o, *i, r!(src)) => {}
                (o, k) => {
                    let (o, k, v) = (o.clone(), k.clone(), r!(src).clone());
                    ok!(th.set_item(&o, &k, v))
                }
            },
            Instr::Add { dst, a, b } => arith!(binary Add, dst, a, b, checked_add, +),
            Instr::Sub { dst, a, b } => arith!(binary Sub, dst, a, b, checked_sub, -),
            Instr::Mul { dst, a, b } => arith!(binary Mul, dst, a, b, checked_mul, *),
            Instr::Div { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Float(x), Value::Float(y)) if y.get() != 0.0 => *r!(dst) = Value::float(x.get() / y.get()),
                _ => slow!(binary Div, dst, a, r!(b).clone()),
            },
            Instr::FloorDiv { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Int(x), Value::Int(y)) if *y > 0 => *r!(dst) = Value::Int(x.div_euclid(*y)),
                _ => slow!(binary FloorDiv, dst, a, r!(b).clone()),
            },
            Instr::Mod { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Int(x), Value::Int(y)) if *y > 0 => *r!(dst) = Value::Int(mod_positive(*x, *y)),
                _ => slow!(binary Mod, dst, a, r!(b).clone()),
            },
            Instr::BitAnd { dst, a, b } => bits!(BitAnd, dst, a, b, &),
            Instr::BitOr { dst, a, b } => bits!(BitOr, dst, a, b, |),
            Instr::BitXor { dst, a, b } => bits!(BitXor, dst, a, b, ^),
            Instr::Shr { dst, a, b } => match (&*r!(a), &*r!(b)) {
                (Value::Int(x), Value::Int(y)) if (0..64).contains(y) => *r!(dst) = Value::Int(x >> y),
                _ => slow!(binary Shr, dst, a, r!(b).clone()),
            },
            Instr::AddI { dst, a, b } => arith_i!(binary Add, dst, a, b, checked_add, +),
            Instr::SubI { dst, a, b } => arith_i!(binary Sub, dst, a, b, checked_sub, -),
            Instr::MulI { dst, a, b } => arith_i!(binary Mul, dst, a, b, checked_mul, *),
            Instr::FloorDivI { dst, a, b } => match &*r!(a) {
                Value::Int(x) if b.0 > 0 => *r!(dst) = Value::Int(x.div_euclid(b.0 as i64)),
                _ => slow!(binary FloorDiv, dst, a, Value::Int(b.0 as i64)),
            },
            Instr::ModI { dst, a, b } => match &*r!(a) {
                Value::Int(x) if b.0 > 0 => *r!(dst) = Value::Int(mod_positive(*x, b.0 as i64)),
                _ => slow!(binary Mod, dst, a, Value::Int(b.0 as i64)),
            },
            Instr::IAddI { dst, a, b } => arith_i!(inplace Add, dst, a, b, checked_add, +),
            Instr::ISubI { dst, a, b } => arith_i!(inplace Sub, dst, a, b, checked_sub, -),
            Instr::IAdd { dst, a, b } => arith!(inplace Add, dst, a, b, checked_add, +),
            Instr::ISub { dst, a, b } => arith!(inplace Sub, dst, a, b, checked_sub, -),
            Instr::IMul { dst, a, b } => arith!(inplace Mul, dst, a, b, checked_mul, *),
            Instr::Neg { dst, a } => match &*r!(a) {
                Value::Float(x) => *r!(dst) = Value::float(-x.get()),
                _ => set!(dst, on!(v, a, th.negative(&v))),
            },
            Instr::Not { dst, a } => *r!(dst) = Value::bool(!truth!(a)),

            Instr::Lt { dst, a, b } => compare!(Lt, dst, a, b, <),
            Instr::Le { dst, a, b } => compare!(Le, dst, a, b, <=),
            Instr::Eq { dst, a, b } => compare!(Eq, dst, a, b, ==),
            Instr::Ne { dst, a, b } => compare!(Ne, dst, a, b, !=),
            Instr::Gt { dst, a, b } => compare!(Gt, dst, a, b, >),
            Instr::Ge { dst, a, b } => compare!(Ge, dst, a, b, >=),
            Instr::Is { dst, a, b } => *r!(dst) = Value::bool(r!(a).same(r!(b))),
            Instr::IsNot { dst, a, b } => *r!(dst) = Value::bool(!r!(a).same(r!(b))),
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

            Instr::ForPrep { iter, src } => match range_state(r!(src)) {
                Some(three) => three.into_iter().enumerate().for_each(|(k, v)| *at!(iter, k) = v),
                None => set!(iter, on!(v, src, th.iter(&v))),
            },
            Instr::ForEnter { iter, dst, by } => match next_item!(iter) {
                Some(v) => *r!(dst) = v,
                None => jump!(by),
            },
            Instr::ForLoop { iter, dst, by } => {
                if let Some(v) = next_item!(iter) {
                    *r!(dst) = v;
                    check!();
                    jump!(by);
                }
            }

            Instr::Call { dst, base: b, n } => {
                save!();
                call!(dst, b, n.0 as u32)
            }
            Instr::CallMethod { dst, base: b, n } => {
                save!();
                if at!(b, 1).is_unbound() {
                    last_words!();
                    move_up!(b);
                    entered!(dst, false, th.enter(abs!(b) + 1, n.0 as u32, &[], abs!(dst), FrameKind::Script))
                } else {
                    call!(dst, b, n.0 as u32 + 1)
                }
            }
            Instr::CallKw { dst, base: b, k } => {
                let (n, names) = site_names!(k);
                entered!(dst, false, th.enter(abs!(b), n, names, abs!(dst), FrameKind::Script))
            }
            Instr::CallMethodKw { dst, base: b, k } => {
                let (n, names) = site_names!(k);
                if at!(b, 1).is_unbound() {
                    move_up!(b);
                    entered!(dst, false, th.enter(abs!(b) + 1, n, names, abs!(dst), FrameKind::Script))
                } else {
                    entered!(dst, false, th.enter(abs!(b), n + 1, names, abs!(dst), FrameKind::Script))
                }
            }
            Instr::Return { src } => returns!(r!(src).take()),
            Instr::ReturnNone {} => returns!(Value::None),
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
                    Step::Yielded(v) => {
                        count!();
                        th.suspend(here!(), dst.0);
                        return Ok(v);
                    }
                    Step::Returned(v) => *r!(dst) = v,
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
