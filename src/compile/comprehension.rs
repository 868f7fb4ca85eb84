//! Comprehensions and generator expressions: a function that is called at once with an iterator.

use super::Res;
use super::assemble::LATER;
use super::unit::{Parts, Unit};
use crate::bytecode::{Code, Const, Count, Instr, Params, Reg};
use crate::source::Span;
use crate::syntax::ast::*;
use std::sync::Arc;

impl<'a> Unit<'a> {
    #[inline(never)]
    pub fn comprehension(&mut self, e: E, comp: &'a Comp, dst: Reg) -> Res {
        let span = self.cx.ast.span(e);
        let code = self.comp_code(e, comp, span)?;
        let code = self.konst(Const::Code(code));
        let mark = self.mark();
        let base = self.temp();
        let inner = self.mark();
        let none = self.temps(2);
        self.emit(span, Instr::Unset { dst: none });
        self.emit(span, Instr::Unset { dst: Reg(none.0 + 1) });
        self.emit(span, Instr::MakeFunction { dst: base, code, base: none });
        self.release(inner);
        let iter = self.temp();
        let first = comp.clauses[0].iter;
        let src = self.operand_in(first, iter)?;
        let asynchronous = comp.clauses[0].is_async;
        let get = if asynchronous { Instr::GetAIter { dst: iter, src } } else { Instr::GetIter { dst: iter, src } };
        self.emit(self.cx.ast.span(first), get);
        let waits = comp.kind != CompKind::Generator && self.cx.scopes.list[self.cx.scopes.of_expr(e)].coroutine;
        if waits {
            self.emit(span, Instr::Call { dst: base, base, n: Count(1) });
            self.emit(span, Instr::GetAwaitable { dst: base, src: base });
            self.wait_for(base, dst, span);
            self.release(mark);
            return Ok(());
        }
        self.release(mark);
        self.emit(span, Instr::Call { dst, base, n: Count(1) });
        Ok(())
    }

    #[inline(never)]
    fn comp_code(&self, e: E, comp: &'a Comp, span: Span) -> Res<Arc<Code>> {
        let cx = self.cx;
        let id = cx.scopes.of_expr(e);
        let name = match comp.kind {
            CompKind::List => "<listcomp>",
            CompKind::Set => "<setcomp>",
            CompKind::Dict => "<dictcomp>",
            CompKind::Generator => "<genexpr>",
        };
        let qualname = self.qualified(name, None);
        let mut unit = Box::new(Unit::new(cx, id, name, qualname, &[cx.scopes.iter_sym]));
        unit.prologue(span);
        let made = unit.temp();
        let (base, n) = (made, Count(0));
        match comp.kind {
            CompKind::List => unit.emit(span, Instr::BuildList { dst: made, base, n }),
            CompKind::Set => unit.emit(span, Instr::BuildSet { dst: made, base, n }),
            CompKind::Dict => unit.emit(span, Instr::BuildDict { dst: made, base, n }),
            CompKind::Generator => {}
        }
        unit.clause(comp, 0, made)?;
        if comp.kind != CompKind::Generator {
            unit.emit(span, Instr::Return { src: made });
        }
        let parts = Parts {
            params: Params {
                names: Box::new([cx.scopes.text(cx.scopes.iter_sym).into()]),
                positional: 1,
                ..Params::default()
            },
            simple: true,
            captures: self.captures_of(id, span)?,
            ..Parts::default()
        };
        unit.finish(span, parts)
    }

    /// One `for` and what stands to the right of it.
    pub fn clause(&mut self, comp: &'a Comp, at: usize, made: Reg) -> Res {
        let Some(clause) = comp.clauses.get(at) else {
            return self.element(comp, made);
        };
        if clause.is_async {
            return self.async_clause(comp, clause, at, made);
        }
        let mark = self.mark();
        let here = self.cx.ast.span(clause.iter);
        let iter = self.temps(3);
        let src = if at == 0 { Reg(0) } else { self.operand_in(clause.iter, iter)? };
        self.emit(here, Instr::ForPrep { iter, src });
        let direct = self.target_register(clause.target);
        let inner = self.mark();
        let dst = match direct {
            Some(reg) => reg,
            None => self.temp(),
        };
        let (out, cont) = (self.asm.label(), self.asm.label());
        self.jump(here, Instr::ForEnter { iter, dst, by: LATER }, out);
        let top = self.asm.here();
        self.store_to(clause.target, dst)?;
        self.release(inner);
        for &test in &clause.ifs {
            self.branch(test, false, cont)?;
        }
        self.clause(comp, at + 1, made)?;
        self.asm.bind(cont);
        let bottom = Instr::ForLoop { iter, dst, by: LATER };
        self.asm.jump_back(here, bottom, top);
        self.asm.bind(out);
        self.release(mark);
        Ok(())
    }

    fn element(&mut self, comp: &'a Comp, made: Reg) -> Res {
        let span = self.cx.ast.span(comp.elt);
        let mark = self.mark();
        let src = self.operand(comp.elt)?;
        let instr = match (comp.kind, comp.value) {
            (CompKind::List, _) => Instr::ListAppend { list: made, src },
            (CompKind::Set, _) => Instr::SetAdd { set: made, src },
            (CompKind::Generator, _) => Instr::Yield { dst: made, src },
            (CompKind::Dict, None) => return self.error(span, "internal: a dict without values"),
            (CompKind::Dict, Some(value)) => {
                let value = self.operand(value)?;
                Instr::SetItem { obj: made, key: src, src: value }
            }
        };
        self.release(mark);
        self.emit(span, instr);
        Ok(())
    }
}
