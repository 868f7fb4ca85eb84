//! Names at run time: globals, class-body names, cells; and what the loop makes of them: functions, supers.

use super::errors::Uncaught;
use super::generator::{Enter, Step};
use super::ops::compare::CmpOp;
use super::run::{IN_BUILTINS, IN_FIXED};
use super::thread::{Ending, Raised, Res, Thread};
use crate::bytecode::{Code, Const};
use crate::gil::off;
use crate::object::code::{CodeObj, Keywords, NOT_PLAIN};
use crate::object::function::{Awaiter, Function, Generator};
use crate::object::heap::{HAS_LAST_WORDS, WANTS_COLLECTION};
use crate::object::module::{Module, Namespace};
use crate::object::types::{BigIntObj, Bytes, Cell, Derived, Str, Super, Tuple};
use crate::object::{Kind, Lasting, Name, Ref, TypeId, Value, name};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};

/// Where a class body keeps the first name that was bound again, with its value.
pub(super) const REBOUND: &str = "<rebound>";

impl Thread {
    /// A global, else a builtin; fills the cache word {version of the module's names, position}.
    pub(super) fn load_global(&mut self, code: &CodeObj, name: Name, cache: &AtomicU64) -> Res<Value> {
        let held = &self.held;
        let (version, found, kept) = code.module.with::<Module, _>(held, |m| {
            let found = m.names.position(name).and_then(|p| Some((p, m.names.at(p)?.clone())));
            let kept = found.as_ref().and_then(|(_, v)| self.keep_global(&mut m.names, name, v));
            (m.names.version(), found, kept)
        });
        if let Some((position, v)) = found {
            let word = (version as u64 & !(IN_FIXED >> 32)) << 32 | position as u64;
            cache.store(kept.map_or(word, |at| IN_FIXED | at as u64), Relaxed);
            return Ok(v);
        }
        if let Some(why) = self.absent(&code.module, name) {
            return Err(self.runtime_error(why));
        }
        let held = &self.held;
        let builtins = &self.interp.fixed(held).builtins;
        let found = builtins
            .with::<Module, _>(held, |m| m.names.position(name).and_then(|p| Some((p, m.names.at(p)?.clone()))));
        if let Some((position, v)) = found {
            let word = (version as u64) << 32 | (position | IN_BUILTINS) as u64;
            let word = if off() { self.keep_builtin(&code.module, name, &v) } else { Some(word) };
            cache.store(word.unwrap_or(0), Relaxed);
            return Ok(v);
        }
        Err(self.name_error(name))
    }

    /// With the lock off, keeps the value of a name that an open module has where it is read without opening
    /// the module (M2).
    fn keep_global(&self, names: &mut Namespace, name: Name, v: &Value) -> Option<u32> {
        if !off() || !Lasting::keeps(v) {
            return None;
        }
        let table = &self.interp.globals;
        names.place(name, table).filter(|at| table.put(&self.held, *at, v))
    }

    /// The same for a builtin that a module does not hide: the cache word.
    fn keep_builtin(&self, module: &Ref, name: Name, v: &Value) -> Option<u64> {
        let (held, table) = (&self.held, &self.interp.globals);
        if !Lasting::keeps(v) {
            return None;
        }
        let at = module.with::<Module, _>(held, |m| m.names.place(name, table))?;
        let builtins = &self.interp.fixed(held).builtins;
        builtins.with::<Module, _>(held, |m| m.names.watch(name, table, at));
        // Kept only while the module lacks the name, and looked at again in case the builtin has changed meanwhile.
        let kept = module.with::<Module, _>(held, |m| m.names.get(name).is_none() && table.put(held, at, v));
        let right = builtins.with::<Module, _>(held, |m| m.names.get(name).is_some_and(|now| now.same(v)));
        if kept && !right {
            table.unset(at);
        }
        (kept && right).then_some(IN_FIXED | at as u64)
    }

    /// Why a global that the parent process has is not here.
    fn absent(&self, module: &Ref, name: Name) -> Option<String> {
        self.interp.absent.with(&self.held, |all| {
            let (_, _, why) = all.iter().find(|(m, n, _)| *n == name && m.same(module))?;
            Some(format!("global variable '{name}' did not travel to this process: {why}"))
        })
    }

    #[cold]
    pub(super) fn name_error(&mut self, name: Name) -> Raised {
        let n = self.str(name.text());
        self.raise_extra(TypeId::NameError, format!("name '{name}' is not defined"), vec![(name::NAME_ATTR, n)])
    }

