//! Classes: a body that fills a namespace, and the call that makes a class of it.

use super::Res;
use super::scope::ScopeId;
use super::unit::{Parts, Unit};
use crate::bytecode::{Code, Const, Count, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;
use std::sync::Arc;

impl<'a> Unit<'a> {
    #[inline(never)]
    pub fn class_stmt(&mut self, s: S, c: &'a Class, span: Span) -> Res {
        let ast = self.cx.ast;
        let head = Span::new(span.lo, c.name_span.hi);
        let mark = self.mark();
        let sym = self.sym(c.name);
        let qualname = self.qualified(ast.name(c.name), Some(sym));
        let first = self.decorators(&c.decorators)?;
        let base = self.temp();
        let code = self.class_code(self.cx.scopes.of_stmt(s), c, qualname, head)?;
        let code = self.konst(Const::Code(code));
        let inner = self.mark();
        let none = self.temps(2);
        self.emit(head, Instr::Unset { dst: none });
        self.emit(head, Instr::Unset { dst: Reg(none.0 + 1) });
        self.emit(head, Instr::MakeFunction { dst: base, code, base: none });
        self.release(inner);
        let name = self.temp();
        self.load_text(ast.name(c.name), name, head);
        let n = self.bases(&c.args, head)?;
        let dict = self.temp();
        self.keyword_dict(&c.args, dict, base, head)?;
        let dst = match self.target_in_register(sym) {
            Some(reg) if c.decorators.is_empty() => reg,
            _ => base,
        };
        self.emit(head, Instr::BuildClass { dst, base, n });
        let made = self.decorate(&c.decorators, first, dst);
        self.store(sym, made, c.name_span);
        self.release(mark);
        Ok(())
    }

    /// The bases into consecutive temporaries; with a star among them, into one list.
    fn bases(&mut self, args: &'a [Arg], span: Span) -> Res<Count> {
        if args.iter().any(|a| matches!(a, Arg::Star(_))) {
            let list = self.temp();
            self.positional(args, list, Count(0), span)?;
            return Ok(Count::SPREAD);
        }
        let mut n = 0u32;
        for arg in args {
            if let Arg::Pos(e) = arg {
                self.fresh(*e)?;
                n += 1;
            }
        }
        // More bases than fit are more registers than fit, which `finish` refuses.
        Ok(Count(n as u16))
    }

    fn class_code(&self, id: ScopeId, c: &'a Class, qualname: String, span: Span) -> Res<Arc<Code>> {
        let ast = self.cx.ast;
        let name = ast.name(c.name);
        let mut unit = Box::new(Unit::new(self.cx, id, name, qualname.clone(), &[]));
        unit.prologue(span);
        let value = unit.temp();
        unit.load_text(&qualname, value, span);
        unit.store(self.cx.scopes.qualname_sym, value, span);
        unit.release(value.0 as u32);
        let doc: Option<Box<str>> = ast.docstring(&c.body).map(Into::into);
        unit.namespace_head(&c.body, doc.as_deref(), span)?;
        unit.body(&c.body)?;
        // Whoever makes the class puts it into the cell that its methods captured.
        if unit.scope().class_cell
            && let Some(src) = unit.cell(self.cx.scopes.class_sym)
        {
            unit.emit(span, Instr::Return { src });
        }
        let parts = Parts { captures: self.captures_of(id, span)?, doc, ..Parts::default() };
        unit.finish(span, parts)
    }
}
