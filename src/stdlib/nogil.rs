//! `_nogil`: functions of scripts as functions that run without the lock (`nogil`).
//!
//! A kernel is made of a function once; what its names stand for is looked up then, the numbers among them when
//! it is called. The work itself is done with the lock released; in the simulated world it takes virtual time by
//! the number of instructions.

use super::array::cells_of;
use crate::bytecode::Code;
use crate::natives;
use crate::nogil::cells::Cells;
use crate::nogil::code::{Program, Ret, Ty, bits_of, num_of};
use crate::nogil::compile::{self, Mistyped};
use crate::nogil::form::Kernel;
use crate::nogil::num::Num;
use crate::nogil::run::{End, Fault, Work, run};
use crate::nogil::{Found, Place, check};
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::dict::Dict;
use crate::object::exception::{Exception, TraceEntry};
use crate::object::function::{Function, Native};
use crate::object::module::Module;
use crate::object::opaque::Opaque;
use crate::object::types::{Attrs, Cell};
use crate::object::{Kind, Name, Ref, TypeId, Value};
use crate::source::{SourceFile, Span};
use crate::vm::make::{float_of, int_of, text, tuple_items};
use crate::vm::{Call, Raised, Res, Thread};
use crate::world::Nanos;
use std::cell::RefCell;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex};

natives! { pub NOGIL, "_nogil";
    /// A function as one that runs without the lock: (kernel, functions whose numbers it reads).
    /// NotImplementedError for what such a function cannot do, with the place.
    holds kernel("function, /") = kernel;
    /// Calls a kernel. NotImplemented if an argument is neither a number nor a row of the module `array`.
    computes run("kernel, functions, args, kwargs, release, /") = call;
}

/// What a simulated instruction of such a function takes.
const STEP_NS: Nanos = 2;

type Sig = (Vec<Ty>, Vec<Vec<Ty>>);

/// A kernel, and its programs so far.
struct State {
    /// The kernel and those it calls, as `compile::reach` gives them.
    kernels: Vec<Arc<Kernel>>,
    programs: Mutex<Vec<(Sig, Arc<Program>)>>,
}

fn state_of(th: &Thread, v: &Value) -> Option<Arc<State>> {
    let r = v.as_ref().filter(|r| r.shape() == TypeId::Kernel.shape())?;
    r.with::<Opaque, _>(&th.held, |o| o.state.downcast_ref::<Arc<State>>().cloned())
}

/// `what` in a message with its place: file, line, column, the line itself and what is meant.
fn located(head: &str, file: &SourceFile, span: Span) -> String {
    let at = file.line_col(span.lo);
    let whole = file.line_span(at.line);
    let line = file.slice(whole);
    let body = line.trim_start();
    let indent = line.len() - body.len();
    let before = file.slice(Span::new(whole.lo, span.lo.min(whole.hi))).chars().count().saturating_sub(indent);
    let marked = file.slice(Span::new(span.lo, span.hi.min(whole.hi).max(span.lo))).trim_end().chars().count().max(1);
    format!(
        "{head}\n  File \"{}\", line {}, column {}\n    {}\n    {}{}",
        file.name,
        at.line,
        at.col,
        body.trim_end(),
        " ".repeat(before),
        "^".repeat(marked)
    )
}

fn kernel(c: &mut Call) -> Res<Value> {
    let f = c.arg(0);
    let func = match &f {
        Value::Obj(r) if r.kind() == Kind::Function => r.clone(),
        _ => {
            let got = c.type_name(&f);
            return Err(c.type_error(format!("a nogil function is made of a function, not of '{got}'")));
        }
    };
    let code = code_of(c, &func);
    let (defaults, kwdefaults) = func.with::<Function, _>(&c.held, |f| (f.defaults.clone(), f.kwdefaults.clone()));
    if code.flags.suspends() {
        let what = format!("the function '{}' yields, and cannot run without the lock", code.name);
        return Err(c.raise(TypeId::NotImplementedError, what));
    }
    let default = |th: &Thread, n: &str| {
        let p = &code.params;
        let row = tuple_items(&defaults).unwrap_or(&[]);
        let at = p.names.iter().position(|x| &**x == n)?;
        if at < p.positional as usize {
            return row.get((at + row.len()).checked_sub(p.positional as usize)?).cloned();
        }
        let d = kwdefaults.as_ref()?;
        th.dict_items(d).into_iter().find(|(k, _)| text(k) == Some(n)).map(|(_, v)| v)
    };
    let th = RefCell::new(&mut *c.th);
    let found = RefCell::new(Vec::new());
    let names = |n: &str| {
        let (answer, dispatcher) = find(&mut th.borrow_mut(), &func, n);
        found.borrow_mut().extend(dispatcher);
        answer
    };
    let defaults = |n: &str| {
        let th = th.borrow();
        default(&th, n).map(|v| num(&v).ok_or_else(|| format!("{} object", article(th.type_name(&v)))))
    };
    let made = check(&Place { code: &code, defaults: &defaults, names: &names });
    let kernel = match made {
        Ok(k) => Arc::new(k),
        Err(refused) => {
            let head = format!("'{}' cannot run without the lock: it has {}", code.name, refused.what);
            let span = if refused.span == Span::at(0) { code.spans[0] } else { refused.span };
            let text = located(&head, &code.file, span);
            return Err(c.raise(TypeId::NotImplementedError, text));
        }
    };
    let kernels = compile::reach(&kernel);
    let functions = functions(c, &f, &kernels, found.into_inner())?;
    let state = Arc::new(State { kernels, programs: Mutex::default() });
    let opaque = Opaque { state: Box::new(state), attrs: Attrs::default() };
    let kernel = Ref::new(&c.held, TypeId::Kernel.shape(), opaque).into();
    let functions = c.tuple(functions);
    Ok(c.tuple(vec![kernel, functions]))
}

