//! Second half of the first walk: where each name lives, as `analyze_block` of CPython's `symtable.c`.

use super::Res;
use super::scope::{Home, ScopeId, ScopeKind, Scopes, Sym, Symbol};
use crate::source::{Diagnostic, Span};
use crate::syntax::ast::Ast;
use std::collections::BTreeSet;

type Set = BTreeSet<Sym>;

/// Gives every symbol its home and every block its captures.
pub fn resolve(ast: &Ast, mut scopes: Scopes) -> Res<Scopes> {
    let mut r = Resolver {
        ast,
        scopes: &mut scopes,
    };
    r.block(0, Set::new(), Set::new())?;
    Ok(scopes)
}

struct Resolver<'a> {
    ast: &'a Ast,
    scopes: &'a mut Scopes,
}

impl Resolver<'_> {
    /// `bound`: names that enclosing functions bind; `global`: names that one of them declared global.
    /// Returns the cells that the block needs from outside.
    fn block(&mut self, id: ScopeId, mut bound: Set, mut global: Set) -> Res<Set> {
        let kind = self.scopes.list[id].kind;
        let class = kind == ScopeKind::Class;
        let (mut below, mut below_global) = (Set::new(), Set::new());
        if class {
            below = bound.clone();
            below_global = global.clone();
        }
        let mut local = Set::new();
        let mut free = Set::new();
        for at in 0..self.scopes.list[id].symbols.len() {
            let home = self.home(id, at, &mut bound, &mut global)?;
            let (&sym, symbol) = self.scopes.list[id]
                .symbols
                .get_index_mut(at)
                .expect("in range");
            symbol.home = home;
            match home {
                Home::Free => drop(free.insert(sym)),
                Home::Local => drop(local.insert(sym)),
                _ => {}
            }
        }
        if class {
            below.insert(self.scopes.class_sym);
        } else {
            if kind != ScopeKind::Module {
                below.extend(&local);
            }
            below.extend(&bound);
            below_global = global;
        }
        let mut wanted = Set::new();
        for at in 0..self.scopes.list[id].children.len() {
            let child = self.scopes.list[id].children[at];
            wanted.append(&mut self.block(child, below.clone(), below_global.clone())?);
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
            let new = || Symbol {
                marks: Default::default(),
                home: Home::Free,
                span: Span::at(0),
            };
            scope.symbols.entry(sym).or_insert_with(new);
        }
        free.append(&mut wanted);
        scope.captures = free.iter().copied().collect();
        Ok(free)
    }

    fn home(&self, id: ScopeId, at: usize, bound: &mut Set, global: &mut Set) -> Res<Home> {
        let scope = &self.scopes.list[id];
        let (&sym, symbol) = scope.symbols.get_index(at).expect("in range");
        let m = symbol.marks;
        let fail = |text: String| Err(Diagnostic::syntax(&self.ast.file, symbol.span, text));
        let text = self.scopes.text(sym);
        if m.global {
            if m.nonlocal {
                return fail(format!("name '{text}' is nonlocal and global"));
            }
            global.insert(sym);
            bound.remove(&sym);
            return Ok(Home::Global);
        }
        if m.nonlocal {
            if scope.kind == ScopeKind::Module {
                return fail("nonlocal declaration not allowed at module level".into());
            }
            if !bound.contains(&sym) {
                return fail(format!("no binding for nonlocal '{text}' found"));
            }
            return Ok(Home::Free);
        }
        if m.bound {
            global.remove(&sym);
            return Ok(Home::Local);
        }
        if bound.contains(&sym) {
            return Ok(Home::Free);
        }
        Ok(Home::Implicit)
    }
}
