//! Instructions that the loop does not do itself: collections, functions, classes, exceptions, `with`,
//! imports. Plain code over registers by index.

use crate::bytecode::{Count, Instr, Reg, Site};
use crate::object::code::CodeObj;
use crate::object::types::{List, Set};
use crate::object::{Ref, TypeId, Value, name};
use crate::vm::ops::arith::BinOp;
use crate::vm::thread::{Res, Thread};

/// Does one instruction of the frame whose registers begin at stack index `at`. Those in which a thread waits come
/// first, with little of their own on the stack: threads that sleep are many.
pub fn step(th: &mut Thread, at: u32, code: &CodeObj, i: Instr) -> Res<()> {
    let r = |x: Reg| at + x.0 as u32;
    match i {
        Instr::WithEnter { dst, base, src } => {
            let v = th.reg(r(src));
            let (exit, entered) = th.with_enter(&v)?;
            th.set_reg(r(base), exit);
            th.set_reg(r(dst), entered);
        }
        Instr::WithExit { base } => {
            let exit = th.take_reg(r(base));
            th.with_exit(&exit, [Value::None, Value::None, Value::None])?;
        }
        Instr::CallEx { dst, base } => {
            let (f, args, kw) = (th.take_reg(r(base)), th.take_reg(r(base) + 1), th.take_reg(r(base) + 2));
            let v = th.call_spread(&f, &args, &kw)?;
            th.set_reg(r(dst), v);
        }
        other => return statements(th, at, code, other),
    }
    Ok(())
}

#[inline(never)]
fn statements(th: &mut Thread, at: u32, code: &CodeObj, i: Instr) -> Res<()> {
    let r = |x: Reg| at + x.0 as u32;
    match i {
        Instr::MakeFunction { dst, code: k, base } => {
            let (defaults, kwdefaults) = (th.take_reg(r(base)), th.take_reg(r(base) + 1));
            let f = th.make_function(&code.consts[k.0 as usize], defaults, kwdefaults, at);
            th.set_reg(r(dst), f);
        }
        Instr::Explain { dst, base, k } => {
            let message = th.reg(r(dst));
            let text = th.explain(r(base), &code.code.consts[k.0 as usize], &message);
            let v = th.string(text);
            th.set_reg(r(dst), v);
        }
        Instr::Forget { src } => {
            drop(th.take_reg(r(src)));
            th.hear_last_words()?;
        }
        Instr::Show { src } => {
            let v = th.reg(r(src));
            th.show(v)?;
        }
        Instr::BuildClass { dst, base, n } => {
            let spread = n == Count::SPREAD;
            let n = if spread { 1 } else { n.0 as u32 };
            let mut row: Vec<Value> = (0..n + 3).map(|i| th.take_reg(r(base) + i)).collect();
            let keywords = row.pop().unwrap_or_default();
            let bases = row.split_off(2);
            let bases = if spread { th.collect(&bases[0])? } else { bases };
            let class = th.build_class(&row[0], &row[1], bases, keywords)?;
            th.set_reg(r(dst), class);
        }
        Instr::BuildList { dst, base, n } => {
            let row = take_row(th, r(base), n.0 as u32);
            let v = th.list(row);
            th.set_reg(r(dst), v);
        }
        Instr::BuildTuple { dst, base, n } => {
            let row = take_row(th, r(base), n.0 as u32);
            let v = th.tuple(row);
            th.set_reg(r(dst), v);
        }
        Instr::BuildSet { dst, base, n } => {
            let row = take_row(th, r(base), n.0 as u32);
            let s = th.set();
            for v in row {
                th.set_add(&s, v)?;
            }
            th.set_reg(r(dst), s.into());
        }
        Instr::BuildDict { dst, base, n } => {
            let mut row = take_row(th, r(base), 2 * n.0 as u32).into_iter();
            let d = th.dict();
            while let (Some(k), Some(v)) = (row.next(), row.next()) {
                th.dict_set(&d, k, v)?;
            }
            th.set_reg(r(dst), d.into());
        }
        Instr::BuildStr { dst, base, n } => {
            let row = take_row(th, r(base), n.0 as u32);
            let text: String = row.iter().filter_map(crate::vm::make::text).collect();
            let v = th.string(text);
            th.set_reg(r(dst), v);
        }
        Instr::Convert { dst, src, how } => {
            let v = th.reg(r(src));
            let text = match how.0 {
                0 => th.str_text(&v)?,
                1 => th.repr(&v)?,
                _ => th.ascii(&v)?,
            };
            let v = th.string(text);
            th.set_reg(r(dst), v);
        }
        Instr::Format { dst, src, spec } => {
            let (v, spec) = (th.reg(r(src)), th.reg(r(spec)));
            let text = th.format(&v, crate::vm::make::text(&spec).unwrap_or(""))?;
            let v = th.string(text);
            th.set_reg(r(dst), v);
        }
        Instr::Unpack { src, base, n } => {
            let v = th.reg(r(src));
            let items = th.unpack(&v, n.0 as usize)?;
            put_row(th, r(base), items);
        }
        Instr::UnpackEx { src, base, n } => {
            let v = th.reg(r(src));
            let items = th.unpack_ex(&v, (n.0 >> 8) as usize, (n.0 & 255) as usize)?;
            put_row(th, r(base), items);
        }
        Instr::Import { dst, k } => {
            let row = crate::vm::make::tuple_items(&code.consts[k.0 as usize]).unwrap_or(&[]).to_vec();
            let v = th.import_row(&code.module, &row)?;
            th.set_reg(r(dst), v);
        }
        Instr::ImportFrom { dst, module, name } => {
            let m = th.reg(r(module));
            let v = th.import_from(&m, code.sites[name.0 as usize])?;
            th.set_reg(r(dst), v);
        }
        Instr::ImportStar { module } => {
            let m = th.reg(r(module));
            th.import_star(&code.module, &m)?;
        }
        other => return names(th, at, code, other),
    }
    Ok(())
}

