//! The next item of an iterator of `itertools`.
//!
//! Each looks at its state, closes it, asks what it iterates or calls, and opens its state again to keep what came
//! of it. Where nothing is called (`count`, `repeat`, the second round of `cycle`) one opening does all, so threads
//! that share one get each item once. Where two threads are in the same one at once, none of them fails: as in CPython,
//! where the interpreter lock alone keeps them apart.

use super::arith::BinOp;
use crate::object::iter::Iter;
use crate::object::tools::Tool;
use crate::object::{Ref, Value};
use crate::vm::{Res, Thread};

/// What a look at the state says.
enum Look {
    Give(Value),
    /// A row of a `Choice`.
    Row(Vec<Value>),
    End,
    /// Items have to be asked for.
    Ask,
    /// A `count` beyond 64 bits, or not of ints.
    Add(Value, Value),
}

type Item = Res<Option<Value>>;

impl Thread {
    fn tool<R>(&self, it: &Ref, f: impl FnOnce(&mut Tool) -> R) -> Option<R> {
        it.with::<Iter, _>(&self.held, |state| match state {
            Iter::Tool(tool) => Some(f(tool)),
            _ => None,
        })
    }

    /// A value of the state replaced; the old one dies with the state closed.
    fn keep(&self, it: &Ref, v: Value, place: impl FnOnce(&mut Tool) -> Option<&mut Value>) {
        let old = self.tool(it, |tool| place(tool).map(|at| std::mem::replace(at, v)));
        drop(old);
    }

    pub(super) fn next_tool(&mut self, it: &Ref) -> Item {
        match self.tool(it, look).unwrap_or(Look::End) {
            Look::Give(v) => Ok(Some(v)),
            Look::Row(row) => Ok(Some(self.tuple(row))),
            Look::End => Ok(None),
            Look::Add(next, step) => {
                let sum = self.binary(BinOp::Add, &next, &step)?;
                self.keep(it, sum, |tool| if let Tool::Count { next, .. } = tool { Some(next) } else { None });
                Ok(Some(next))
            }
            Look::Ask => self.ask_tool(it),
        }
    }

    fn ask_tool(&mut self, it: &Ref) -> Item {
        let parts = self.tool(it, |tool| match tool {
            Tool::Cycle { inner, .. } => (0, inner.clone(), Value::Unbound),
            Tool::Chain { .. } => (1, Value::Unbound, Value::Unbound),
            Tool::Accumulate { inner, func, .. } => (2, inner.clone(), func.clone()),
            Tool::Compress { data, selectors } => (3, data.clone(), selectors.clone()),
            Tool::DropWhile { func, inner, begun } => (if *begun { 4 } else { 5 }, inner.clone(), func.clone()),
            Tool::TakeWhile { func, inner } => (6, inner.clone(), func.clone()),
            Tool::FilterFalse { func, inner } => (7, inner.clone(), func.clone()),
            Tool::Starmap { func, inner } => (8, inner.clone(), func.clone()),
            Tool::Slice { inner, .. } => (9, inner.clone(), Value::Unbound),
            Tool::Pairwise { inner, old } => (10, inner.clone(), old.clone()),
            Tool::Longest { .. } => (11, Value::Unbound, Value::Unbound),
            Tool::GroupBy { .. } => (12, Value::Unbound, Value::Unbound),
            Tool::Grouper { parent, .. } => (13, parent.clone(), Value::Unbound),
            Tool::Tee { source, .. } => (14, source.clone(), Value::Unbound),
            _ => (15, Value::Unbound, Value::Unbound),
        });
        let Some((which, inner, other)) = parts else { return Ok(None) };
        match which {
            0 => self.next_cycle(it, &inner),
            1 => self.next_chain(it),
            2 => self.next_accumulate(it, &inner, &other),
            3 => self.next_compress(&inner, &other),
            4 => self.next(&inner),
            5 => self.next_dropwhile(it, &inner, &other),
            6 => self.next_takewhile(it, &inner, &other),
            7 => self.next_filterfalse(&inner, &other),
            8 => {
                let Some(args) = self.next(&inner)? else { return Ok(None) };
                let args = self.collect(&args)?;
                self.call(&other, &args).map(Some)
            }
            9 => self.next_slice(it, &inner),
            10 => self.next_pair(it, &inner, other),
            11 => self.next_longest(it),
            12 => self.next_group(it),
            13 => self.next_of_group(it, &inner),
            14 => self.next_tee(it, &inner),
            _ => Ok(None),
        }
    }

