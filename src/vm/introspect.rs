//! What scripts may ask of code, functions and tracebacks: `f.__code__.co_name`, `e.__traceback__.tb_lineno`.

use super::thread::Thread;
use super::traceback::is_library;
use crate::bytecode::Code;
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::exception::{Exception, TraceEntry};
use crate::object::function::Function;
use crate::object::opaque::Opaque;
use crate::object::types::{Attrs, Derived, Tuple};
use crate::object::{Name, Ref, TypeId, Value, name};
use std::sync::Arc;

/// What an object that only tells of others is about.
enum Facts {
    /// The rest of a traceback, outermost first.
    Trace(Arc<[TraceEntry]>, usize),
    Frame(TraceEntry),
    /// The frame of a generator that has not begun.
    Start(Arc<Code>),
    Code(Arc<Code>),
}

impl Thread {
    /// `gi_frame` and its like.
    pub(super) fn frame_facts(&mut self, code: Arc<Code>, pc: Option<u32>) -> Value {
        self.facts(match pc {
            Some(pc) => Facts::Frame(TraceEntry { code, pc }),
            None => Facts::Start(code),
        })
    }

    fn facts(&mut self, facts: Facts) -> Value {
        let t = match facts {
            Facts::Trace(..) => TypeId::Traceback,
            Facts::Frame(_) | Facts::Start(_) => TypeId::Frame,
            Facts::Code(_) => TypeId::CodeFacts,
        };
        let state = Opaque { state: Box::new(facts), attrs: Attrs::default() };
        Ref::new(&self.held, t.shape(), state).into()
    }

    /// `e.__traceback__`: what has been gathered until now.
    pub(super) fn traceback_of(&mut self, e: &Ref) -> Value {
        let trail = e.with::<Exception, _>(&self.held, |e| e.trail.clone());
        let shown: Arc<[TraceEntry]> = trail.into_iter().rev().filter(|t| !is_library(&t.code.file.name)).collect();
        if shown.is_empty() {
            return Value::None;
        }
        self.facts(Facts::Trace(shown, 0))
    }

    /// The entries of a traceback, innermost first as in an exception.
    pub fn entries_of(&self, r: &Ref) -> Option<Vec<TraceEntry>> {
        if r.shape() != TypeId::Traceback.shape() {
            return None;
        }
        r.with::<Opaque, _>(&self.held, |o| match o.state.downcast_ref::<Facts>()? {
            Facts::Trace(t, at) => Some(t[*at..].iter().rev().cloned().collect()),
            _ => None,
        })
    }

    /// An attribute of a traceback, a frame or its code.
    pub(super) fn facts_attr(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        if !matches!(TypeId::of_shape(r.shape()), Some(TypeId::Traceback | TypeId::Frame | TypeId::CodeFacts)) {
            return None;
        }
        enum Got {
            Int(u32),
            Facts(Facts),
            Nothing,
            Code(Arc<Code>),
        }
        let got = r.with::<Opaque, _>(&self.held, |o| {
            Some(match (o.state.downcast_ref::<Facts>()?, attr.text()) {
                (Facts::Trace(t, at), "tb_lineno") => Got::Int(t[*at].code.line(t[*at].pc as usize)),
                (Facts::Trace(t, at), "tb_frame") => Got::Facts(Facts::Frame(t[*at].clone())),
                (Facts::Trace(t, at), "tb_next") if at + 1 < t.len() => Got::Facts(Facts::Trace(t.clone(), at + 1)),
                (Facts::Trace(..), "tb_next") => Got::Nothing,
                (Facts::Frame(t), "f_lineno") => Got::Int(t.code.line(t.pc as usize)),
                (Facts::Start(code), "f_lineno") => Got::Int(code.first_line),
                (Facts::Start(code), "f_code") => Got::Facts(Facts::Code(code.clone())),
                (Facts::Frame(t), "f_code") => Got::Facts(Facts::Code(t.code.clone())),
                (Facts::Code(code), _) => Got::Code(code.clone()),
                _ => return None,
            })
        })?;
        Some(match got {
            Got::Int(n) => Value::Int(n.into()),
            Got::Facts(f) => self.facts(f),
            Got::Nothing => Value::None,
            Got::Code(code) => return self.code_fact(&code, attr),
        })
    }

