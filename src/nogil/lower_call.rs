//! Calls to instructions.

use super::code::{Op, Reg, Ret, Ty};
use super::form::*;
use super::lower::{Lower, Res, Val};
use super::num::Num;
use crate::source::Span;

const NEVER: Val = Val { ty: Ty::Never, at: 0 };

impl Lower<'_, '_> {
    pub(super) fn call(&mut self, callee: Callee, args: &[Node], span: Span) -> Res<Val> {
        match callee {
            Callee::Kernel(_) | Callee::Itself => {
                let (ret, at) = self.call_kernel(callee, args, span)?;
                match ret {
                    Ret::Unknown => Ok(NEVER),
                    Ret::One(ty) => Ok(Val { ty, at }),
                    Ret::Tuple(_) => Err(self.wrong(
                        span,
                        "a tuple as a value: it can be unpacked, or returned by no more than one function",
                    )),
                }
            }
            Callee::Math1(f, _) => {
                let a = self.expr(&args[0])?;
                self.span = span;
                let a = self.real(a)?;
                if a.ty == Ty::Never {
                    return Ok(NEVER);
                }
                let at = self.temp(Ty::Float)?;
                self.math1.push(f);
                self.emit(Op::Math1((self.math1.len() - 1) as u16, at, a.at));
                Ok(Val { ty: Ty::Float, at })
            }
            Callee::Math2(f, _) => {
                let (a, b) = (self.expr(&args[0])?, self.expr(&args[1])?);
                self.span = span;
                let (a, b) = (self.real(a)?, self.real(b)?);
                if a.ty == Ty::Never || b.ty == Ty::Never {
                    return Ok(NEVER);
                }
                let at = self.temp(Ty::Float)?;
                self.math2.push(f);
                self.emit(Op::Math2((self.math2.len() - 1) as u16, at, a.at, b.at));
                Ok(Val { ty: Ty::Float, at })
            }
            Callee::Builtin(b) => self.builtin(b, args, span),
        }
    }

    /// Calls another such function; where its results are.
    pub(super) fn call_kernel(&mut self, callee: Callee, args: &[Node], span: Span) -> Res<(Ret, Reg)> {
        let kernel = match callee {
            Callee::Kernel(k) => self.kernel.kernels[k].clone(),
            _ => self.kernel.clone(),
        };
        let mut vals = Vec::new();
        for a in args {
            let v = self.expr(a)?;
            vals.push(v);
        }
        self.span = span;
        // Arguments lie behind everything that is in use: the callee's window begins there.
        let at = self.temps(2 * vals.len().max(1))?;
        for (i, v) in vals.iter().enumerate() {
            self.put(at + 2 * i as u8, v.ty, *v);
        }
        if vals.iter().any(|v| v.ty == Ty::Never) {
            return Ok((Ret::Unknown, 0));
        }
        let types: Vec<Ty> = vals.iter().map(|v| v.ty).collect();
        let Some(proc) = self.drafts.find(&kernel, &types) else {
            return Err(self.wrong(span, "too many functions in one program"));
        };
        self.emit(Op::Call(proc as u16, at));
        let ret = self.drafts.all[proc].ret.clone();
        let results = match &ret {
            Ret::Tuple(t) => 2 * t.len(),
            _ => 2,
        };
        self.next = self.next.max(at as usize + results);
        if self.next > 256 {
            return Err(self.wrong(span, "an expression with too many intermediate values"));
        }
        Ok((ret, at))
    }

