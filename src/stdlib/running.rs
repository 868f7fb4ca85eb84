//! `_running`: the program about itself: tracebacks, the stack, the collector, weak references.

use crate::natives;
use crate::object::class::Class;
use crate::object::exception::{Exception, TraceEntry};
use crate::object::heap::weak::{self, Watch};
use crate::object::types::Attrs;
use crate::object::{Kind, Name, Ref, TypeId, Value};
use crate::stdlib::data::{state, this};
use crate::vm::traceback::{format_trail, is_library};
use crate::vm::{Call, Res};
use crate::world::out;

natives! { pub RUNNING, "_running";
    /// An exception as it would be printed if nobody caught it.
    holds format("exc, /") = format;
    /// The last lines of that: class, text, notes.
    holds format_last("exc, /") = format_last;
    /// The lines of an exception's traceback, without its head.
    holds format_trail("exc, /") = trail;
    /// The places of an exception's traceback, outermost first: (file, line, function, source line).
    holds places("exc, /") = places;
    /// The places of the functions that run in this thread, outermost first.
    holds stack("") = stack;
    /// The lines of `stack`, as a traceback shows them.
    holds format_stack("") = format_stack;
    /// The classes of tracebacks and frames.
    holds trace_types("") = trace_types;
    /// Writes text to standard error.
    holds error("text, /") = error;
    /// A fault of Kit, on purpose: for tests of what becomes of a process's relatives then.
    holds panic("text, /") = panic;
    /// Frees what only dead cycles refer to; says how many objects that were.
    holds collect("") = collect;
    /// How many objects are watched for cycles.
    holds count("") = count;
    /// All objects that may be on a cycle.
    holds objects("") = objects;
    /// Those of them that refer to one of the arguments.
    holds referrers("*objs") = referrers;
    /// What an object refers to itself.
    holds referents("*objs") = referents;
    /// A watch over an object, which does not keep it alive: the pair of it and its number.
    holds watch("obj, /") = watch;
    /// The watched object, or None once it is gone.
    holds watched("watch, /") = watched;
}

fn exception(c: &mut Call) -> Res<Value> {
    let e = c.arg(0);
    if c.is_a(&e, TypeId::BaseException) {
        return Ok(e);
    }
    let got = c.type_name(&e);
    Err(c.type_error(format!("Exception expected for value, {got} found")))
}

fn format(c: &mut Call) -> Res<Value> {
    let e = exception(c)?;
    let text = c.format_exception(&e);
    Ok(c.string(text))
}

fn format_last(c: &mut Call) -> Res<Value> {
    let e = exception(c)?;
    let text = c.format_last(&e);
    Ok(c.string(text))
}

/// Of an exception or of a traceback.
fn entries(c: &mut Call) -> Res<Vec<TraceEntry>> {
    let v = c.arg(0);
    if let Some(entries) = v.as_ref().and_then(|r| c.entries_of(r)) {
        return Ok(entries);
    }
    let e = exception(c)?;
    let Value::Obj(r) = &e else { return Ok(Vec::new()) };
    Ok(r.with::<Exception, _>(&c.held, |x| x.trail.clone()))
}

fn trail(c: &mut Call) -> Res<Value> {
    let text = format_trail(&entries(c)?);
    Ok(c.string(text))
}

/// Entries, outermost first, as tuples.
fn tuples<'e>(c: &mut Call, entries: impl Iterator<Item = &'e TraceEntry>) -> Value {
    let mut out = Vec::new();
    for t in entries.filter(|t| !is_library(&t.code.file.name)) {
        let line = t.code.line(t.pc as usize);
        let (file, name) = (c.str(&t.code.file.name), c.str(&t.code.name));
        let text = c.str(t.code.file.line_text(line).trim());
        out.push(c.tuple(vec![file, Value::Int(line.into()), name, text]));
    }
    c.list(out)
}

fn places(c: &mut Call) -> Res<Value> {
    let entries = entries(c)?;
    Ok(tuples(c, entries.iter().rev()))
}

