//! Imports, and `from __future__`, which changes nothing here.

use super::Res;
use super::unit::Unit;
use crate::bytecode::{Const, Instr};
use crate::source::Span;
use crate::syntax::ast::*;

/// The features that CPython 3.11 knows.
const FUTURE: &[&str] = &[
    "nested_scopes",
    "generators",
    "division",
    "absolute_import",
    "with_statement",
    "print_function",
    "unicode_literals",
    "generator_stop",
    "annotations",
];

fn is_future(ast: &Ast, module: Option<Name>, level: u32) -> bool {
    level == 0 && module.is_some_and(|m| ast.name(m) == "__future__")
}

/// The docstring and the `from __future__` imports at the beginning of a script.
pub fn head(ast: &Ast) -> &[S] {
    let head = ast.body.iter().enumerate().take_while(|(at, s)| match ast.stmt(**s) {
        Stmt::Expr(e) => *at == 0 && matches!(ast.expr(*e), Expr::Str(_)),
        Stmt::ImportFrom { module, level, .. } => is_future(ast, *module, *level),
        _ => false,
    });
    &ast.body[..head.count()]
}

impl<'a> Unit<'a> {
    #[inline(never)]
    pub fn import(&mut self, names: &'a [Alias]) -> Res {
        let ast = self.cx.ast;
        for alias in names {
            let mark = self.mark();
            let dst = self.temp();
            let text = ast.name(alias.name);
            let k = self.request(text, 0, alias.asname.is_some());
            self.emit(alias.span, Instr::Import { dst, k });
            let first = text.split('.').next().unwrap_or(text);
            let sym = match alias.asname {
                Some(name) => Some(self.sym(name)),
                None => self.cx.scopes.sym_of(ast, self.private(), first),
            };
            match sym {
                Some(sym) => self.store(sym, dst, alias.span),
                None => return self.error(alias.span, "internal: an import without a name"),
            }
            self.release(mark);
        }
        Ok(())
    }

    fn request(&mut self, module: &str, level: u32, last: bool) -> crate::bytecode::K {
        self.konst(Const::Tuple(Box::new([Const::Str(module.into()), Const::Int(level as i64), Const::Bool(last)])))
    }

    #[inline(never)]
    pub fn import_from(&mut self, s: S, module: Option<Name>, level: u32, names: &'a [Alias], span: Span) -> Res {
        let ast = self.cx.ast;
        if is_future(ast, module, level) {
            return self.future(s, names, span);
        }
        let mark = self.mark();
        let from = self.temp();
        let k = self.request(module.map_or("", |m| ast.name(m)), level, true);
        self.emit(span, Instr::Import { dst: from, k });
        if names.is_empty() {
            self.emit(span, Instr::ImportStar { module: from });
        }
        for alias in names {
            let target = alias.asname.unwrap_or(alias.name);
            let inner = self.mark();
            let dst = self.temp();
            let name = self.site(ast.name(alias.name));
            self.emit(alias.span, Instr::ImportFrom { dst, module: from, name });
            self.store_name(target, dst, alias.span)?;
            self.release(inner);
        }
        self.release(mark);
        Ok(())
    }

    fn future(&mut self, s: S, names: &[Alias], span: Span) -> Res {
        if !self.cx.head.contains(&s) {
            let text = "from __future__ imports must occur at the beginning of the file";
            return self.error(span, text);
        }
        for alias in names {
            let name = self.cx.ast.name(alias.name);
            if !FUTURE.contains(&name) {
                let text = format!("future feature {name} is not defined");
                return self.error(alias.span, text);
            }
        }
        Ok(())
    }
}
