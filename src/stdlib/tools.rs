//! `itertools`: the constructors of its iterators, which are one kind with the builtin ones
//! (`object/tools.rs`); what they do is in `vm/ops/tools.rs`. Also the class of `_collections`.

use super::{set_in, types};
use crate::natives;
use crate::object::iter::Iter;
use crate::object::pure::int::IntVal;
use crate::object::tools::{Choice, Choose, Tool};
use crate::object::{Name, Ref, TypeId, Value};
use crate::vm::make::{float_of, int_of};
use crate::vm::{Call, Res, Thread};
use std::collections::VecDeque;

natives! { pub NEW, "new";
    /// `start`, `start + step`, and so on without end.
    holds count("start=0, step=1") = count;
    /// The same object `times` times, or without end.
    holds repeat("object, times=None") = repeat;
    /// The items again and again.
    holds cycle("iterable, /") = cycle;
    /// The items of one iterable after those of another.
    holds chain("*iterables") = chain;
    /// Sums of the items so far, or what `func` makes of the last result and the next item.
    holds accumulate("iterable, func=None, *, initial=None") = accumulate;
    /// The items of `data` whose selector is true.
    holds compress("data, selectors") = compress;
    /// The items from the first on for which the predicate is false.
    holds dropwhile("predicate, iterable, /") = dropwhile;
    /// The items before the first for which the predicate is false.
    holds takewhile("predicate, iterable, /") = takewhile;
    /// The items for which the function is false (with None: that are false).
    holds filterfalse("function, iterable, /") = filterfalse;
    /// `function(*args)` for each row of arguments.
    holds starmap("function, iterable, /") = starmap;
    /// The items that `[start:stop:step]` means: `islice(it, stop)`, `islice(it, start, stop, step)`.
    holds islice("iterable, start, stop=None, step=None, /") = islice;
    /// Pairs of neighbours.
    holds pairwise("iterable, /") = pairwise;
    /// As `zip`, until the longest ends: `fillvalue` stands for what is missing.
    holds zip_longest("*iterables, fillvalue=None") = zip_longest;
    /// Rows of one item of each iterable, all there are.
    holds product("*iterables, repeat=1") = product;
    /// Rows of `r` items in every order.
    holds permutations("iterable, r=None") = permutations;
    /// Rows of `r` items in their own order.
    holds combinations("iterable, r") = combinations;
    /// The same, with items taken more than once.
    holds combinations_with_replacement("iterable, r") = with_replacement;
    /// Pairs (key, items) of neighbours with equal keys.
    holds groupby("iterable, key=None") = groupby;
}

natives! { pub ITERTOOLS, "itertools";
    /// `n` iterators over the same items.
    holds tee("iterable, n=2, /") = tee;
}

natives! { pub CHAIN, method "chain";
    /// A chain of the iterables that an iterable gives.
    holds from_iterable("cls, iterable, /") = from_iterable;
}

natives! { pub TEE, method "_tee";
    /// A further iterator that stands at the same place.
    holds __copy__("") = copy_tee;
}

/// What `itertools` has besides `tee`.
const CLASSES: &[TypeId] = &[
    TypeId::Count,
    TypeId::Repeat,
    TypeId::Cycle,
    TypeId::Chain,
    TypeId::Accumulate,
    TypeId::Compress,
    TypeId::DropWhile,
    TypeId::TakeWhile,
    TypeId::FilterFalse,
    TypeId::Starmap,
    TypeId::ISlice,
    TypeId::Pairwise,
    TypeId::ZipLongest,
    TypeId::Product,
    TypeId::Permutations,
    TypeId::Combinations,
    TypeId::CombinationsWithReplacement,
    TypeId::GroupBy,
];

pub(super) fn init_itertools(th: &mut Thread, module: &Ref) -> Res<()> {
    for &t in CLASSES {
        let class = th.interp.class(&th.held, t).clone();
        set_in(th, module, t.name(), class);
    }
    Ok(())
}

pub(super) fn init_collections(th: &mut Thread, module: &Ref) -> Res<()> {
    let class = types::deque::class(th);
    set_in(th, module, "deque", class);
    Ok(())
}

fn made(c: &mut Call, tool: Tool) -> Res<Value> {
    Ok(c.iterator(Iter::Tool(Box::new(tool))))
}

/// An iterator over argument `i`.
fn over(c: &mut Call, i: usize) -> Res<Value> {
    let v = c.arg(i);
    c.iter(&v)
}

