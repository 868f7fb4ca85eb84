//! Generators: resuming, throwing into, closing.
//!
//! While a generator runs, its registers lie on the thread's stack like any frame's; when it yields they
//! move back into the object. So calls made from it need no other path than calls from functions.

use super::frame::{Frame, FrameKind};
use super::thread::{Raised, Res, Thread};
use crate::bytecode::Instr;
use crate::object::code::CodeObj;
use crate::object::exception::Exception;
use crate::object::function::{GenKind, GenState, Generator};
use crate::object::{Name, Ref, TypeId, Value, name};

/// How a resumed generator came back.
pub enum Step {
    Yielded(Value),
    Returned(Value),
}

/// What goes into a generator that is resumed.
pub enum Enter {
    Send(Value),
    Throw(Value),
}

impl Thread {
    /// Sends a value in; `None` when the generator has returned.
    pub fn resume(&mut self, g: &Ref, send: Value) -> Res<Option<Value>> {
        Ok(match self.step(g, Enter::Send(send))? {
            Step::Yielded(v) => Some(v),
            Step::Returned(_) => None,
        })
    }

    /// Sends a value in; tells what a `return` gave.
    pub fn send(&mut self, g: &Ref, send: Value) -> Res<Step> {
        self.step(g, Enter::Send(send))
    }

    fn step(&mut self, g: &Ref, enter: Enter) -> Res<Step> {
        // Looked at and claimed in one opening: with the lock off two threads may resume it at once.
        let fresh = matches!(&enter, Enter::Send(v) if v.is_none());
        let (state, kind, dst) = g.with::<Generator, _>(&self.held, |g| {
            let state = g.state;
            if state == GenState::Suspended || (state == GenState::Created && fresh) {
                g.state = GenState::Running;
            }
            (state, g.kind, g.dst)
        });
        match (state, &enter) {
            (GenState::Running, _) => return Err(self.value_error(format!("{} already executing", kind.text()))),
            (GenState::Done, _) if kind == GenKind::Coroutine => {
                return Err(self.runtime_error("cannot reuse already awaited coroutine"));
            }
            (GenState::Done, Enter::Send(_)) => return Ok(Step::Returned(Value::None)),
            (GenState::Done, Enter::Throw(e)) => return Err(self.reraise(e.clone())),
            (GenState::Created, Enter::Send(v)) if !v.is_none() => {
                let text = format!("can't send non-None value to a just-started {}", kind.text());
                return Err(self.type_error(text));
            }
            (GenState::Created, Enter::Throw(e)) => {
                let e = e.clone();
                self.end_generator(g);
                return Err(self.reraise(e));
            }
            _ => {}
        }
        let outer = self.handled.clone();
        if let Err(e) = self.push_generator(g, state, matches!(enter, Enter::Send(_))) {
            g.with::<Generator, _>(&self.held, |g| g.state = state);
            return Err(e);
        }
        let base = self.frames.last().map_or(0, |f| f.base);
        let inject = match enter {
            Enter::Send(v) => {
                if state == GenState::Suspended {
                    self.set_reg(base + dst as u32, v);
                }
                false
            }
            Enter::Throw(e) => {
                self.reraise(e);
                true
            }
        };
        self.depth += 1;
        let r = super::run::run(self, inject);
        self.depth -= 1;
        self.handled = outer;
        match r {
            Ok(v) if std::mem::take(&mut self.yielded) => Ok(Step::Yielded(v)),
            Ok(v) => {
                self.end_generator(g);
                Ok(Step::Returned(v))
            }
            Err(e) => {
                self.end_generator(g);
                if self.ending.is_none() && self.raised_is(TypeId::StopIteration) {
                    return Err(self.stop_inside(e, kind, "StopIteration"));
                }
                if kind == GenKind::AsyncGenerator && self.raised_is(TypeId::StopAsyncIteration) {
                    return Err(self.stop_inside(e, kind, "StopAsyncIteration"));
                }
                Err(e)
            }
        }
    }

