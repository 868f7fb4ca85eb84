//! Coroutines and asynchronous generators: what `await`, `async for` and `async with` delegate to.
//!
//! All of them are suspended frames (generator.rs). An asynchronous generator hands out two sorts of
//! values: its items, by `Yield`, and what its awaits wait for, by `YieldFrom`; the instruction at which
//! it is suspended tells them apart. Source of the states and texts: CPython 3.11's `genobject.c`.

use super::generator::{Enter, Step};
use super::make::float_of;
use super::ops::arith::BinOp;
use super::ops::compare::CmpOp;
use super::thread::{Res, Thread};
use crate::bytecode::Instr;
use crate::object::code::CodeObj;
use crate::object::function::{Await, AwaitState, Awaiter, Function, GenKind, GenState, Generator};
use crate::object::{Ref, TypeId, Value, name};

impl Thread {
    fn gen_kind(&self, v: &Value) -> Option<GenKind> {
        v.as_ref()?.try_with::<Generator, _>(&self.held, |g| g.kind)
    }

    /// An operation on `of`, to be awaited.
    pub fn awaiter(&mut self, what: Await, of: Value, arg: Value) -> Value {
        let t = match what {
            Await::Coroutine => TypeId::CoroutineWrapper,
            Await::Send => TypeId::AsyncSend,
            Await::Throw | Await::Close => TypeId::AsyncThrow,
            Await::Default => TypeId::NextAwaitable,
            Await::Sleep => TypeId::Sleep,
        };
        let a = Ref::new(&self.held, t.shape(), Awaiter { what, state: AwaitState::New, of, arg });
        if what == Await::Sleep {
            a.speak_last(&self.held);
        }
        a.into()
    }

    /// The iterator that awaiting `v` delegates to; `None`: it cannot be awaited.
    fn awaitable(&mut self, v: &Value) -> Res<Option<Value>> {
        if self.gen_kind(v) == Some(GenKind::Coroutine) || v.as_ref().is_some_and(|r| r.is::<Awaiter>()) {
            return Ok(Some(v.clone()));
        }
        let Some(it) = self.special(v, name::AWAIT, &[])? else { return Ok(None) };
        if self.gen_kind(&it) == Some(GenKind::Coroutine) {
            return Err(self.type_error("__await__() returned a coroutine"));
        }
        if !self.is_iterator(&it) {
            let got = self.type_name(&it);
            return Err(self.type_error(format!("__await__() returned non-iterator of type '{got}'")));
        }
        Ok(Some(it))
    }

    /// `await v`.
    pub(super) fn await_operand(&mut self, v: &Value) -> Res<Value> {
        let Some(it) = self.awaitable(v)? else {
            let got = self.type_name(v);
            return Err(self.type_error(format!("object {got} can't be used in 'await' expression")));
        };
        if let Value::Obj(g) = &it
            && g.try_with::<Generator, _>(&self.held, |g| !g.delegate.is_unbound()) == Some(true)
        {
            return Err(self.runtime_error("coroutine is being awaited already"));
        }
        Ok(it)
    }

    /// An operation on an asynchronous generator. Before the first one the thread's event loop hears of it.
    pub fn generator_step(&mut self, g: &Ref, what: Await, arg: Value) -> Res<Value> {
        if let [hook @ Value::Obj(_), _] = &self.generator_hooks
            && !g.with::<Generator, _>(&self.held, |g| std::mem::replace(&mut g.hooked, true))
        {
            let hook = hook.clone();
            self.call(&hook, &[g.clone().into()])?;
        }
        Ok(self.awaiter(what, g.clone().into(), arg))
    }

    /// `__aiter__` of what an `async for` runs over.
    pub(super) fn aiter_of_loop(&mut self, v: &Value) -> Res<Value> {
        if self.gen_kind(v) == Some(GenKind::AsyncGenerator) {
            return Ok(v.clone());
        }
        let Some(it) = self.special(v, name::AITER, &[])? else {
            let got = self.type_name(v);
            let text = format!("'async for' requires an object with __aiter__ method, got {got}");
            return Err(self.type_error(text));
        };
        if !self.is_async_iterator(&it) {
            let got = self.type_name(&it);
            let text =
                format!("'async for' received an object from __aiter__ that does not implement __anext__: {got}");
            return Err(self.type_error(text));
        }
        Ok(it)
    }