    fn next_cycle(&mut self, it: &Ref, inner: &Value) -> Item {
        if let Some(v) = self.next(inner)? {
            let kept = v.clone();
            self.tool(it, |tool| {
                if let Tool::Cycle { saved, .. } = tool {
                    saved.push(kept);
                }
            });
            return Ok(Some(v));
        }
        // From now on what was saved is given.
        self.keep(it, Value::Unbound, |tool| if let Tool::Cycle { inner, .. } = tool { Some(inner) } else { None });
        match self.tool(it, look) {
            Some(Look::Give(v)) => Ok(Some(v)),
            _ => Ok(None),
        }
    }

    fn next_chain(&mut self, it: &Ref) -> Item {
        loop {
            let parts = self.tool(it, |tool| match tool {
                Tool::Chain { outer, inner } => (outer.clone(), inner.clone()),
                _ => Default::default(),
            });
            let (outer, inner) = parts.unwrap_or_default();
            if !inner.is_unbound() {
                if let Some(v) = self.next(&inner)? {
                    return Ok(Some(v));
                }
                self.keep_inner(it, Value::Unbound);
                continue;
            }
            if outer.is_unbound() {
                return Ok(None);
            }
            let next =
                match self.next(&outer)? {
                    Some(v) => v,
                    None => {
                        self.keep(it, Value::Unbound, |t| {
                            if let Tool::Chain { outer, .. } = t { Some(outer) } else { None }
                        });
                        return Ok(None);
                    }
                };
            match self.iter(&next) {
                Ok(inner) => self.keep_inner(it, inner),
                Err(e) => {
                    self.keep(
                        it,
                        Value::Unbound,
                        |t| if let Tool::Chain { outer, .. } = t { Some(outer) } else { None },
                    );
                    return Err(e);
                }
            }
        }
    }

    fn keep_inner(&self, it: &Ref, v: Value) {
        self.keep(it, v, |tool| if let Tool::Chain { inner, .. } = tool { Some(inner) } else { None });
    }

    fn next_accumulate(&mut self, it: &Ref, inner: &Value, func: &Value) -> Item {
        let taken = self.tool(it, |tool| match tool {
            Tool::Accumulate { initial, total, .. } if !initial.is_unbound() => {
                let first = initial.take();
                Ok((std::mem::replace(total, first.clone()), first))
            }
            Tool::Accumulate { total, .. } => Err(total.clone()),
            _ => Err(Value::Unbound),
        });
        let total = match taken {
            Some(Ok((_old, first))) => return Ok(Some(first)),
            Some(Err(total)) => total,
            None => return Ok(None),
        };
        let Some(v) = self.next(inner)? else { return Ok(None) };
        let sum = match (&total, func) {
            (Value::Unbound, _) => v,
            (_, Value::None) => self.binary(BinOp::Add, &total, &v)?,
            _ => self.call(func, &[total, v])?,
        };
        self.keep(it, sum.clone(), |t| if let Tool::Accumulate { total, .. } = t { Some(total) } else { None });
        Ok(Some(sum))
    }

    fn next_compress(&mut self, data: &Value, selectors: &Value) -> Item {
        loop {
            let Some(v) = self.next(data)? else { return Ok(None) };
            let Some(wanted) = self.next(selectors)? else { return Ok(None) };
            if self.truth(&wanted)? {
                return Ok(Some(v));
            }
        }
    }

    fn says(&mut self, func: &Value, v: &Value) -> Res<bool> {
        let answer = self.call(func, std::slice::from_ref(v))?;
        self.truth(&answer)
    }

