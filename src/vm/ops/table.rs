//! Keys: finding, setting and removing them in dicts and sets.
//!
//! A key whose equality runs no script code is found in one opening of the table. Where a candidate with
//! the same hash needs a script's `__eq__` (or a deep comparison), the slow way is taken: copy the
//! candidates out, close, compare, look whether the table has changed meanwhile and begin again if so.

use super::scripted;
use crate::object::dict::Dict;
use crate::object::pure::int;
use crate::object::pure::pydict::PyDict;
use crate::object::pure::pyset::PySet;
use crate::object::types::{BigIntObj, Bytes, FrozenSet, Part, Set, Str, Tuple, View};
use crate::object::{Kind, Ref, TypeId, Value, name};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Res, Thread};

/// Are two keys equal, where that can be said without script code? `None`: it cannot.
#[inline]
pub fn plain_equal(a: &Value, b: &Value) -> Option<bool> {
    if a.same(b) {
        return Some(true);
    }
    match (a, b) {
        (Value::Obj(x), Value::Obj(y)) => plain_objects(x, y),
        (Value::Int(_), Value::Int(_)) => Some(false),
        _ => plain_mixed(a, b),
    }
}

fn plain_objects(x: &Ref, y: &Ref) -> Option<bool> {
    if derived(x) || derived(y) {
        return None;
    }
    match (x.kind(), y.kind()) {
        (Kind::Str, Kind::Str) => Some(x.frozen::<Str>().text == y.frozen::<Str>().text),
        (Kind::Tuple, Kind::Tuple) => plain_rows(&x.frozen::<Tuple>().0, &y.frozen::<Tuple>().0, 0),
        (Kind::Bytes, Kind::Bytes) => Some(x.frozen::<Bytes>().0 == y.frozen::<Bytes>().0),
        (Kind::BigInt, Kind::BigInt) => Some(x.frozen::<BigIntObj>().big == y.frozen::<BigIntObj>().big),
        (a, b) if by_identity(a) && by_identity(b) => Some(false),
        (a, b) if a != b && (is_text(a) || by_identity(a)) && (is_text(b) || by_identity(b)) => Some(false),
        _ => None,
    }
}

/// Its class may have an `__eq__` of its own.
#[inline(always)]
fn derived(r: &Ref) -> bool {
    r.shape() as usize >= TypeId::COUNT
}

/// Kinds equal to themselves only.
fn by_identity(k: Kind) -> bool {
    matches!(k, Kind::Class | Kind::Function | Kind::Module | Kind::Code | Kind::Generator | Kind::Awaiter | Kind::Iter)
}

fn is_text(k: Kind) -> bool {
    matches!(k, Kind::Str | Kind::Bytes | Kind::BigInt)
}

/// At least one side is not an object.
#[cold]
fn plain_mixed(a: &Value, b: &Value) -> Option<bool> {
    if scripted(a) || scripted(b) {
        return None;
    }
    if let (Some(x), Some(y)) = (int_of(a), int_of(b)) {
        return Some(int::eq(x, y));
    }
    match (float_of(a), float_of(b)) {
        (Some(x), Some(y)) => Some(x == y),
        (Some(x), None) if int_of(b).is_some() => {
            Some(int::cmp_float(int_of(b)?, x) == Some(std::cmp::Ordering::Equal))
        }
        (None, Some(y)) if int_of(a).is_some() => {
            Some(int::cmp_float(int_of(a)?, y) == Some(std::cmp::Ordering::Equal))
        }
        _ => {
            let plain = |v: &Value| match v {
                Value::Obj(r) => is_text(r.kind()) || by_identity(r.kind()),
                _ => true,
            };
            if plain(a) && plain(b) { Some(false) } else { None }
        }
    }
}

fn plain_rows(a: &[Value], b: &[Value], depth: u32) -> Option<bool> {
    if a.len() != b.len() {
        return Some(false);
    }
    if depth > 20 {
        return None;
    }
    for (x, y) in a.iter().zip(b) {
        let same = match (x.as_ref(), y.as_ref()) {
            (Some(x), Some(y)) if !x.same(y) && x.is::<Tuple>() && y.is::<Tuple>() && !derived(x) && !derived(y) => {
                plain_rows(&x.frozen::<Tuple>().0, &y.frozen::<Tuple>().0, depth + 1)
            }
            _ => plain_equal(x, y),
        };
        match same {
            Some(true) => {}
            other => return other,
        }
    }
    Some(true)
}