    /// PEP 479: StopIteration may not leave a generator.
    fn stop_inside(&mut self, _: Raised, kind: GenKind, what: &str) -> Raised {
        let cause = self.take_raised();
        let text = self.string(format!("{} raised {what}", kind.text()));
        let e = self.new_exception(TypeId::RuntimeError, vec![text]);
        if let Value::Obj(r) = &e {
            r.with::<Exception, _>(&self.held, |x| {
                x.cause = cause.clone();
                x.context = cause;
                x.suppress_context = true;
            });
        }
        self.reraise(e)
    }

    fn end_generator(&mut self, g: &Ref) {
        let dead = g.with::<Generator, _>(&self.held, |g| {
            g.state = GenState::Done;
            (std::mem::take(&mut g.regs), g.handled.take(), g.delegate.take())
        });
        drop(dead);
        // What has ended has nothing to close and was awaited.
        g.hush(&self.held);
    }

    /// Its registers go onto the stack, above a register that holds the generator itself.
    fn push_generator(&mut self, g: &Ref, state: GenState, sending: bool) -> Res<()> {
        let (code, pc) = g.with::<Generator, _>(&self.held, |g| (g.code.clone(), g.pc));
        let code = code.frozen::<CodeObj>();
        let func_at = self.top;
        let base = func_at + 1;
        let top = base + code.code.registers as u32;
        self.guard_depth(top + 1)?;
        let row = &mut self.stack[base as usize..top as usize];
        let handled = g.with::<Generator, _>(&self.held, |g| {
            // Above `top` all is unset (R1), so the generator's own registers are unset now.
            row.iter_mut().zip(&mut g.regs).for_each(|(to, from)| std::mem::swap(to, from));
            std::mem::replace(&mut g.handled, Value::None)
        });
        if state == GenState::Suspended && !handled.is_none() {
            self.handled = handled;
        }
        // A plain `yield` goes on behind itself, a delegation asks its iterator again.
        let behind =
            state == GenState::Suspended && sending && matches!(code.code.instrs[pc as usize], Instr::Yield { .. });
        let pc = pc + u32::from(behind);
        self.set_reg(func_at, g.clone().into());
        self.frames.push(Frame {
            code,
            first: code.first,
            pc,
            base,
            below: self.top,
            dst: 0,
            kind: FrameKind::Generator,
        });
        self.top = top;
        Ok(())
    }

    /// The running generator's frame goes back into its object: called by `Yield`.
    pub(super) fn suspend(&mut self, pc: u32, dst: u16) {
        let Some(f) = self.frames.pop() else { return };
        let g = self.take_reg(f.func_at());
        let row = &mut self.stack[f.base as usize..self.top as usize];
        let handled = self.handled.clone();
        self.yielded = true;
        if let Value::Obj(g) = &g {
            g.with::<Generator, _>(&self.held, |g| {
                row.iter_mut().zip(&mut g.regs).for_each(|(from, to)| std::mem::swap(to, from));
                g.pc = pc;
                g.dst = dst;
                g.handled = handled;
                g.state = GenState::Suspended;
            });
        }
        self.top = f.below;
    }

    /// `generator.throw`: raises inside, at the place where it waits; inside what it delegates to first.
    pub fn throw(&mut self, g: &Ref, e: Value) -> Res<Step> {
        let delegate = g.with::<Generator, _>(&self.held, |x| {
            if x.state != GenState::Suspended {
                return Value::Unbound;
            }
            if x.delegate.as_ref().is_some() {
                x.state = GenState::Running;
            }
            x.delegate.clone()
        });
        if let Value::Obj(inner) = &delegate {
            let closing = self.is_a(&e, TypeId::GeneratorExit);
            let r = if closing { self.close_inner(inner).map(|()| None) } else { self.throw_inner(inner, &e) };
            g.with::<Generator, _>(&self.held, |g| g.state = GenState::Suspended);
            match r {
                Ok(Some(Step::Yielded(v))) => return Ok(Step::Yielded(v)),
                Ok(Some(Step::Returned(v))) => {
                    let dead = g.with::<Generator, _>(&self.held, |g| {
                        // The delegation is over: go on behind it with its result.
                        g.pc += 1;
                        g.delegate.take()
                    });
                    drop(dead);
                    return self.step(g, Enter::Send(v));
                }
                Ok(None) => {}
                Err(_) => {
                    let e = self.take_raised();
                    drop(g.with::<Generator, _>(&self.held, |g| g.delegate.take()));
                    return self.step(g, Enter::Throw(e));
                }
            }
            drop(g.with::<Generator, _>(&self.held, |g| g.delegate.take()));
        }
        self.step(g, Enter::Throw(e))
    }

