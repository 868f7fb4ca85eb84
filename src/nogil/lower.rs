//! Statements to instructions.

use super::cells::Item;
use super::code::{Op, Proc, Reg, Ret, Ty, tag};
use super::compile::{Drafts, Mistyped};
use super::form::*;
use super::num::Num;
use crate::object::pure::math::{One, Two};
use crate::source::Span;
use crate::syntax::ast::BinOp;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) type Res<T> = Result<T, Mistyped>;

/// A value in its register.
#[derive(Clone, Copy, Debug)]
pub(super) struct Val {
    pub ty: Ty,
    pub at: Reg,
}

/// A place in the code that may not be known yet.
#[derive(Clone, Copy)]
pub(super) struct Label(pub(super) usize);

pub(super) struct Loop {
    pub next: Label,
    pub end: Label,
}

/// Constants with a register of their own, at most.
const POOL_MAX: usize = 48;
/// Registers of variables: two each.
const VARS_MAX: usize = 60;
/// A frame's window (N4).
const WINDOW: usize = 256;

pub(super) struct Lower<'a, 'd> {
    pub(super) kernel: Arc<Kernel>,
    pub(super) drafts: &'a mut Drafts<'d>,
    pub(super) me: usize,
    pub(super) code: Vec<Op>,
    spans: Vec<Span>,
    /// Where the instruction that comes next stands.
    pub(super) span: Span,
    pub(super) consts: Vec<u64>,
    raises: Vec<Raised>,
    pub(super) math1: Vec<One>,
    pub(super) math2: Vec<Two>,
    pool_at: usize,
    /// Constants that have their register in this pass.
    pooled: usize,
    /// The first free register.
    pub(super) next: usize,
    pub(super) loops: Vec<Loop>,
    labels: Vec<Option<u32>>,
    /// Types of nodes that were lowered in this pass, by address: the tree does not move.
    pub(super) types: BTreeMap<usize, Ty>,
}

impl<'a, 'd> Lower<'a, 'd> {
    /// Lowers the function at a place of the drafts with the types known so far.
    pub fn run(drafts: &'a mut Drafts<'d>, me: usize) -> Res<Proc> {
        let kernel = drafts.all[me].kernel.clone();
        let pool_at = kernel.vars.len() * 2;
        let pooled = drafts.all[me].pool.len();
        let next = pool_at + pooled;
        let span = kernel.span;
        let mut l = Lower {
            kernel: kernel.clone(),
            drafts,
            me,
            code: vec![],
            spans: vec![],
            span,
            consts: vec![],
            raises: vec![],
            math1: vec![],
            math2: vec![],
            pool_at,
            pooled,
            next,
            loops: vec![],
            labels: vec![],
            types: BTreeMap::new(),
        };
        if kernel.vars.len() > VARS_MAX {
            return Err(l.wrong(span, &format!("more than {VARS_MAX} variables")));
        }
        l.entry();
        l.block(&kernel.body)?;
        if super::lower_loops::falls(&kernel.body) {
            let none = Node { form: Form::Const(Num::None), span };
            l.give_back(std::slice::from_ref(&none), false, span)?;
        }
        // A jump may lead here although no way does.
        l.emit(Op::Return(0, 0));
        l.patch();
        let numbers_at = l.drafts.numbers(&kernel).0;
        let draft = &l.drafts.all[me];
        Ok(Proc {
            kernel,
            args: draft.args.clone(),
            ret: draft.ret.clone(),
            code: l.code,
            spans: l.spans,
            consts: l.consts,
            raises: l.raises,
            math1: l.math1,
            math2: l.math2,
            numbers_at,
        })
    }

