//! Comparison: `==`, `<` and their kin, and `in`.

use super::range;
use super::scripted;
use super::set_algebra::set_like;
use crate::object::dict::Dict;
use crate::object::function::{Method, Native};
use crate::object::pure::int;
use crate::object::types::*;
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::make::{float_of, int_of, text, tuple_items};
use crate::vm::{Res, Thread};
use std::cmp::Ordering;

macro_rules! comparisons {
    ($($id:ident $symbol:literal $method:ident $swapped:ident;)*) => {
        /// A comparison operator.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum CmpOp { $($id),* }

        impl CmpOp {
            pub const ALL: &'static [CmpOp] = &[$(CmpOp::$id),*];
            pub fn symbol(self) -> &'static str {
                match self { $(CmpOp::$id => $symbol),* }
            }
            /// Its method.
            pub fn method(self) -> Name {
                match self { $(CmpOp::$id => name::$method),* }
            }
            /// The operator that says the same with the sides exchanged.
            pub fn swapped(self) -> CmpOp {
                match self { $(CmpOp::$id => CmpOp::$swapped),* }
            }
        }
    };
}

comparisons! {
    Lt "<" LT Gt;
    Le "<=" LE Ge;
    Eq "==" EQ Eq;
    Ne "!=" NE Ne;
    Gt ">" GT Lt;
    Ge ">=" GE Le;
}

impl CmpOp {
    /// What the operator says of two ordered things.
    #[inline(always)]
    pub fn holds(self, o: Ordering) -> bool {
        match self {
            CmpOp::Lt => o.is_lt(),
            CmpOp::Le => o.is_le(),
            CmpOp::Eq => o.is_eq(),
            CmpOp::Ne => o.is_ne(),
            CmpOp::Gt => o.is_gt(),
            CmpOp::Ge => o.is_ge(),
        }
    }
    /// Of two floats, NaN among them.
    #[inline(always)]
    pub fn floats(self, x: f64, y: f64) -> bool {
        match self {
            CmpOp::Lt => x < y,
            CmpOp::Le => x <= y,
            CmpOp::Eq => x == y,
            CmpOp::Ne => x != y,
            CmpOp::Gt => x > y,
            CmpOp::Ge => x >= y,
        }
    }
    pub(super) fn is_equality(self) -> bool {
        matches!(self, CmpOp::Eq | CmpOp::Ne)
    }
}

/// Compares numbers and strings, which run no script code; `None`: something else.
#[inline]
pub fn plain(op: CmpOp, a: &Value, b: &Value) -> Option<bool> {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => Some(op.holds(x.cmp(y))),
        (Value::Float(x), Value::Float(y)) => Some(op.floats(x.get(), y.get())),
        (Value::Obj(x), Value::Obj(y)) => {
            if x.shape() != TypeId::Str.shape() || y.shape() != TypeId::Str.shape() {
                return None;
            }
            let (x, y) = (x.frozen::<Str>(), y.frozen::<Str>());
            Some(match op {
                CmpOp::Eq => x.text == y.text,
                CmpOp::Ne => x.text != y.text,
                // The order of UTF-8 is the order of code points.
                _ => op.holds(x.text.cmp(&y.text)),
            })
        }
        (Value::Int(x), Value::Float(y)) if x.unsigned_abs() < 1 << 53 => Some(op.floats(*x as f64, y.get())),
        (Value::Float(x), Value::Int(y)) if y.unsigned_abs() < 1 << 53 => Some(op.floats(x.get(), *y as f64)),
        _ => None,
    }
}

fn numbers(op: CmpOp, a: &Value, b: &Value) -> Option<bool> {
    let unordered = op == CmpOp::Ne;
    match (int_of(a), int_of(b)) {
        (Some(x), Some(y)) => Some(op.holds(int::cmp(x, y))),
        (Some(x), None) => Some(int::cmp_float(x, float_of(b)?).map_or(unordered, |o| op.holds(o))),
        (None, Some(y)) => Some(int::cmp_float(y, float_of(a)?).map_or(unordered, |o| op.holds(o.reverse()))),
        (None, None) => Some(op.floats(float_of(a)?, float_of(b)?)),
    }
}

/// What a builtin type says of a comparison.
enum Answer {
    Is(bool),
    /// Some element's own answer, which need not be a bool.
    Gives(Value),
    Unknown,
}

