//! First walk: which names each block binds, uses and declares. `resolve.rs` then finds where they live.

use super::Res;
use crate::source::{Diagnostic, Span};
use crate::syntax::ast::*;
use foldhash::fast::FixedState;
use indexmap::{IndexMap, IndexSet};
use std::borrow::Cow;

pub type Map<K, V> = IndexMap<K, V, FixedState>;

/// A name after mangling. The first ones are the names of the tree, by their own index.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Sym(pub u32);

/// A block with names of its own; 0 is the module.
pub type ScopeId = usize;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ScopeKind {
    Module,
    Function,
    Class,
    Comp(CompKind),
}

/// Where a name lives.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Home {
    Local,
    /// A local that inner functions capture.
    Cell,
    /// Captured from an enclosing function.
    Free,
    /// Declared `global`.
    Global,
    /// Bound nowhere: a global or builtin.
    Implicit,
}

/// What a block does with a name.
#[derive(Clone, Copy, Default, Debug)]
pub struct Marks {
    pub param: bool,
    pub bound: bool,
    pub used: bool,
    pub annotated: bool,
    pub global: bool,
    pub nonlocal: bool,
    /// Bound by the `for` of this comprehension.
    pub iteration: bool,
    /// Target of a walrus.
    pub walrus: bool,
    /// Unbound again somewhere: `del`, `except … as`.
    pub fragile: bool,
}

#[derive(Debug)]
pub struct Symbol {
    pub marks: Marks,
    pub home: Home,
    /// Of its declaration, if any.
    pub span: Span,
}

#[derive(Debug)]
pub struct Scope {
    pub kind: ScopeKind,
    pub symbols: Map<Sym, Symbol>,
    pub children: Vec<ScopeId>,
    /// The class whose private names are mangled here.
    pub private: Option<Name>,
    pub generator: bool,
    /// `async def`, or a comprehension that awaits.
    pub coroutine: bool,
    /// Class bodies: a method uses `__class__`.
    pub class_cell: bool,
    /// The cells that the block captures from the enclosing one.
    pub captures: Vec<Sym>,
    /// Inside the iterable of a comprehension, where a walrus may not stand.
    in_iterable: bool,
}

pub struct Scopes {
    pub list: Vec<Scope>,
    pub names: IndexSet<Box<str>, FixedState>,
    of_stmt: Map<S, ScopeId>,
    of_expr: Map<E, ScopeId>,
    pub class_sym: Sym,
    pub doc_sym: Sym,
    pub annotations_sym: Sym,
    pub qualname_sym: Sym,
    /// The parameter of a comprehension.
    pub iter_sym: Sym,
}

impl Scopes {
    pub fn of_stmt(&self, s: S) -> ScopeId {
        self.of_stmt[&s]
    }
    pub fn of_expr(&self, e: E) -> ScopeId {
        self.of_expr[&e]
    }
    pub fn text(&self, sym: Sym) -> &str {
        &self.names[sym.0 as usize]
    }
    /// The symbol with this text as the code of a class sees it.
    pub fn sym_of(&self, ast: &Ast, private: Option<Name>, text: &str) -> Option<Sym> {
        let at = self.names.get_index_of(&*mangled(ast, private, text))?;
        Some(Sym(at as u32))
    }
    /// The symbol of a name as the code of a class sees it.
    pub fn sym(&self, ast: &Ast, private: Option<Name>, name: Name) -> Sym {
        match mangled(ast, private, ast.name(name)) {
            Cow::Borrowed(_) => Sym(name.0),
            Cow::Owned(text) => self.names.get_index_of(&*text).map_or(Sym(name.0), |at| Sym(at as u32)),
        }
    }
}

/// `__x` inside class `C` is `_C__x`.
pub fn mangled<'t>(ast: &Ast, private: Option<Name>, text: &'t str) -> Cow<'t, str> {
    let class = private.map_or("", |name| ast.name(name).trim_start_matches('_'));
    if class.is_empty() || !text.starts_with("__") || text.ends_with("__") || text.contains('.') {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("_{class}{text}"))
}