    /// Constants get their registers; variables that may be unset say so.
    fn entry(&mut self) {
        for (i, bits) in self.drafts.all[self.me].pool.clone().into_iter().enumerate() {
            let k = self.constant(bits);
            self.emit(Op::Const((self.pool_at + i) as Reg, k));
        }
        // A parameter that is assigned a value of another type later.
        for i in 0..self.kernel.params.len() {
            let draft = &self.drafts.all[self.me];
            let (arg, var) = (draft.args[i], draft.vars[i]);
            self.put((i * 2) as Reg, var, Val { ty: arg, at: (i * 2) as Reg });
        }
        let kernel = self.kernel.clone();
        for (i, v) in kernel.vars.iter().enumerate().skip(kernel.params.len()) {
            if v.may_be_unset {
                self.emit(Op::Tag((i * 2) as Reg, tag::UNSET as u8));
            }
        }
    }

    pub(super) fn wrong(&self, span: Span, what: &str) -> Mistyped {
        Mistyped { what: what.into(), file: self.kernel.file.clone(), function: self.kernel.name.clone(), span }
    }

    pub(super) fn emit(&mut self, op: Op) {
        self.code.push(op);
        self.spans.push(self.span);
    }

    /// Takes back what was emitted since the code had this length.
    pub(super) fn take_back(&mut self, length: usize) {
        self.code.truncate(length);
        self.spans.truncate(length);
    }

    pub(super) fn constant(&mut self, bits: u64) -> u16 {
        let at = self.consts.iter().position(|c| *c == bits).unwrap_or_else(|| {
            self.consts.push(bits);
            self.consts.len() - 1
        });
        at as u16
    }

    /// The register that holds these bits all the time, if there is room for one; it is there from the next pass on.
    pub(super) fn pooled(&mut self, bits: u64) -> Option<Reg> {
        let draft = &mut self.drafts.all[self.me];
        match draft.pool.iter().position(|b| *b == bits) {
            Some(at) => Some((self.pool_at + at) as Reg).filter(|_| at < self.pooled),
            None => {
                if draft.pool.len() < POOL_MAX {
                    draft.pool.push(bits);
                    self.drafts.changed = true;
                }
                None
            }
        }
    }

    /// Registers for a value of this type.
    pub(super) fn temp(&mut self, ty: Ty) -> Res<Reg> {
        self.temps(if ty == Ty::Any { 2 } else { 1 })
    }
    pub(super) fn temps(&mut self, n: usize) -> Res<Reg> {
        let at = self.next;
        self.next += n;
        if self.next > WINDOW {
            return Err(self.wrong(self.span, "an expression with too many intermediate values"));
        }
        Ok(at as Reg)
    }

    pub(super) fn label(&mut self) -> Label {
        self.labels.push(None);
        Label(self.labels.len() - 1)
    }
    /// What is emitted next stands at the label.
    pub(super) fn here(&mut self, l: Label) {
        self.labels[l.0] = Some(self.code.len() as u32);
    }

    /// Until here jumps name labels; now instructions.
    fn patch(&mut self) {
        for op in &mut self.code {
            match op {
                Op::JLtI(.., to) | Op::JLeI(.., to) | Op::JEqI(.., to) | Op::JNeI(.., to) => fix(&self.labels, to),
                Op::JLtK(.., to) | Op::JLeK(.., to) | Op::JGtK(.., to) | Op::JGeK(.., to) => fix(&self.labels, to),
                Op::JEqK(.., to) | Op::JNeK(.., to) | Op::JLtF(.., to) | Op::JLeF(.., to) => fix(&self.labels, to),
                Op::JNotLtF(.., to) | Op::JNotLeF(.., to) | Op::JEqF(.., to) => fix(&self.labels, to),
                Op::JNeF(.., to) | Op::JIf(_, to) | Op::JIfNot(_, to) | Op::Jump(to) => fix(&self.labels, to),
                Op::Back(to) | Op::ForRange(_, to) | Op::ForNext(.., to) => fix(&self.labels, to),
                _ => {}
            }
        }
        fn fix(labels: &[Option<u32>], to: &mut u32) {
            *to = labels[*to as usize].expect("a label that stands somewhere");
        }
    }