    /// An attribute of a function's `__code__`.
    pub(super) fn code_attr(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        let code = r.frozen::<CodeObj>().code.clone();
        self.code_fact(&code, attr)
    }

    fn code_fact(&mut self, code: &Code, attr: Name) -> Option<Value> {
        let p = &code.params;
        Some(match attr.text() {
            "co_name" => self.str(&code.name),
            "co_qualname" => self.str(&code.qualname),
            "co_filename" => self.str(&code.file.name),
            "co_firstlineno" => Value::Int(code.first_line.into()),
            "co_argcount" => Value::Int(p.positional.into()),
            "co_posonlyargcount" => Value::Int(p.posonly.into()),
            "co_kwonlyargcount" => Value::Int(p.kwonly.into()),
            "co_flags" => {
                let bits = [
                    (true, 3),
                    (p.star, 4),
                    (p.double_star, 8),
                    (code.flags.generator && !code.flags.coroutine, 32),
                    (code.flags.coroutine && !code.flags.generator, 128),
                    (code.flags.coroutine && code.flags.generator, 512),
                ];
                Value::Int(bits.iter().filter(|(is, _)| *is).map(|(_, bit)| bit).sum())
            }
            "co_varnames" => {
                let own = code.locals.iter().filter(|n| !n.is_empty() && !code.capture_names.contains(n));
                let names = own.map(|n| self.str(n)).collect();
                self.tuple(names)
            }
            "co_cellvars" => {
                let own = code.cells().into_iter().filter_map(|at| code.locals.get(at as usize));
                let own = own.filter(|n| !n.is_empty() && !code.capture_names.contains(n));
                let names = own.map(|n| self.str(n)).collect();
                self.tuple(names)
            }
            "co_freevars" => {
                let names = code.capture_names.iter().map(|n| self.str(n)).collect();
                self.tuple(names)
            }
            _ => return None,
        })
    }

    /// `int | str`; `None`: one side is no class.
    pub(super) fn union_of(&mut self, a: &Value, b: &Value) -> Option<Value> {
        let mut classes: Vec<Value> = Vec::new();
        for v in [a, b] {
            match v {
                Value::None => classes.push(self.interp.class(&self.held, TypeId::NoneType).clone().into()),
                Value::Obj(r) if r.is::<Class>() || self.is_generic_alias(v) => classes.push(v.clone()),
                Value::Obj(r) if r.shape() == TypeId::UnionType.shape() => {
                    classes.extend_from_slice(&r.frozen::<Tuple>().0);
                }
                _ => return None,
            }
        }
        if a.is_none() && b.is_none() {
            return None;
        }
        let mut row: Vec<Value> = Vec::new();
        for c in classes {
            if !row.iter().any(|x| x.same(&c)) {
                row.push(c);
            }
        }
        let union = Tuple(row.into(), Derived::default());
        Some(Ref::new(&self.held, TypeId::UnionType.shape(), union).into())
    }

    /// `f.__closure__` and `f.__globals__`.
    pub(super) fn function_place(&mut self, f: &Ref, attr: Name) -> Option<Value> {
        match attr {
            name::CLOSURE => {
                let cells = f.with::<Function, _>(&self.held, |f| f.closure.to_vec());
                Some(if cells.is_empty() { Value::None } else { self.tuple(cells) })
            }
            name::GLOBALS => {
                let module = f.with::<Function, _>(&self.held, |f| f.module.clone());
                Some(self.live_dict(&module))
            }
            _ => None,
        }
    }
}