/// Names, cells, attributes and items beyond the loop's own rows.
fn names(th: &mut Thread, at: u32, code: &CodeObj, i: Instr) -> Res<()> {
    let r = |x: Reg| at + x.0 as u32;
    let site = |s: Site| code.sites[s.0 as usize];
    match i {
        Instr::DeleteGlobal { name } => th.delete_global(code.module.clone(), site(name))?,
        Instr::LoadName { dst, name } => {
            let ns = th.reg(at);
            let v = th.load_name(&ns, code, site(name))?;
            th.set_reg(r(dst), v);
        }
        Instr::StoreName { src, name } => {
            let (ns, v) = (th.reg(at), th.reg(r(src)));
            th.store_name(&ns, site(name), v);
        }
        Instr::DeleteName { name } => {
            let ns = th.reg(at);
            th.delete_name(&ns, site(name))?;
        }
        Instr::LoadNameOrCell { dst, cell, name } => {
            let (ns, cell) = (th.reg(at), th.reg(r(cell)));
            let v = th.load_name_or_cell(&ns, &cell, site(name))?;
            th.set_reg(r(dst), v);
        }
        Instr::MakeCell { reg } => {
            let v = th.take_reg(r(reg));
            let cell = th.make_cell(v);
            th.set_reg(r(reg), cell);
        }
        Instr::LoadCapture { dst, n } => {
            let cell = th.capture(n.0)?;
            th.set_reg(r(dst), cell);
        }
        Instr::StoreCell { cell, src } => {
            let (cell, v) = (th.reg(r(cell)), th.reg(r(src)));
            th.store_cell(&cell, v);
        }
        Instr::DeleteCell { cell, name } => {
            let cell = th.reg(r(cell));
            th.delete_cell(&cell, site(name))?;
        }
        Instr::DeleteLocal { reg, name } => {
            if th.take_reg(r(reg)).is_unbound() {
                th.unbound_local(site(name))?;
            }
        }
        Instr::DeleteAttr { obj, name } => {
            let o = th.reg(r(obj));
            th.del_attr(&o, site(name))?;
        }
        Instr::LoadSuper { dst, class, this } => {
            let (class, this) = (th.reg(r(class)), th.reg(r(this)));
            let v = th.make_super(&class, &this)?;
            th.set_reg(r(dst), v);
        }
        Instr::DelItem { obj, key } => {
            let (o, k) = (th.reg(r(obj)), th.reg(r(key)));
            th.del_item(&o, &k)?;
        }
        Instr::GetIter { dst, src } => {
            let v = th.reg(r(src));
            let it = th.iter(&v)?;
            th.set_reg(r(dst), it);
        }
        Instr::GetAwaitable { dst, src } => {
            let v = th.reg(r(src));
            let it = th.await_operand(&v)?;
            th.set_reg(r(dst), it);
        }
        Instr::GetAIter { dst, src } => {
            let v = th.reg(r(src));
            let it = th.aiter_of_loop(&v)?;
            th.set_reg(r(dst), it);
        }
        Instr::GetANext { dst, iter } => {
            let v = th.reg(r(iter));
            let it = th.anext_of_loop(&v)?;
            th.set_reg(r(dst), it);
        }
        Instr::EndAsyncFor { exc } => {
            let e = th.take_reg(r(exc));
            if !th.is_a(&e, TypeId::StopAsyncIteration) {
                return Err(th.reraise(e));
            }
        }
        Instr::AsyncEnter { dst, base, src } => {
            let v = th.reg(r(src));
            let (exit, entered) = th.async_enter(&v)?;
            th.set_reg(r(base), exit);
            th.set_reg(r(dst), entered);
        }
        Instr::AsyncExit { dst, base, exc } => {
            let (exit, e) = (th.take_reg(r(base)), th.reg(r(exc)));
            let left = th.async_exit(&exit, e)?;
            th.set_reg(r(dst), left);
        }
        other => return operate(th, at, other),
    }
    Ok(())
}

