//! Expressions to instructions.

use super::code::{Op, Reg, Ty, bits_of};
use super::form::*;
use super::lower::{Label, Lower, Res, Val, tag_of};
use super::num::Num;
use crate::source::Span;
use crate::syntax::ast::{BinOp, BoolOp, CmpOp, UnaryOp};

/// Floats hold ints up to here exactly.
const EXACT: i64 = 1 << 53;

/// An instruction of three registers.
type Three = fn(Reg, Reg, Reg) -> Op;

impl Lower<'_, '_> {
    /// Computes an expression. The register may be a variable's own: who keeps the value copies it.
    pub(super) fn expr(&mut self, n: &Node) -> Res<Val> {
        let v = self.form(n)?;
        self.types.insert(std::ptr::from_ref(n).addr(), v.ty);
        Ok(v)
    }

    fn form(&mut self, n: &Node) -> Res<Val> {
        self.span = n.span;
        match &n.form {
            Form::Const(c) => self.literal(*c),
            Form::Var(v) => self.var(*v, n.span),
            Form::Number(i) => {
                let kernel = self.kernel.clone();
                let (at, types) = self.drafts.numbers(&kernel);
                let (k, ty) = ((at + i) as u16, types[*i]);
                let r = self.temp(ty)?;
                self.emit(Op::Number(r, k));
                Ok(Val { ty, at: r })
            }
            Form::Unary(op, a) => self.unary(*op, a, n.span),
            Form::Binary(op, a, b) => self.binary(*op, a, b, n.span),
            Form::Bool(op, all) => self.bool_value(*op, all),
            Form::Compare(first, rest) if rest.len() == 1 && self.plain_pair(first, &rest[0].1)? => {
                let (a, b) = (self.expr(first)?, self.expr(&rest[0].1)?);
                self.span = n.span;
                self.compare_value(rest[0].0, a, b, n.span)
            }
            Form::Compare(..) => self.as_bool(n),
            Form::Cond(parts) => {
                let [test, then, orelse] = &**parts;
                let ty = self.joined(&[then, orelse], n.span)?;
                let out = self.temp(ty)?;
                let (other, end) = (self.label(), self.label());
                self.jump(test, false, other)?;
                let v = self.expr(then)?;
                self.put(out, ty, v);
                self.emit(Op::Jump(end.0 as u32));
                self.here(other);
                let v = self.expr(orelse)?;
                self.put(out, ty, v);
                self.here(end);
                Ok(Val { ty, at: out })
            }
            Form::Index(parts) => {
                let [row, index] = &**parts;
                let row = self.expr(row)?;
                let index = self.expr(index)?;
                self.span = n.span;
                if !row.ty.is_row() && row.ty != Ty::Never {
                    return Err(self.wrong(n.span, &format!("an index of {}", row.ty.name())));
                }
                let index = self.index(index)?;
                self.load(row, index)
            }
            Form::Call(callee, args) => self.call(*callee, args, n.span),
        }
    }

    /// A value of one type in a register that nobody changes meanwhile.
    pub(super) fn copied(&mut self, v: Val) -> Res<Val> {
        if v.ty == Ty::Never || (v.at as usize) >= self.kernel.vars.len() * 2 {
            return Ok(v);
        }
        let at = self.temp(v.ty)?;
        self.put(at, v.ty, v);
        Ok(Val { ty: v.ty, at })
    }

    pub(super) fn literal(&mut self, c: Num) -> Res<Val> {
        let (_, bits) = bits_of(c);
        let ty = Ty::of(c);
        if ty == Ty::None {
            return Ok(Val { ty, at: 0 });
        }
        if let Some(at) = self.pooled(bits) {
            return Ok(Val { ty, at });
        }
        let at = self.temp(ty)?;
        let k = self.constant(bits);
        self.emit(Op::Const(at, k));
        Ok(Val { ty, at })
    }