/// What one look into a table gives.
enum Look {
    At(usize),
    Absent,
    /// A candidate needs a comparison that may run script code.
    Unsure,
}

fn look_dict(t: &PyDict<Value, Value>, hash: i64, key: &Value) -> Look {
    let mut unsure = false;
    let found = t.find_with(hash, |k| {
        plain_equal(k, key).unwrap_or_else(|| {
            unsure = true;
            false
        })
    });
    match found {
        Some(at) => Look::At(at),
        None if unsure => Look::Unsure,
        None => Look::Absent,
    }
}

fn look_set(t: &PySet<Value>, hash: i64, key: &Value) -> Look {
    let mut unsure = false;
    let found = t.find_with(hash, |k| {
        plain_equal(k, key).unwrap_or_else(|| {
            unsure = true;
            false
        })
    });
    match found {
        Some(at) => Look::At(at),
        None if unsure => Look::Unsure,
        None => Look::Absent,
    }
}

impl Thread {
    /// `d[key]`, or None where there is no such key. `__missing__` is not asked.
    #[inline]
    pub fn dict_get(&mut self, d: &Ref, key: &Value) -> Res<Option<Value>> {
        let hash = self.hash(key)?;
        self.dict_get_hashed(d, hash, key)
    }

    #[inline]
    pub fn dict_get_hashed(&mut self, d: &Ref, hash: i64, key: &Value) -> Res<Option<Value>> {
        self.refresh_names(d);
        let quick = d.with::<Dict, _>(&self.held, |d| match look_dict(&d.table, hash, key) {
            Look::At(at) => Some(d.table.entry(at).map(|(_, v)| v.clone())),
            Look::Absent => Some(None),
            Look::Unsure => None,
        });
        match quick {
            Some(found) => Ok(found),
            None => self.dict_slow(d, hash, key, |t, at| t.entry(at?).map(|(_, v)| v.clone())),
        }
    }

    pub fn dict_has(&mut self, d: &Ref, key: &Value) -> Res<bool> {
        Ok(self.dict_get(d, key)?.is_some())
    }

    /// The value of a text key, where no script code can be asked.
    pub fn dict_get_str(&self, d: &Ref, key: &str) -> Option<Value> {
        let hash = match crate::object::pure::hash::str(key) {
            0 => 1,
            h => h,
        };
        d.with::<Dict, _>(&self.held, |d| {
            let at = d.table.find_with(hash, |k| crate::vm::make::text(k) == Some(key))?;
            d.table.entry(at).map(|(_, v)| v.clone())
        })
    }

    /// `d[key] = v`.
    #[inline]
    pub fn dict_set(&mut self, d: &Ref, key: Value, v: Value) -> Res<()> {
        let hash = self.hash(&key)?;
        self.dict_set_hashed(d, hash, key, v)
    }

    #[inline]
    pub fn dict_set_hashed(&mut self, d: &Ref, hash: i64, key: Value, v: Value) -> Res<()> {
        if d.shape() == TypeId::NamesDict.shape() {
            self.name_changed(d, &key, Some(v.clone()))?;
        }
        let left = d.with::<Dict, _>(&self.held, |d| match look_dict(&d.table, hash, &key) {
            Look::At(at) => {
                let slot = d.table.value_mut(at).expect("just found");
                Ok((std::mem::replace(slot, v), Some(key)))
            }
            Look::Absent => {
                d.table.push(hash, key, v);
                Ok((Value::Unbound, None))
            }
            Look::Unsure => Err((key, v)),
        });
        match left {
            // The old value dies here, with the dict closed.
            Ok(_old) => Ok(()),
            Err((key, v)) => self.dict_set_slow(d, hash, key, v),
        }
    }

    #[cold]
    fn dict_set_slow(&mut self, d: &Ref, hash: i64, key: Value, v: Value) -> Res<()> {
        let new = key.clone();
        let old = self.dict_slow(d, hash, &key, |t, at| match at {
            Some(at) => t.value_mut(at).map(|slot| std::mem::replace(slot, v)),
            None => {
                t.push(hash, new, v);
                None
            }
        })?;
        drop(old);
        Ok(())
    }