    fn is_async_iterator(&self, v: &Value) -> bool {
        self.gen_kind(v) == Some(GenKind::AsyncGenerator) || self.has_special(v, name::ANEXT)
    }

    /// `aiter(v)`.
    pub fn aiter(&mut self, v: &Value) -> Res<Value> {
        if self.gen_kind(v) == Some(GenKind::AsyncGenerator) {
            return Ok(v.clone());
        }
        let Some(it) = self.special(v, name::AITER, &[])? else {
            let got = self.type_name(v);
            return Err(self.type_error(format!("'{got}' object is not an async iterable")));
        };
        if !self.is_async_iterator(&it) {
            let got = self.type_name(&it);
            return Err(self.type_error(format!("aiter() returned not an async iterator of type '{got}'")));
        }
        Ok(it)
    }

    /// What `__anext__()` gives.
    pub fn anext(&mut self, v: &Value) -> Res<Option<Value>> {
        match v {
            Value::Obj(g) if self.gen_kind(v) == Some(GenKind::AsyncGenerator) => {
                self.generator_step(g, Await::Send, Value::None).map(Some)
            }
            _ => self.special(v, name::ANEXT, &[]),
        }
    }

    pub(super) fn anext_of_loop(&mut self, v: &Value) -> Res<Value> {
        let Some(next) = self.anext(v)? else {
            let got = self.type_name(v);
            return Err(self.type_error(format!("'async for' requires an iterator with __anext__ method, got {got}")));
        };
        match self.awaitable(&next)? {
            Some(it) => Ok(it),
            None => {
                let got = self.type_name(&next);
                Err(self.type_error(format!("'async for' received an invalid object from __anext__: {got}")))
            }
        }
    }

    /// The bound `__aexit__`, and what to delegate to for `__aenter__()`.
    pub(super) fn async_enter(&mut self, v: &Value) -> Res<(Value, Value)> {
        let class = self.type_of(v);
        let n = self.class_name(&class);
        let Some(enter) = self.lookup(&class, name::AENTER) else {
            let text = format!("'{n}' object does not support the asynchronous context manager protocol");
            return Err(self.type_error(text));
        };
        let Some(exit) = self.lookup(&class, name::AEXIT) else {
            let text = format!(
                "'{n}' object does not support the asynchronous context manager protocol (missed __aexit__ method)"
            );
            return Err(self.type_error(text));
        };
        let exit = self.bind_found(exit, v, &class)?;
        let enter = self.bind_found(enter, v, &class)?;
        let entered = self.call(&enter, &[])?;
        Ok((exit, self.async_with_operand(&entered, "__aenter__")?))
    }

    pub(super) fn async_exit(&mut self, exit: &Value, e: Value) -> Res<Value> {
        let args = match e {
            Value::Unbound => [Value::None, Value::None, Value::None],
            e => {
                let trace = self.get_attr(&e, name::TRACEBACK)?;
                [self.type_of(&e).into(), e, trace]
            }
        };
        let left = self.call(exit, &args)?;
        self.async_with_operand(&left, "__aexit__")
    }

    fn async_with_operand(&mut self, v: &Value, from: &str) -> Res<Value> {
        match self.awaitable(v)? {
            Some(it) => Ok(it),
            None => {
                let got = self.type_name(v);
                let text =
                    format!("'async with' received an object from {from} that does not implement __await__: {got}");
                Err(self.type_error(text))
            }
        }
    }

