//! One block being compiled: its registers, constants, sites and instruction buffer.

use super::assemble::{Assembler, Bits, Label};
use super::consts::Pool;
use super::scope::{Home, Map, Scope, ScopeId, ScopeKind, Sym, mangled};
use super::unwind::Block;
use super::{Context, Res};
use crate::bytecode::{Code, CodeFlags, Const, Instr, K, Params, Reg, Site};
use crate::source::{Diagnostic, Part, Span};
use crate::syntax::ast::Name;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Registers, constants and sites of one block: more is refused.
pub const LIMIT: usize = 60_000;

/// Where the code of this block finds a name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Var {
    Register(Reg),
    /// In a cell which a register holds.
    Cell(Reg),
    Global,
    /// In the namespace of the class body.
    Name,
    /// Class bodies: in the namespace, else in the cell.
    NameOrCell(Reg),
}

pub struct Unit<'a> {
    pub cx: &'a Context<'a>,
    pub id: ScopeId,
    pub asm: Assembler,
    pub name: Box<str>,
    pub qualname: String,
    pub blocks: Vec<Block<'a>>,
    /// Copies of `finally` bodies around the one that is being emitted.
    pub copies: usize,
    /// The first parameter, which `super()` reads.
    pub this: Option<Sym>,
    pool: Pool,
    sites: Vec<Box<str>>,
    shared: Map<Box<str>, Site>,
    locals: Vec<Box<str>>,
    vars: Map<Sym, Reg>,
    /// The first temporary.
    first: u32,
    /// The first free temporary.
    top: u32,
    most: u32,
    /// Temporaries that may keep an object alive though nobody reads them any more.
    stale: BTreeSet<u16>,
    /// Variables that a walrus of this block rebinds (C2).
    rebound: Bits,
    /// Variables that may become unbound again.
    pub fragile: Bits,
}

impl<'a> Unit<'a> {
    /// `params` are the parameters in the order of their registers.
    pub fn new(cx: &'a Context<'a>, id: ScopeId, name: &str, qualname: String, params: &[Sym]) -> Self {
        let scope = &cx.scopes.list[id];
        let mut unit = Unit {
            cx,
            id,
            asm: Assembler::new(Bits::default()),
            name: name.into(),
            qualname,
            blocks: Vec::new(),
            copies: 0,
            this: None,
            pool: Pool::default(),
            sites: Vec::new(),
            shared: Map::default(),
            locals: Vec::new(),
            vars: Map::default(),
            first: 0,
            top: 0,
            most: 0,
            stale: BTreeSet::new(),
            rebound: Bits::default(),
            fragile: Bits::default(),
        };
        if scope.kind == ScopeKind::Class {
            unit.locals.push("".into());
        }
        for &sym in params {
            unit.variable(sym);
        }
        unit.variables(scope);
        unit.first = unit.locals.len() as u32;
        unit.top = unit.first;
        unit.most = unit.first;
        let count = unit.locals.len();
        (unit.rebound, unit.fragile) = (Bits::new(count), Bits::new(count));
        for (sym, symbol) in &scope.symbols {
            if let Some(&reg) = unit.vars.get(sym) {
                if symbol.marks.walrus {
                    unit.rebound.set(reg);
                }
                if symbol.marks.fragile {
                    unit.fragile.set(reg);
                }
            }
        }
        let mut state = Bits::new(count);
        (0..params.len()).for_each(|at| state.set(Reg(at as u16)));
        unit.asm.state = Some(state);
        unit
    }

    fn variable(&mut self, sym: Sym) {
        let reg = reg(self.locals.len() as u32);
        if let indexmap::map::Entry::Vacant(place) = self.vars.entry(sym) {
            place.insert(reg);
            self.locals.push(self.cx.scopes.text(sym).into());
        }
    }