    pub(super) fn var(&mut self, var: usize, span: Span) -> Res<Val> {
        let ty = self.drafts.all[self.me].vars[var];
        let at = (var * 2) as Reg;
        if self.kernel.vars[var].may_be_unset {
            self.span = span;
            self.emit(Op::IsSet(at, var as u16));
        }
        Ok(Val { ty, at })
    }

    /// The type of an expression, without its code.
    pub(super) fn type_of(&mut self, n: &Node) -> Res<Ty> {
        if let Some(ty) = self.types.get(&std::ptr::from_ref(n).addr()) {
            return Ok(*ty);
        }
        let (length, free) = (self.code.len(), self.next);
        let v = self.expr(n)?;
        self.take_back(length);
        self.next = free;
        Ok(v.ty)
    }

    fn joined(&mut self, all: &[&Node], span: Span) -> Res<Ty> {
        let mut ty = Ty::Never;
        for n in all {
            let t = self.type_of(n)?;
            let Some(j) = ty.join(t) else {
                return Err(self.wrong(span, &format!("a value that is {} or {}", ty.name(), t.name())));
            };
            ty = j;
        }
        Ok(ty)
    }

    /// The value with its tag.
    pub(super) fn any(&mut self, v: Val) -> Res<Val> {
        if v.ty == Ty::Any || v.ty == Ty::Never {
            return Ok(v);
        }
        let at = self.temp(Ty::Any)?;
        self.put(at, Ty::Any, v);
        Ok(Val { ty: Ty::Any, at })
    }

    /// The value as an index of an array or an argument of range.
    pub(super) fn index(&mut self, v: Val) -> Res<Val> {
        match v.ty {
            Ty::Int | Ty::Bool | Ty::Never => Ok(v),
            Ty::Row(_) => Err(self.wrong(self.span, "an array as an index")),
            _ => {
                let v = self.any(v)?;
                let at = self.temp(Ty::Int)?;
                self.emit(Op::IndexAny(at, v.at));
                Ok(Val { ty: Ty::Int, at })
            }
        }
    }

    /// The value as a float, as functions of floats take it.
    pub(super) fn real(&mut self, v: Val) -> Res<Val> {
        match v.ty {
            Ty::Float | Ty::Never => return Ok(v),
            Ty::Row(_) => return Err(self.wrong(self.span, "an array as a number")),
            _ => {}
        }
        let at = self.temp(Ty::Float)?;
        if v.ty.is_whole() {
            self.emit(Op::IntFloat(at, v.at));
        } else {
            let v = self.any(v)?;
            self.emit(Op::RealAny(at, v.at));
        }
        Ok(Val { ty: Ty::Float, at })
    }

    pub(super) fn load(&mut self, row: Val, index: Val) -> Res<Val> {
        let ty = match row.ty {
            Ty::Row(super::cells::Item::Int) => Ty::Int,
            Ty::Row(super::cells::Item::Float) => Ty::Float,
            Ty::Never => return Ok(Val { ty: Ty::Never, at: 0 }),
            t => return Err(self.wrong(self.span, &format!("an index of {}", t.name()))),
        };
        if index.ty == Ty::Never {
            return Ok(Val { ty: Ty::Never, at: 0 });
        }
        let at = self.temp(ty)?;
        self.emit(Op::Load(at, row.at, index.at));
        Ok(Val { ty, at })
    }