    /// Goes on with an awaiter; `Returned` is the result of the await.
    pub fn drive(&mut self, a: &Ref, enter: Enter) -> Res<Step> {
        let found = a.with::<Awaiter, _>(&self.held, |a| {
            (a.what != Await::Sleep).then(|| (a.what, a.state, a.of.clone(), a.arg.clone()))
        });
        let Some((what, state, of, arg)) = found else { return self.drive_sleep(a, enter) };
        let Value::Obj(g) = &of else {
            return Err(self.runtime_error("awaiter without object"));
        };
        match what {
            Await::Coroutine => match enter {
                Enter::Send(v) => self.send(g, v),
                Enter::Throw(e) => self.throw(g, e),
            },
            Await::Default => self.drive_default(a, &of, arg, enter),
            Await::Send => {
                if state == AwaitState::Over {
                    return Err(self.runtime_error("cannot reuse already awaited __anext__()/asend()"));
                }
                let enter = match enter {
                    Enter::Send(v) if state == AwaitState::New => {
                        self.begin(a, g, "anext")?;
                        Enter::Send(if v.is_none() { arg } else { v })
                    }
                    other => other,
                };
                let r = match enter {
                    Enter::Send(v) => self.send(g, v),
                    Enter::Throw(e) => self.throw(g, e),
                };
                self.finish_item(a, g, r)
            }
            Await::Throw | Await::Close => self.drive_throw(a, g, what == Await::Close, state, arg, enter),
            Await::Sleep => self.drive_sleep(a, enter),
        }
    }

    /// Marks the generator as busy with this operation.
    fn begin(&mut self, a: &Ref, g: &Ref, what: &str) -> Res<()> {
        if g.with::<Generator, _>(&self.held, |g| g.busy) {
            return Err(self.runtime_error(format!("{what}(): asynchronous generator is already running")));
        }
        g.with::<Generator, _>(&self.held, |g| g.busy = true);
        a.with::<Awaiter, _>(&self.held, |a| a.state = AwaitState::Begun);
        Ok(())
    }

    fn end(&mut self, a: &Ref, g: &Ref) {
        g.with::<Generator, _>(&self.held, |g| g.busy = false);
        a.with::<Awaiter, _>(&self.held, |a| a.state = AwaitState::Over);
    }

    /// Is what it handed out an item, and not what an await inside it waits for?
    fn at_item(&self, g: &Ref) -> bool {
        let (pc, code) = g.with::<Generator, _>(&self.held, |g| (g.pc, g.code.clone()));
        matches!(code.frozen::<CodeObj>().code.instrs[pc as usize], Instr::Yield { .. })
    }

    /// How a step of the generator ends `asend`: an item is its result, the end is StopAsyncIteration.
    fn finish_item(&mut self, a: &Ref, g: &Ref, r: Res<Step>) -> Res<Step> {
        match r {
            Ok(Step::Yielded(v)) if self.at_item(g) => {
                self.end(a, g);
                Ok(Step::Returned(v))
            }
            Ok(Step::Yielded(v)) => Ok(Step::Yielded(v)),
            Ok(Step::Returned(_)) => {
                self.end(a, g);
                g.with::<Generator, _>(&self.held, |g| g.closed = true);
                Err(self.raise_with(TypeId::StopAsyncIteration, Vec::new()))
            }
            Err(e) => {
                self.end(a, g);
                if self.raised_is(TypeId::StopAsyncIteration) || self.raised_is(TypeId::GeneratorExit) {
                    g.with::<Generator, _>(&self.held, |g| g.closed = true);
                }
                Err(e)
            }
        }
    }

    /// `athrow(arg)` and `aclose()`.
    fn drive_throw(&mut self, a: &Ref, g: &Ref, close: bool, state: AwaitState, arg: Value, enter: Enter) -> Res<Step> {
        if state == AwaitState::Over {
            return Err(self.runtime_error("cannot reuse already awaited aclose()/athrow()"));
        }
        let first = state == AwaitState::New && matches!(enter, Enter::Send(_));
        let (done, closed) = g.with::<Generator, _>(&self.held, |g| (g.state == GenState::Done, g.closed));
        if done && matches!(enter, Enter::Send(_)) {
            a.with::<Awaiter, _>(&self.held, |a| a.state = AwaitState::Over);
            return Ok(Step::Returned(Value::None));
        }
        if first {
            if closed {
                a.with::<Awaiter, _>(&self.held, |a| a.state = AwaitState::Over);
                return Err(self.raise_with(TypeId::StopAsyncIteration, Vec::new()));
            }
            self.begin(a, g, if close { "aclose" } else { "athrow" })?;
        }
        let r = match enter {
            Enter::Send(_) if first => {
                let e = if close {
                    g.with::<Generator, _>(&self.held, |g| g.closed = true);
                    self.new_exception(TypeId::GeneratorExit, Vec::new())
                } else {
                    arg
                };
                self.throw(g, e)
            }
            Enter::Send(v) => self.send(g, v),
            Enter::Throw(e) => self.throw(g, e),
        };
        if close && matches!(r, Ok(Step::Yielded(_))) && self.at_item(g) {
            self.end(a, g);
            return Err(self.runtime_error("async generator ignored GeneratorExit"));
        }
        let r = self.finish_item(a, g, r);
        if close
            && r.is_err()
            && (self.raised_is(TypeId::StopAsyncIteration) || self.raised_is(TypeId::GeneratorExit))
            && self.ending.is_none()
        {
            drop(self.take_raised());
            return Ok(Step::Returned(Value::None));
        }
        r
    }