impl Thread {
    /// `a op b`.
    #[inline]
    pub fn compare(&mut self, op: CmpOp, a: &Value, b: &Value) -> Res<Value> {
        match plain(op, a, b) {
            Some(x) => Ok(Value::bool(x)),
            None => self.compare_slow(op, a, b),
        }
    }

    #[inline(never)]
    fn compare_slow(&mut self, op: CmpOp, a: &Value, b: &Value) -> Res<Value> {
        if (scripted(a) || scripted(b))
            && let Some(v) = self.compare_scripted(op, a, b)?
        {
            return Ok(v);
        }
        if let Some(v) = self.base_compare(op, a, b)? {
            return Ok(v);
        }
        match op {
            CmpOp::Eq => Ok(Value::bool(a.same(b))),
            CmpOp::Ne => Ok(Value::bool(!a.same(b))),
            _ => {
                let (x, y) = (self.type_name(a), self.type_name(b));
                let text = format!("'{}' not supported between instances of '{x}' and '{y}'", op.symbol());
                Err(self.type_error(text))
            }
        }
    }

    /// What the builtin types say, without script methods of the two; `None`: NotImplemented.
    pub fn base_compare(&mut self, op: CmpOp, a: &Value, b: &Value) -> Res<Option<Value>> {
        let answer = self.guarded(" in comparison", |th| th.compare_builtin(op, a, b))?;
        Ok(match answer {
            Answer::Is(x) => Some(Value::bool(x)),
            Answer::Gives(v) => Some(v),
            Answer::Unknown => None,
        })
    }

    /// Methods of script classes: the reflected one of a subclass first.
    fn compare_scripted(&mut self, op: CmpOp, a: &Value, b: &Value) -> Res<Option<Value>> {
        let mut asked_b = false;
        if scripted(b) {
            let (ta, tb) = (self.type_of(a), self.type_of(b));
            if !ta.same(&tb) && self.is_subclass(&tb, &ta) {
                asked_b = true;
                if let Some(v) = self.ask_compare(op.swapped(), b, a)? {
                    return Ok(Some(v));
                }
            }
        }
        if let Some(v) = self.ask_compare(op, a, b)? {
            return Ok(Some(v));
        }
        if !asked_b && knows(a, b) {
            return Ok(None);
        }
        if asked_b { Ok(None) } else { self.ask_compare(op.swapped(), b, a) }
    }

    fn ask_compare(&mut self, op: CmpOp, v: &Value, other: &Value) -> Res<Option<Value>> {
        if let Some(answer) = self.ask(v, op.method(), other)? {
            return Ok(Some(answer));
        }
        // `object.__ne__` is the inverse of `__eq__`.
        if op == CmpOp::Ne
            && self.has_special(v, name::EQ)
            && !self.has_special(v, name::NE)
            && let Some(answer) = self.ask(v, name::EQ, other)?
        {
            return Ok(Some(Value::bool(!self.truth(&answer)?)));
        }
        Ok(None)
    }

