//! Iteration: `iter()`, `next()`, collecting.
//!
//! A builtin iterator is opened before what it iterates (O3); what it calls is called with both closed.

use super::scripted;
use crate::object::deque::Deque;
use crate::object::dict::Dict;
use crate::object::iter::Iter;
use crate::object::pure::int::IntVal;
use crate::object::types::*;
use crate::object::{Kind, Ref, TypeId, Value, name};
use crate::vm::generator::{Enter as Drive, Step as Driven};
use crate::vm::make::tuple_items;
use crate::vm::{Res, Thread};
use num_traits::Signed;

/// What one step of a builtin iterator gives or asks for.
enum Step {
    Item(Value),
    /// A pair for `items()`.
    Pair(Value, Value),
    Text(String),
    End,
    /// The iterator is exhausted from now on; the state it had dies with nothing open.
    Exhausted(Iter),
    Changed(&'static str),
    Enumerate(Value, Value),
    Zip(Vec<Value>, bool),
    Map(Value, Vec<Value>),
    Filter(Value, Value),
    GetItem(Value, i64),
    Int(IntVal),
    /// One of `itertools`, which goes on with it closed (tools.rs).
    Tool,
    Calls(Value, Value),
}

impl Thread {
    /// `iter(v)`.
    pub fn iter(&mut self, v: &Value) -> Res<Value> {
        if scripted(v) {
            if matches!(self.lookup_special(v, name::ITER), Some(Value::None)) {
                let name = self.type_name(v);
                return Err(self.type_error(format!("'{name}' object is not iterable")));
            }
            if let Some(it) = self.special(v, name::ITER, &[])? {
                if self.is_iterator(&it) {
                    return Ok(it);
                }
                let got = self.type_name(&it);
                return Err(self.type_error(format!("iter() returned non-iterator of type '{got}'")));
            }
            if self.has_special(v, name::GETITEM) && self.base_iter_state(v).is_none() {
                return Ok(self.iterator(Iter::Sequence { seq: v.clone(), at: 0 }));
            }
        }
        self.base_iter(v)
    }

    /// The iterator that the builtin type gives.
    pub fn base_iter(&mut self, v: &Value) -> Res<Value> {
        if let Some(state) = self.base_iter_state(v) {
            return Ok(self.iterator(state));
        }
        if let Value::Obj(r) = v {
            match r.kind() {
                Kind::Iter | Kind::Awaiter => return Ok(v.clone()),
                Kind::Generator if is_plain(r) => return Ok(v.clone()),
                Kind::Opaque => {
                    if let Some(f) = self.find_attr(v, name::ITER)? {
                        return self.call(&f, &[]);
                    }
                }
                _ => {}
            }
        }
        let name = self.type_name(v);
        Err(self.type_error(format!("'{name}' object is not iterable")))
    }

    fn base_iter_state(&self, v: &Value) -> Option<Iter> {
        let r = v.as_ref()?;
        let dict = |dict: &Ref, part| Iter::Dict {
            dict: dict.clone(),
            part,
            at: 0,
            size: self.dict_len(dict),
            reversed: false,
        };
        Some(match r.kind() {
            Kind::List => Iter::List { list: r.clone(), at: 0 },
            Kind::Tuple => Iter::Tuple { tuple: r.clone(), at: 0 },
            Kind::Str => Iter::Str { text: r.clone(), at: 0 },
            Kind::Bytes | Kind::ByteArray => Iter::Bytes { bytes: r.clone(), at: 0 },
            Kind::Deque => self.deque_iter(r, false),
            Kind::LongRange => {
                let x = r.frozen::<LongRange>();
                Iter::LongRange(Box::new([x.start.clone(), x.len.clone(), x.step.clone()]))
            }
            Kind::Range => {
                let x = r.frozen::<Range>();
                Iter::Range { next: x.start, left: x.len, step: x.step }
            }
            Kind::Dict => dict(r, Part::Keys),
            Kind::View => {
                let view = r.frozen::<View>();
                dict(&view.dict, view.part)
            }
            Kind::Set | Kind::FrozenSet => Iter::Set { set: r.clone(), at: 0, size: self.set_len(r) },
            _ => return None,
        })
    }

