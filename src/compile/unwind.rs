//! The stack of open statements, and the exits from them: return, break, continue (C5).

use super::Res;
use super::assemble::{Bits, Label, Region};
use super::consts::fold;
use super::scope::Sym;
use super::unit::Unit;
use crate::bytecode::{Const, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

/// CPython's bound on open statements in one function.
const OPEN: usize = 20;
/// How deep copies of `finally` bodies may stand in each other: each level can double the code.
const COPIES: usize = 8;

/// A statement that is open where code is being emitted.
pub struct Block<'a> {
    pub region: Region,
    pub exit: Exit<'a>,
    pub span: Span,
}

/// What must run when control leaves the statement.
#[derive(Clone, Copy)]
pub enum Exit<'a> {
    /// Nothing: the body of a `try` with handlers only.
    Guard,
    /// `iter` is the state of a `for`.
    Loop {
        brk: Label,
        cont: Label,
        iter: Option<Reg>,
    },
    Finally(&'a [S]),
    /// The register of the bound `__exit__`.
    With(Reg),
    /// The same of `async with`: its `__aexit__` is awaited.
    AsyncWith(Reg),
    /// Inside a handler: the exception that was handled before, and the one that is.
    Handler {
        saved: Reg,
        exc: Reg,
    },
    /// The name of an `except … as name`.
    Name(Sym),
}

impl<'a> Unit<'a> {
    pub fn open(&mut self, exit: Exit<'a>, span: Span) -> Res {
        if self.blocks.len() >= OPEN {
            return self.error(span, "too many statically nested blocks");
        }
        let mut region = Region::default();
        self.asm.resume(&mut region);
        self.blocks.push(Block { region, exit, span });
        Ok(())
    }

    /// Closes the innermost statement; its range is what it protected.
    pub fn close(&mut self) -> Region {
        let mut block = self.blocks.pop().expect("as many opened as closed");
        self.asm.suspend(&mut block.region);
        block.region
    }

    /// The exceptions of `region` arrive here, with what was bound before it.
    pub fn arrive(&mut self, region: &Region, before: &Option<Bits>, exc: Reg) {
        self.asm.handle(region, exc);
        if region.is_empty() {
            return;
        }
        let mut state = before.clone();
        if let (Some(state), Some(now)) = (&mut state, &self.asm.state) {
            state.keep(now);
        }
        self.asm.state = state;
        self.asm.forget(&self.fragile);
    }

    /// Emits the exit code of all statements above the first `keep`; `reopen` puts them back.
    fn leave(&mut self, keep: usize) -> Res<Vec<Block<'a>>> {
        let mut left = Vec::new();
        while self.blocks.len() > keep {
            let Some(mut block) = self.blocks.pop() else {
                break;
            };
            self.asm.suspend(&mut block.region);
            let (exit, span) = (block.exit, block.span);
            left.push(block);
            match exit {
                Exit::Guard | Exit::Loop { .. } => {}
                Exit::Finally(body) => self.finally_copy(body, span)?,
                Exit::With(base) => self.emit(span, Instr::WithExit { base }),
                Exit::AsyncWith(base) => self.async_exit(base, span),
                Exit::Handler { saved, exc } => self.leave_handler(saved, exc, span),
                Exit::Name(sym) => self.forget(sym, span),
            }
        }
        Ok(left)
    }

    fn reopen(&mut self, left: Vec<Block<'a>>) {
        for mut block in left.into_iter().rev() {
            self.asm.resume(&mut block.region);
            self.blocks.push(block);
        }
    }

    pub fn finally_copy(&mut self, body: &'a [S], span: Span) -> Res {
        if self.copies >= COPIES {
            return self.error(span, "too many statically nested blocks");
        }
        self.copies += 1;
        self.body(body)?;
        self.copies -= 1;
        Ok(())
    }

    pub fn leave_handler(&mut self, saved: Reg, exc: Reg, span: Span) {
        self.emit(span, Instr::ExitHandler { saved });
        self.emit(span, Instr::Unset { dst: exc });
    }

    pub fn return_stmt(&mut self, value: Option<E>, span: Span) -> Res {
        if !self.is_function() {
            return self.error(span, "'return' outside function");
        }
        let scope = self.scope();
        if value.is_some() && scope.generator && scope.coroutine {
            return self.error(span, "'return' with value in async generator");
        }
        let mark = self.mark();
        let runs = |b: &Block| !matches!(b.exit, Exit::Guard | Exit::Loop { .. });
        let constant = value.map_or(Some(Const::None), |e| fold(self.cx.ast, e));
        let mut src = None;
        if let (Some(e), None) = (value, &constant) {
            // Exit code may rebind a variable, so the value needs a place of its own.
            src = Some(if self.blocks.iter().any(runs) { self.fresh(e)? } else { self.operand(e)? });
        }
        let left = self.leave(0)?;
        match (src, constant) {
            (Some(src), _) => self.emit(span, Instr::Return { src }),
            (None, Some(Const::None) | None) => self.emit(span, Instr::ReturnNone {}),
            (None, Some(c)) => {
                let src = self.temp();
                self.load_const(c, src, span);
                self.emit(span, Instr::Return { src });
            }
        }
        self.reopen(left);
        self.release(mark);
        Ok(())
    }

    /// The innermost loop, and how many statements stand around its body.
    fn innermost_loop(&self) -> Option<(usize, Label, Label, Option<Reg>)> {
        self.blocks.iter().enumerate().rev().find_map(|(at, b)| match b.exit {
            Exit::Loop { brk, cont, iter } => Some((at + 1, brk, cont, iter)),
            _ => None,
        })
    }

    pub fn break_stmt(&mut self, span: Span) -> Res {
        let Some((keep, brk, _, iter)) = self.innermost_loop() else {
            return self.error(span, "'break' outside loop");
        };
        let left = self.leave(keep)?;
        if let Some(dst) = iter {
            self.emit(span, Instr::Unset { dst });
        }
        self.asm.goto(span, brk);
        self.reopen(left);
        Ok(())
    }

    pub fn continue_stmt(&mut self, span: Span) -> Res {
        let Some((keep, _, cont, _)) = self.innermost_loop() else {
            return self.error(span, "'continue' not properly in loop");
        };
        let left = self.leave(keep)?;
        self.asm.goto(span, cont);
        self.reopen(left);
        Ok(())
    }
}