    fn compare_builtin(&mut self, op: CmpOp, a: &Value, b: &Value) -> Res<Answer> {
        if let Some(x) = plain(op, a, b).or_else(|| numbers(op, a, b)) {
            return Ok(Answer::Is(x));
        }
        let (Value::Obj(x), Value::Obj(y)) = (a, b) else {
            return Ok(Answer::Unknown);
        };
        match (x.kind(), y.kind()) {
            // Of derived classes: plain ones are done.
            (Kind::Str, Kind::Str) => Ok(Answer::Is(op.holds(x.frozen::<Str>().text.cmp(&y.frozen::<Str>().text)))),
            (Kind::List, Kind::List) => self.compare_lists(op, x, y),
            (Kind::Tuple, Kind::Tuple) => self.compare_rows(op, &x.frozen::<Tuple>().0, &y.frozen::<Tuple>().0),
            (Kind::Dict, Kind::Dict) if op.is_equality() => {
                Ok(Answer::Is(self.equal_dicts(x, y)? == (op == CmpOp::Eq)))
            }
            (Kind::Set | Kind::FrozenSet, Kind::Set | Kind::FrozenSet) => self.compare_sets(op, x, y),
            (Kind::Bytes | Kind::ByteArray, Kind::Bytes | Kind::ByteArray) => {
                let (p, q) = (self.bytes_copy(x), self.bytes_copy(y));
                Ok(Answer::Is(op.holds(p.cmp(&q))))
            }
            (Kind::Deque, Kind::Deque) => match self.differing_items(op, x, y)? {
                Ok((p, q)) => self.decide(op, &p, &q),
                Err(answer) => Ok(Answer::Is(answer)),
            },
            (Kind::LongRange, Kind::Range | Kind::LongRange) | (Kind::Range, Kind::LongRange) if op.is_equality() => {
                Ok(Answer::Is(range::equal(x, y) == (op == CmpOp::Eq)))
            }
            (Kind::Range, Kind::Range) if op.is_equality() => {
                let (p, q) = (*x.frozen::<Range>(), *y.frozen::<Range>());
                let same = p.len == q.len && (p.len == 0 || (p.start == q.start && (p.len == 1 || p.step == q.step)));
                Ok(Answer::Is(same == (op == CmpOp::Eq)))
            }
            (Kind::Slice, Kind::Slice) => {
                let parts = |r: &Ref| {
                    let s = r.frozen::<Slice>();
                    [s.start.clone(), s.stop.clone(), s.step.clone()]
                };
                self.compare_rows(op, &parts(x), &parts(y))
            }
            (Kind::Method, Kind::Method) if op.is_equality() => {
                let (p, q) = (x.frozen::<Method>(), y.frozen::<Method>());
                let same = p.this.same(&q.this) && p.func.same(&q.func);
                Ok(Answer::Is(same == (op == CmpOp::Eq)))
            }
            (Kind::Native, Kind::Native) if op.is_equality() => {
                let (p, q) = (x.frozen::<Native>(), y.frozen::<Native>());
                Ok(Answer::Is((p.row == q.row && p.this.same(&q.this)) == (op == CmpOp::Eq)))
            }
            _ if set_like(a) || set_like(b) => {
                let set = |v: &Value| set_like(v) || Thread::is_set(v).is_some();
                if !set(a) || !set(b) {
                    return Ok(Answer::Unknown);
                }
                let (p, q) = (self.as_set(a)?, self.as_set(b)?);
                self.compare_sets(op, &p, &q)
            }
            _ => Ok(Answer::Unknown),
        }
    }

    /// The first items that differ decide, else the lengths. Lists may change meanwhile.
    fn compare_lists(&mut self, op: CmpOp, x: &Ref, y: &Ref) -> Res<Answer> {
        let len = |th: &Thread, r: &Ref| r.with::<List, _>(&th.held, |l| l.items.len());
        if op.is_equality() && len(self, x) != len(self, y) {
            return Ok(Answer::Is(op == CmpOp::Ne));
        }
        if x.same(y) {
            return Ok(Answer::Is(op.holds(Ordering::Equal)));
        }
        let mut at = 0;
        loop {
            let item = |th: &Thread, r: &Ref| r.with::<List, _>(&th.held, |l| l.items.get(at).cloned());
            let (Some(p), Some(q)) = (item(self, x), item(self, y)) else {
                return Ok(Answer::Is(op.holds(len(self, x).cmp(&len(self, y)))));
            };
            if !self.same_or_equal(&p, &q)? {
                return self.decide(op, &p, &q);
            }
            at += 1;
        }
    }

    fn compare_rows(&mut self, op: CmpOp, x: &[Value], y: &[Value]) -> Res<Answer> {
        for (p, q) in x.iter().zip(y) {
            if !self.same_or_equal(p, q)? {
                return self.decide(op, p, q);
            }
        }
        Ok(Answer::Is(op.holds(x.len().cmp(&y.len()))))
    }

    /// Two items that are not equal decide the order of what they lie in.
    fn decide(&mut self, op: CmpOp, p: &Value, q: &Value) -> Res<Answer> {
        Ok(match op {
            CmpOp::Eq => Answer::Is(false),
            CmpOp::Ne => Answer::Is(true),
            _ => Answer::Gives(self.compare(op, p, q)?),
        })
    }

    fn equal_dicts(&mut self, x: &Ref, y: &Ref) -> Res<bool> {
        if x.same(y) {
            return Ok(true);
        }
        if self.dict_len(x) != self.dict_len(y) {
            return Ok(false);
        }
        let mut at = 0;
        loop {
            // By position: either dict may change while values are compared.
            let entry = x.with::<Dict, _>(&self.held, |d| {
                while at < d.table.slots() {
                    at += 1;
                    if let Some((k, v)) = d.table.entry(at - 1) {
                        return Some((k.clone(), v.clone()));
                    }
                }
                None
            });
            let Some((k, v)) = entry else {
                return Ok(true);
            };
            match self.dict_get(y, &k)? {
                Some(w) if self.same_or_equal(&v, &w)? => {}
                _ => return Ok(false),
            }
        }
    }

