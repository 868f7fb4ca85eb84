//! Second half of the first walk: where each name lives, as `analyze_block` of CPython's `symtable.c`.

use super::Res;
use super::scope::{Home, ScopeId, ScopeKind, Scopes, Sym, Symbol};
use crate::source::{Diagnostic, Span};
use crate::syntax::ast::Ast;
use std::collections::BTreeSet;

type Set = BTreeSet<Sym>;

/// Gives every symbol its home and every block its captures.
pub fn resolve(ast: &Ast, mut scopes: Scopes) -> Res<Scopes> {
    let mut r = Resolver { ast, scopes: &mut scopes };
    r.block(0, &Set::new())?;
    Ok(scopes)
}

struct Resolver<'a> {
    ast: &'a Ast,
    scopes: &'a mut Scopes,
}

impl Resolver<'_> {
    /// `bound`: names that enclosing functions bind, unless one nearer declares them global. Returns the cells that the block needs from outside.
    fn block(&mut self, id: ScopeId, bound: &Set) -> Res<Set> {
        let kind = self.scopes.list[id].kind;
        let class = kind == ScopeKind::Class;
        let (mut local, mut free, mut hidden) = (Set::new(), Set::new(), Set::new());
        for at in 0..self.scopes.list[id].symbols.len() {
            let home = self.home(id, at, bound)?;
            let symbols = &mut self.scopes.list[id].symbols;
            let (&sym, symbol) = symbols.get_index_mut(at).expect("in range");
            symbol.home = home;
            match home {
                Home::Free => drop(free.insert(sym)),
                Home::Local => drop(local.insert(sym)),
                Home::Global => drop(hidden.insert(sym)),
                _ => {}
            }
        }
        let children = std::mem::take(&mut self.scopes.list[id].children);
        let mut wanted = Set::new();
        if !children.is_empty() {
            let mut below = bound.clone();
            if class {
                // Functions inside see past the names of a class.
                below.insert(self.scopes.class_sym);
            } else {
                below.retain(|sym| !hidden.contains(sym));
                if kind != ScopeKind::Module {
                    below.extend(&local);
                }
            }
            for child in children {
                wanted.append(&mut self.block(child, &below)?);
            }
        }
        let scope = &mut self.scopes.list[id];
        if class {
            scope.class_cell = wanted.remove(&self.scopes.class_sym);
        } else {
            wanted.retain(|sym| match scope.symbols.get_mut(sym) {
                Some(symbol) if symbol.home == Home::Local => {
                    symbol.home = Home::Cell;
                    false
                }
                _ => true,
            });
        }
        for &sym in &wanted {
            let new = || Symbol { marks: Default::default(), home: Home::Free, span: Span::at(0) };
            scope.symbols.entry(sym).or_insert_with(new);
        }
        free.append(&mut wanted);
        scope.captures = free.iter().copied().collect();
        Ok(free)
    }

    fn home(&self, id: ScopeId, at: usize, bound: &Set) -> Res<Home> {
        let scope = &self.scopes.list[id];
        let (&sym, symbol) = scope.symbols.get_index(at).expect("in range");
        let m = symbol.marks;
        let fail = |text: String| Err(Diagnostic::syntax(&self.ast.file, symbol.span, text));
        let text = self.scopes.text(sym);
        Ok(if m.global {
            if m.nonlocal {
                return fail(format!("name '{text}' is nonlocal and global"));
            }
            Home::Global
        } else if m.nonlocal {
            if scope.kind == ScopeKind::Module {
                return fail("nonlocal declaration not allowed at module level".into());
            }
            if !bound.contains(&sym) {
                return fail(format!("no binding for nonlocal '{text}' found"));
            }
            Home::Free
        } else if m.bound {
            Home::Local
        } else if bound.contains(&sym) {
            Home::Free
        } else {
            Home::Implicit
        })
    }
}