    pub(super) fn block(&mut self, all: &[Statement]) -> Res<()> {
        for s in all {
            let free = self.next;
            self.statement(s)?;
            self.next = free;
        }
        Ok(())
    }

    fn statement(&mut self, s: &Statement) -> Res<()> {
        match s {
            Statement::Expr(n) => self.expr(n).map(drop),
            Statement::Assign(t, n) => {
                if let Target::Var(v) = t {
                    return self.assign_var(*v, n);
                }
                let v = self.expr(n)?;
                self.store(t, v, n.span)
            }
            Statement::Several(targets, nodes) => {
                let mut vals = Vec::new();
                for n in nodes {
                    let v = self.expr(n)?;
                    vals.push(self.copied(v)?);
                }
                for ((t, v), n) in targets.iter().zip(vals).zip(nodes) {
                    self.store(t, v, n.span)?;
                }
                Ok(())
            }
            Statement::Unpack(targets, call) => self.unpack(targets, call),
            Statement::Update(t, op, n, span) => self.update(t, *op, n, *span),
            Statement::Return(nodes, tuple, span) => self.give_back(nodes, *tuple, *span),
            Statement::If(branches, orelse) => {
                let end = self.label();
                for (test, body) in branches {
                    let next = self.label();
                    self.jump(test, false, next)?;
                    self.block(body)?;
                    self.emit(Op::Jump(end.0 as u32));
                    self.here(next);
                }
                self.block(orelse)?;
                self.here(end);
                Ok(())
            }
            Statement::While(test, body, orelse) => self.while_loop(test, body, orelse),
            Statement::For(f) => self.for_loop(f),
            Statement::Break | Statement::Continue => {
                let l = self.loops.last().expect("inside a loop, as the compiler has checked");
                let to = if matches!(s, Statement::Break) { l.end } else { l.next };
                // Forward in every case: the test of a loop stands at its end.
                self.emit(Op::Jump(to.0 as u32));
                Ok(())
            }
            Statement::Assert(test, text) => {
                let good = self.label();
                self.jump(test, true, good)?;
                self.span = test.span;
                self.raise(Raised { class: "AssertionError", text: text.clone() });
                self.here(good);
                Ok(())
            }
            Statement::Raise(r, span) => {
                self.span = *span;
                self.raise(r.clone());
                Ok(())
            }
        }
    }

    fn raise(&mut self, r: Raised) {
        self.raises.push(r);
        self.emit(Op::Raise((self.raises.len() - 1) as u16));
    }

    fn unpack(&mut self, targets: &[Target], call: &Node) -> Res<()> {
        let Form::Call(callee, args) = &call.form else { unreachable!("checked") };
        let (ret, at) = self.call_kernel(*callee, args, call.span)?;
        let types = match ret {
            Ret::Unknown => return Ok(()),
            Ret::Tuple(types) if types.len() == targets.len() => types,
            Ret::Tuple(_) => return Err(self.wrong(call.span, "unpacking of another number of values")),
            Ret::One(ty) => return Err(self.wrong(call.span, &format!("unpacking of {}", ty.name()))),
        };
        for (i, (t, ty)) in targets.iter().zip(types).enumerate() {
            self.store(t, Val { ty, at: at + 2 * i as u8 }, call.span)?;
        }
        Ok(())
    }

    fn update(&mut self, t: &Target, op: BinOp, n: &Node, span: Span) -> Res<()> {
        match t {
            Target::Var(v) => {
                let b = self.expr(n)?;
                let a = self.var(*v, span)?;
                self.span = span;
                let out =
                    self.binary_into(op, a, b, span, Some((*v * 2) as Reg).filter(|_| self.direct(*v, a, b, op)))?;
                self.grow(*v, out.ty, span)?;
                self.put_in_var(*v, out)
            }
            Target::Item(row, index, place) => {
                let row = self.expr(row)?;
                let index = self.expr(index)?;
                self.span = *place;
                let index = self.index(index, true)?;
                let index = self.copied(index)?;
                let a = self.load(row, index)?;
                let b = self.expr(n)?;
                self.span = span;
                let out = self.binary_into(op, a, b, span, None)?;
                self.store_item(row, index, out, *place)
            }
        }
    }