    /// `d.setdefault(key, v)`: the value of the key, entered if it was not there.
    pub fn dict_setdefault(&mut self, d: &Ref, key: Value, v: Value) -> Res<Value> {
        let hash = self.hash(&key)?;
        if d.shape() == TypeId::NamesDict.shape() && !self.dict_has(d, &key)? {
            self.dict_set_hashed(d, hash, key, v.clone())?;
            return Ok(v);
        }
        let left = d.with::<Dict, _>(&self.held, |d| match look_dict(&d.table, hash, &key) {
            Look::At(at) => Ok(d.table.entry(at).map(|(_, v)| v.clone())),
            Look::Absent => {
                d.table.push(hash, key.clone(), v.clone());
                Ok(None)
            }
            Look::Unsure => Err(()),
        });
        let found = match left {
            Ok(found) => found,
            Err(()) => {
                let (new, entered) = (key.clone(), v.clone());
                self.dict_slow(d, hash, &key, |t, at| match at {
                    Some(at) => t.entry(at).map(|(_, v)| v.clone()),
                    None => {
                        t.push(hash, new, entered);
                        None
                    }
                })?
            }
        };
        Ok(found.unwrap_or(v))
    }

    /// Looks for a key by comparisons that may run script code, then does `f` with its position while the
    /// table is as it was found.
    #[cold]
    fn dict_slow<R>(
        &mut self,
        d: &Ref,
        hash: i64,
        key: &Value,
        f: impl FnOnce(&mut PyDict<Value, Value>, Option<usize>) -> R,
    ) -> Res<R> {
        let mut f = Some(f);
        loop {
            let (version, at) = self.dict_find_slow(d, hash, key)?;
            let done = d.with::<Dict, _>(&self.held, |d| {
                let f = if d.table.version() == version { f.take() } else { None };
                f.map(|f| f(&mut d.table, at))
            });
            if let Some(done) = done {
                return Ok(done);
            }
        }
    }