    #[cold]
    pub(super) fn unbound_local(&mut self, name: Name) -> Res<()> {
        Err(self.raise(
            TypeId::UnboundLocalError,
            format!("cannot access local variable '{name}' where it is not associated with a value"),
        ))
    }

    pub fn store_global(&mut self, module: &Ref, name: Name, v: Value) {
        let old = module.with::<Module, _>(&self.held, |m| m.names.set(name, v));
        drop(old);
    }

    pub(super) fn delete_global(&mut self, module: Ref, name: Name) -> Res<()> {
        match module.with::<Module, _>(&self.held, |m| m.names.remove(name)) {
            Some(_) => Ok(()),
            None => Err(self.name_error(name)),
        }
    }

    /// Class body: its namespace, else global, else builtin.
    pub(super) fn load_name(&mut self, ns: &Value, code: &CodeObj, name: Name) -> Res<Value> {
        match self.namespace_value(ns, name) {
            Some(v) => Ok(v),
            None => self.load_global(code, name, &AtomicU64::new(0)),
        }
    }

    pub(super) fn load_name_or_cell(&mut self, ns: &Value, cell: &Value, name: Name) -> Res<Value> {
        match self.namespace_value(ns, name) {
            Some(v) => Ok(v),
            None => self.load_cell(cell, name),
        }
    }

    fn namespace_value(&self, ns: &Value, name: Name) -> Option<Value> {
        ns.as_ref()?.try_with::<Module, _>(&self.held, |m| m.names.get(name).cloned())?
    }

    pub(super) fn store_name(&mut self, ns: &Value, name: Name, v: Value) {
        if let Value::Obj(r) = ns {
            let old = r.try_with::<Module, _>(&self.held, |m| m.names.get(name).cloned()).flatten();
            if let Some(old) = old.filter(|_| !name.text().starts_with('_')) {
                self.note_rebound(r, name, old, &v);
            }
            self.store_global(r, name, v);
        }
    }

    /// An enumeration refuses a name that is bound twice in its body: the first such is kept under a name that no
    /// script can write, until the class is made.
    #[cold]
    fn note_rebound(&mut self, ns: &Ref, name: Name, old: Value, new: &Value) {
        let is_method = |v: &Value| matches!(v, Value::Obj(r) if matches!(r.kind(), Kind::Function | Kind::Descriptor));
        if is_method(&old) && is_method(new) {
            return;
        }
        let place = Name::of(REBOUND);
        if ns.with::<Module, _>(&self.held, |m| m.names.get(place).is_none()) {
            let row = vec![self.str(name.text()), old];
            let row = self.tuple(row);
            self.store_global(ns, place, row);
        }
    }

    pub(super) fn delete_name(&mut self, ns: &Value, name: Name) -> Res<()> {
        match ns {
            Value::Obj(r) => self.delete_global(r.clone(), name),
            _ => Err(self.name_error(name)),
        }
    }

    pub(super) fn make_cell(&mut self, v: Value) -> Value {
        Ref::new(&self.held, TypeId::Cell.shape(), Cell(v)).into()
    }

    /// The content of a cell.
    pub(super) fn load_cell(&mut self, cell: &Value, name: Name) -> Res<Value> {
        let v = cell.as_ref().map(|c| c.with::<Cell, _>(&self.held, |c| c.0.clone())).unwrap_or_default();
        if !v.is_unbound() {
            return Ok(v);
        }
        // A cell of this very frame is a local variable; a captured one is free.
        let func = self.frames.last().and_then(|f| self.function_at(f.func_at()));
        let free = func.is_some_and(|f| {
            let code = f.with::<Function, _>(&self.held, |f| f.code.clone());
            code.frozen::<CodeObj>().code.capture_names.iter().any(|n| **n == *name.text())
        });
        if free {
            let text = format!(
                "cannot access free variable '{name}' where it is not associated with a value in enclosing scope"
            );
            return Err(self.raise(TypeId::NameError, text));
        }
        self.unbound_local(name)?;
        Ok(Value::None)
    }

    /// The function that a frame runs, also a generator's.
    pub(super) fn function_at(&self, func_at: u32) -> Option<Ref> {
        match &self.stack[func_at as usize] {
            Value::Obj(r) if r.is::<Function>() => Some(r.clone()),
            Value::Obj(r) if r.is::<Generator>() => r.with::<Generator, _>(&self.held, |g| g.func.as_ref().cloned()),
            _ => None,
        }
    }