    fn unary(&mut self, op: UnaryOp, a: &Node, span: Span) -> Res<Val> {
        if op == UnaryOp::Not {
            let v = self.expr(a)?;
            self.span = span;
            let b = self.truth(v)?;
            let at = self.temp(Ty::Bool)?;
            self.emit(Op::Not(at, b.at));
            return Ok(Val { ty: Ty::Bool, at });
        }
        // A negative literal is one number.
        if let (UnaryOp::Neg, Form::Const(c)) = (op, &a.form)
            && let Ok(c) = super::num::unary(op, *c)
        {
            return self.literal(c);
        }
        let v = self.expr(a)?;
        self.span = span;
        let one: (Ty, fn(Reg, Reg) -> Op) = match (op, v.ty) {
            (_, Ty::Never) => return Ok(v),
            (_, Ty::Row(_)) => return Err(self.wrong(span, &format!("the operator {} of an array", op.text()))),
            (UnaryOp::Neg, Ty::Int | Ty::Bool) => (Ty::Int, Op::NegI),
            (UnaryOp::Invert, Ty::Int | Ty::Bool) => (Ty::Int, Op::InvertI),
            (UnaryOp::Neg, Ty::Float) => (Ty::Float, Op::NegF),
            (UnaryOp::Pos, Ty::Int | Ty::Bool) => return Ok(Val { ty: Ty::Int, at: v.at }),
            (UnaryOp::Pos, Ty::Float) => return Ok(v),
            _ => {
                let v = self.any(v)?;
                let at = self.temp(Ty::Any)?;
                self.emit(Op::UnAny(op, at, v.at));
                return Ok(Val { ty: Ty::Any, at });
            }
        };
        let at = self.temp(one.0)?;
        self.emit(one.1(at, v.at));
        Ok(Val { ty: one.0, at })
    }

    fn binary(&mut self, op: BinOp, a: &Node, b: &Node, span: Span) -> Res<Val> {
        let x = self.expr(a)?;
        // `x + 3`, `x - 3`.
        if let (Ty::Int | Ty::Bool, Form::Const(Num::Int(k)), BinOp::Add | BinOp::Sub) = (x.ty, &b.form, op)
            && let Ok(k) = i32::try_from(if op == BinOp::Add { *k } else { -*k })
        {
            let at = self.temp(Ty::Int)?;
            self.span = span;
            self.emit(Op::AddK(at, x.at, k));
            return Ok(Val { ty: Ty::Int, at });
        }
        // The exponent's value decides the type.
        if let (Ty::Int | Ty::Bool, Form::Const(Num::Int(k)), BinOp::Pow) = (x.ty, &b.form, op)
            && *k >= 0
        {
            let y = self.expr(b)?;
            let at = self.temp(Ty::Int)?;
            self.span = span;
            self.emit(Op::PowI(at, x.at, y.at));
            return Ok(Val { ty: Ty::Int, at });
        }
        let y = self.expr(b)?;
        self.span = span;
        self.binary_into(op, x, y, span, None)
    }

    pub(super) fn binary_into(&mut self, op: BinOp, a: Val, b: Val, span: Span, into: Option<Reg>) -> Res<Val> {
        if a.ty.is_row() || b.ty.is_row() {
            return Err(self.wrong(span, &format!("the operator {} of an array", op.text())));
        }
        if a.ty == Ty::Never || b.ty == Ty::Never {
            return Ok(Val { ty: Ty::Never, at: 0 });
        }
        let known: Option<(Ty, Three)> = if a.ty.is_whole() && b.ty.is_whole() {
            whole(op).map(|(ty, f)| {
                let logic = matches!(op, BinOp::BitAnd | BinOp::BitOr | BinOp::BitXor);
                (if logic && a.ty == Ty::Bool && b.ty == Ty::Bool { Ty::Bool } else { ty }, f)
            })
        } else if (a.ty.is_whole() || a.ty == Ty::Float) && (b.ty.is_whole() || b.ty == Ty::Float) {
            floating(op).map(|f| (Ty::Float, f))
        } else {
            None
        };
        let Some((ty, f)) = known else {
            let (x, y) = (self.any(a)?, self.any(b)?);
            let at = self.temp(Ty::Any)?;
            self.emit(Op::BinAny(op, at, x.at, y.at));
            return Ok(Val { ty: Ty::Any, at });
        };
        let both_whole = a.ty.is_whole() && b.ty.is_whole();
        let (a, b) = if both_whole { (a, b) } else { (self.real(a)?, self.real(b)?) };
        let at = match into {
            Some(r) => r,
            None => self.temp(ty)?,
        };
        self.emit(f(at, a.at, b.at));
        Ok(Val { ty, at })
    }