/// The function of each kernel, in order.
fn functions(c: &mut Call, own: &Value, kernels: &[Arc<Kernel>], dispatchers: Vec<Value>) -> Res<Vec<Value>> {
    let mut known: Vec<(Arc<Kernel>, Value)> = vec![(kernels[0].clone(), own.clone())];
    for d in dispatchers {
        let handle = c.get_attr(&d, Name::of("_kernel"))?;
        let row = c.get_attr(&d, Name::of("_functions"))?;
        let (Some(state), Some(row)) = (state_of(c, &handle), tuple_items(&row)) else { continue };
        known.extend(state.kernels.iter().cloned().zip(row.iter().cloned()));
    }
    let of = |k: &Arc<Kernel>| known.iter().find(|(x, _)| Arc::ptr_eq(x, k)).map(|(_, f)| f.clone());
    Ok(kernels.iter().map(|k| of(k).expect("each kernel was found by a name")).collect())
}

fn code_of(th: &Thread, func: &Ref) -> Arc<Code> {
    let code = func.with::<Function, _>(&th.held, |f| f.code.clone());
    code.frozen::<CodeObj>().code.clone()
}

/// A value that such a function may compute with.
fn num(v: &Value) -> Option<Num> {
    match v {
        Value::None => Some(Num::None),
        Value::Bool(b) => Some(Num::Bool(*b != 0)),
        Value::Int(i) => Some(Num::Int(*i)),
        _ => match int_of(v) {
            Some(i) => i.to_i64().map(Num::Int),
            None => float_of(v).map(Num::Float),
        },
    }
}