    /// The position of a key, and the version of the table for which it is right.
    fn dict_find_slow(&mut self, d: &Ref, hash: i64, key: &Value) -> Res<(u64, Option<usize>)> {
        let mut asked = Vec::new();
        'again: loop {
            let (version, candidates) = d.with::<Dict, _>(&self.held, |d| {
                let found = d.table.candidates(hash).into_iter();
                let found = found.filter_map(|at| Some((at, d.table.entry(at)?.0.clone())));
                (d.table.version(), found.collect::<Vec<_>>())
            });
            for (at, k) in candidates {
                let equal = self.asked_once(&mut asked, &k, key)?;
                let now = d.with::<Dict, _>(&self.held, |d| d.table.version());
                if now != version {
                    continue 'again;
                }
                if equal {
                    return Ok((version, Some(at)));
                }
            }
            return Ok((version, None));
        }
    }

    /// Whether two keys are equal, asked once in a search: an `__eq__` that changes the table begins the search
    /// anew, and must not keep it from ending.
    fn asked_once(&mut self, asked: &mut Vec<(Value, bool)>, k: &Value, key: &Value) -> Res<bool> {
        if let Some((_, equal)) = asked.iter().find(|(known, _)| known.same(k)) {
            return Ok(*equal);
        }
        let equal = self.same_or_equal(k, key)?;
        asked.push((k.clone(), equal));
        Ok(equal)
    }

    /// Removes a key; gives its value.
    pub fn dict_remove(&mut self, d: &Ref, key: &Value) -> Res<Option<Value>> {
        let hash = self.hash(key)?;
        self.refresh_names(d);
        let look = d.with::<Dict, _>(&self.held, |d| match look_dict(&d.table, hash, key) {
            Look::At(at) => Ok(d.table.remove(at)),
            Look::Absent => Ok(None),
            Look::Unsure => Err(()),
        });
        let entry = match look {
            Ok(entry) => entry,
            Err(()) => self.dict_slow(d, hash, key, |t, at| t.remove(at?))?,
        };
        if d.shape() == TypeId::NamesDict.shape() && entry.is_some() {
            self.name_changed(d, key, None)?;
        }
        Ok(entry.map(|(_, v)| v))
    }

    /// All keys with their values, as they are now.
    pub fn dict_items(&self, d: &Ref) -> Vec<(Value, Value)> {
        self.refresh_names(d);
        d.with::<Dict, _>(&self.held, |d| d.table.iter().map(|(k, v)| (k.clone(), v.clone())).collect())
    }
    pub fn dict_keys(&self, d: &Ref) -> Vec<Value> {
        self.refresh_names(d);
        d.with::<Dict, _>(&self.held, |d| d.table.iter().map(|(k, _)| k.clone()).collect())
    }
    pub fn dict_len(&self, d: &Ref) -> usize {
        self.refresh_names(d);
        d.with::<Dict, _>(&self.held, |d| d.table.len())
    }

    /// Empties a dict.
    pub fn dict_clear(&mut self, d: &Ref) -> Res<()> {
        if d.shape() == TypeId::NamesDict.shape() {
            for key in self.dict_keys(d) {
                self.name_changed(d, &key, None)?;
            }
        }
        // Freeing runs no script code (H4), so the entries may die inside.
        d.with::<Dict, _>(&self.held, |d| d.table.clear());
        Ok(())
    }

    /// `d.update(other)`: a dict, something with `keys()`, or an iterable of pairs.
    pub fn dict_update(&mut self, d: &Ref, other: &Value) -> Res<()> {
        if let Value::Obj(o) = other
            && o.is::<Dict>()
            && !self.has_special(other, name::ITER)
        {
            for (k, v) in self.dict_items(o) {
                self.dict_set(d, k, v)?;
            }
            return Ok(());
        }
        if let Some(keys) = self.find_attr(other, name::KEYS)? {
            let keys = self.call(&keys, &[])?;
            let keys = self.iter(&keys)?;
            while let Some(k) = self.next(&keys)? {
                let v = self.get_item(other, &k)?;
                self.dict_set(d, k, v)?;
            }
            return Ok(());
        }
        let pairs = self.iter(other)?;
        let mut n = 0;
        while let Some(pair) = self.next(&pairs)? {
            let items = match crate::vm::make::tuple_items(&pair) {
                Some(t) => t.to_vec(),
                None => match self.collect(&pair) {
                    Ok(items) => items,
                    Err(e) => {
                        if self.raised_is(TypeId::TypeError) && !self.iterable(&pair) {
                            drop(self.take_raised());
                            return Err(self.type_error(format!(
                                "cannot convert dictionary update sequence element #{n} to a sequence"
                            )));
                        }
                        return Err(e);
                    }
                },
            };
            let [k, v]: [Value; 2] = match items.try_into() {
                Ok(pair) => pair,
                Err(items) => {
                    return Err(self.value_error(format!(
                        "dictionary update sequence element #{n} has length {}; 2 is required",
                        items.len()
                    )));
                }
            };
            self.dict_set(d, k, v)?;
            n += 1;
        }
        Ok(())
    }

    /// A dict view.
    pub fn view(&mut self, dict: &Ref, part: Part) -> Value {
        let t = match part {
            Part::Keys => TypeId::DictKeys,
            Part::Values => TypeId::DictValues,
            Part::Items => TypeId::DictItems,
        };
        let view = View { dict: dict.clone(), part };
        Ref::new(&self.held, t.shape(), view).into()
    }

    /// Looks into the table of a set or frozenset; `None` for anything else.
    #[inline]
    pub fn with_set<R>(&self, s: &Ref, f: impl FnOnce(&PySet<Value>) -> R) -> Option<R> {
        match s.kind() {
            Kind::Set => Some(s.with::<Set, _>(&self.held, |s| f(&s.table))),
            Kind::FrozenSet => Some(f(&s.frozen::<FrozenSet>().table)),
            _ => None,
        }
    }

    /// Is the key in the set or frozenset?
    pub fn set_has(&mut self, s: &Ref, key: &Value) -> Res<bool> {
        let hash = match self.hash(key) {
            Ok(hash) => hash,
            Err(e) => match key {
                // A set is looked up among frozensets by a frozen copy of it.
                Value::Obj(r) if r.is::<Set>() && self.raised_is(TypeId::TypeError) => {
                    drop(self.take_raised());
                    let items = self.set_items(r);
                    let frozen = self.new_set(items, true)?;
                    return self.set_has(s, &frozen);
                }
                _ => return Err(e),
            },
        };
        self.set_has_hashed(s, hash, key)
    }

    pub fn set_has_hashed(&mut self, s: &Ref, hash: i64, key: &Value) -> Res<bool> {
        match self.with_set(s, |t| look_set(t, hash, key)) {
            Some(Look::At(_)) => Ok(true),
            Some(Look::Absent) | None => Ok(false),
            Some(Look::Unsure) => Ok(self.set_find_slow(s, hash, key)?.1.is_some()),
        }
    }

    /// Looks for a key by comparisons that may run script code, then does `f` with its slot while the
    /// table is as it was found.
    #[cold]
    fn set_slow<R>(
        &mut self,
        s: &Ref,
        hash: i64,
        key: &Value,
        f: impl FnOnce(&mut PySet<Value>, Option<usize>) -> R,
    ) -> Res<R> {
        let mut f = Some(f);
        loop {
            let (version, at) = self.set_find_slow(s, hash, key)?;
            let done = s.with::<Set, _>(&self.held, |s| {
                let f = if s.table.version() == version { f.take() } else { None };
                f.map(|f| f(&mut s.table, at))
            });
            if let Some(done) = done {
                return Ok(done);
            }
        }
    }

    /// The slot of a key, and the version of the table for which it is right.
    #[cold]
    fn set_find_slow(&mut self, s: &Ref, hash: i64, key: &Value) -> Res<(u64, Option<usize>)> {
        let mut asked = Vec::new();
        'again: loop {
            let found = self.with_set(s, |t| {
                let found = t.candidates(hash).into_iter();
                let found = found.filter_map(|at| Some((at, t.at(at)?.clone())));
                (t.version(), found.collect::<Vec<_>>())
            });
            let Some((version, candidates)) = found else {
                return Ok((0, None));
            };
            for (at, k) in candidates {
                let equal = self.asked_once(&mut asked, &k, key)?;
                if self.with_set(s, PySet::version) != Some(version) {
                    continue 'again;
                }
                if equal {
                    return Ok((version, Some(at)));
                }
            }
            return Ok((version, None));
        }
    }

    /// Adds a key; was it new?
    pub fn set_add(&mut self, s: &Ref, key: Value) -> Res<bool> {
        let hash = self.hash(&key)?;
        self.set_add_hashed(s, hash, key)
    }

    pub fn set_add_hashed(&mut self, s: &Ref, hash: i64, key: Value) -> Res<bool> {
        let left = s.with::<Set, _>(&self.held, |s| match look_set(&s.table, hash, &key) {
            Look::At(_) => (Some(false), Some(key)),
            Look::Absent => {
                s.table.push(hash, key);
                (Some(true), None)
            }
            Look::Unsure => (None, Some(key)),
        });
        match left {
            (Some(new), _) => Ok(new),
            (None, None) => Ok(false),
            (None, Some(key)) => {
                let new = key.clone();
                self.set_slow(s, hash, &key, |t, at| {
                    if at.is_none() {
                        t.push(hash, new);
                    }
                    at.is_none()
                })
            }
        }
    }

    /// Removes a key; was it there?
    pub fn set_discard(&mut self, s: &Ref, key: &Value) -> Res<bool> {
        let hash = match key {
            Value::Obj(r) if r.is::<Set>() => {
                let items = self.set_items(r);
                let frozen = self.new_set(items, true)?;
                return self.set_discard(s, &frozen);
            }
            _ => self.hash(key)?,
        };
        self.set_discard_hashed(s, hash, key)
    }

    pub fn set_discard_hashed(&mut self, s: &Ref, hash: i64, key: &Value) -> Res<bool> {
        let look = s.with::<Set, _>(&self.held, |s| match look_set(&s.table, hash, key) {
            Look::At(at) => Ok(s.table.remove(at)),
            Look::Absent => Ok(None),
            Look::Unsure => Err(()),
        });
        let dead = match look {
            Ok(dead) => dead,
            Err(()) => self.set_slow(s, hash, key, |t, at| t.remove(at?))?,
        };
        Ok(dead.is_some())
    }

    /// The keys of a set or frozenset in table order.
    pub fn set_items(&self, s: &Ref) -> Vec<Value> {
        self.with_set(s, |t| t.iter().cloned().collect()).unwrap_or_default()
    }
    /// The keys with their hashes.
    pub fn set_hashed(&self, s: &Ref) -> Vec<(i64, Value)> {
        self.with_set(s, |t| t.hashed().map(|(h, k)| (h, k.clone())).collect()).unwrap_or_default()
    }
    pub fn set_len(&self, s: &Ref) -> usize {
        self.with_set(s, PySet::len).unwrap_or(0)
    }

    /// A set or frozenset of these items.
    pub fn new_set(&mut self, items: Vec<Value>, frozen: bool) -> Res<Value> {
        let s = self.set();
        for v in items {
            self.set_add(&s, v)?;
        }
        Ok(if frozen { self.freeze(s) } else { s.into() })
    }

    /// The frozenset of a fresh set's keys; the set is left empty.
    pub(crate) fn freeze(&mut self, s: Ref) -> Value {
        let table = s.with::<Set, _>(&self.held, |s| std::mem::take(&mut s.table));
        let frozen = FrozenSet { table, ..Default::default() };
        Ref::new(&self.held, TypeId::FrozenSet.shape(), frozen).into()
    }
}