    /// The truth of a value as a bool.
    pub(super) fn truth(&mut self, v: Val) -> Res<Val> {
        let ty = Ty::Bool;
        match v.ty {
            Ty::Bool | Ty::Never => Ok(v),
            Ty::None => self.literal(Num::Bool(false)),
            Ty::Row(_) => Err(self.wrong(self.span, "the truth of an array")),
            Ty::Int | Ty::Float => {
                let zero = self.literal(if v.ty == Ty::Int { Num::Int(0) } else { Num::Float(0.0) })?;
                let at = self.temp(ty)?;
                self.emit(if v.ty == Ty::Int { Op::NeI(at, v.at, zero.at) } else { Op::NeF(at, v.at, zero.at) });
                Ok(Val { ty, at })
            }
            Ty::Any => {
                let at = self.temp(ty)?;
                self.emit(Op::TruthAny(at, v.at));
                Ok(Val { ty, at })
            }
        }
    }

    /// `a and b`: the value that decides.
    fn bool_value(&mut self, op: BoolOp, all: &[Node]) -> Res<Val> {
        let span = self.span;
        let nodes: Vec<&Node> = all.iter().collect();
        let ty = self.joined(&nodes, span)?;
        let out = self.temp(ty)?;
        let end = self.label();
        for (i, n) in all.iter().enumerate() {
            let v = self.expr(n)?;
            self.put(out, ty, v);
            if i + 1 < all.len() {
                self.span = n.span;
                let b = self.truth(v)?;
                if b.ty != Ty::Never {
                    self.emit(if op == BoolOp::And {
                        Op::JIfNot(b.at, end.0 as u32)
                    } else {
                        Op::JIf(b.at, end.0 as u32)
                    });
                }
            }
        }
        self.here(end);
        Ok(Val { ty, at: out })
    }

    /// A condition as a value, by way of jumps.
    fn as_bool(&mut self, n: &Node) -> Res<Val> {
        let out = self.temp(Ty::Bool)?;
        let (no, end) = (self.label(), self.label());
        self.jump(n, false, no)?;
        let one = self.constant(1);
        let zero = self.constant(0);
        self.emit(Op::Const(out, one));
        self.emit(Op::Jump(end.0 as u32));
        self.here(no);
        self.emit(Op::Const(out, zero));
        self.here(end);
        Ok(Val { ty: Ty::Bool, at: out })
    }

    /// Is the comparison one instruction?
    fn plain_pair(&mut self, a: &Node, b: &Node) -> Res<bool> {
        let (a, b) = (self.type_of(a)?, self.type_of(b)?);
        Ok(a != Ty::Never && b != Ty::Never)
    }

    fn compare_value(&mut self, op: CmpOp, a: Val, b: Val, span: Span) -> Res<Val> {
        if a.ty.is_row() || b.ty.is_row() {
            return Err(self.wrong(span, "a comparison of an array"));
        }
        let at = self.temp(Ty::Bool)?;
        let out = Val { ty: Ty::Bool, at };
        let order = !matches!(op, CmpOp::Is | CmpOp::IsNot);
        if order && a.ty.is_whole() && b.ty.is_whole() {
            self.emit(match op {
                CmpOp::Lt => Op::LtI(at, a.at, b.at),
                CmpOp::LtE => Op::LeI(at, a.at, b.at),
                CmpOp::Gt => Op::LtI(at, b.at, a.at),
                CmpOp::GtE => Op::LeI(at, b.at, a.at),
                CmpOp::Eq => Op::EqI(at, a.at, b.at),
                _ => Op::NeI(at, a.at, b.at),
            });
        } else if order && a.ty == Ty::Float && b.ty == Ty::Float {
            self.emit(match op {
                CmpOp::Lt => Op::LtF(at, a.at, b.at),
                CmpOp::LtE => Op::LeF(at, a.at, b.at),
                CmpOp::Gt => Op::LtF(at, b.at, a.at),
                CmpOp::GtE => Op::LeF(at, b.at, a.at),
                CmpOp::Eq => Op::EqF(at, a.at, b.at),
                _ => Op::NeF(at, a.at, b.at),
            });
        } else {
            let (a, b) = (self.any(a)?, self.any(b)?);
            self.emit(Op::CmpAny(op, at, a.at, b.at));
        }
        Ok(out)
    }