    pub(super) fn store_cell(&mut self, cell: &Value, v: Value) {
        if let Value::Obj(c) = cell {
            let old = c.with::<Cell, _>(&self.held, |c| std::mem::replace(&mut c.0, v));
            drop(old);
        }
    }

    pub(super) fn delete_cell(&mut self, cell: &Value, name: Name) -> Res<()> {
        self.load_cell(cell, name)?;
        self.store_cell(cell, Value::Unbound);
        Ok(())
    }

    /// Captured cell number `n` of the running function.
    pub(super) fn capture(&mut self, n: u16) -> Res<Value> {
        let func_at = self.frames.last().map_or(0, |f| f.func_at());
        let cell = self
            .function_at(func_at)
            .and_then(|f| f.with::<Function, _>(&self.held, |f| f.closure.get(n as usize).cloned()));
        match cell {
            Some(c) => Ok(c),
            None => Err(self.raise(TypeId::SystemError, "a captured variable is missing")),
        }
    }

    pub(super) fn make_slice(&mut self, start: Value, stop: Value, step: Value) -> Value {
        Ref::new(&self.held, TypeId::Slice.shape(), crate::object::types::Slice { start, stop, step }).into()
    }

    /// `super(class, this)`: `this` is an instance of `class`, or a class derived from it.
    pub fn make_super(&mut self, class: &Value, this: &Value) -> Res<Value> {
        let class = match class {
            Value::Obj(c) if c.is::<Cell>() => c.with::<Cell, _>(&self.held, |c| c.0.clone()),
            other => other.clone(),
        };
        let Value::Obj(c) = &class else {
            return Err(self.runtime_error("super(): empty __class__ cell"));
        };
        if !c.is::<crate::object::class::Class>() {
            let got = self.type_name(&class);
            return Err(self.type_error(format!("super() argument 1 must be a type, not {got}")));
        }
        let of = match this {
            Value::Obj(t) if t.is::<crate::object::class::Class>() && self.is_subclass(t, c) => t.clone(),
            _ => self.type_of(this),
        };
        if !self.is_subclass(&of, c) {
            return Err(self.type_error("super(type, obj): obj must be an instance or subtype of type"));
        }
        let s = Super { class: class.clone(), this: this.clone(), object_class: of.into() };
        Ok(Ref::new(&self.held, TypeId::Super.shape(), s).into())
    }

    /// A function of a code constant; its cells come from registers of the frame at `at`.
    pub(super) fn make_function(&mut self, code: &Value, defaults: Value, kwdefaults: Value, at: u32) -> Value {
        let Value::Obj(code_ref) = code else {
            return Value::None;
        };
        let code = code_ref.frozen::<CodeObj>();
        let closure = code.code.captures.iter().map(|r| self.reg(at + *r as u32)).collect();
        let doc = code.code.doc.as_ref().map_or(Value::None, |d| self.str(d));
        let annotations = if code.code.annotations.is_empty() {
            Value::None
        } else {
            let items = code.code.annotations.iter().map(|(n, t)| (Name::of(n), self.str(t))).collect();
            self.names_dict(items)
        };
        let none = |v: Value| if v.is_unbound() { Value::None } else { v };
        let f = Function {
            code: code_ref.clone(),
            module: code.module.clone(),
            defaults: none(defaults),
            kwdefaults: none(kwdefaults),
            closure,
            name: Name::of(&code.code.name),
            qualname: code.code.qualname.clone(),
            doc,
            annotations,
            attrs: Vec::new(),
        };
        let lasting = super::class::lasting(&f.qualname);
        let f = Ref::new(&self.held, TypeId::Function.shape(), f);
        if lasting {
            f.immortalize(&self.held);
        }
        f.into()
    }

    /// Code bound to a module of this interpreter: constants as values, names interned, empty caches.
    /// Immortal, as all code is.
    pub fn bind_code(&mut self, code: &Arc<Code>, module: &Ref) -> Ref {
        let consts: Box<[Value]> = code.consts.iter().map(|c| self.constant(c, module)).collect();
        let keywords = code.consts.iter().map(keyword_row).collect();
        let obj = CodeObj {
            code: code.clone(),
            first: code.instrs.as_ptr(),
            registers: code.registers,
            plain: if code.flags.simple && code.late.is_none() && !code.flags.suspends() && !code.flags.class_body {
                code.params.positional
            } else {
                NOT_PLAIN
            },
            consts,
            sites: code.sites.iter().map(|s| Name::of(s)).collect(),
            caches: code.sites.iter().map(|_| AtomicU64::new(0)).collect(),
            params: code.params.names.iter().map(|s| Name::of(s)).collect(),
            module: module.clone(),
            keywords,
            whole: OnceLock::new(),
        };
        let r = Ref::new(&self.held, TypeId::Code.shape(), obj);
        r.immortalize(&self.held);
        r
    }