/// Operators whose operands have no short cut in the loop.
fn operate(th: &mut Thread, at: u32, i: Instr) -> Res<()> {
    let r = |x: Reg| at + x.0 as u32;
    let (inplace, op, dst, a, b) = match i {
        Instr::Pow { dst, a, b } => (false, BinOp::Pow, dst, a, b),
        Instr::MatMul { dst, a, b } => (false, BinOp::MatMul, dst, a, b),
        Instr::Shl { dst, a, b } => (false, BinOp::Shl, dst, a, b),
        Instr::IDiv { dst, a, b } => (true, BinOp::Div, dst, a, b),
        Instr::IFloorDiv { dst, a, b } => (true, BinOp::FloorDiv, dst, a, b),
        Instr::IMod { dst, a, b } => (true, BinOp::Mod, dst, a, b),
        Instr::IPow { dst, a, b } => (true, BinOp::Pow, dst, a, b),
        Instr::IMatMul { dst, a, b } => (true, BinOp::MatMul, dst, a, b),
        Instr::IBitAnd { dst, a, b } => (true, BinOp::BitAnd, dst, a, b),
        Instr::IBitOr { dst, a, b } => (true, BinOp::BitOr, dst, a, b),
        Instr::IBitXor { dst, a, b } => (true, BinOp::BitXor, dst, a, b),
        Instr::IShl { dst, a, b } => (true, BinOp::Shl, dst, a, b),
        Instr::IShr { dst, a, b } => (true, BinOp::Shr, dst, a, b),
        Instr::In { dst, a, b } | Instr::NotIn { dst, a, b } => {
            let (item, container) = (th.reg(r(a)), th.reg(r(b)));
            let t = th.contains(&container, &item)?;
            th.set_reg(r(dst), Value::bool(t == matches!(i, Instr::In { .. })));
            return Ok(());
        }
        Instr::Pos { dst, a } | Instr::Invert { dst, a } => {
            let v = th.reg(r(a));
            let v = if matches!(i, Instr::Pos { .. }) { th.positive(&v)? } else { th.invert(&v)? };
            th.set_reg(r(dst), v);
            return Ok(());
        }
        other => return display(th, at, other),
    };
    let (x, y) = (th.reg(r(a)), th.reg(r(b)));
    let v = if inplace { th.inplace(op, &x, &y)? } else { th.binary(op, &x, &y)? };
    th.set_reg(r(dst), v);
    Ok(())
}

