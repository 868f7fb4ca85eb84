//! `_heapq` and `_bisect`: heaps in lists and search in sorted ones.
//!
//! Every comparison may run script code, so items are copied out one by one and the list is looked at
//! anew (L3); a list that changes its length meanwhile is an error, as in CPython. The sifting is
//! CPython's: down to a leaf first, then up, which saves comparisons.

use crate::natives;
use crate::object::types::List;
use crate::object::{Ref, Value};
use crate::vm::{Call, Res, Thread};

natives! { pub HEAPQ, "_heapq";
    /// Adds an item to a heap.
    holds heappush("heap, item, /") = heappush;
    /// Takes the smallest item out of a heap. IndexError if it is empty.
    holds heappop("heap, /") = heappop;
    /// Adds an item, then takes the smallest one out.
    holds heappushpop("heap, item, /") = heappushpop;
    /// Takes the smallest item out, then adds `item`. IndexError if the heap is empty.
    holds heapreplace("heap, item, /") = heapreplace;
    /// Makes a list a heap, in place and in linear time.
    holds heapify("heap, /") = heapify;
}

natives! { pub BISECT, "_bisect";
    /// Where `x` goes in a sorted sequence, before items equal to it.
    holds bisect_left("a, x, lo=0, hi=None, *, key=None") = bisect_left;
    /// Where `x` goes in a sorted sequence, behind items equal to it.
    holds bisect_right("a, x, lo=0, hi=None, *, key=None") = bisect_right;
}

fn heap(c: &mut Call) -> Res<Ref> {
    match c.arg(0) {
        Value::Obj(r) if r.is::<List>() => Ok(r),
        other => {
            let (name, got) = (c.row.name, c.type_name(&other));
            let number = if c.count() > 1 { " 1" } else { "" };
            Err(c.type_error(format!("{name}() argument{number} must be list, not {got}")))
        }
    }
}

fn size(th: &Thread, heap: &Ref) -> usize {
    heap.with::<List, _>(&th.held, |l| l.items.len())
}

fn item(th: &mut Thread, heap: &Ref, at: usize) -> Res<Value> {
    match heap.with::<List, _>(&th.held, |l| l.items.get(at).cloned()) {
        Some(v) => Ok(v),
        None => Err(th.runtime_error("list changed size during iteration")),
    }
}

fn swap(th: &mut Thread, heap: &Ref, a: usize, b: usize, n: usize) -> Res<()> {
    let same = heap.with::<List, _>(&th.held, |l| {
        let same = l.items.len() == n;
        if same {
            l.items.swap(a, b);
        }
        same
    });
    if same { Ok(()) } else { Err(th.runtime_error("list changed size during iteration")) }
}

/// Moves the item at `at` towards the root, not beyond `root`.
fn up(th: &mut Thread, heap: &Ref, root: usize, mut at: usize) -> Res<()> {
    let n = size(th, heap);
    let moving = item(th, heap, at)?;
    while at > root {
        let parent = (at - 1) / 2;
        let above = item(th, heap, parent)?;
        if !th.less(&moving, &above)? {
            break;
        }
        swap(th, heap, at, parent, n)?;
        at = parent;
    }
    Ok(())
}

/// Moves the item at `at` down to a leaf along the smaller children, then up to its place.
fn down(th: &mut Thread, heap: &Ref, root: usize) -> Res<()> {
    let n = size(th, heap);
    let mut at = root;
    while at < n / 2 {
        let mut child = 2 * at + 1;
        if child + 1 < n {
            let (left, right) = (item(th, heap, child)?, item(th, heap, child + 1)?);
            if !th.less(&left, &right)? {
                child += 1;
            }
        }
        swap(th, heap, at, child, n)?;
        at = child;
    }
    up(th, heap, root, at)
}

fn heappush(c: &mut Call) -> Res<Value> {
    let (h, v) = (heap(c)?, c.arg(1));
    let n = h.with::<List, _>(&c.held, |l| {
        l.items.push(v);
        l.items.len()
    });
    up(c, &h, 0, n - 1)?;
    Ok(Value::None)
}

fn heappop(c: &mut Call) -> Res<Value> {
    let h = heap(c)?;
    let Some(last) = h.with::<List, _>(&c.held, |l| l.items.pop()) else {
        return Err(c.index_error("index out of range"));
    };
    exchange(c, &h, last)
}

/// Puts `v` in the root's place and gives the old root; an empty heap gives `v` itself.
fn exchange(th: &mut Thread, h: &Ref, v: Value) -> Res<Value> {
    let out = h.with::<List, _>(&th.held, |l| match l.items.first_mut() {
        Some(root) => Ok(std::mem::replace(root, v)),
        None => Err(v),
    });
    match out {
        Ok(root) => {
            down(th, h, 0)?;
            Ok(root)
        }
        Err(v) => Ok(v),
    }
}

fn heappushpop(c: &mut Call) -> Res<Value> {
    let (h, v) = (heap(c)?, c.arg(1));
    if size(c, &h) == 0 {
        return Ok(v);
    }
    let root = item(c, &h, 0)?;
    if !c.less(&root, &v)? {
        return Ok(v);
    }
    exchange(c, &h, v)
}

fn heapreplace(c: &mut Call) -> Res<Value> {
    let (h, v) = (heap(c)?, c.arg(1));
    if size(c, &h) == 0 {
        return Err(c.index_error("index out of range"));
    }
    exchange(c, &h, v)
}

fn heapify(c: &mut Call) -> Res<Value> {
    let h = heap(c)?;
    for at in (0..size(c, &h) / 2).rev() {
        down(c, &h, at)?;
    }
    Ok(Value::None)
}

/// The first place whose item is not before `x`, or (`right`) is behind it.
fn search(c: &mut Call, right: bool) -> Res<Value> {
    let (a, x, key) = (c.arg(0), c.arg(1), c.some(4));
    let lo = match c.opt(2) {
        None => 0,
        Some(v) => c.index(&v)?,
    };
    if lo < 0 {
        return Err(c.value_error("lo must be non-negative"));
    }
    let hi = match c.some(3) {
        None => c.length(&a)? as i64,
        Some(v) => c.index(&v)?,
    };
    let (mut lo, mut hi) = (lo, hi);
    while lo < hi {
        let mid = lo + (hi - lo) / 2;
        let mut v = c.get_item(&a, &Value::Int(mid))?;
        if let Some(key) = &key {
            v = c.call(key, &[v])?;
        }
        let behind = if right { !c.less(&x, &v)? } else { c.less(&v, &x)? };
        if behind {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    Ok(Value::Int(lo))
}

fn bisect_left(c: &mut Call) -> Res<Value> {
    search(c, false)
}
fn bisect_right(c: &mut Call) -> Res<Value> {
    search(c, true)
}