    fn constant(&mut self, c: &Const, module: &Ref) -> Value {
        let held = &self.held;
        let v: Value = match c {
            Const::None => return Value::None,
            Const::Bool(b) => return Value::bool(*b),
            Const::Int(i) => return Value::Int(*i),
            Const::Float(x) => return Value::float(*x),
            Const::Ellipsis => return self.interp.fixed(held).ellipsis.clone(),
            Const::Code(c) => return self.bind_code(c, module).into(),
            Const::Big(b) => Ref::new(held, TypeId::Int.shape(), BigIntObj::new(b.clone())).into(),
            Const::Str(s) => match s.len() {
                0 | 1 => return self.str(s),
                _ => Ref::new(held, TypeId::Str.shape(), Str::new(s.clone())).into(),
            },
            Const::Bytes(b) => Ref::new(held, TypeId::Bytes.shape(), Bytes(b.clone(), Derived::default())).into(),
            Const::Tuple(items) => {
                let items: Vec<Value> = items.iter().map(|c| self.constant(c, module)).collect();
                Ref::new(&self.held, TypeId::Tuple.shape(), Tuple(items.into(), Derived::default())).into()
            }
            Const::FrozenSet(items) => {
                let items: Vec<Value> = items.iter().map(|c| self.constant(c, module)).collect();
                // Constants hash and compare without script code.
                self.new_set(items, true).unwrap_or(Value::None)
            }
        };
        if let Value::Obj(r) = &v {
            r.immortalize(&self.held);
        }
        v
    }

    /// A comparison as the truth that a jump needs.
    pub(super) fn compare_truth(&mut self, op: CmpOp, a: &Value, b: &Value) -> Res<bool> {
        match self.compare(op, a, b)? {
            Value::Bool(t) => Ok(t != 0),
            v => self.truth(&v),
        }
    }

    /// A call with `*args` and `**kwargs` spread out.
    pub(super) fn call_spread(&mut self, f: &Value, args: &Value, kw: &Value) -> Res<Value> {
        let args = self.collect(args)?;
        let mut named = Vec::new();
        if let Value::Obj(d) = kw {
            for (k, v) in self.dict_items(d) {
                match super::make::text(&k) {
                    Some(n) => named.push((Name::of(n), v)),
                    None => return Err(self.type_error("keywords must be strings")),
                }
            }
        }
        self.call_kw(f, &args, &named)
    }

    /// One step of `yield from`: the first time asks for the first item, later sends on what was sent.
    pub(super) fn delegate(&mut self, it: &Value, sent: Value) -> Res<Step> {
        let func_at = self.frames.last().map_or(0, |f| f.func_at());
        let me = self.stack[func_at as usize].as_ref().cloned();
        let first = match &me {
            Some(g) => g.with::<Generator, _>(&self.held, |g| {
                let first = g.delegate.is_unbound();
                if first {
                    g.delegate = it.clone();
                }
                first
            }),
            None => true,
        };
        let sent = if first { Value::None } else { sent };
        let r = match it {
            Value::Obj(g) if g.is::<Generator>() => self.send(g, sent),
            Value::Obj(a) if a.is::<Awaiter>() => self.drive(a, Enter::Send(sent)),
            _ if sent.is_none() => self.next(it).map(|v| v.map_or(Step::Returned(Value::None), Step::Yielded)),
            _ => self.call_method(it, name::SEND, &[sent]).map(Step::Yielded),
        };
        let r = match r {
            Err(_) if self.ending.is_none() && self.raised_is(TypeId::StopIteration) => {
                let e = self.take_raised();
                self.get_attr(&e, name::VALUE).map(Step::Returned)
            }
            other => other,
        };
        if !matches!(r, Ok(Step::Yielded(_)))
            && let Some(g) = me
        {
            drop(g.with::<Generator, _>(&self.held, |g| g.delegate.take()));
        }
        r
    }

    /// What the breaker word asks for beside the lock: Ctrl-C, the end of the program, a deadlock.
    #[cold]
    #[inline(never)]
    pub fn safe_point(&mut self) -> Res<()> {
        if self.held.tracing() {
            self.trace_here();
        }
        let asked = self.held.safe_point();
        if let Some(d) = asked.deadlock {
            return Err(self.raise_ending(Ending::Deadlock(d.to_string())));
        }
        if asked.exit {
            return Err(self.raise_ending(Ending::Daemon));
        }
        if asked.work != 0 {
            self.heap_work(asked.work)?;
        }
        if asked.signal {
            return self.interrupted();
        }
        Ok(())
    }