    /// `generator.close`: raises GeneratorExit inside.
    pub fn close_generator(&mut self, g: &Ref) -> Res<()> {
        match g.with::<Generator, _>(&self.held, |g| g.state) {
            GenState::Done => return Ok(()),
            GenState::Created => {
                self.end_generator(g);
                return Ok(());
            }
            _ => {}
        }
        let e = self.new_exception(TypeId::GeneratorExit, Vec::new());
        match self.throw(g, e) {
            Ok(Step::Yielded(_)) => {
                let kind = g.with::<Generator, _>(&self.held, |g| g.kind);
                Err(self.runtime_error(format!("{} ignored GeneratorExit", kind.text())))
            }
            Ok(Step::Returned(_)) => Ok(()),
            Err(e) if self.ending.is_some() => Err(e),
            Err(_) if self.raised_is(TypeId::GeneratorExit) || self.raised_is(TypeId::StopIteration) => {
                drop(self.take_raised());
                Ok(())
            }
            Err(e) => Err(e),
        }
    }

    pub(super) fn generator_attr(&mut self, g: &Ref, attr: Name) -> Option<Value> {
        let (n, q, state) = g.with::<Generator, _>(&self.held, |g| (g.name, g.qualname.clone(), g.state));
        let (kind, waits) = g.with::<Generator, _>(&self.held, |g| (g.kind, g.delegate.clone()));
        let waits = || if waits.is_unbound() { Value::None } else { waits.clone() };
        match attr {
            name::NAME => Some(self.str(n.text())),
            name::QUALNAME => Some(self.str(&q)),
            _ => match (kind, attr.text()) {
                (GenKind::Generator, "gi_running") | (GenKind::Coroutine, "cr_running") => {
                    Some(Value::bool(state == GenState::Running))
                }
                (GenKind::AsyncGenerator, "ag_running") => {
                    Some(Value::bool(g.with::<Generator, _>(&self.held, |g| g.busy)))
                }
                (GenKind::Generator, "gi_suspended") | (GenKind::Coroutine, "cr_suspended") => {
                    Some(Value::bool(state == GenState::Suspended))
                }
                (GenKind::Generator, "gi_yieldfrom")
                | (GenKind::Coroutine, "cr_await")
                | (GenKind::AsyncGenerator, "ag_await") => Some(waits()),
                (GenKind::Generator, "gi_frame")
                | (GenKind::Coroutine, "cr_frame")
                | (GenKind::AsyncGenerator, "ag_frame") => {
                    let begun = state != GenState::Created;
                    let pc = begun.then(|| g.with::<Generator, _>(&self.held, |g| g.pc.saturating_sub(1)));
                    match self.code_of_generator(g) {
                        Some(Value::Obj(code)) if state != GenState::Done => {
                            let code = code.frozen::<CodeObj>().code.clone();
                            Some(self.frame_facts(code, pc))
                        }
                        _ => Some(Value::None),
                    }
                }
                (GenKind::Coroutine, "cr_origin") => Some(Value::None),
                (GenKind::Generator, "gi_code")
                | (GenKind::Coroutine, "cr_code")
                | (GenKind::AsyncGenerator, "ag_code") => self.code_of_generator(g),
                _ => None,
            },
        }
    }
}