/// The first walk.
pub fn collect(ast: &Ast) -> Res<Scopes> {
    let mut names: IndexSet<Box<str>, FixedState> = ast.names.iter().cloned().collect();
    let mut own = |text: &str| Sym(names.insert_full(text.into()).0 as u32);
    let class_sym = own("__class__");
    let doc_sym = own("__doc__");
    let annotations_sym = own("__annotations__");
    let qualname_sym = own("__qualname__");
    let iter_sym = own(".0");
    let mut c = Collector {
        ast,
        scopes: Scopes {
            list: Vec::new(),
            names,
            of_stmt: Map::default(),
            of_expr: Map::default(),
            class_sym,
            doc_sym,
            annotations_sym,
            qualname_sym,
            iter_sym,
        },
        stack: Vec::new(),
        private: None,
        in_target: false,
    };
    c.enter(ScopeKind::Module);
    c.body(&ast.body)?;
    Ok(c.scopes)
}

pub(super) struct Collector<'a> {
    pub(super) ast: &'a Ast,
    pub(super) scopes: Scopes,
    stack: Vec<ScopeId>,
    pub(super) private: Option<Name>,
    /// Inside the target of a comprehension's `for`.
    pub(super) in_target: bool,
}

impl<'a> Collector<'a> {
    pub(super) fn error<T>(&self, span: Span, text: impl Into<String>) -> Res<T> {
        Err(Diagnostic::syntax(&self.ast.file, span, text))
    }

    #[inline(never)]
    pub(super) fn enter(&mut self, kind: ScopeKind) -> ScopeId {
        let id = self.scopes.list.len();
        let in_iterable = self.stack.last().is_some_and(|&up| {
            self.scopes.list[up].children.push(id);
            self.scopes.list[up].in_iterable
        });
        self.scopes.list.push(Scope {
            kind,
            symbols: Map::default(),
            children: Vec::new(),
            private: self.private,
            generator: false,
            coroutine: false,
            class_cell: false,
            captures: Vec::new(),
            in_iterable,
        });
        self.stack.push(id);
        id
    }

    pub(super) fn leave(&mut self) {
        self.stack.pop();
    }

    pub(super) fn now(&mut self) -> &mut Scope {
        let id = self.stack[self.stack.len() - 1];
        &mut self.scopes.list[id]
    }

    pub(super) fn remember_stmt(&mut self, s: S, id: ScopeId) {
        self.scopes.of_stmt.insert(s, id);
    }
    pub(super) fn remember_expr(&mut self, e: E, id: ScopeId) {
        self.scopes.of_expr.insert(e, id);
    }

    pub(super) fn sym(&mut self, name: Name) -> Sym {
        match mangled(self.ast, self.private, self.ast.name(name)) {
            Cow::Borrowed(_) => Sym(name.0),
            Cow::Owned(text) => Sym(self.scopes.names.insert_full(text.into()).0 as u32),
        }
    }

    /// The name of the tree with this text, if there is one.
    pub(super) fn first_name(&self, text: &str) -> Option<Name> {
        let at = self.scopes.names.get_index_of(text)?;
        (at < self.ast.names.len()).then_some(Name(at as u32))
    }

    pub(super) fn intern(&mut self, text: &str) -> Sym {
        let text = mangled(self.ast, self.private, text);
        Sym(self.scopes.names.insert_full((&*text).into()).0 as u32)
    }

    pub(super) fn marks_in(&mut self, id: ScopeId, sym: Sym) -> &mut Marks {
        let scope = &mut self.scopes.list[id];
        let new = || Symbol { marks: Marks::default(), home: Home::Implicit, span: Span::at(0) };
        &mut scope.symbols.entry(sym).or_insert_with(new).marks
    }

    pub(super) fn marks(&mut self, sym: Sym) -> &mut Marks {
        self.marks_in(self.stack[self.stack.len() - 1], sym)
    }