    /// Goes to the label if the condition is `when`.
    pub(super) fn jump(&mut self, n: &Node, when: bool, to: Label) -> Res<()> {
        match &n.form {
            Form::Const(c) => {
                if c.truth() == when {
                    self.emit(Op::Jump(to.0 as u32));
                }
                Ok(())
            }
            Form::Unary(UnaryOp::Not, a) => self.jump(a, !when, to),
            Form::Bool(op, all) => {
                let short = (*op == BoolOp::Or) == when;
                let past = self.label();
                for (i, n) in all.iter().enumerate() {
                    let last = i + 1 == all.len();
                    let (when, to) = if last || short { (when, to) } else { (!when, past) };
                    self.jump(n, when, to)?;
                }
                self.here(past);
                Ok(())
            }
            Form::Compare(first, rest) => {
                let mut a = self.expr(first)?;
                let past = self.label();
                for (i, (op, n)) in rest.iter().enumerate() {
                    let last = i + 1 == rest.len();
                    let free = self.next;
                    if let Some(k) = small(&n.form).filter(|_| last && a.ty.is_whole()) {
                        self.jump_small(*op, a, k, when, to, n.span);
                        continue;
                    }
                    let b = self.operand(n, a.ty)?;
                    self.span = first.span.to(n.span);
                    match (when, last) {
                        (_, true) => self.jump_pair(*op, a, b, when, to)?,
                        (true, false) => self.jump_pair(*op, a, b, false, past)?,
                        (false, false) => self.jump_pair(*op, a, b, false, to)?,
                    }
                    if last {
                        self.next = free;
                    }
                    a = b;
                }
                self.here(past);
                Ok(())
            }
            _ => {
                let v = self.expr(n)?;
                self.span = n.span;
                let b = self.truth(v)?;
                if b.ty != Ty::Never {
                    self.emit(if when { Op::JIf(b.at, to.0 as u32) } else { Op::JIfNot(b.at, to.0 as u32) });
                }
                Ok(())
            }
        }
    }

    /// An operand beside one of a type: an int literal beside a float is that float.
    fn operand(&mut self, n: &Node, beside: Ty) -> Res<Val> {
        match n.form {
            Form::Const(Num::Int(k)) if beside == Ty::Float && k.abs() <= EXACT => self.literal(Num::Float(k as f64)),
            _ => self.expr(n),
        }
    }

    fn jump_small(&mut self, op: CmpOp, a: Val, k: i16, when: bool, to: Label, span: Span) {
        self.span = span;
        let to = to.0 as u32;
        let op = if when { op } else { opposite(op) };
        self.emit(match op {
            CmpOp::Lt => Op::JLtK(a.at, k, to),
            CmpOp::LtE => Op::JLeK(a.at, k, to),
            CmpOp::Gt => Op::JGtK(a.at, k, to),
            CmpOp::GtE => Op::JGeK(a.at, k, to),
            CmpOp::Eq => Op::JEqK(a.at, k, to),
            _ => Op::JNeK(a.at, k, to),
        });
    }