    /// May the result go straight into the variable's register? Only if its type stays what it is.
    fn direct(&self, var: usize, a: Val, b: Val, op: BinOp) -> bool {
        let ty = self.drafts.all[self.me].vars[var];
        let plain = matches!(op, BinOp::Add | BinOp::Sub | BinOp::Mul);
        plain && ty == a.ty && ((ty == Ty::Int && b.ty.is_whole()) || (ty == Ty::Float && b.ty == Ty::Float))
    }

    /// `var = node`, computed in the variable's own register where that is safe.
    fn assign_var(&mut self, var: usize, n: &Node) -> Res<()> {
        let ty = self.drafts.all[self.me].vars[var];
        let length = self.code.len();
        let v = self.expr(n)?;
        self.span = n.span;
        self.grow(var, v.ty, n.span)?;
        let own = (var * 2) as Reg;
        // The last instruction wrote a temporary that nobody else reads: let it write the variable.
        if ty == v.ty
            && v.at as usize >= self.pool_at + self.pooled
            && self.code.len() > length
            && let Some(op) = self.code.last_mut()
            && redirect(op, v.at, own)
        {
            return Ok(());
        }
        self.put_in_var(var, v)
    }

    pub(super) fn store(&mut self, t: &Target, v: Val, span: Span) -> Res<()> {
        match t {
            Target::Var(var) => {
                self.grow(*var, v.ty, span)?;
                self.put_in_var(*var, v)
            }
            Target::Item(row, index, place) => {
                let row = self.expr(row)?;
                let index = self.expr(index)?;
                self.span = *place;
                let index = self.index(index, true)?;
                self.store_item(row, index, v, *place)
            }
        }
    }

    fn store_item(&mut self, row: Val, index: Val, v: Val, span: Span) -> Res<()> {
        let item = match (row.ty, index.ty, v.ty) {
            (Ty::Row(item), i, t) if i != Ty::Never && t != Ty::Never => item,
            (Ty::Never, ..) | (Ty::Row(_), ..) => return Ok(()),
            (t, ..) => return Err(self.wrong(span, &format!("an assignment to an item of {}", t.name()))),
        };
        self.span = span;
        match (item, v.ty) {
            (_, t) if t.is_row() => return Err(self.wrong(span, "an array as an item of an array")),
            (_, Ty::Int | Ty::Bool) => self.emit(Op::StoreI(row.at, index.at, v.at)),
            (Item::Float, Ty::Float) => self.emit(Op::StoreF(row.at, index.at, v.at)),
            _ => {
                let v = self.any(v)?;
                self.emit(Op::StoreAny(row.at, index.at, v.at));
            }
        }
        Ok(())
    }

    /// Widens a variable's type.
    pub(super) fn grow(&mut self, var: usize, ty: Ty, span: Span) -> Res<()> {
        let old = self.drafts.all[self.me].vars[var];
        let Some(new) = old.join(ty) else {
            let name = &self.kernel.vars[var].name;
            let what = format!("the variable '{name}', which is {} here and {} elsewhere", ty.name(), old.name());
            return Err(self.wrong(span, &what));
        };
        if new != old {
            self.drafts.all[self.me].vars[var] = new;
            self.drafts.changed = true;
        }
        Ok(())
    }

    /// Puts a value into a variable whose type has room for it.
    pub(super) fn put_in_var(&mut self, var: usize, v: Val) -> Res<()> {
        let ty = self.drafts.all[self.me].vars[var];
        self.put((var * 2) as Reg, ty, v);
        Ok(())
    }