    fn next_dropwhile(&mut self, it: &Ref, inner: &Value, func: &Value) -> Item {
        while let Some(v) = self.next(inner)? {
            if !self.says(func, &v)? {
                self.tool(it, |t| {
                    if let Tool::DropWhile { begun, .. } = t {
                        *begun = true;
                    }
                });
                return Ok(Some(v));
            }
        }
        Ok(None)
    }

    fn next_takewhile(&mut self, it: &Ref, inner: &Value, func: &Value) -> Item {
        let Some(v) = self.next(inner)? else { return Ok(None) };
        if self.says(func, &v)? {
            return Ok(Some(v));
        }
        self.end_tool(it);
        Ok(None)
    }

    fn end_tool(&self, it: &Ref) {
        let old = it.with::<Iter, _>(&self.held, |s| std::mem::replace(s, Iter::Done));
        drop(old);
    }

    fn next_filterfalse(&mut self, inner: &Value, func: &Value) -> Item {
        while let Some(v) = self.next(inner)? {
            let is_true = if func.is_none() { self.truth(&v)? } else { self.says(func, &v)? };
            if !is_true {
                return Ok(Some(v));
            }
        }
        Ok(None)
    }

    fn next_slice(&mut self, it: &Ref, inner: &Value) -> Item {
        loop {
            let todo = self.tool(it, |t| match t {
                Tool::Slice { at, next, stop, step, .. } => {
                    // What lies before a wanted item is taken, also where that item is beyond the end.
                    if at < next {
                        *at += 1;
                        return Some(false);
                    }
                    if *at >= *stop {
                        return None;
                    }
                    *at += 1;
                    *next = next.saturating_add(*step).min(*stop);
                    Some(true)
                }
                _ => None,
            });
            let Some(wanted) = todo.flatten() else {
                self.end_tool(it);
                return Ok(None);
            };
            let Some(v) = self.next(inner)? else {
                self.end_tool(it);
                return Ok(None);
            };
            if wanted {
                return Ok(Some(v));
            }
        }
    }

    fn next_pair(&mut self, it: &Ref, inner: &Value, old: Value) -> Item {
        let old = if old.is_unbound() {
            match self.next(inner)? {
                Some(v) => v,
                None => {
                    self.end_tool(it);
                    return Ok(None);
                }
            }
        } else {
            old
        };
        let Some(v) = self.next(inner)? else {
            self.end_tool(it);
            return Ok(None);
        };
        self.keep(it, v.clone(), |t| if let Tool::Pairwise { old, .. } = t { Some(old) } else { None });
        Ok(Some(self.tuple(vec![old, v])))
    }

    fn next_longest(&mut self, it: &Ref) -> Item {
        let parts = self.tool(it, |t| match t {
            Tool::Longest { inner, fill } => (inner.clone(), fill.clone()),
            _ => Default::default(),
        });
        let (inner, fill) = parts.unwrap_or_default();
        let mut row = Vec::with_capacity(inner.len());
        let mut going = inner.iter().filter(|i| !i.is_unbound()).count();
        if going == 0 {
            return Ok(None);
        }
        for (at, i) in inner.iter().enumerate() {
            let v = if i.is_unbound() { None } else { self.next(i)? };
            if v.is_none() && !i.is_unbound() {
                going -= 1;
                self.keep(it, Value::Unbound, |t| {
                    if let Tool::Longest { inner, .. } = t { inner.get_mut(at) } else { None }
                });
                if going == 0 {
                    return Ok(None);
                }
            }
            row.push(v.unwrap_or_else(|| fill.clone()));
        }
        Ok(Some(self.tuple(row)))
    }

