//! Displays: tuples, lists, sets, dicts; and taking them apart.

use super::Res;
use super::consts::fold_all;
use super::unit::Unit;
use crate::bytecode::{Const, Count, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

/// Longer displays are built item by item, so that they need few registers.
const WINDOW: usize = 32;

impl<'a> Unit<'a> {
    /// The items into consecutive temporaries.
    fn window(&mut self, items: &[E]) -> Res<(Reg, Count)> {
        let base = self.temps(0);
        for &e in items {
            self.fresh(e)?;
        }
        Ok((base, Count(items.len() as u16)))
    }

    fn fits(&self, items: &[E]) -> bool {
        let star = |e: &E| matches!(self.cx.ast.expr(*e), Expr::Starred(_));
        items.len() <= WINDOW && !items.iter().any(star)
    }

    #[inline(never)]
    pub fn tuple(&mut self, items: &[E], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        if self.fits(items) {
            let (base, n) = self.window(items)?;
            self.release(mark);
            self.emit(span, Instr::BuildTuple { dst, base, n });
        } else {
            let src = self.draft(dst);
            self.append_all(items, src, span)?;
            self.release(mark);
            self.emit(span, Instr::ListToTuple { dst, src });
        }
        Ok(())
    }

    #[inline(never)]
    pub fn list(&mut self, items: &'a [E], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        if items.is_empty() {
            self.empty_list(dst, span);
        } else if items.len() > 2
            && let Some(all) = fold_all(self.cx.ast, items)
        {
            let list = self.draft(dst);
            self.empty_list(list, span);
            self.extend(list, Const::Tuple(all), span);
            self.settle(dst, list, span);
        } else if self.fits(items) {
            let (base, n) = self.window(items)?;
            self.emit(span, Instr::BuildList { dst, base, n });
        } else {
            let list = self.draft(dst);
            self.append_all(items, list, span)?;
            self.settle(dst, list, span);
        }
        self.release(mark);
        Ok(())
    }

    pub fn empty_list(&mut self, dst: Reg, span: Span) {
        let n = Count(0);
        self.emit(span, Instr::BuildList { dst, base: dst, n });
    }

    fn extend(&mut self, list: Reg, items: Const, span: Span) {
        let mark = self.mark();
        let src = self.temp();
        self.load_const(items, src, span);
        self.release(mark);
        let n = Count(0);
        self.emit(span, Instr::ListExtend { list, src, n });
    }

    /// A new list of items with stars among them.
    fn append_all(&mut self, items: &[E], list: Reg, span: Span) -> Res {
        self.empty_list(list, span);
        for &e in items {
            let mark = self.mark();
            if let Expr::Starred(inner) = *self.cx.ast.expr(e) {
                let src = self.operand(inner)?;
                let n = Count(1);
                self.emit(self.cx.ast.span(e), Instr::ListExtend { list, src, n });
            } else {
                let src = self.operand(e)?;
                self.emit(span, Instr::ListAppend { list, src });
            }
            self.release(mark);
        }
        Ok(())
    }

    #[inline(never)]
    pub fn set(&mut self, items: &'a [E], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        let none = Count(0);
        let consts = if items.len() > 2 { fold_all(self.cx.ast, items) } else { None };
        if let Some(all) = consts {
            let set = self.draft(dst);
            self.emit(span, Instr::BuildSet { dst: set, base: set, n: none });
            let src = self.temp();
            self.load_const(Const::FrozenSet(all), src, span);
            self.emit(span, Instr::SetUpdate { set, src });
            self.settle(dst, set, span);
        } else if self.fits(items) {
            let (base, n) = self.window(items)?;
            self.emit(span, Instr::BuildSet { dst, base, n });
        } else {
            let set = self.draft(dst);
            self.emit(span, Instr::BuildSet { dst: set, base: set, n: none });
            for &e in items {
                let inner = self.mark();
                if let Expr::Starred(star) = *self.cx.ast.expr(e) {
                    let src = self.operand(star)?;
                    self.emit(self.cx.ast.span(e), Instr::SetUpdate { set, src });
                } else {
                    let src = self.operand(e)?;
                    self.emit(span, Instr::SetAdd { set, src });
                }
                self.release(inner);
            }
            self.settle(dst, set, span);
        }
        self.release(mark);
        Ok(())
    }

    #[inline(never)]
    pub fn dict(&mut self, items: &'a [(Option<E>, E)], dst: Reg, span: Span) -> Res {
        let mark = self.mark();
        if items.len() <= WINDOW && items.iter().all(|(key, _)| key.is_some()) {
            let base = self.temps(0);
            for &(key, value) in items {
                key.map_or(Ok(()), |key| self.fresh(key).map(|_| ()))?;
                self.fresh(value)?;
            }
            let base = if items.is_empty() { dst } else { base };
            let n = Count(items.len() as u16);
            self.release(mark);
            self.emit(span, Instr::BuildDict { dst, base, n });
            return Ok(());
        }
        let dict = self.draft(dst);
        self.empty_dict(dict, span);
        for &(key, value) in items {
            let inner = self.mark();
            if let Some(key) = key {
                let key = self.operand(key)?;
                let src = self.operand(value)?;
                self.emit(span, Instr::SetItem { obj: dict, key, src });
            } else {
                let src = self.operand(value)?;
                self.emit(self.cx.ast.span(value), Instr::DictUpdate { dict, src });
            }
            self.release(inner);
        }
        self.release(mark);
        self.settle(dst, dict, span);
        Ok(())
    }

    pub fn empty_dict(&mut self, dst: Reg, span: Span) {
        let n = Count(0);
        self.emit(span, Instr::BuildDict { dst, base: dst, n });
    }

    /// The right operand of a comparison; nobody can change the display in `x in [1, 2]`.
    pub fn container(&mut self, op: CmpOp, e: E) -> Res<Reg> {
        let ast = self.cx.ast;
        let constant = match (op, ast.expr(e)) {
            (CmpOp::In | CmpOp::NotIn, Expr::List(items)) => fold_all(ast, items).map(Const::Tuple),
            (CmpOp::In | CmpOp::NotIn, Expr::Set(items)) => fold_all(ast, items).map(Const::FrozenSet),
            _ => None,
        };
        let Some(constant) = constant else {
            return self.operand(e);
        };
        let dst = self.temp();
        self.load_const(constant, dst, ast.span(e));
        Ok(dst)
    }

    /// `a, *b, c = R[src]`
    pub fn unpack(&mut self, targets: &'a [E], src: Reg, span: Span) -> Res {
        let ast = self.cx.ast;
        let mut star = None;
        for (at, &target) in targets.iter().enumerate() {
            if matches!(ast.expr(target), Expr::Starred(_)) && star.replace(at).is_some() {
                let text = "multiple starred expressions in assignment";
                return self.error(ast.span(target), text);
            }
        }
        let mark = self.mark();
        let direct = self.row_of_variables(targets);
        let base = match direct {
            Some(base) => base,
            // `() = x` names a register too, though it fills none.
            None => self.temps(targets.len().max(1)),
        };
        let n = Count(targets.len() as u16);
        match star {
            None => self.emit(span, Instr::Unpack { src, base, n }),
            Some(before) => {
                let after = targets.len() - before - 1;
                if before > 255 || after > 255 {
                    let text = "too many expressions in star-unpacking assignment";
                    return self.error(span, text);
                }
                let n = Count((before * 256 + after) as u16);
                self.emit(span, Instr::UnpackEx { src, base, n });
            }
        }
        for (at, &target) in targets.iter().enumerate() {
            let from = Reg(base.0.saturating_add(at as u16));
            match *ast.expr(target) {
                Expr::Starred(inner) => self.store_to(inner, from)?,
                _ => self.store_to(target, from)?,
            }
        }
        self.release(mark);
        Ok(())
    }

    /// The first of consecutive registers that are exactly these targets.
    fn row_of_variables(&self, targets: &[E]) -> Option<Reg> {
        let base = self.target_register(*targets.first()?)?;
        for (at, &target) in targets.iter().enumerate() {
            if self.target_register(target)?.0 != base.0 + at as u16 {
                return None;
            }
        }
        Some(base)
    }
}
