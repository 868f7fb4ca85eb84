//! Calls: windows of consecutive registers, and the long form with stars.

use super::Res;
use super::scope::Home;
use super::unit::{Unit, Var};
use crate::bytecode::{Const, Count, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;
use std::collections::BTreeSet;

impl<'a> Unit<'a> {
    #[inline(never)]
    pub fn call(&mut self, func: E, args: &'a [Arg], dst: Reg, span: Span) -> Res {
        self.check_keywords(args)?;
        if args.is_empty() && self.is_bare_super(func) && self.bare_super(dst, span) {
            return Ok(());
        }
        if args.iter().any(|a| matches!(a, Arg::Star(_) | Arg::DoubleStar(_))) {
            return self.call_with_stars(func, args, dst, span);
        }
        let mark = self.mark();
        let base = self.temp();
        if let Expr::Attr { value, attr } = *self.cx.ast.expr(func) {
            // A method on a line of its own is called from that line.
            let at = self.method_span(func, attr, span);
            self.method(value, attr, base, at)?;
            self.temp();
            let k = self.arguments(args)?;
            let n = Count(args.len() as u16);
            self.release(mark);
            let instr = match k {
                Some(k) => Instr::CallMethodKw { dst, base, k: self.konst(k) },
                None => Instr::CallMethod { dst, base, n },
            };
            self.emit(at, instr);
        } else {
            self.expr_to(func, base)?;
            let k = self.arguments(args)?;
            let n = Count(args.len() as u16);
            self.release(mark);
            let instr = match k {
                Some(k) => Instr::CallKw { dst, base, k: self.konst(k) },
                None => Instr::Call { dst, base, n },
            };
            self.emit(span, instr);
        }
        Ok(())
    }

    pub fn method_span(&self, func: E, attr: Name, span: Span) -> Span {
        let file = &self.cx.ast.file;
        let whole = self.cx.ast.span(func);
        if file.line(whole.lo) == file.line(whole.hi) {
            return span;
        }
        let name = self.cx.ast.name(attr).len() as u32;
        Span::new(whole.hi.saturating_sub(name), span.hi)
    }

    pub fn method(&mut self, value: E, attr: Name, base: Reg, span: Span) -> Res {
        let mark = self.mark();
        let obj = self.operand_in(value, base)?;
        self.release(mark);
        let attr = self.attr(attr);
        let name = self.fresh_site(&attr);
        self.emit(span, Instr::LoadMethod { dst: base, obj, name });
        Ok(())
    }

    /// Arguments without stars into new temporaries; the constant (n, names...) if some have names.
    fn arguments(&mut self, args: &'a [Arg]) -> Res<Option<Const>> {
        let mut names = vec![Const::Int(args.len() as i64)];
        for arg in args {
            match arg {
                Arg::Pos(e) => drop(self.fresh(*e)?),
                Arg::Keyword { name, value, .. } => {
                    names.push(Const::Str(self.cx.ast.name(*name).into()));
                    self.fresh(*value)?;
                }
                Arg::Star(_) | Arg::DoubleStar(_) => {}
            }
        }
        Ok((names.len() > 1).then(|| Const::Tuple(names.into())))
    }

    pub fn check_keywords(&self, args: &[Arg]) -> Res {
        let mut seen = BTreeSet::new();
        for arg in args {
            if let Arg::Keyword { name, span, .. } = arg
                && !seen.insert(*name)
            {
                let text = format!("keyword argument repeated: {}", self.cx.ast.name(*name));
                return self.error(*span, text);
            }
        }
        Ok(())
    }

    #[inline(never)]
    fn call_with_stars(&mut self, func: E, args: &'a [Arg], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let base = self.temp();
        self.expr_to(func, base)?;
        let list = self.temp();
        let dict = self.temp();
        let positional = |a: &&Arg| matches!(a, Arg::Pos(_) | Arg::Star(_));
        let n = Count(if args.iter().filter(positional).count() == 1 { 2 } else { 1 });
        self.positional(args, list, n, span)?;
        self.keyword_dict(args, dict, base, span)?;
        self.release(mark);
        self.emit(span, Instr::CallEx { dst, base });
        Ok(())
    }

    /// The positional arguments, stars among them, as a new list. `n` words the error of what is no iterable.
    pub fn positional(&mut self, args: &'a [Arg], list: Reg, n: Count, span: Span) -> Res {
        self.empty_list(list, span);
        for arg in args {
            let inner = self.mark();
            match arg {
                Arg::Pos(e) => {
                    let src = self.operand(*e)?;
                    self.emit(span, Instr::ListAppend { list, src });
                }
                Arg::Star(e) => {
                    let src = self.operand(*e)?;
                    self.emit(span, Instr::ListExtend { list, src, n });
                }
                _ => {}
            }
            self.release(inner);
        }
        Ok(())
    }

    /// The keywords of a call or class as a dict, or unset if there are none.
    pub fn keyword_dict(&mut self, args: &'a [Arg], dict: Reg, func: Reg, span: Span) -> Res {
        let keyword = |a: &Arg| matches!(a, Arg::Keyword { .. } | Arg::DoubleStar(_));
        if !args.iter().any(keyword) {
            self.emit(span, Instr::Unset { dst: dict });
            return Ok(());
        }
        self.empty_dict(dict, span);
        // A keyword after `**` may repeat one of its names, which only a merge notices.
        let mut merged = false;
        for arg in args {
            let mark = self.mark();
            match arg {
                Arg::Keyword { name, value, .. } => {
                    let key = self.temp();
                    self.load_text(self.cx.ast.name(*name), key, span);
                    let src = self.operand(*value)?;
                    if merged {
                        let one = self.temp();
                        self.empty_dict(one, span);
                        self.emit(span, Instr::SetItem { obj: one, key, src });
                        self.emit(span, Instr::DictMerge { dict, src: one, func });
                    } else {
                        self.emit(span, Instr::SetItem { obj: dict, key, src });
                    }
                }
                Arg::DoubleStar(e) => {
                    let src = self.operand(*e)?;
                    self.emit(span, Instr::DictMerge { dict, src, func });
                    merged = true;
                }
                _ => {}
            }
            self.release(mark);
        }
        Ok(())
    }

    /// Is it the name `super`, and does it mean the builtin?
    fn is_bare_super(&self, func: E) -> bool {
        let Expr::Name(name) = *self.cx.ast.expr(func) else {
            return false;
        };
        let of_module = self.cx.scopes.list[0].symbols.get(&self.sym(name));
        self.cx.ast.name(name) == "super"
            && self.var(self.sym(name)) == Var::Global
            && of_module.is_none_or(|s| s.home == Home::Implicit)
    }

    /// `super()` in a method; elsewhere the builtin is called and says what is missing.
    fn bare_super(&mut self, dst: Reg, span: Span) -> bool {
        let Var::Cell(cell) = self.var(self.cx.scopes.class_sym) else {
            return false;
        };
        let Some(first) = self.this else {
            return false;
        };
        let mark = self.mark();
        let class = self.temp();
        let name = self.sym_site(self.cx.scopes.class_sym);
        self.emit(span, Instr::LoadCell { dst: class, cell, name });
        let this = match self.var(first) {
            Var::Register(reg) => {
                self.check_bound(reg, first, span);
                reg
            }
            _ => {
                let this = self.temp();
                self.load(first, this, span);
                this
            }
        };
        self.release(mark);
        self.emit(span, Instr::LoadSuper { dst, class, this });
        true
    }
}