fn article(name: &str) -> String {
    format!("{} {name}", if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

/// What a name stands for in a function: a variable of the function around it, a global, a builtin.
fn lookup(th: &mut Thread, func: &Ref, n: &str) -> Option<Value> {
    let (code, closure, module) =
        func.with::<Function, _>(&th.held, |f| (f.code.clone(), f.closure.clone(), f.module.clone()));
    let captured = &code.frozen::<CodeObj>().code.capture_names;
    if let Some(at) = captured.iter().position(|x| &**x == n) {
        let cell = closure.get(at)?.as_ref()?.clone();
        return cell.try_with::<Cell, _>(&th.held, |c| c.0.clone()).filter(|v| !v.is_unbound());
    }
    let key = Name::find(n)?;
    let global = module.with::<Module, _>(&th.held, |m| m.names.get(key).cloned());
    global.or_else(|| {
        let builtins = th.interp.fixed(&th.held).builtins.clone();
        builtins.with::<Module, _>(&th.held, |m| m.names.get(key).cloned())
    })
}

fn find(th: &mut Thread, func: &Ref, n: &str) -> (Found, Option<Value>) {
    let code = code_of(th, func);
    let captured = code.capture_names.iter().any(|c| **c == *n);
    if *code.name == *n && (captured || code.name == code.qualname) {
        return (Found::Itself, None);
    }
    let Some(v) = lookup(th, func, n) else { return (Found::Missing, None) };
    if num(&v).is_some_and(|n| n != Num::None) {
        return (Found::Number, None);
    }
    let Value::Obj(r) = &v else { return (Found::Other("None".into()), None) };
    let answer = match r.kind() {
        Kind::BigInt => Found::Other("an int beyond 64 bits".into()),
        Kind::Module => match r.with::<Module, _>(&th.held, |m| m.name).text() {
            "math" => Found::Math,
            other => Found::Other(format!("the module '{other}'")),
        },
        Kind::Native => {
            let row = th.interp.natives[r.frozen::<Native>().row as usize];
            match row.module {
                "builtins" => Found::Builtin(row.name.into()),
                "math" => Found::Builtin(format!("math.{}", row.name)),
                _ => Found::Other(format!("the builtin function '{}'", row.full_name())),
            }
        }
        Kind::Class => match th.type_id(r) {
            Some(t) => Found::Builtin(t.name().into()),
            None => Found::Other(format!("the class '{}'", r.with::<Class, _>(&th.held, |c| c.name))),
        },
        Kind::Function => Found::Other("a function without @njit".into()),
        Kind::Instance if is_dispatcher(th, r) => {
            let Ok(handle) = th.get_attr(&v, Name::of("_kernel")) else {
                drop(th.take_raised());
                return (Found::Missing, None);
            };
            match state_of(th, &handle) {
                Some(state) => return (Found::Kernel(state.kernels[0].clone()), Some(v)),
                None => Found::Missing,
            }
        }
        _ => Found::Other(format!("{} object", article(th.type_name(&v)))),
    };
    (answer, None)
}

fn is_dispatcher(th: &Thread, r: &Ref) -> bool {
    let class = th.class_of(r);
    class.with::<Class, _>(&th.held, |c| c.module.text() == "numba" && c.name.text() == "Dispatcher")
}

/// An argument as bits, its type, and its row.
enum Given {
    Number(Num),
    Row(Arc<Cells>),
    /// What may be lent by other means.
    Foreign,
}

fn given(c: &mut Call, v: &Value) -> Res<Given> {
    if let Some(n) = num(v) {
        return Ok(Given::Number(n));
    }
    if int_of(v).is_some() {
        let text = "an int argument does not fit in the 64 bits of an int of a nogil function";
        return Err(c.raise(TypeId::OverflowError, text));
    }
    if let Some(cells) = cells_of(c, v) {
        return Ok(Given::Row(cells));
    }
    if let Value::Obj(r) = v
        && r.kind() == Kind::Instance
        && c.class_of(r).with::<Class, _>(&c.held, |k| k.module.text() == "array")
    {
        let cells = c.get_attr(v, Name::of("_cells"))?;
        if let Some(cells) = cells_of(c, &cells) {
            return Ok(Given::Row(cells));
        }
    }
    Ok(Given::Foreign)
}

fn call(c: &mut Call) -> Res<Value> {
    let (handle, functions, args, kwargs) = (c.arg(0), c.arg(1), c.arg(2), c.arg(3));
    let release = c.arg(4);
    let release = c.truth(&release)?;
    let Some(state) = state_of(c, &handle) else { return Err(c.type_error("a call of no kernel")) };
    let functions = tuple_items(&functions).unwrap_or_default().to_vec();
    let Some(Value::Obj(own)) = functions.first().cloned() else { return Err(c.type_error("a call of no kernel")) };
    let args = tuple_items(&args).unwrap_or_default().to_vec();
    let kwargs = match &kwargs {
        Value::Obj(d) if d.is::<Dict>() => c.dict_items(d),
        _ => Vec::new(),
    };
    let kwargs = kwargs.into_iter().filter_map(|(k, v)| Some((Name::of(text(&k)?), v))).collect();
    let bound = c.bound(&own, args, kwargs)?;
    let (mut types, mut bits, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for v in &bound {
        match given(c, v)? {
            Given::Number(n) => {
                types.push(Ty::of(n));
                bits.push(bits_of(n));
            }
            Given::Row(cells) => {
                types.push(Ty::Row(cells.item()));
                bits.push((0, rows.len() as u64));
                rows.push(cells);
            }
            Given::Foreign => return Ok(c.interp.fixed(&c.held).not_implemented.clone()),
        }
    }
    let (number_types, numbers) = read_numbers(c, &state, &functions)?;
    let program = program(c, &state, (types, number_types))?;
    let depth_max = (c.limit as usize).max(16);
    let mut steps = 0;
    let work = |stop: (&AtomicU32, u32), steps: &mut u64| {
        let work = Work { program: &program, args: &bits, numbers: &numbers, rows: &rows, depth_max, stop };
        run(&work, steps)
    };
    let never = (&AtomicU32::new(0), 0);
    let done = if c.held.simulated() {
        let done = work(never, &mut steps);
        c.held.spin(steps.saturating_mul(STEP_NS), release);
        done
    } else if release {
        c.held.outside_until(|word, mask| work((word, mask), &mut steps))
    } else {
        work(never, &mut steps)
    };
    drop(rows);
    match done {
        Ok(results) => Ok(answer(c, &program, &results)),
        Err(fault) => Err(raise(c, &program, fault)),
    }
}

/// The numbers that the kernels read, as they are now, and their types.
fn read_numbers(c: &mut Call, state: &State, functions: &[Value]) -> Res<(Vec<Vec<Ty>>, Vec<u64>)> {
    let (mut types, mut bits) = (Vec::new(), Vec::new());
    for (k, f) in state.kernels.iter().zip(functions) {
        let Value::Obj(f) = f else { continue };
        let mut row = Vec::new();
        for n in &k.numbers {
            let v = lookup(c, f, n);
            let Some(v) = v else {
                return Err(c.raise(TypeId::NameError, format!("name '{n}' is not defined")));
            };
            let Some(x) = num(&v) else {
                let got = c.type_name(&v);
                let text = format!("the global '{n}' of the nogil function '{}' is no number now but '{got}'", k.name);
                return Err(c.type_error(text));
            };
            row.push(Ty::of(x));
            bits.push(bits_of(x).1);
        }
        types.push(row);
    }
    Ok((types, bits))
}

/// The program for these types, made if it is the first call of that kind.
fn program(c: &mut Call, state: &State, sig: Sig) -> Res<Arc<Program>> {
    let known = state
        .programs
        .lock()
        .expect("not poisoned: nothing in it panics")
        .iter()
        .find(|(s, _)| *s == sig)
        .map(|(_, p)| p.clone());
    if let Some(p) = known {
        return Ok(p);
    }
    match compile::compile(&state.kernels, &sig.0, &sig.1) {
        Ok(p) => {
            let p = Arc::new(p);
            state.programs.lock().expect("not poisoned: nothing in it panics").push((sig, p.clone()));
            Ok(p)
        }
        Err(Mistyped { what, file, function, span }) => {
            let head = format!("'{function}' cannot run without the lock on these arguments: it has {what}");
            let text = located(&head, &file, span);
            Err(c.type_error(text))
        }
    }
}

fn answer(c: &mut Call, program: &Program, results: &[u64]) -> Value {
    let value = |ty: Ty, pair: &[u64]| {
        let n = match ty {
            Ty::Any => num_of(pair[0], pair[1]),
            Ty::Bool => Num::Bool(pair[0] != 0),
            Ty::Int => Num::Int(pair[0] as i64),
            Ty::Float => Num::Float(f64::from_bits(pair[0])),
            _ => Num::None,
        };
        match n {
            Num::None => Value::None,
            Num::Bool(b) => Value::bool(b),
            Num::Int(i) => Value::Int(i),
            Num::Float(x) => Value::float(x),
        }
    };
    match &program.procs[0].ret {
        Ret::Unknown => Value::None,
        Ret::One(ty) => value(*ty, results),
        Ret::Tuple(types) => {
            let items = types.iter().zip(results.chunks(2)).map(|(t, pair)| value(*t, pair)).collect();
            c.tuple(items)
        }
    }
}

/// The exception, with the lines of the functions without the lock in its traceback.
fn raise(c: &mut Call, program: &Program, fault: Fault) -> Raised {
    let _: Raised = match fault.end {
        End::Error(e) => c.raise_pure(e),
        End::Unset(n) => {
            let text = format!("cannot access local variable '{n}' where it is not associated with a value");
            c.raise(TypeId::UnboundLocalError, text)
        }
        End::Recursion => c.raise(TypeId::RecursionError, "maximum recursion depth exceeded"),
        End::Raised(r) => {
            let class = TypeId::ALL.iter().copied().find(|t| t.name() == r.class).unwrap_or(TypeId::Exception);
            let args = r.text.iter().map(|t| c.str(t)).collect();
            c.raise_with(class, args)
        }
        // The safe point after it says what was asked for.
        End::Stopped => match c.safe_point() {
            Err(e) => return e,
            Ok(()) => c.raise_with(TypeId::KeyboardInterrupt, Vec::new()),
        },
    };
    let entries: Vec<TraceEntry> = fault
        .trail
        .iter()
        .map(|(proc, span)| {
            let code = program.procs[*proc].kernel.code.clone();
            let line = code.file.line(span.lo);
            let exact = code.spans.iter().position(|s| s == span);
            let near = || code.spans.iter().position(|s| code.file.line(s.lo) == line);
            let pc = exact.or_else(near).unwrap_or(0) as u32;
            TraceEntry { code, pc }
        })
        .collect();
    let e = c.take_raised();
    if let Value::Obj(r) = &e {
        r.with::<Exception, _>(&c.held, |x| x.trail.extend(entries));
    }
    c.reraise(e)
}