    /// `anext(it, default)`: the end of the iterator is the default.
    fn drive_default(&mut self, a: &Ref, of: &Value, default: Value, enter: Enter) -> Res<Step> {
        let it = match a.with::<Awaiter, _>(&self.held, |a| a.state) {
            AwaitState::New => {
                let it = self.await_operand(of)?;
                let old = a.with::<Awaiter, _>(&self.held, |a| {
                    a.state = AwaitState::Begun;
                    std::mem::replace(&mut a.of, it.clone())
                });
                drop(old);
                it
            }
            _ => of.clone(),
        };
        let r = match (&it, enter) {
            (Value::Obj(g), Enter::Send(v)) if g.is::<Generator>() => self.send(g, v),
            (Value::Obj(b), Enter::Send(v)) if b.is::<Awaiter>() => self.drive(b, Enter::Send(v)),
            (_, Enter::Send(_)) => self.next(&it).map(|v| v.map_or(Step::Returned(Value::None), Step::Yielded)),
            (Value::Obj(g), Enter::Throw(e)) => {
                self.throw_inner(g, &e).and_then(|s| s.ok_or_else(|| self.reraise(e.clone())))
            }
            (_, Enter::Throw(e)) => Err(self.reraise(e)),
        };
        Ok(self.catch(r, TypeId::StopAsyncIteration)?.unwrap_or(Step::Returned(default)))
    }

    /// A step of `asyncio.sleep`.
    fn drive_sleep(&mut self, a: &Ref, enter: Enter) -> Res<Step> {
        let over = |of: &mut Awaiter| {
            of.state = AwaitState::Over;
            (of.of.take(), of.arg.take())
        };
        let state = a.with::<Awaiter, _>(&self.held, |a| a.state);
        match (state, enter) {
            (AwaitState::Over, _) => Err(self.runtime_error("cannot reuse already awaited coroutine")),
            (_, Enter::Throw(e)) => {
                drop(a.with::<Awaiter, _>(&self.held, over));
                a.hush(&self.held);
                Err(self.reraise(e))
            }
            (AwaitState::Begun, Enter::Send(_)) => {
                let (_, result) = a.with::<Awaiter, _>(&self.held, over);
                Ok(Step::Returned(result))
            }
            (AwaitState::New, Enter::Send(_)) => {
                a.hush(&self.held);
                let delay = a.with::<Awaiter, _>(&self.held, |a| a.of.clone());
                let at_once = match &delay {
                    Value::Int(n) => *n <= 0,
                    delay => {
                        let at_once = self.compare(CmpOp::Le, delay, &Value::Int(0))?;
                        self.truth(&at_once)?
                    }
                };
                if !at_once && float_of(&delay).is_none() {
                    // What cannot be added to a moment is the sleeper's error, not the loop's.
                    let delay = self.binary(BinOp::Add, &Value::float(0.0), &delay)?;
                    let delay = Value::float(self.to_float(&delay)?);
                    drop(a.with::<Awaiter, _>(&self.held, |a| std::mem::replace(&mut a.of, delay)));
                }
                a.with::<Awaiter, _>(&self.held, |a| a.state = AwaitState::Begun);
                Ok(Step::Yielded(if at_once { Value::None } else { a.clone().into() }))
            }
        }
    }