    fn builtin(&mut self, b: Builtin, args: &[Node], span: Span) -> Res<Val> {
        if args.is_empty() {
            return self.literal(match b {
                Builtin::Int => Num::Int(0),
                Builtin::Float => Num::Float(0.0),
                _ => Num::Bool(false),
            });
        }
        if b == Builtin::Pow {
            let (x, y) = (self.expr(&args[0])?, self.expr(&args[1])?);
            self.span = span;
            return self.binary_into(crate::syntax::ast::BinOp::Pow, x, y, span, None);
        }
        if matches!(b, Builtin::Min | Builtin::Max) {
            return self.extreme(b, args, span);
        }
        let v = self.expr(&args[0])?;
        self.span = span;
        let simple = match (b, v.ty) {
            (_, Ty::Never) => return Ok(NEVER),
            (Builtin::Len, Ty::Row(_)) => {
                let at = self.temp(Ty::Int)?;
                self.emit(Op::Len(at, v.at));
                return Ok(Val { ty: Ty::Int, at });
            }
            (Builtin::Len, t) => return Err(self.wrong(span, &format!("len() of {}", t.name()))),
            (_, Ty::Row(_)) => return Err(self.wrong(span, &format!("{}() of an array", b.name()))),
            (Builtin::Bool, _) => return self.truth(v),
            (Builtin::Int | Builtin::Trunc | Builtin::Floor | Builtin::Ceil, t) if t.is_whole() => {
                return Ok(Val { ty: Ty::Int, at: v.at });
            }
            (Builtin::Round, t) if t.is_whole() && args.len() == 1 => return Ok(Val { ty: Ty::Int, at: v.at }),
            (Builtin::Float, Ty::Float) => return Ok(v),
            (Builtin::Float, t) if t.is_whole() => return self.real(v),
            (Builtin::Abs, Ty::Float) => Some((Ty::Float, Op::AbsF as fn(Reg, Reg) -> Op)),
            (Builtin::Abs, t) if t.is_whole() => Some((Ty::Int, Op::AbsI as fn(Reg, Reg) -> Op)),
            _ => None,
        };
        if let Some((ty, f)) = simple {
            let at = self.temp(ty)?;
            self.emit(f(at, v.at));
            return Ok(Val { ty, at });
        }
        let known = v.ty;
        let x = self.any(v)?;
        let y = match args.get(1) {
            Some(n) => {
                let y = self.expr(n)?;
                if y.ty.is_row() {
                    return Err(self.wrong(span, &format!("{}() of an array", b.name())));
                }
                self.any(y)?
            }
            None => x,
        };
        if y.ty == Ty::Never {
            return Ok(NEVER);
        }
        self.span = span;
        let at = self.temp(Ty::Any)?;
        let out = Val { ty: Ty::Any, at };
        // One argument: both registers are the same, and `round` looks whether they are.
        self.emit(Op::BuiltinAny(b, at, x.at, y.at));
        Ok(match (b, args.len()) {
            (Builtin::Int | Builtin::Floor | Builtin::Ceil | Builtin::Trunc | Builtin::Isqrt | Builtin::Gcd, _) => {
                self.opened(out, Ty::Int)
            }
            (Builtin::Float, _) => self.opened(out, Ty::Float),
            (Builtin::IsNan | Builtin::IsInf | Builtin::IsFinite, _) => self.opened(out, Ty::Bool),
            (Builtin::Round, 1) if known == Ty::Float => self.opened(out, Ty::Int),
            (Builtin::Round, 2) if known == Ty::Float => self.opened(out, Ty::Float),
            (Builtin::Round, 2) if known.is_whole() => self.opened(out, Ty::Int),
            _ => out,
        })
    }

    /// `min`, `max`: the first of equal ones, as Python's.
    fn extreme(&mut self, b: Builtin, args: &[Node], span: Span) -> Res<Val> {
        use crate::syntax::ast::CmpOp;
        let mut ty = Ty::Never;
        for n in args {
            let t = self.type_of(n)?;
            if t.is_row() {
                return Err(self.wrong(span, &format!("{}() of an array", b.name())));
            }
            ty = ty.join(t).expect("no rows");
        }
        let out = self.temp(ty)?;
        let mut best = Val { ty: Ty::Never, at: out };
        for (i, n) in args.iter().enumerate() {
            let free = self.next;
            let v = self.expr(n)?;
            self.span = span;
            if i == 0 {
                self.put(out, ty, v);
                best.ty = ty;
                continue;
            }
            if v.ty == Ty::Never || ty == Ty::Never {
                continue;
            }
            let past = self.label();
            let op = if b == Builtin::Min { CmpOp::Lt } else { CmpOp::Gt };
            self.jump_pair(op, v, best, false, past)?;
            self.put(out, ty, v);
            self.here(past);
            self.next = free;
        }
        Ok(best)
    }
}