    pub(super) fn bind(&mut self, name: Name, span: Span) -> Res {
        if self.ast.name(name) == "__debug__" {
            return self.error(span, "cannot assign to __debug__");
        }
        let sym = self.sym(name);
        let in_target = self.in_target;
        let marks = self.marks(sym);
        marks.bound = true;
        if in_target {
            let walrus = marks.global || marks.nonlocal;
            marks.iteration = true;
            if walrus {
                let text = format!(
                    "comprehension inner loop cannot rebind assignment expression target '{}'",
                    self.ast.name(name)
                );
                return self.error(span, text);
            }
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn use_name(&mut self, name: Name) {
        let sym = self.sym(name);
        self.marks(sym).used = true;
        let kind = self.now().kind;
        let function = matches!(kind, ScopeKind::Function | ScopeKind::Comp(_));
        if function && self.ast.name(name) == "super" {
            self.use_class_cell();
        }
    }

    pub(super) fn use_class_cell(&mut self) {
        let class = self.scopes.class_sym;
        self.marks(class).used = true;
    }

    pub(super) fn declare(&mut self, names: &[Name], global: bool, span: Span) -> Res {
        let kind = if global { "global" } else { "nonlocal" };
        for &name in names {
            let sym = self.sym(name);
            let text = self.ast.name(name);
            let m = *self.marks(sym);
            let why = if m.param {
                Some(format!("name '{text}' is parameter and {kind}"))
            } else if m.used {
                Some(format!("name '{text}' is used prior to {kind} declaration"))
            } else if m.annotated {
                Some(format!("annotated name '{text}' can't be {kind}"))
            } else if m.bound {
                Some(format!("name '{text}' is assigned to before {kind} declaration"))
            } else {
                None
            };
            if let Some(why) = why {
                return self.error(span, why);
            }
            let marks = self.marks(sym);
            marks.global |= global;
            marks.nonlocal |= !global;
            self.now().symbols[&sym].span = span;
        }
        Ok(())
    }

    /// A walrus inside a comprehension binds in the nearest enclosing function or module.
    fn extend_walrus(&mut self, name: Name, span: Span) -> Res {
        let sym = self.sym(name);
        let text = self.ast.name(name);
        for at in (0..self.stack.len()).rev() {
            let id = self.stack[at];
            match self.scopes.list[id].kind {
                ScopeKind::Comp(_) => {
                    let known = self.scopes.list[id].symbols.get(&sym);
                    if known.is_some_and(|s| s.marks.iteration) {
                        let text =
                            format!("assignment expression cannot rebind comprehension iteration variable '{text}'");
                        return self.error(span, text);
                    }
                }
                ScopeKind::Function => {
                    let global = self.marks_in(id, sym).global;
                    let marks = self.marks(sym);
                    marks.global |= global;
                    marks.nonlocal |= !global;
                    self.now().symbols[&sym].span = span;
                    self.marks_in(id, sym).bound = true;
                    return Ok(());
                }
                ScopeKind::Module => {
                    self.marks(sym).global = true;
                    self.marks_in(id, sym).global = true;
                    return Ok(());
                }
                ScopeKind::Class => {
                    return self
                        .error(span, "assignment expression within a comprehension cannot be used in a class body");
                }
            }
        }
        Ok(())
    }

    #[inline(never)]
    pub(super) fn walrus(&mut self, target: E, value: E, span: Span) -> Res {
        if self.now().in_iterable {
            return self.error(span, "assignment expression cannot be used in a comprehension iterable expression");
        }
        let Expr::Name(name) = *self.ast.expr(target) else {
            return self.expr(value);
        };
        if matches!(self.now().kind, ScopeKind::Comp(_)) {
            self.extend_walrus(name, span)?;
        }
        self.expr(value)?;
        let sym = self.sym(name);
        self.bind(name, span)?;
        self.marks(sym).walrus = true;
        Ok(())
    }

    /// Walks the iterable of a comprehension, where a walrus may not stand.
    pub(super) fn iterable(&mut self, e: E) -> Res {
        let before = std::mem::replace(&mut self.now().in_iterable, true);
        self.expr(e)?;
        self.now().in_iterable = before;
        Ok(())
    }
}