    /// Ctrl-C at a safe point. (A wait that it ends raises in any case: there the script stands still.)
    fn interrupted(&mut self) -> Res<()> {
        match self.on_interrupt.clone() {
            Value::None => Err(self.raise_with(TypeId::KeyboardInterrupt, Vec::new())),
            handler => self.call(&handler, &[]).map(drop),
        }
    }

    /// Objects that died with a last word to say say it now, before the next call.
    #[cold]
    #[inline(never)]
    pub fn hear_last_words(&mut self) -> Res<()> {
        self.held.breaker().fetch_and(!HAS_LAST_WORDS, Relaxed);
        self.heap_work(HAS_LAST_WORDS)
    }

    /// What the heap asked for: a collection, last words. Errors in last words are reported, not raised.
    fn heap_work(&mut self, bits: u32) -> Res<()> {
        if bits & WANTS_COLLECTION != 0 {
            self.collect_cycles(false);
        }
        for r in self.interp.heap.last_words(&self.held) {
            let v = Value::Obj(r.clone());
            let said = match r.kind() {
                Kind::Generator => self.drop_generator(&r),
                Kind::Awaiter => {
                    self.drop_awaiter(&r);
                    Ok(())
                }
                _ => self.special(&v, name::DEL, &[]).map(drop),
            };
            if said.is_err() {
                if self.ending.is_some() {
                    return Err(Raised(()));
                }
                let e = self.take_raised();
                let text = format!(
                    "Exception ignored in: {}\n{}",
                    self.repr(&v).unwrap_or_default(),
                    self.format_exception(&e)
                );
                crate::world::out::error(text.as_bytes());
            }
        }
        let gone = self.interp.heap.fired(&self.held);
        if gone.is_empty() { Ok(()) } else { self.tell_watchers(gone) }
    }

    /// Lets `weakref`, if it is loaded, call back for objects that are gone.
    fn tell_watchers(&mut self, gone: Vec<usize>) -> Res<()> {
        let name = Name::of("weakref");
        let Some(module) = self.interp.modules.with(&self.held, |m| m.get(name).cloned()) else {
            return Ok(());
        };
        let Some(fire) = self.find_attr(&module, Name::of("_fire"))? else { return Ok(()) };
        for number in gone {
            if self.call(&fire, &[Value::Int(number as i64)]).is_err() {
                if self.ending.is_some() {
                    return Err(Raised(()));
                }
                let e = self.take_raised();
                let text = format!("Exception ignored in a weakref callback\n{}", self.format_exception(&e));
                crate::world::out::error(text.as_bytes());
            }
        }
        Ok(())
    }

    /// A module's code bound to it, and entered in the list of programs.
    pub fn program(&mut self, code: &Arc<Code>, module: &Ref) -> Ref {
        let bound = self.bind_code(code, module);
        self.interp.programs.with(&self.held, |all| all.push(bound.clone()));
        bound
    }

    /// Runs a module's code in its namespace.
    pub fn run_module(&mut self, code: &Arc<Code>, module: &Ref) -> Res<()> {
        let bound = self.program(code, module);
        self.run_bound(&bound, module)
    }

    /// Runs a module's code that has been bound to it.
    pub fn run_bound(&mut self, bound: &Ref, module: &Ref) -> Res<()> {
        let f = self.make_function(&bound.clone().into(), Value::Unbound, Value::Unbound, 0);
        let ran = self.call(&f, &[])?;
        if bound.frozen::<CodeObj>().code.flags.coroutine { self.run_top_level(&ran, module) } else { Ok(()) }
    }

    /// Runs something to its end; what it did not catch comes back as data.
    pub fn to_end<T>(&mut self, f: impl FnOnce(&mut Thread) -> Res<T>) -> Result<T, Uncaught> {
        f(self).map_err(|_| self.take_uncaught())
    }
}

/// The constant of a keyword call.
fn keyword_row(c: &Const) -> Keywords {
    let Const::Tuple(row) = c else {
        return Keywords::default();
    };
    let Some(Const::Int(n)) = row.first() else {
        return Keywords::default();
    };
    let names = row[1..].iter().filter_map(|c| if let Const::Str(s) = c { Some(Name::of(s)) } else { None }).collect();
    Keywords { n: *n as u32, names }
}