/// Displays under construction and what belongs to calls.
fn display(th: &mut Thread, at: u32, i: Instr) -> Res<()> {
    let r = |x: Reg| at + x.0 as u32;
    let object = |th: &Thread, x: Reg| -> Option<Ref> { th.reg(r(x)).as_ref().cloned() };
    match i {
        Instr::ListAppend { list, src } => {
            let v = th.reg(r(src));
            if let Some(l) = object(th, list) {
                l.with::<List, _>(&th.held, |l| l.items.push(v));
            }
        }
        Instr::ListExtend { list, src, n } => {
            let v = th.reg(r(src));
            let items = match th.collect(&v) {
                Ok(items) => items,
                Err(_) if n.0 > 0 && th.lookup_special(&v, name::ITER).is_none() && th.raised_is(TypeId::TypeError) => {
                    drop(th.take_raised());
                    let got = th.type_name(&v);
                    let what = match n.0 {
                        1 => "Value".into(),
                        _ => {
                            // The list of a call stands after its function.
                            let f = th.reg(r(list) - 1);
                            format!("{} argument", th.function_text(&f)?)
                        }
                    };
                    let text = format!("{what} after * must be an iterable, not {got}");
                    return Err(th.type_error(text));
                }
                Err(e) => return Err(e),
            };
            if let Some(l) = object(th, list) {
                l.with::<List, _>(&th.held, |l| l.items.extend(items));
            }
        }
        Instr::BuildSlice { dst, base } => {
            let (x, y, z) = (th.reg(r(base)), th.reg(r(base) + 1), th.reg(r(base) + 2));
            let v = th.make_slice(x, y, z);
            th.set_reg(r(dst), v);
        }
        Instr::ListToTuple { dst, src } => {
            let items = object(th, src)
                .map(|l| l.with::<List, _>(&th.held, |l| std::mem::take(&mut l.items)))
                .unwrap_or_default();
            let v = th.tuple(items);
            th.set_reg(r(dst), v);
        }
        Instr::SetAdd { set, src } => {
            let v = th.reg(r(src));
            if let Some(s) = object(th, set) {
                th.set_add(&s, v)?;
            }
        }
        Instr::SetUpdate { set, src } => {
            let v = th.reg(r(src));
            let items = th.collect(&v)?;
            if let Some(s) = object(th, set).filter(|s| s.is::<Set>()) {
                for v in items {
                    th.set_add(&s, v)?;
                }
            }
        }
        Instr::DictUpdate { dict, src } => {
            let v = th.reg(r(src));
            if th.find_attr(&v, name::KEYS)?.is_none() {
                let got = th.type_name(&v);
                return Err(th.type_error(format!("'{got}' object is not a mapping")));
            }
            if let Some(d) = object(th, dict) {
                th.dict_update(&d, &v)?;
            }
        }
        Instr::DictMerge { dict, src, func } => {
            let (v, f) = (th.reg(r(src)), th.reg(r(func)));
            if let Some(d) = object(th, dict) {
                th.merge_keywords(&d, &v, &f)?;
            }
        }
        other => return raising(th, at, other),
    }
    Ok(())
}

/// Exceptions, `with`, assert.
fn raising(th: &mut Thread, at: u32, i: Instr) -> Res<()> {
    let r = |x: Reg| at + x.0 as u32;
    match i {
        Instr::Raise { src } => {
            let v = th.reg(r(src));
            Err(th.raise_statement(&v, None))
        }
        Instr::RaiseFrom { src, cause } => {
            let (v, c) = (th.reg(r(src)), th.reg(r(cause)));
            Err(th.raise_statement(&v, Some(&c)))
        }
        Instr::RaiseBare {} => {
            let v = th.handled.clone();
            if v.is_none() {
                return Err(th.runtime_error("No active exception to reraise"));
            }
            Err(th.reraise(v))
        }
        Instr::Reraise { exc } => {
            let v = th.reg(r(exc));
            Err(th.reraise(v))
        }
        Instr::EnterHandler { saved, exc } => {
            let e = th.reg(r(exc));
            let old = std::mem::replace(&mut th.handled, e);
            th.set_reg(r(saved), old);
            Ok(())
        }
        Instr::ExitHandler { saved } => {
            let old = th.take_reg(r(saved));
            th.handled = if old.is_unbound() { Value::None } else { old };
            Ok(())
        }
        Instr::MatchExc { dst, exc, class } => {
            let (e, c) = (th.reg(r(exc)), th.reg(r(class)));
            let t = th.match_exception(&e, &c)?;
            th.set_reg(r(dst), Value::bool(t));
            Ok(())
        }
        Instr::WithExitExc { dst, base, exc } => {
            let (exit, e) = (th.take_reg(r(base)), th.reg(r(exc)));
            let class: Value = th.type_of(&e).into();
            let v = th.with_exit(&exit, [class, e, Value::None])?;
            let t = th.truth(&v)?;
            th.set_reg(r(dst), Value::bool(t));
            Ok(())
        }
        Instr::AssertFail { msg } => {
            let v = th.reg(r(msg));
            let args = if v.is_unbound() { Vec::new() } else { vec![v] };
            Err(th.raise_with(TypeId::AssertionError, args))
        }
        Instr::Check {} => Ok(()),
        other => Err(th.raise(TypeId::SystemError, format!("the loop does not know {}", other.row().name))),
    }
}

fn take_row(th: &mut Thread, at: u32, n: u32) -> Vec<Value> {
    (at..at + n).map(|i| th.take_reg(i)).collect()
}

fn put_row(th: &mut Thread, at: u32, items: Vec<Value>) {
    for (i, v) in items.into_iter().enumerate() {
        th.set_reg(at + i as u32, v);
    }
}
