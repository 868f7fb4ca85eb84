//! Reading, storing and deleting variables; constants into registers.

use super::Res;
use super::consts::fold;
use super::scope::Sym;
use super::unit::{Unit, Var};
use crate::bytecode::{Const, Imm, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

impl<'a> Unit<'a> {
    pub fn load_const(&mut self, c: Const, dst: Reg, span: Span) {
        let instr = match c {
            Const::None => Instr::LoadNone { dst },
            Const::Bool(true) => Instr::LoadTrue { dst },
            Const::Bool(false) => Instr::LoadFalse { dst },
            Const::Int(i) if i16::try_from(i).is_ok() => Instr::LoadInt { dst, value: Imm(i as i16) },
            c => Instr::LoadConst { dst, k: self.konst(c) },
        };
        self.emit(span, instr);
    }

    pub fn load_text(&mut self, text: &str, dst: Reg, span: Span) {
        self.load_const(Const::Str(text.into()), dst, span);
    }

    /// The int of an expression, if it fits an instruction.
    pub fn small(&self, e: E) -> Option<Imm> {
        match fold(self.cx.ast, e)? {
            Const::Int(i) => i16::try_from(i).ok().map(Imm),
            _ => None,
        }
    }

    /// Makes sure that a variable's register is bound.
    pub fn check_bound(&mut self, reg: Reg, sym: Sym, span: Span) {
        if !self.asm.is_bound(reg) {
            let name = self.sym_site(sym);
            self.emit(span, Instr::CheckLocal { reg, name });
            self.asm.set_bound(reg);
        }
    }

    /// The register of a plain variable, if it may be read where it stands (C2).
    pub fn in_place(&mut self, e: E) -> Option<Reg> {
        let Expr::Name(name) = *self.cx.ast.expr(e) else {
            return None;
        };
        let sym = self.sym(name);
        match self.var(sym) {
            Var::Register(reg) if !self.is_rebound(reg) => {
                self.check_bound(reg, sym, self.cx.ast.span(e));
                Some(reg)
            }
            _ => None,
        }
    }

    /// The register of a plain variable that is the target of an assignment.
    pub fn target_register(&self, e: E) -> Option<Reg> {
        let Expr::Name(name) = *self.cx.ast.expr(e) else {
            return None;
        };
        self.target_in_register(self.sym(name))
    }

    /// The register of a variable that is about to be assigned its whole value.
    pub fn target_in_register(&self, sym: Sym) -> Option<Reg> {
        match self.var(sym) {
            Var::Register(reg) => Some(reg),
            _ => None,
        }
    }

    pub fn load(&mut self, sym: Sym, dst: Reg, span: Span) {
        let var = self.var(sym);
        if let Var::Register(src) = var {
            self.check_bound(src, sym, span);
            if src != dst {
                self.emit(span, Instr::Move { dst, src });
            }
            return;
        }
        let name = self.sym_site(sym);
        let instr = match var {
            Var::Cell(cell) => Instr::LoadCell { dst, cell, name },
            Var::NameOrCell(cell) => Instr::LoadNameOrCell { dst, cell, name },
            Var::Name => Instr::LoadName { dst, name },
            _ => Instr::LoadGlobal { dst, name },
        };
        self.emit(span, instr);
    }

    pub fn store(&mut self, sym: Sym, src: Reg, span: Span) {
        match self.var(sym) {
            Var::Register(dst) => {
                if dst != src {
                    self.emit(span, Instr::Move { dst, src });
                }
                self.asm.set_bound(dst);
            }
            Var::Cell(cell) | Var::NameOrCell(cell) => {
                self.emit(span, Instr::StoreCell { cell, src });
            }
            Var::Name => {
                let name = self.sym_site(sym);
                self.emit(span, Instr::StoreName { src, name });
            }
            Var::Global => {
                let name = self.sym_site(sym);
                self.emit(span, Instr::StoreGlobal { src, name });
            }
        }
    }

    pub fn delete(&mut self, sym: Sym, span: Span) {
        let name = self.sym_site(sym);
        let instr = match self.var(sym) {
            Var::Register(reg) => {
                self.emit(span, Instr::DeleteLocal { reg, name });
                self.asm.clear_bound(reg);
                return;
            }
            Var::Cell(cell) | Var::NameOrCell(cell) => Instr::DeleteCell { cell, name },
            Var::Name => Instr::DeleteName { name },
            Var::Global => Instr::DeleteGlobal { name },
        };
        self.emit(span, instr);
    }

    /// The end of the name in `except … as name`, also if the script deleted it itself.
    pub fn forget(&mut self, sym: Sym, span: Span) {
        if let Var::Register(dst) = self.var(sym) {
            self.emit(span, Instr::Unset { dst });
            self.asm.clear_bound(dst);
            return;
        }
        let mark = self.mark();
        let none = self.temp();
        self.emit(span, Instr::LoadNone { dst: none });
        self.store(sym, none, span);
        self.delete(sym, span);
        self.release(mark);
    }

    pub fn store_name(&mut self, name: Name, src: Reg, span: Span) -> Res {
        self.store(self.sym(name), src, span);
        Ok(())
    }
}