fn count(c: &mut Call) -> Res<Value> {
    let (next, step) = (c.opt(1).unwrap_or(Value::Int(0)), c.opt(2).unwrap_or(Value::Int(1)));
    for v in [&next, &step] {
        let mut number = int_of(v).is_some() || float_of(v).is_some();
        for method in ["__index__", "__int__", "__float__"] {
            number = number || c.lookup_special(v, Name::of_static(method)).is_some();
        }
        if !number {
            return Err(c.type_error("a number is required"));
        }
    }
    made(c, Tool::Count { next: plain(next), step: plain(step) })
}

/// A bool counts as the int it is.
fn plain(v: Value) -> Value {
    if let Value::Bool(b) = v { Value::Int(b as i64) } else { v }
}

fn repeat(c: &mut Call) -> Res<Value> {
    let left = match c.opt(2) {
        None => None,
        Some(v) => Some(types::ssize(c, &v)?.max(0) as u64),
    };
    let item = c.arg(1);
    made(c, Tool::Repeat { item, left })
}

fn cycle(c: &mut Call) -> Res<Value> {
    let inner = over(c, 1)?;
    made(c, Tool::Cycle { inner, saved: Vec::new(), at: 0 })
}

fn chain(c: &mut Call) -> Res<Value> {
    let all = c.rest();
    let all = c.tuple(all);
    let outer = c.iter(&all)?;
    made(c, Tool::Chain { outer, inner: Value::Unbound })
}

fn from_iterable(c: &mut Call) -> Res<Value> {
    let outer = over(c, 1)?;
    made(c, Tool::Chain { outer, inner: Value::Unbound })
}

fn accumulate(c: &mut Call) -> Res<Value> {
    let inner = over(c, 1)?;
    let (func, initial) = (c.some(2).unwrap_or(Value::None), c.some(3).unwrap_or(Value::Unbound));
    made(c, Tool::Accumulate { inner, func, total: Value::Unbound, initial })
}

fn compress(c: &mut Call) -> Res<Value> {
    let (data, selectors) = (over(c, 1)?, over(c, 2)?);
    made(c, Tool::Compress { data, selectors })
}

fn dropwhile(c: &mut Call) -> Res<Value> {
    let (func, inner) = (c.arg(1), over(c, 2)?);
    made(c, Tool::DropWhile { func, inner, begun: false })
}

fn takewhile(c: &mut Call) -> Res<Value> {
    let (func, inner) = (c.arg(1), over(c, 2)?);
    made(c, Tool::TakeWhile { func, inner })
}

fn filterfalse(c: &mut Call) -> Res<Value> {
    let (func, inner) = (c.arg(1), over(c, 2)?);
    made(c, Tool::FilterFalse { func, inner })
}

fn starmap(c: &mut Call) -> Res<Value> {
    let (func, inner) = (c.arg(1), over(c, 2)?);
    made(c, Tool::Starmap { func, inner })
}

/// An index of `islice`: absent and None are `None`, what is no index is -1.
fn place(c: &mut Call, i: usize) -> Res<Option<i64>> {
    let Some(v) = c.some(i) else { return Ok(None) };
    Ok(Some(match c.try_index(&v)? {
        Some(IntVal::Small(n)) => n,
        _ => -1,
    }))
}

fn islice(c: &mut Call) -> Res<Value> {
    let short = c.opt(3).is_none() && c.opt(2).is_some() && c.opt(4).is_none();
    let (start, stop, step) =
        if short { (None, place(c, 2)?, None) } else { (place(c, 2)?, place(c, 3)?, place(c, 4)?) };
    let range = "must be None or an integer: 0 <= x <= sys.maxsize.";
    if stop == Some(-1) {
        return Err(c.value_error(format!("Stop argument for islice() {range}")));
    }
    let as_count = |n: Option<i64>, absent: u64| n.map_or(Ok(absent), u64::try_from);
    let (Ok(next), Ok(stop)) = (as_count(start, 0), as_count(stop, u64::MAX)) else {
        return Err(c.value_error(format!("Indices for islice() {range}")));
    };
    let step = step.unwrap_or(1);
    if step < 1 {
        return Err(c.value_error("Step for islice() must be a positive integer or None."));
    }
    let inner = over(c, 1)?;
    made(c, Tool::Slice { inner, at: 0, next, stop, step: step as u64 })
}

fn pairwise(c: &mut Call) -> Res<Value> {
    let inner = over(c, 1)?;
    made(c, Tool::Pairwise { inner, old: Value::Unbound })
}