    fn compare_sets(&mut self, op: CmpOp, x: &Ref, y: &Ref) -> Res<Answer> {
        let (m, n) = (self.set_len(x), self.set_len(y));
        Ok(Answer::Is(match op {
            CmpOp::Eq => m == n && self.is_subset(x, y)?,
            CmpOp::Ne => m != n || !self.is_subset(x, y)?,
            CmpOp::Lt => m < n && self.is_subset(x, y)?,
            CmpOp::Le => self.is_subset(x, y)?,
            CmpOp::Gt => n < m && self.is_subset(y, x)?,
            CmpOp::Ge => self.is_subset(y, x)?,
        }))
    }

    /// `a == b`, as truth.
    #[inline]
    pub fn equal(&mut self, a: &Value, b: &Value) -> Res<bool> {
        match plain(CmpOp::Eq, a, b) {
            Some(x) => Ok(x),
            None => {
                let v = self.compare_slow(CmpOp::Eq, a, b)?;
                self.truth(&v)
            }
        }
    }

    /// Identity first, as containers compare.
    #[inline]
    pub fn same_or_equal(&mut self, a: &Value, b: &Value) -> Res<bool> {
        Ok(a.same(b) || self.equal(a, b)?)
    }

    /// `a < b`, as truth: what sorting asks.
    #[inline]
    pub fn less(&mut self, a: &Value, b: &Value) -> Res<bool> {
        match plain(CmpOp::Lt, a, b) {
            Some(x) => Ok(x),
            None => {
                let v = self.compare_slow(CmpOp::Lt, a, b)?;
                self.truth(&v)
            }
        }
    }

    /// `item in container`.
    pub fn contains(&mut self, container: &Value, item: &Value) -> Res<bool> {
        if scripted(container) {
            if matches!(self.lookup_special(container, name::CONTAINS), Some(Value::None)) {
                let name = self.type_name(container);
                return Err(self.type_error(format!("'{name}' object is not a container")));
            }
            if let Some(answer) = self.special(container, name::CONTAINS, std::slice::from_ref(item))? {
                return self.truth(&answer);
            }
            if self.has_special(container, name::ITER) {
                return self.contains_by_iteration(container, item);
            }
        }
        self.base_contains(container, item)
    }