    /// Can `iter()` be asked of it? For messages only.
    pub fn iterable(&mut self, v: &Value) -> bool {
        self.base_iter_state(v).is_some()
            || v.as_ref().is_some_and(|r| matches!(r.kind(), Kind::Iter | Kind::Awaiter) || is_plain(r))
            || self.has_special(v, name::ITER)
            || self.has_special(v, name::GETITEM)
            || (v.as_ref().is_some_and(|r| r.kind() == Kind::Opaque) && self.lookup_special(v, name::ITER).is_some())
    }

    /// Has it a `__next__`?
    pub fn is_iterator(&mut self, v: &Value) -> bool {
        match v {
            Value::Obj(r) => match r.kind() {
                Kind::Iter | Kind::Awaiter => true,
                Kind::Generator => is_plain(r),
                Kind::Opaque => self.lookup_special(v, name::NEXT).is_some(),
                _ => self.has_special(v, name::NEXT),
            },
            _ => false,
        }
    }

    /// `next(it)`; `None` at the end.
    #[inline]
    pub fn next(&mut self, it: &Value) -> Res<Option<Value>> {
        if let Value::Obj(r) = it {
            match r.kind() {
                Kind::Iter => return self.next_builtin(r),
                Kind::Generator => return self.resume(r, Value::None),
                _ => {}
            }
        }
        self.next_scripted(it)
    }

    #[inline(never)]
    fn next_scripted(&mut self, it: &Value) -> Res<Option<Value>> {
        let found = match it {
            Value::Obj(r) if r.kind() == Kind::Awaiter => {
                let step = self.drive(r, Drive::Send(Value::None))?;
                return Ok(if let Driven::Yielded(v) = step { Some(v) } else { None });
            }
            Value::Obj(r) if r.kind() == Kind::Opaque && !scripted(it) => match self.find_attr(it, name::NEXT)? {
                Some(f) => self.call(&f, &[]).map(Some),
                None => Ok(None),
            },
            _ => self.special(it, name::NEXT, &[]),
        };
        match self.catch(found, TypeId::StopIteration)? {
            None => Ok(None),
            Some(Some(v)) => Ok(Some(v)),
            Some(None) => {
                let name = self.type_name(it);
                Err(self.type_error(format!("'{name}' object is not an iterator")))
            }
        }
    }

    fn next_builtin(&mut self, it: &Ref) -> Res<Option<Value>> {
        let held = &self.held;
        let step = it.with::<Iter, _>(held, |state| step(self, state));
        match step {
            Step::Item(v) => Ok(Some(v)),
            Step::Text(t) => Ok(Some(self.str(&t))),
            Step::Pair(k, v) => Ok(Some(self.tuple(vec![k, v]))),
            Step::End => Ok(None),
            Step::Exhausted(_old) => Ok(None),
            Step::Changed(text) => Err(self.runtime_error(text)),
            step @ (Step::Enumerate(..) | Step::Zip(..) | Step::Map(..) | Step::Filter(..)) => {
                self.guarded("", |th| th.next_through(it, step))
            }
            Step::Int(i) => Ok(Some(self.int(i))),
            Step::Tool => self.guarded("", |th| th.next_tool(it)),
            Step::GetItem(seq, at) => {
                let got = self.get_item(&seq, &Value::Int(at));
                if got.is_err() && (self.raised_is(TypeId::IndexError) || self.raised_is(TypeId::StopIteration)) {
                    drop(self.take_raised());
                    self.exhaust(it);
                    return Ok(None);
                }
                got.map(Some)
            }
            Step::Calls(func, sentinel) => {
                let v = self.call(&func, &[])?;
                if self.same_or_equal(&sentinel, &v)? {
                    self.exhaust(it);
                    return Ok(None);
                }
                Ok(Some(v))
            }
        }
    }

    fn exhaust(&mut self, it: &Ref) {
        let old = it.with::<Iter, _>(&self.held, |s| std::mem::replace(s, Iter::Done));
        drop(old);
    }