    /// The last word of a sleep: nobody awaited it.
    pub(super) fn drop_awaiter(&mut self, a: &Ref) {
        if a.with::<Awaiter, _>(&self.held, |a| a.state == AwaitState::New) {
            self.warn("RuntimeWarning", "coroutine 'sleep' was never awaited");
        }
    }

    /// `close` of an awaiter.
    pub fn close_awaiter(&mut self, a: &Ref) -> Res<()> {
        let (what, of) = a.with::<Awaiter, _>(&self.held, |a| (a.what, a.of.clone()));
        if let (Await::Coroutine, Value::Obj(g)) = (what, &of) {
            return self.close_generator(g);
        }
        a.with::<Awaiter, _>(&self.held, |a| a.state = AwaitState::Over);
        a.hush(&self.held);
        Ok(())
    }

    /// Throws into what a generator delegates to; `None`: it has no `throw`.
    pub(super) fn throw_inner(&mut self, inner: &Ref, e: &Value) -> Res<Option<Step>> {
        if inner.is::<Generator>() {
            return self.throw(inner, e.clone()).map(Some);
        }
        if inner.is::<Awaiter>() {
            return self.drive(inner, Enter::Throw(e.clone())).map(Some);
        }
        let Some(f) = self.find_attr(&inner.clone().into(), name::THROW)? else { return Ok(None) };
        match self.call(&f, std::slice::from_ref(e)) {
            Ok(v) => Ok(Some(Step::Yielded(v))),
            Err(_) if self.ending.is_none() && self.raised_is(TypeId::StopIteration) => {
                let stop = self.take_raised();
                self.get_attr(&stop, name::VALUE).map(|v| Some(Step::Returned(v)))
            }
            Err(e) => Err(e),
        }
    }

    /// Closes what a generator delegates to.
    pub(super) fn close_inner(&mut self, inner: &Ref) -> Res<()> {
        if inner.is::<Generator>() {
            return self.close_generator(inner);
        }
        if inner.is::<Awaiter>() {
            return self.close_awaiter(inner);
        }
        match self.find_attr(&inner.clone().into(), name::CLOSE)? {
            Some(f) => self.call(&f, &[]).map(drop),
            None => Ok(()),
        }
    }

    /// The last word of a suspended frame: a coroutine that nobody awaited is told of; an asynchronous generator, whose
    /// end may await, is left to its event loop; others are closed.
    pub(super) fn drop_generator(&mut self, g: &Ref) -> Res<()> {
        let (kind, state, q) = g.with::<Generator, _>(&self.held, |g| (g.kind, g.state, g.qualname.clone()));
        if kind == GenKind::Coroutine && state == GenState::Created {
            self.warn("RuntimeWarning", &format!("coroutine '{q}' was never awaited"));
            return self.close_generator(g);
        }
        match self.generator_hooks[1].clone() {
            Value::Obj(hook) if g.with::<Generator, _>(&self.held, |g| g.hooked && g.state != GenState::Done) => {
                self.call(&hook.into(), &[g.clone().into()]).map(drop)
            }
            _ => self.close_generator(g),
        }
    }

    /// A warning on standard error, with the line that runs.
    pub fn warn(&mut self, category: &str, text: &str) {
        let (file, line, source) = self.line_here();
        if !self.interp.warned.with(&self.held, |w| w.insert((file.clone(), line, text.to_string()))) {
            return;
        }
        let mut out = format!("{file}:{line}: {category}: {text}\n");
        if !source.is_empty() {
            out += &format!("  {source}\n");
        }
        if text.starts_with("coroutine '") {
            out += "RuntimeWarning: Enable tracemalloc to get the object allocation traceback\n";
        }
        crate::world::out::error(out.as_bytes());
    }

    pub(super) fn code_of_generator(&mut self, g: &Ref) -> Option<Value> {
        let func = g.with::<Generator, _>(&self.held, |g| g.func.clone());
        let Value::Obj(f) = &func else { return Some(Value::None) };
        f.try_with::<Function, _>(&self.held, |f| f.code.clone().into())
    }
}