    pub fn base_contains(&mut self, container: &Value, item: &Value) -> Res<bool> {
        let Value::Obj(r) = container else {
            return self.contains_by_iteration(container, item);
        };
        match r.kind() {
            Kind::Dict => self.dict_has(r, item),
            Kind::Set | Kind::FrozenSet => self.set_has(r, item),
            Kind::Str => match text(item) {
                Some(part) => Ok(r.frozen::<Str>().text.contains(part)),
                None => {
                    let name = self.type_name(item);
                    Err(self.type_error(format!("'in <string>' requires string as left operand, not {name}")))
                }
            },
            Kind::List => self.list_position(r, item, 0, i64::MAX).map(|at| at.is_some()),
            Kind::Tuple => {
                for v in tuple_items(container).unwrap_or_default() {
                    if self.same_or_equal(v, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            Kind::Range => self.range_contains(r.frozen::<Range>(), item),
            Kind::LongRange if int_of(item).is_some() => Ok(range::index_of(r, item).is_some()),
            Kind::Deque => self.deque_contains(r, item),
            Kind::Bytes | Kind::ByteArray => self.bytes_contain(r, item),
            Kind::View => self.view_contains(r.frozen::<View>(), item),
            _ => self.contains_by_iteration(container, item),
        }
    }

    /// The first position from `start` below `stop` of an equal item; the list may change meanwhile.
    pub fn list_position(&mut self, list: &Ref, item: &Value, start: usize, stop: i64) -> Res<Option<usize>> {
        self.list_find(list, item, start, stop, |_, _| ())
    }

    /// Takes the first equal item out; was there one?
    pub fn list_remove(&mut self, list: &Ref, item: &Value) -> Res<bool> {
        let mut dead = Value::Unbound;
        let at = self.list_find(list, item, 0, i64::MAX, |items, at| dead = items.remove(at))?;
        let Some(at) = at else { return Ok(false) };
        if dead.is_unbound() {
            // A script compared, and may have shortened the list.
            dead = list
                .with::<List, _>(&self.held, |l| (at < l.items.len()).then(|| l.items.remove(at)))
                .unwrap_or_default();
        }
        drop(dead);
        Ok(true)
    }

    /// As `list_position`; `f` is called with the list still open when the item was found without script code.
    fn list_find(
        &mut self,
        list: &Ref,
        item: &Value,
        start: usize,
        stop: i64,
        mut f: impl FnMut(&mut Vec<Value>, usize),
    ) -> Res<Option<usize>> {
        let mut at = start;
        while (at as i64) < stop {
            // Runs of items that are plainly different are passed over in one opening.
            let next = list.with::<List, _>(&self.held, |l| {
                let end = l.items.len().min(stop as usize);
                while at < end {
                    let v = &l.items[at];
                    let same = if v.same(item) { Some(true) } else { plain(CmpOp::Eq, v, item) };
                    match same {
                        Some(true) => {
                            f(&mut l.items, at);
                            return Some(None);
                        }
                        Some(false) => at += 1,
                        None => return Some(Some(v.clone())),
                    }
                }
                None
            });
            match next {
                None => return Ok(None),
                Some(None) => return Ok(Some(at)),
                Some(Some(v)) => {
                    if self.equal(&v, item)? {
                        return Ok(Some(at));
                    }
                    at += 1;
                }
            }
        }
        Ok(None)
    }

    fn range_contains(&mut self, range: &Range, item: &Value) -> Res<bool> {
        if let Some(i) = int_of(item) {
            return Ok(i.to_i64().is_some_and(|i| range_index(range, i).is_some()));
        }
        if let Some(x) = float_of(item) {
            // Only a whole number can equal an int.
            let whole = x.trunc() == x && x.abs() < 9e18;
            return Ok(whole && range_index(range, x as i64).is_some());
        }
        if !scripted(item) {
            return Ok(false);
        }
        for i in 0..range.len {
            let v = Value::Int(range.start + i * range.step);
            if self.equal(&v, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn bytes_contain(&mut self, r: &Ref, item: &Value) -> Res<bool> {
        if int_of(item).is_some() || self.has_special(item, name::INDEX) {
            let byte = self.byte(item, "byte must be in range(0, 256)")?;
            return Ok(self.bytes_copy(r).contains(&byte));
        }
        let part = self.to_bytes(item)?;
        let whole = self.bytes_copy(r);
        Ok(part.is_empty() || whole.windows(part.len()).any(|w| w == part))
    }

    fn view_contains(&mut self, view: &View, item: &Value) -> Res<bool> {
        match view.part {
            Part::Keys => self.dict_has(&view.dict, item),
            Part::Items => {
                let Some([k, v]) = tuple_items(item) else {
                    return Ok(false);
                };
                match self.dict_get(&view.dict, k)? {
                    Some(found) => self.same_or_equal(&found, v),
                    None => Ok(false),
                }
            }
            Part::Values => {
                for (_, v) in self.dict_items(&view.dict) {
                    if self.same_or_equal(&v, item)? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
        }
    }

    fn contains_by_iteration(&mut self, container: &Value, item: &Value) -> Res<bool> {
        let it = match self.iter(container) {
            Ok(it) => it,
            Err(e) => {
                if self.raised_is(TypeId::TypeError) && !self.iterable(container) {
                    drop(self.take_raised());
                    let name = self.type_name(container);
                    return Err(self.type_error(format!("argument of type '{name}' is not iterable")));
                }
                return Err(e);
            }
        };
        while let Some(v) = self.next(&it)? {
            if self.same_or_equal(&v, item)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Does the plain type of `a` compare with what `b` derives from, so that `b` is not asked?
fn knows(a: &Value, b: &Value) -> bool {
    let set = |k: Kind| matches!(k, Kind::Set | Kind::FrozenSet);
    match (a, b) {
        (Value::Bool(_) | Value::Int(_) | Value::Float(_), Value::Obj(b)) => b.kind() == Kind::BigInt,
        (Value::Obj(a), Value::Obj(b)) => TypeId::of_shape(a.shape()).is_some() && set(a.kind()) && set(b.kind()),
        _ => false,
    }
}

/// The position of a number in a range.
pub fn range_index(r: &Range, i: i64) -> Option<i64> {
    if r.len == 0 {
        return None;
    }
    let off = i as i128 - r.start as i128;
    let step = r.step as i128;
    let at = off.checked_div(step)?;
    (off % step == 0 && at >= 0 && at < r.len as i128).then_some(at as i64)
}
