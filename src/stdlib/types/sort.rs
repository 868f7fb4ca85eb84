//! `list.sort`: a stable merge sort that asks only `<`, as CPython's does.
//!
//! Runs that are already in order are found first, short ones grown to 32 by binary insertion, then
//! neighbours are merged. Source: Tim Peters, `listsort.txt` in CPython (without its galloping). Any `<`
//! may raise: then what has been sorted so far is a permutation of the items, and goes back into the list.

use crate::object::types::List;
use crate::object::{Ref, Value};
use crate::vm::make::str_of;
use crate::vm::ops::scripted;
use crate::vm::{Call, Res, Thread};

/// Runs shorter than this are grown.
const RUN: usize = 32;

/// What is sorted by, and what goes with it.
struct Item {
    key: Value,
    /// `Unbound` where the item is its own key.
    value: Value,
}

/// `list.sort(*, key=None, reverse=False)`.
pub(super) fn sort(c: &mut Call) -> Res<Value> {
    let Some(list) = c.arg(0).as_ref().filter(|r| r.is::<List>()).cloned() else {
        return Ok(Value::None);
    };
    let key = c.some(1);
    let reverse = super::c_int(c, 2, 0)? != 0;
    sort_list(c.th, &list, key, reverse)?;
    Ok(Value::None)
}

/// The list is empty while it is sorted, so scripts cannot see it half done.
fn sort_list(th: &mut Thread, list: &Ref, key: Option<Value>, reverse: bool) -> Res<()> {
    let items = list.with::<List, _>(&th.held, |l| std::mem::take(&mut l.items));
    let (items, done) = sorted(th, items, key, reverse);
    let meddled = list.with::<List, _>(&th.held, |l| std::mem::replace(&mut l.items, items));
    done?;
    if meddled.is_empty() {
        return Ok(());
    }
    Err(th.value_error("list modified during sort"))
}

/// The items in order, or in some order with the error that stopped the sorting.
fn sorted(th: &mut Thread, items: Vec<Value>, key: Option<Value>, reverse: bool) -> (Vec<Value>, Res<()>) {
    let mut all = Vec::with_capacity(items.len());
    match key {
        None => all.extend(items.into_iter().map(|key| Item { key, value: Value::Unbound })),
        Some(f) => {
            for v in &items {
                match th.call(&f, std::slice::from_ref(v)) {
                    Ok(key) => all.push(Item { key, value: v.clone() }),
                    Err(e) => return (items, Err(e)),
                }
            }
        }
    }
    // Equal items keep their order also when reversed: so the row is turned before and after.
    if reverse {
        all.reverse();
    }
    let done = if sort_plain(&mut all) { Ok(()) } else { merge_sort(th, &mut all) };
    if reverse {
        all.reverse();
    }
    let values = all.into_iter().map(|i| if i.value.is_unbound() { i.key } else { i.value });
    (values.collect(), done)
}

/// Sorts keys that are all small ints, all floats without NaN, or all strings. False: others are there.
fn sort_plain(all: &mut [Item]) -> bool {
    match all.first().map(|i| &i.key) {
        None => {}
        Some(Value::Int(_)) if all.iter().all(|i| matches!(i.key, Value::Int(_))) => {
            all.sort_by_key(|i| if let Value::Int(n) = i.key { n } else { 0 });
        }
        Some(Value::Float(_)) if all.iter().all(|i| matches!(i.key, Value::Float(x) if !x.get().is_nan())) => {
            let number = |i: &Item| {
                if let Value::Float(x) = i.key { x.get() } else { 0.0 }
            };
            all.sort_by(|a, b| number(a).partial_cmp(&number(b)).unwrap_or(std::cmp::Ordering::Equal));
        }
        Some(Value::Obj(_)) if all.iter().all(|i| str_of(&i.key).is_some() && !scripted(&i.key)) => {
            all.sort_by(|a, b| match (str_of(&a.key), str_of(&b.key)) {
                (Some(a), Some(b)) => a.text.cmp(&b.text),
                _ => std::cmp::Ordering::Equal,
            });
        }
        Some(_) => return false,
    }
    true
}

fn merge_sort(th: &mut Thread, all: &mut [Item]) -> Res<()> {
    let mut ends = Vec::new();
    let mut at = 0;
    while at < all.len() {
        at = take_run(th, all, at)?;
        ends.push(at);
    }
    while ends.len() > 1 {
        let mut merged = Vec::with_capacity(ends.len() / 2 + 1);
        let mut start = 0;
        for pair in ends.chunks(2) {
            if let [mid, end] = *pair {
                merge(th, &mut all[start..end], mid - start)?;
            }
            start = *pair.last().unwrap_or(&start);
            merged.push(start);
        }
        ends = merged;
    }
    Ok(())
}

/// Finds the run that begins at `start`, grows it to `RUN`; gives its end.
fn take_run(th: &mut Thread, all: &mut [Item], start: usize) -> Res<usize> {
    let mut end = start + 1;
    if end == all.len() {
        return Ok(end);
    }
    let falls = th.less(&all[end].key, &all[start].key)?;
    end += 1;
    while end < all.len() && th.less(&all[end].key, &all[end - 1].key)? == falls {
        end += 1;
    }
    if falls {
        all[start..end].reverse();
    }
    let grown = all.len().min(start + RUN).max(end);
    for at in end..grown {
        // Behind all that are not greater, so equal items keep their order.
        let (mut low, mut high) = (start, at);
        while low < high {
            let mid = (low + high) / 2;
            if th.less(&all[at].key, &all[mid].key)? {
                high = mid;
            } else {
                low = mid + 1;
            }
        }
        all[low..=at].rotate_right(1);
    }
    Ok(grown)
}

/// Merges two neighbouring runs.
fn merge(th: &mut Thread, both: &mut [Item], mid: usize) -> Res<()> {
    if !th.less(&both[mid].key, &both[mid - 1].key)? {
        return Ok(());
    }
    // The order is found on indices, so that an error leaves the items where they are.
    let mut order: Vec<usize> = Vec::with_capacity(both.len());
    let (mut left, mut right) = (0, mid);
    while left < mid && right < both.len() {
        if th.less(&both[right].key, &both[left].key)? {
            order.push(right);
            right += 1;
        } else {
            order.push(left);
            left += 1;
        }
    }
    order.extend(left..mid);
    order.extend(right..both.len());
    let mut out: Vec<Item> = order.into_iter().map(|i| take(&mut both[i])).collect();
    for (place, item) in both.iter_mut().zip(out.drain(..)) {
        *place = item;
    }
    Ok(())
}

fn take(i: &mut Item) -> Item {
    Item { key: i.key.take(), value: i.value.take() }
}