    /// Registers for locals first, then for captured cells.
    fn variables(&mut self, scope: &Scope) {
        match scope.kind {
            ScopeKind::Module => {}
            ScopeKind::Class => {
                if scope.class_cell {
                    self.variable(self.cx.scopes.class_sym);
                }
            }
            _ => {
                let own = |home| matches!(home, Home::Local | Home::Cell);
                for (&sym, _) in scope.symbols.iter().filter(|(_, s)| own(s.home)) {
                    self.variable(sym);
                }
            }
        }
        for &sym in &scope.captures {
            // A class that names `__class__` itself and has methods that do holds two of them.
            if scope.class_cell && sym == self.cx.scopes.class_sym {
                continue;
            }
            self.variable(sym);
        }
    }

    pub fn scope(&self) -> &'a Scope {
        &self.cx.scopes.list[self.id]
    }

    pub fn is_function(&self) -> bool {
        self.scope().kind == ScopeKind::Function
    }

    pub fn error<T>(&self, span: Span, text: impl Into<String>) -> Res<T> {
        Err(Diagnostic::syntax(&self.cx.ast.file, span, text))
    }

    pub fn emit(&mut self, span: Span, instr: Instr) {
        self.note(&instr);
        self.asm.emit(span, instr);
    }

    pub fn jump(&mut self, span: Span, instr: Instr, to: Label) {
        self.asm.jump(span, instr, to);
    }

    // Registers.

    pub fn temp(&mut self) -> Reg {
        let made = reg(self.top);
        self.top += 1;
        self.most = self.most.max(self.top);
        made
    }

    /// That many consecutive temporaries.
    pub fn temps(&mut self, count: usize) -> Reg {
        let made = reg(self.top);
        self.top += count as u32;
        self.most = self.most.max(self.top);
        made
    }

    pub fn mark(&self) -> u32 {
        self.top
    }

    /// How many registers from the mark on have been used by now or will be.
    pub fn most_since(&self, mark: u32) -> u32 {
        self.top - mark
    }

    /// Gives back all temporaries made since the mark.
    pub fn release(&mut self, mark: u32) {
        self.top = mark;
    }

    pub fn is_temp(&self, reg: Reg) -> bool {
        reg.0 as u32 >= self.first
    }

    pub fn is_rebound(&self, reg: Reg) -> bool {
        self.rebound.has(reg)
    }

    /// Notes which temporaries an instruction leaves an object in.
    fn note(&mut self, instr: &Instr) {
        let dst = match *instr {
            Instr::Unset { dst } => {
                self.stale.remove(&dst.0);
                return;
            }
            Instr::Move { dst, .. }
            | Instr::LoadGlobal { dst, .. }
            | Instr::LoadName { dst, .. }
            | Instr::LoadNameOrCell { dst, .. }
            | Instr::LoadCell { dst, .. }
            | Instr::LoadAttr { dst, .. }
            | Instr::GetItem { dst, .. }
            | Instr::GetItemI { dst, .. }
            | Instr::Call { dst, .. }
            | Instr::CallMethod { dst, .. }
            | Instr::CallKw { dst, .. }
            | Instr::CallMethodKw { dst, .. }
            | Instr::CallEx { dst, .. }
            | Instr::BuildClass { dst, .. }
            | Instr::BuildList { dst, .. }
            | Instr::BuildTuple { dst, .. }
            | Instr::BuildDict { dst, .. }
            | Instr::BuildSet { dst, .. }
            | Instr::GetIter { dst, .. }
            | Instr::GetAwaitable { dst, .. }
            | Instr::GetAIter { dst, .. }
            | Instr::GetANext { dst, .. }
            | Instr::AsyncEnter { base: dst, .. }
            | Instr::AsyncExit { dst, .. }
            | Instr::Yield { dst, .. }
            | Instr::YieldFrom { dst, .. }
            | Instr::ForPrep { iter: dst, .. }
            | Instr::WithEnter { base: dst, .. } => dst,
            _ => return,
        };
        if self.is_temp(dst) {
            self.stale.insert(dst.0);
        }
    }

    /// Ends the life of what free temporaries still hold, where the script can see whether it lives.
    pub fn sweep(&mut self, span: Span) {
        if self.asm.is_dead() {
            return;
        }
        let free: Vec<u16> = self.stale.range(reg(self.top).0..).copied().collect();
        for at in free {
            self.emit(span, Instr::Unset { dst: Reg(at) });
        }
    }

    // Names.

    pub fn private(&self) -> Option<Name> {
        self.scope().private
    }

    pub fn sym(&self, name: Name) -> Sym {
        self.cx.scopes.sym(self.cx.ast, self.private(), name)
    }

    /// The text of an attribute as this block names it.
    pub fn attr(&self, name: Name) -> Box<str> {
        mangled(self.cx.ast, self.private(), self.cx.ast.name(name)).into()
    }

    pub fn var(&self, sym: Sym) -> Var {
        let scope = self.scope();
        let home = scope.symbols.get(&sym).map_or(Home::Implicit, |s| s.home);
        match (scope.kind, home, self.vars.get(&sym)) {
            (ScopeKind::Class, Home::Free, Some(&cell)) => Var::NameOrCell(cell),
            (ScopeKind::Class, Home::Local | Home::Implicit, _) => Var::Name,
            (_, Home::Local, Some(&reg)) => Var::Register(reg),
            (_, Home::Cell | Home::Free, Some(&cell)) => Var::Cell(cell),
            _ => Var::Global,
        }
    }

    /// The register that holds the cell of a name for an inner function to capture.
    pub fn cell(&self, sym: Sym) -> Option<Reg> {
        self.vars.get(&sym).copied()
    }

    pub fn konst(&mut self, c: Const) -> K {
        self.pool.add(c)
    }

    /// A site of its own: an attribute.
    pub fn fresh_site(&mut self, name: &str) -> Site {
        self.sites.push(name.into());
        Site((self.sites.len() - 1).min(LIMIT) as u16)
    }

    /// The one site of a global or local name.
    pub fn site(&mut self, name: &str) -> Site {
        if let Some(&site) = self.shared.get(name) {
            return site;
        }
        let site = self.fresh_site(name);
        self.shared.insert(name.into(), site);
        site
    }

    pub fn sym_site(&mut self, sym: Sym) -> Site {
        let cx = self.cx;
        self.site(cx.scopes.text(sym))
    }

    /// The finished code. `span` is the place of the block, for what is wrong with all of it.
    pub fn finish(mut self, span: Span, parts: Parts) -> Res<Arc<Code>> {
        self.asm.emit(span, Instr::ReturnNone {});
        let most = self.most.max(1) as usize;
        if most > LIMIT || self.pool.len() > LIMIT || self.sites.len() > LIMIT {
            let text = format!("too large: {} needs more than {LIMIT} registers, constants or names", self.name);
            return self.error(span, text);
        }
        let made = self.asm.finish(self.cx.options.every_safe_point);
        let scope = &self.cx.scopes.list[self.id];
        let names = scope.captures.iter().map(|&sym| self.cx.scopes.text(sym).into());
        Ok(Arc::new(Code {
            name: self.name,
            qualname: self.qualname.into(),
            file: self.cx.ast.file.clone(),
            first_line: self.cx.ast.file.line(span.lo),
            instrs: made.instrs.into(),
            spans: made.spans.into(),
            consts: self.pool.into_consts(),
            sites: self.sites.into(),
            registers: most as u16,
            locals: self.locals.into(),
            params: parts.params,
            handlers: made.handlers.into(),
            captures: parts.captures,
            capture_names: names.collect(),
            flags: CodeFlags {
                generator: scope.generator,
                coroutine: scope.coroutine,
                class_body: scope.kind == ScopeKind::Class,
                simple: parts.simple,
            },
            doc: parts.doc,
            annotations: parts.annotations,
            late: parts.late,
        }))
    }
}

/// What `finish` cannot see in the instructions.
#[derive(Default)]
pub struct Parts {
    pub params: Params,
    pub simple: bool,
    /// Registers of the enclosing block.
    pub captures: Box<[u16]>,
    pub doc: Option<Box<str>>,
    pub annotations: Box<[(Box<str>, Box<str>)]>,
    pub late: Option<Part>,
}

/// A register; those beyond the limit are refused by `finish`.
fn reg(at: u32) -> Reg {
    Reg(at.min(LIMIT as u32 + 1000) as u16)
}