    /// Puts a value into a register as a value of a wider type.
    pub(super) fn put(&mut self, at: Reg, ty: Ty, v: Val) {
        match (ty, v.ty) {
            (_, Ty::Never) => {}
            (Ty::Any, Ty::Any) if at != v.at => self.emit(Op::Move2(at, v.at)),
            (Ty::Any, Ty::Any) => {}
            (Ty::Any, Ty::None) => self.emit(Op::Tag(at, tag::NONE as u8)),
            (Ty::Any, t) => self.emit(Op::Box(at, v.at, tag_of(t))),
            _ if at != v.at => self.emit(Op::Move(at, v.at)),
            _ => {}
        }
    }

    fn give_back(&mut self, nodes: &[Node], tuple: bool, span: Span) -> Res<()> {
        let mut vals = Vec::new();
        for n in nodes {
            let v = self.expr(n)?;
            if v.ty.is_row() {
                return Err(self.wrong(n.span, "an array as a result"));
            }
            vals.push(if nodes.len() > 1 { self.copied(v)? } else { v });
        }
        if vals.iter().any(|v| v.ty == Ty::Never) {
            return Ok(());
        }
        self.span = span;
        let old = self.drafts.all[self.me].ret.clone();
        let types: Vec<Ty> = vals.iter().map(|v| v.ty).collect();
        let new = match (&old, tuple) {
            (Ret::Unknown, true) => Ret::Tuple(types),
            (Ret::Unknown, false) => Ret::One(types[0]),
            (Ret::One(t), false) => Ret::One(t.join(types[0]).expect("no rows")),
            (Ret::Tuple(old), true) if old.len() == types.len() => {
                Ret::Tuple(old.iter().zip(&types).map(|(a, b)| a.join(*b).expect("no rows")).collect())
            }
            _ => return Err(self.wrong(span, "results of different shapes: a tuple and something else")),
        };
        if new != old {
            self.drafts.all[self.me].ret = new.clone();
            self.drafts.changed = true;
        }
        let types = match new {
            Ret::One(t) => vec![t],
            Ret::Tuple(t) => t,
            Ret::Unknown => vec![],
        };
        let at = self.temps(2 * types.len().max(1))?;
        for (i, (v, ty)) in vals.into_iter().zip(&types).enumerate() {
            self.put(at + 2 * i as u8, *ty, v);
        }
        self.emit(Op::Return(at, types.len() as u8));
        Ok(())
    }
}

/// The tag of a value of this type.
pub(super) fn tag_of(ty: Ty) -> u8 {
    (match ty {
        Ty::Bool => tag::BOOL,
        Ty::Int => tag::INT,
        Ty::Float => tag::FLOAT,
        Ty::None => tag::NONE,
        _ => tag::UNSET,
    }) as u8
}

/// Lets an instruction that writes one register write another one. False: it is not of that kind.
fn redirect(op: &mut Op, from: Reg, to: Reg) -> bool {
    match op {
        Op::AddI(d, ..)
        | Op::SubI(d, ..)
        | Op::MulI(d, ..)
        | Op::FloorDivI(d, ..)
        | Op::ModI(d, ..)
        | Op::AndI(d, ..)
        | Op::OrI(d, ..)
        | Op::XorI(d, ..)
        | Op::ShlI(d, ..)
        | Op::ShrI(d, ..)
        | Op::DivI(d, ..)
        | Op::AddK(d, ..)
        | Op::NegI(d, _)
        | Op::AddF(d, ..)
        | Op::SubF(d, ..)
        | Op::MulF(d, ..)
        | Op::DivF(d, ..)
        | Op::FloorDivF(d, ..)
        | Op::ModF(d, ..)
        | Op::PowF(d, ..)
        | Op::NegF(d, _)
        | Op::Load(d, ..)
        | Op::Math1(_, d, _)
        | Op::Math2(_, d, ..)
        | Op::IntFloat(d, _)
            if *d == from =>
        {
            *d = to;
            true
        }
        _ => false,
    }
}