    pub(super) fn jump_pair(&mut self, op: CmpOp, a: Val, b: Val, when: bool, to: Label) -> Res<()> {
        if a.ty == Ty::Never || b.ty == Ty::Never {
            return Ok(());
        }
        let to = to.0 as u32;
        let order = !matches!(op, CmpOp::Is | CmpOp::IsNot);
        if order && a.ty.is_whole() && b.ty.is_whole() {
            let op = if when { op } else { opposite(op) };
            self.emit(match op {
                CmpOp::Lt => Op::JLtI(a.at, b.at, to),
                CmpOp::LtE => Op::JLeI(a.at, b.at, to),
                CmpOp::Gt => Op::JLtI(b.at, a.at, to),
                CmpOp::GtE => Op::JLeI(b.at, a.at, to),
                CmpOp::Eq => Op::JEqI(a.at, b.at, to),
                _ => Op::JNeI(a.at, b.at, to),
            });
            return Ok(());
        }
        if order && a.ty == Ty::Float && b.ty == Ty::Float {
            self.emit(match (op, when) {
                (CmpOp::Lt, true) => Op::JLtF(a.at, b.at, to),
                (CmpOp::Lt, false) => Op::JNotLtF(a.at, b.at, to),
                (CmpOp::LtE, true) => Op::JLeF(a.at, b.at, to),
                (CmpOp::LtE, false) => Op::JNotLeF(a.at, b.at, to),
                (CmpOp::Gt, true) => Op::JLtF(b.at, a.at, to),
                (CmpOp::Gt, false) => Op::JNotLtF(b.at, a.at, to),
                (CmpOp::GtE, true) => Op::JLeF(b.at, a.at, to),
                (CmpOp::GtE, false) => Op::JNotLeF(b.at, a.at, to),
                (CmpOp::Eq, true) | (CmpOp::NotEq, false) => Op::JEqF(a.at, b.at, to),
                _ => Op::JNeF(a.at, b.at, to),
            });
            return Ok(());
        }
        let span = self.span;
        let b = self.compare_value(op, a, b, span)?;
        self.emit(if when { Op::JIf(b.at, to) } else { Op::JIfNot(b.at, to) });
        Ok(())
    }

    /// A value of a known type out of an `Any` that is sure to hold it.
    pub(super) fn opened(&mut self, v: Val, ty: Ty) -> Val {
        debug_assert!(tag_of(ty) != 0 && v.ty == Ty::Any);
        Val { ty, at: v.at + 1 }
    }
}

/// An int literal that fits into a comparison.
fn small(f: &Form) -> Option<i16> {
    let Form::Const(Num::Int(k)) = f else { return None };
    i16::try_from(*k).ok()
}

/// The comparison of ints that holds when this one does not.
fn opposite(op: CmpOp) -> CmpOp {
    match op {
        CmpOp::Lt => CmpOp::GtE,
        CmpOp::LtE => CmpOp::Gt,
        CmpOp::Gt => CmpOp::LtE,
        CmpOp::GtE => CmpOp::Lt,
        CmpOp::Eq => CmpOp::NotEq,
        _ => CmpOp::Eq,
    }
}

/// The instruction of an operator on two ints; `None`: the type depends on the values.
fn whole(op: BinOp) -> Option<(Ty, Three)> {
    Some(match op {
        BinOp::Add => (Ty::Int, Op::AddI),
        BinOp::Sub => (Ty::Int, Op::SubI),
        BinOp::Mul => (Ty::Int, Op::MulI),
        BinOp::FloorDiv => (Ty::Int, Op::FloorDivI),
        BinOp::Mod => (Ty::Int, Op::ModI),
        BinOp::BitAnd => (Ty::Int, Op::AndI),
        BinOp::BitOr => (Ty::Int, Op::OrI),
        BinOp::BitXor => (Ty::Int, Op::XorI),
        BinOp::Shl => (Ty::Int, Op::ShlI),
        BinOp::Shr => (Ty::Int, Op::ShrI),
        BinOp::Div => (Ty::Float, Op::DivI),
        BinOp::Pow | BinOp::MatMul => return None,
    })
}

fn floating(op: BinOp) -> Option<Three> {
    Some(match op {
        BinOp::Add => Op::AddF,
        BinOp::Sub => Op::SubF,
        BinOp::Mul => Op::MulF,
        BinOp::Div => Op::DivF,
        BinOp::FloorDiv => Op::FloorDivF,
        BinOp::Mod => Op::ModF,
        BinOp::Pow => Op::PowF,
        _ => return None,
    })
}