    /// The next item of an iterator over other iterators.
    fn next_through(&mut self, it: &Ref, step: Step) -> Res<Option<Value>> {
        match step {
            Step::Enumerate(inner, count) => self.next_enumerate(it, inner, count),
            Step::Zip(inner, strict) => self.next_zip(it, inner, strict),
            Step::Map(func, inner) => {
                let mut args = Vec::with_capacity(inner.len());
                for i in &inner {
                    match self.next(i)? {
                        Some(v) => args.push(v),
                        None => return Ok(None),
                    }
                }
                self.call(&func, &args).map(Some)
            }
            Step::Filter(func, inner) => {
                while let Some(v) = self.next(&inner)? {
                    let keep = if func.is_none() {
                        self.truth(&v)?
                    } else {
                        let answer = self.call(&func, std::slice::from_ref(&v))?;
                        self.truth(&answer)?
                    };
                    if keep {
                        return Ok(Some(v));
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    fn next_enumerate(&mut self, it: &Ref, inner: Value, count: Value) -> Res<Option<Value>> {
        let Some(v) = self.next(&inner)? else {
            return Ok(None);
        };
        let next = match &count {
            Value::Int(i) if *i < i64::MAX => Value::Int(i + 1),
            _ => self.binary(super::arith::BinOp::Add, &count, &Value::Int(1))?,
        };
        it.with::<Iter, _>(&self.held, |s| {
            if let Iter::Enumerate { count, .. } = s {
                *count = next;
            }
        });
        Ok(Some(self.tuple(vec![count, v])))
    }

    fn next_zip(&mut self, it: &Ref, inner: Vec<Value>, strict: bool) -> Res<Option<Value>> {
        let mut items = Vec::with_capacity(inner.len());
        for i in &inner {
            match self.next(i)? {
                Some(v) => items.push(v),
                None if strict => return self.uneven_zip(it, &inner, items.len()),
                None => return Ok(None),
            }
        }
        if items.is_empty() {
            return Ok(None);
        }
        Ok(Some(self.tuple(items)))
    }

    /// `zip(strict=True)`: iterator number `at` has ended first.
    fn uneven_zip(&mut self, it: &Ref, inner: &[Value], at: usize) -> Res<Option<Value>> {
        self.exhaust(it);
        let others = |n: usize| {
            if n == 1 { " 1".to_string() } else { format!("s 1-{n}") }
        };
        if at > 0 {
            let text = format!("zip() argument {} is shorter than argument{}", at + 1, others(at));
            return Err(self.value_error(text));
        }
        for (n, other) in inner.iter().enumerate().skip(1) {
            if self.next(other)?.is_some() {
                let text = format!("zip() argument {} is longer than argument{}", n + 1, others(n));
                return Err(self.value_error(text));
            }
        }
        Ok(None)
    }

    /// `reversed(v)`.
    pub fn reversed(&mut self, v: &Value) -> Res<Value> {
        if scripted(v) {
            if matches!(self.lookup_special(v, name::REVERSED), Some(Value::None)) {
                let name = self.type_name(v);
                return Err(self.type_error(format!("'{name}' object is not reversible")));
            }
            if let Some(it) = self.special(v, name::REVERSED, &[])? {
                return Ok(it);
            }
            if self.has_special(v, name::GETITEM) && self.has_special(v, name::LEN) {
                let n = self.length(v)? as i64;
                return Ok(self.iterator(Iter::Reversed { seq: v.clone(), at: n }));
            }
        }
        self.base_reversed(v)
    }

    /// What the builtin type gives.
    pub fn base_reversed(&mut self, v: &Value) -> Res<Value> {
        if let Value::Obj(r) = v {
            let state = match r.kind() {
                Kind::List | Kind::Tuple | Kind::Str | Kind::Bytes | Kind::ByteArray => {
                    let at = self.base_length(r).unwrap_or(0) as i64;
                    Some(Iter::Reversed { seq: v.clone(), at })
                }
                Kind::Range => {
                    let x = r.frozen::<Range>();
                    let next = x.start.wrapping_add((x.len - 1).wrapping_mul(x.step));
                    Some(Iter::Range { next, left: x.len, step: x.step.wrapping_neg() })
                }
                Kind::Deque => Some(self.deque_iter(r, true)),
                Kind::LongRange => {
                    let x = r.frozen::<LongRange>();
                    let last = &x.start + (&x.len - 1) * &x.step;
                    Some(Iter::LongRange(Box::new([last, x.len.clone(), -&x.step])))
                }
                Kind::Dict => Some(self.reversed_dict(r, Part::Keys)),
                Kind::View => {
                    let view = r.frozen::<View>();
                    Some(self.reversed_dict(&view.dict, view.part))
                }
                _ => None,
            };
            if let Some(state) = state {
                return Ok(self.iterator(state));
            }
        }
        let name = self.type_name(v);
        Err(self.type_error(format!("'{name}' object is not reversible")))
    }

    fn deque_iter(&self, r: &Ref, reversed: bool) -> Iter {
        let version = r.with::<Deque, _>(&self.held, |d| d.version);
        Iter::Deque { deque: r.clone(), at: 0, version, reversed }
    }

    fn reversed_dict(&self, dict: &Ref, part: Part) -> Iter {
        self.refresh_names(dict);
        let (at, size) = dict.with::<Dict, _>(&self.held, |d| (d.table.slots(), d.table.len()));
        Iter::Dict { dict: dict.clone(), part, at, size, reversed: true }
    }

    /// All items, in a Rust row.
    pub fn collect(&mut self, v: &Value) -> Res<Vec<Value>> {
        if let Value::Obj(r) = v
            && (!scripted(v) || !self.has_special(v, name::ITER))
        {
            match r.kind() {
                Kind::List => {
                    self.room_for(self.base_length(r).unwrap_or(0))?;
                    return Ok(r.with::<List, _>(&self.held, |l| l.items.clone()));
                }
                Kind::Tuple => return Ok(tuple_items(v).unwrap_or_default().to_vec()),
                Kind::Deque => {
                    self.room_for(self.base_length(r).unwrap_or(0))?;
                    return Ok(self.deque_items(r));
                }
                Kind::Dict => return Ok(self.dict_keys(r)),
                Kind::Set | Kind::FrozenSet => return Ok(self.set_items(r)),
                Kind::Range => {
                    let x = *r.frozen::<Range>();
                    if x.len > 1 << 32 {
                        return Err(self.raise_with(TypeId::MemoryError, Vec::new()));
                    }
                    self.room_for(x.len as usize)?;
                    let item = |i: i64| x.start.wrapping_add(i.wrapping_mul(x.step));
                    return Ok((0..x.len).map(|i| Value::Int(item(i))).collect());
                }
                _ => {}
            }
        }
        let it = self.iter(v)?;
        let mut out = Vec::new();
        while let Some(v) = self.next(&it)? {
            out.push(v);
        }
        Ok(out)
    }
}

/// Is it a generator that can be iterated: no coroutine, no asynchronous one?
fn is_plain(r: &Ref) -> bool {
    r.shape() == TypeId::Generator.shape()
}

/// One step of an open iterator. What it iterates is opened inside (O3); nothing is called.
fn step(th: &Thread, state: &mut Iter) -> Step {
    let end = |state: &mut Iter| Step::Exhausted(std::mem::replace(state, Iter::Done));
    match state {
        Iter::Done => Step::End,
        Iter::List { list, at } => match list.with::<List, _>(&th.held, |l| l.items.get(*at).cloned()) {
            Some(v) => {
                *at += 1;
                Step::Item(v)
            }
            None => end(state),
        },
        Iter::Tuple { tuple, at } => match tuple.frozen::<Tuple>().0.get(*at) {
            Some(v) => {
                *at += 1;
                Step::Item(v.clone())
            }
            None => end(state),
        },
        Iter::Range { next, left, step } => {
            if *left <= 0 {
                return Step::End;
            }
            let v = *next;
            *left -= 1;
            *next = next.wrapping_add(*step);
            Step::Item(Value::Int(v))
        }
        Iter::Str { text, at } => match text.frozen::<Str>().text[*at..].chars().next() {
            Some(c) => {
                *at += c.len_utf8();
                match th.interp.fixed(&th.held).chars.get(c as usize) {
                    Some(v) => Step::Item(v.clone()),
                    None => Step::Text(c.into()),
                }
            }
            None => end(state),
        },
        Iter::Bytes { bytes, at } => {
            let b = match bytes.get::<Bytes>() {
                Some(b) => b.0.get(*at).copied(),
                None => bytes.try_with::<ByteArray, _>(&th.held, |b| b.0.get(*at).copied()).flatten(),
            };
            match b {
                Some(b) => {
                    *at += 1;
                    Step::Item(Value::Int(b as i64))
                }
                None => end(state),
            }
        }
        Iter::LongRange(at) => {
            let [next, left, step] = &mut **at;
            if !left.is_positive() {
                return Step::End;
            }
            *left -= 1;
            let v = next.clone();
            *next += &*step;
            Step::Int(v.into())
        }
        Iter::Deque { deque, at, version, reversed } => {
            let found = deque.with::<Deque, _>(&th.held, |d| {
                if d.version != *version {
                    return Err(());
                }
                let i = if *reversed { d.items.len().checked_sub(*at + 1) } else { Some(*at) };
                Ok(i.and_then(|i| d.items.get(i).cloned()))
            });
            match found {
                Ok(Some(v)) => {
                    *at += 1;
                    Step::Item(v)
                }
                Ok(None) => Step::End,
                Err(()) => Step::Changed(super::deque::MUTATED),
            }
        }
        Iter::Tool(_) => Step::Tool,
        Iter::Dict { .. } => step_dict(th, state),
        Iter::Set { set, at, size } => {
            let found = th.with_set(set, |t| {
                if t.len() != *size {
                    return Err(());
                }
                while *at < t.slots() {
                    *at += 1;
                    if let Some(k) = t.at(*at - 1) {
                        return Ok(Some(k.clone()));
                    }
                }
                Ok(None)
            });
            match found {
                Some(Ok(Some(k))) => Step::Item(k),
                Some(Err(())) => {
                    *size = usize::MAX;
                    Step::Changed("Set changed size during iteration")
                }
                _ => end(state),
            }
        }
        Iter::Enumerate { inner, count } => Step::Enumerate(inner.clone(), count.clone()),
        Iter::Zip { inner, strict } => Step::Zip(inner.clone(), *strict),
        Iter::Map { func, inner } => Step::Map(func.clone(), inner.clone()),
        Iter::Filter { func, inner } => Step::Filter(func.clone(), inner.clone()),
        Iter::Reversed { seq, at } => {
            *at -= 1;
            if *at < 0 { end(state) } else { Step::GetItem(seq.clone(), *at) }
        }
        Iter::Sequence { seq, at } => {
            *at += 1;
            Step::GetItem(seq.clone(), *at - 1)
        }
        Iter::Calls { func, sentinel } => Step::Calls(func.clone(), sentinel.clone()),
    }
}

fn step_dict(th: &Thread, state: &mut Iter) -> Step {
    let Iter::Dict { dict, part, at, size, reversed } = state else {
        return Step::End;
    };
    let found = dict.with::<Dict, _>(&th.held, |d| {
        if d.table.len() != *size {
            return Err(());
        }
        loop {
            let here = if *reversed {
                let Some(down) = at.checked_sub(1) else {
                    return Ok(None);
                };
                *at = down;
                down
            } else {
                if *at >= d.table.slots() {
                    return Ok(None);
                }
                *at += 1;
                *at - 1
            };
            if let Some((k, v)) = d.table.entry(here) {
                return Ok(Some(match part {
                    Part::Keys => Step::Item(k.clone()),
                    Part::Values => Step::Item(v.clone()),
                    Part::Items => Step::Pair(k.clone(), v.clone()),
                }));
            }
        }
    });
    match found {
        Ok(Some(step)) => step,
        Ok(None) => Step::Exhausted(std::mem::replace(state, Iter::Done)),
        Err(()) => {
            *size = usize::MAX;
            Step::Changed("dictionary changed size during iteration")
        }
    }
}