fn stack(c: &mut Call) -> Res<Value> {
    let entries = c.script_stack();
    Ok(tuples(c, entries.iter()))
}

fn format_stack(c: &mut Call) -> Res<Value> {
    let mut entries = c.script_stack();
    entries.reverse();
    let text = format_trail(&entries);
    Ok(c.string(text))
}

fn error(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let text = c.str_text(&v)?;
    out::error(text.as_bytes());
    Ok(Value::None)
}

fn collect(c: &mut Call) -> Res<Value> {
    Ok(Value::Int(c.collect_cycles(true) as i64))
}

fn count(c: &mut Call) -> Res<Value> {
    let heap = &c.interp.heap;
    Ok(Value::Int(c.held.alone(|alone| heap.live(alone)) as i64))
}

fn nodes(c: &mut Call) -> Vec<crate::object::Ref> {
    let mut all = Vec::new();
    let heap = &c.interp.heap;
    c.held.alone(|alone| heap.for_each(alone, |r| all.push(r.clone())));
    all
}

fn objects(c: &mut Call) -> Res<Value> {
    let all = nodes(c).into_iter().map(Value::Obj).collect();
    Ok(c.list(all))
}

fn referrers(c: &mut Call) -> Res<Value> {
    let (wanted, all) = (c.rest(), nodes(c));
    let refers = |r: &crate::object::Ref| {
        let mut found = false;
        r.visit(&c.held, |to| found |= wanted.iter().any(|w| w.as_ref().is_some_and(|w| w.same(to))));
        found
    };
    let found = all.into_iter().filter(refers).map(Value::Obj).collect();
    Ok(c.list(found))
}

fn referents(c: &mut Call) -> Res<Value> {
    let mut found = Vec::new();
    for r in c.rest().iter().filter_map(Value::as_ref).filter(|r| r.kind().is_node()) {
        r.visit(&c.held, |to| found.push(Value::Obj(to.clone())));
    }
    Ok(c.list(found))
}

fn watch(c: &mut Call) -> Res<Value> {
    let v = c.arg(0);
    let of_script = |a: &Attrs| a.0.is_some();
    let can = match &v {
        Value::Obj(r) => match r.kind() {
            Kind::List => r.with::<crate::object::types::List, _>(&c.held, |l| of_script(&l.attrs)),
            Kind::Dict => r.with::<crate::object::dict::Dict, _>(&c.held, |d| of_script(&d.attrs)),
            kind => kind.is_node() && !matches!(kind, Kind::Tuple | Kind::Slice | Kind::Cell | Kind::View | Kind::Iter),
        },
        _ => false,
    };
    let closed = |r: &Ref| {
        let weakref = Name::of("__weakref__");
        let class = c.class_of(r);
        class.with::<Class, _>(&c.held, |k| k.only.as_ref().is_some_and(|only| !only.contains(&weakref)))
    };
    let can = can && !matches!(&v, Value::Obj(r) if r.kind() == Kind::Instance && closed(r));
    let Value::Obj(r) = (if can { v.clone() } else { Value::None }) else {
        let got = c.type_name(&v);
        return Err(c.type_error(format!("cannot create weak reference to '{got}' object")));
    };
    let watch = c.interp.heap.watch(&c.held, &r);
    let number = Value::Int(weak::number(&watch) as i64);
    let watch = state(c, TypeId::Watch, watch);
    Ok(c.tuple(vec![watch, number]))
}

fn watched(c: &mut Call) -> Res<Value> {
    let watch = this(c, "watch", |w: &mut Watch| w.clone())?;
    Ok(c.interp.heap.watched(&c.held, &watch).map_or(Value::None, Value::Obj))
}

fn trace_types(c: &mut Call) -> Res<Value> {
    let all = [TypeId::Traceback, TypeId::Frame].map(|t| c.interp.class(&c.held, t).clone().into());
    Ok(c.tuple(all.to_vec()))
}

fn panic(c: &mut Call) -> Res<Value> {
    let text = c.arg(0);
    panic!("{}", c.str_text(&text)?)
}