fn zip_longest(c: &mut Call) -> Res<Value> {
    let fill = c.opt(1).unwrap_or(Value::None);
    let inner = c.rest().iter().map(|v| c.iter(v)).collect::<Res<Vec<Value>>>()?;
    made(c, Tool::Longest { inner, fill })
}

fn choice(c: &mut Call, how: Choose, pools: Vec<Vec<Value>>, places: Vec<usize>, ended: bool) -> Res<Value> {
    made(c, Tool::Choice(Choice { how, pools, places, turns: Vec::new(), begun: false, ended }))
}

fn product(c: &mut Call) -> Res<Value> {
    let times = match c.opt(1) {
        None => 1,
        Some(v) => types::ssize(c, &v)?,
    };
    let Ok(times) = usize::try_from(times) else {
        return Err(c.value_error("repeat argument cannot be negative"));
    };
    let one = c.rest().iter().map(|v| c.collect(v)).collect::<Res<Vec<_>>>()?;
    c.room_for(one.iter().map(Vec::len).sum::<usize>().max(one.len()).saturating_mul(times))?;
    let pools: Vec<Vec<Value>> = one.iter().cycle().take(one.len() * times).cloned().collect();
    let ended = pools.iter().any(Vec::is_empty);
    let places = vec![0; pools.len()];
    choice(c, Choose::Product, pools, places, ended)
}

fn permutations(c: &mut Call) -> Res<Value> {
    let items = c.arg(1);
    let pool = c.collect(&items)?;
    let n = pool.len();
    let r = match c.some(2) {
        None => n,
        Some(v) if int_of(&v).is_some() => rows(c, &v)?,
        Some(_) => return Err(c.type_error("Expected int as r")),
    };
    let places = (0..n).collect();
    let turns = (0..r.min(n)).map(|i| n - i).collect();
    let how = Choose::Permutations;
    made(c, Tool::Choice(Choice { how, pools: vec![pool], places, turns, begun: false, ended: r > n }))
}

/// The length of the rows.
fn rows(c: &mut Call, v: &Value) -> Res<usize> {
    let r = types::ssize(c, v)?;
    usize::try_from(r).map_err(|_| c.value_error("r must be non-negative"))
}

fn combinations(c: &mut Call) -> Res<Value> {
    let (items, r) = (c.arg(1), c.arg(2));
    let pool = c.collect(&items)?;
    let r = rows(c, &r)?;
    let ended = r > pool.len();
    let places = if ended { Vec::new() } else { (0..r).collect() };
    choice(c, Choose::Combinations, vec![pool], places, ended)
}

fn with_replacement(c: &mut Call) -> Res<Value> {
    let (items, r) = (c.arg(1), c.arg(2));
    let pool = c.collect(&items)?;
    let r = rows(c, &r)?;
    c.room_for(r)?;
    let ended = pool.is_empty() && r > 0;
    choice(c, Choose::WithReplacement, vec![pool], vec![0; r], ended)
}

fn groupby(c: &mut Call) -> Res<Value> {
    let (inner, func) = (over(c, 1)?, c.some(2).unwrap_or(Value::None));
    let none = || Value::Unbound;
    made(c, Tool::GroupBy { inner, func, item: none(), key: none(), target: none(), group: 0 })
}

fn tee(c: &mut Call) -> Res<Value> {
    let n = types::count(c, 1, 2)?;
    let Ok(n) = usize::try_from(n) else { return Err(c.value_error("n must be >= 0")) };
    c.room_for(n)?;
    let items = c.arg(0);
    if n == 0 {
        return Ok(c.tuple(Vec::new()));
    }
    let inner = c.iter(&items)?;
    let first = match inner.as_ref() {
        Some(it) if it.shape() == TypeId::Tee.shape() => Some(inner.clone()),
        _ => None,
    };
    let mut all = Vec::with_capacity(n);
    match first {
        Some(v) => all.push(v),
        None => {
            let source = Tool::TeeSource { inner, waiting: VecDeque::new(), first: 0, places: vec![0] };
            let source = c.iterator(Iter::Tool(Box::new(source)));
            all.push(c.iterator(Iter::Tool(Box::new(Tool::Tee { source, place: 0 }))));
        }
    }
    let Some(it) = all[0].as_ref().cloned() else { return Ok(Value::None) };
    for _ in 1..n {
        all.extend(c.copy_tee(&it));
    }
    Ok(c.tuple(all))
}

fn copy_tee(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let copied = v.as_ref().cloned().and_then(|it| c.copy_tee(&it));
    Ok(copied.unwrap_or(Value::None))
}