    /// Takes the next item of what is grouped; false at its end.
    fn step_group(&mut self, parent: &Ref) -> Res<bool> {
        let parts = self.tool(parent, |t| match t {
            Tool::GroupBy { inner, func, .. } => (inner.clone(), func.clone()),
            _ => Default::default(),
        });
        let (inner, func) = parts.unwrap_or_default();
        if inner.is_unbound() {
            return Ok(false);
        }
        let Some(v) = self.next(&inner)? else { return Ok(false) };
        let k = if func.is_none() { v.clone() } else { self.call(&func, std::slice::from_ref(&v))? };
        let old = self.tool(parent, |t| match t {
            Tool::GroupBy { item, key, .. } => Some((std::mem::replace(item, v), std::mem::replace(key, k))),
            _ => None,
        });
        drop(old);
        Ok(true)
    }

    fn next_group(&mut self, it: &Ref) -> Item {
        loop {
            let keys = self.tool(it, |t| match t {
                Tool::GroupBy { key, target, group, .. } => {
                    // The group that was given before ends here.
                    *group += 1;
                    (key.clone(), target.clone())
                }
                _ => Default::default(),
            });
            let (key, target) = keys.unwrap_or_default();
            let fresh = !key.is_unbound() && (target.is_unbound() || !self.same_or_equal(&target, &key)?);
            if fresh {
                break;
            }
            if !self.step_group(it)? {
                return Ok(None);
            }
        }
        let made = self.tool(it, |t| match t {
            Tool::GroupBy { key, target, group, .. } => {
                let old = std::mem::replace(target, key.clone());
                Some((old, key.clone(), *group))
            }
            _ => None,
        });
        let Some((_old, key, group)) = made.flatten() else { return Ok(None) };
        let parent = Value::Obj(it.clone());
        let items = self.iterator(Iter::Tool(Box::new(Tool::Grouper { parent, key: key.clone(), group })));
        Ok(Some(self.tuple(vec![key, items])))
    }

    fn next_of_group(&mut self, it: &Ref, parent: &Value) -> Item {
        let Value::Obj(parent) = parent else { return Ok(None) };
        let own = self.tool(it, |t| match t {
            Tool::Grouper { key, group, .. } => (key.clone(), *group),
            _ => Default::default(),
        });
        let (own, number) = own.unwrap_or_default();
        let state = |th: &Thread| {
            th.tool(parent, |t| match t {
                Tool::GroupBy { item, key, group, .. } if *group == number => Some((item.is_unbound(), key.clone())),
                _ => None,
            })
            .flatten()
        };
        let Some((empty, _)) = state(self) else { return Ok(None) };
        if empty && !self.step_group(parent)? {
            return Ok(None);
        }
        let Some((_, key)) = state(self) else { return Ok(None) };
        if !self.same_or_equal(&own, &key)? {
            return Ok(None);
        }
        let item = self.tool(parent, |t| match t {
            Tool::GroupBy { item, .. } => item.take(),
            _ => Value::Unbound,
        });
        Ok(item.filter(|v| !v.is_unbound()))
    }

    fn next_tee(&mut self, it: &Ref, source: &Value) -> Item {
        let Value::Obj(source) = source else { return Ok(None) };
        let place = self.tool(it, |t| if let Tool::Tee { place, .. } = t { *place } else { 0 }).unwrap_or(0);
        let found = self.tool(source, |t| match t {
            Tool::TeeSource { inner, waiting, first, places } => {
                let at = places[place];
                match waiting.get((at - *first) as usize) {
                    Some(v) => {
                        let v = v.clone();
                        places[place] += 1;
                        // What all have had goes.
                        let gone = if at == *first && places.iter().all(|p| *p > at) {
                            *first += 1;
                            waiting.pop_front()
                        } else {
                            None
                        };
                        Ok((v, gone))
                    }
                    None => Err(inner.clone()),
                }
            }
            _ => Err(Value::Unbound),
        });
        let inner = match found {
            Some(Ok((v, _gone))) => return Ok(Some(v)),
            Some(Err(inner)) => inner,
            None => return Ok(None),
        };
        let Some(v) = self.next(&inner)? else { return Ok(None) };
        let kept = v.clone();
        let gone = self.tool(source, |t| {
            if let Tool::TeeSource { waiting, first, places, .. } = t {
                waiting.push_back(kept);
                places[place] += 1;
                if places.iter().all(|p| *p > *first) {
                    *first += 1;
                    return waiting.pop_front();
                }
            }
            None
        });
        drop(gone);
        Ok(Some(v))
    }

