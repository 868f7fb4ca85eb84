//! A module whose own statements await: its body is a coroutine.
//!
//! Who drives it is the event loop, if this process has one: the function `RUNNER` of the library takes the
//! coroutine and returns when it is done. Without one it is driven here, which is enough as long as nothing
//! has to wait: a bare `yield` gives the turn to nobody and goes on; any other wait is refused where it
//! stands, for nobody would ever wake it.

use super::generator::{Enter, Step};
use super::thread::{Res, Thread};
use crate::object::{Name, Ref, TypeId, Value};

/// The module and function of the library that run a coroutine of the main program to its end.
const RUNNER: (&str, &str) = ("asyncio", "_run_main");

impl Thread {
    /// Runs the coroutine that the body of a module is. Only the main program may have the event loop: a
    /// module is imported from inside of it.
    pub(super) fn run_top_level(&mut self, body: &Value, module: &Ref) -> Res<()> {
        if self.is_main_program(module)
            && let Some(run) = self.runner()?
        {
            return self.call(&run, std::slice::from_ref(body)).map(drop);
        }
        let Value::Obj(g) = body else { return Ok(()) };
        let mut enter = Enter::Send(Value::None);
        loop {
            let step = match enter {
                Enter::Send(v) => self.send(g, v)?,
                Enter::Throw(e) => self.throw(g, e)?,
            };
            enter = match step {
                Step::Returned(_) => return Ok(()),
                Step::Yielded(Value::None) => Enter::Send(Value::None),
                Step::Yielded(v) => {
                    let shown = self.repr(&v)?;
                    let text =
                        self.string(format!("no event loop is there to serve this await, which waits for {shown}"));
                    Enter::Throw(self.new_exception(TypeId::RuntimeError, vec![text]))
                }
            };
            self.safe_point()?;
        }
    }

    fn is_main_program(&self, module: &Ref) -> bool {
        self.interp
            .modules
            .with(&self.held, |all| all.get(crate::object::name::MAIN).is_some_and(|m| m.same(&module.clone().into())))
    }

    fn runner(&mut self) -> Res<Option<Value>> {
        let (module, function) = RUNNER;
        if !self.interp.importer.known().contains(&module) {
            return Ok(None);
        }
        let m = self.import(module, true)?;
        self.get_attr(&m, Name::of(function)).map(Some)
    }
}