    /// What `repr` shows of an iterator: `count` and `repeat` show their state.
    pub(super) fn repr_iterator(&mut self, v: &Value, r: &Ref) -> Res<String> {
        let shown = self.tool(r, |t| match t {
            Tool::Count { next, step } => Some((next.clone(), Some(step.clone()), None)),
            Tool::Repeat { item, left } => Some((item.clone(), None, *left)),
            _ => None,
        });
        let Some((first, second, left)) = shown.flatten() else { return Ok(self.object_repr(v)) };
        let first = self.repr(&first)?;
        Ok(match (second, left) {
            (Some(Value::Int(1)), _) => format!("count({first})"),
            (Some(step), _) => format!("count({first}, {})", self.repr(&step)?),
            (None, None) => format!("repeat({first})"),
            (None, Some(left)) => format!("repeat({first}, {left})"),
        })
    }

    /// A further iterator of a `tee`, at the place where `it` stands.
    pub fn copy_tee(&mut self, it: &Ref) -> Option<Value> {
        let (source, place) = self
            .tool(it, |t| if let Tool::Tee { source, place } = t { Some((source.clone(), *place)) } else { None })
            .flatten()?;
        let place = self.tool(source.as_ref()?, |t| match t {
            Tool::TeeSource { places, .. } => {
                places.push(places[place]);
                places.len() - 1
            }
            _ => 0,
        })?;
        Some(self.iterator(Iter::Tool(Box::new(Tool::Tee { source, place }))))
    }

    /// How many items an iterator over a builtin container has left.
    pub fn items_left(&self, it: &Ref) -> Option<usize> {
        if !it.is::<Iter>() {
            return None;
        }
        // What it iterates is asked with the iterator closed.
        let (of, at) = it.with::<Iter, _>(&self.held, |state| match state {
            Iter::Done => Some((None, 0)),
            Iter::List { list: r, at } | Iter::Tuple { tuple: r, at } | Iter::Bytes { bytes: r, at } => {
                Some((Some(r.clone()), *at))
            }
            Iter::Deque { deque: r, at, .. } => Some((Some(r.clone()), *at)),
            Iter::Range { left, .. } => Some((None, (*left).max(0) as usize)),
            Iter::Reversed { at, .. } => Some((None, (*at).max(0) as usize)),
            Iter::Tool(tool) => match &**tool {
                Tool::Repeat { left: Some(n), .. } => Some((None, *n as usize)),
                _ => None,
            },
            _ => None,
        })?;
        match of {
            None => Some(at),
            Some(r) => Some(self.base_length(&r)?.saturating_sub(at)),
        }
    }
}

/// Does in one opening what can be done in one.
fn look(tool: &mut Tool) -> Look {
    match tool {
        Tool::Count { next, step } => match (&*next, &*step) {
            (Value::Int(i), Value::Int(by)) => match i.checked_add(*by) {
                Some(sum) => {
                    let i = *i;
                    *next = Value::Int(sum);
                    Look::Give(Value::Int(i))
                }
                None => Look::Add(next.clone(), step.clone()),
            },
            _ => Look::Add(next.clone(), step.clone()),
        },
        Tool::Repeat { item, left } => match left {
            None => Look::Give(item.clone()),
            Some(0) => Look::End,
            Some(n) => {
                *n -= 1;
                Look::Give(item.clone())
            }
        },
        Tool::Cycle { inner, saved, at } if inner.is_unbound() => match saved.get(*at) {
            Some(v) => {
                *at = (*at + 1) % saved.len();
                Look::Give(v.clone())
            }
            None => Look::End,
        },
        Tool::Choice(c) => match c.next_row() {
            Some(row) => Look::Row(row),
            None => Look::End,
        },
        _ => Look::Ask,
    }
}
