//! `assert` that can tell the values of its parts (`Options::explain_asserts`, what `kit test` sets).
//!
//! The condition is computed part by part into registers of their own, each part once and in the order of
//! the language; when it fails, one `Explain` reads them. What is shown is a constant that the compiler
//! makes beside the code:
//!
//! ```text
//! (n, head, wheres, pair)
//! ```
//!
//! `head` and each of `wheres` are rows of items: a text, the number of a register (its repr is shown), or
//! a tuple (guard, items…), shown if the guard is set: `and`, `or` and chains may have stopped before it.
//! A row of `wheres` is ((guards…), register, items); `pair` are the two sides of a single `==`, or ().

use super::Res;
use super::compare::{binary, compare};
use super::consts::fold;
use super::unit::Unit;
use crate::bytecode::{Const, Count, Instr, Reg};
use crate::source::Span;
use crate::syntax::ast::*;

/// A piece of what is shown.
enum Item {
    Text(String),
    Value(Reg),
    /// Shown if the register is set.
    If(Reg, Vec<Item>),
}

/// What one assertion shows when it fails.
#[derive(Default)]
struct Story {
    /// Guards that are set where the code being emitted runs.
    guards: Vec<Reg>,
    wheres: Vec<(Vec<Reg>, Reg, Vec<Item>)>,
    pair: Option<(Reg, Reg)>,
}

fn text(s: impl Into<String>) -> Item {
    Item::Text(s.into())
}

/// Numbers registers from the first one of the assertion.
fn number(first: u32, reg: Reg) -> Const {
    Const::Int(i64::from(u32::from(reg.0).saturating_sub(first)))
}

fn row(first: u32, items: Vec<Item>) -> Vec<Const> {
    let one = |item| match item {
        Item::Text(s) => Const::Str(s.into()),
        Item::Value(reg) => number(first, reg),
        Item::If(guard, items) => {
            let mut all = vec![number(first, guard)];
            all.extend(row(first, items));
            Const::Tuple(all.into())
        }
    };
    items.into_iter().map(one).collect()
}

impl Story {
    fn told(self, first: u32, count: u32, head: Vec<Item>) -> Const {
        let tuple = |items: Vec<Const>| Const::Tuple(items.into());
        let wheres = self.wheres.into_iter().map(|(guards, reg, items)| {
            let guards = guards.into_iter().map(|g| number(first, g)).collect();
            tuple(vec![tuple(guards), number(first, reg), tuple(row(first, items))])
        });
        let pair = self.pair.map_or(vec![], |(a, b)| vec![number(first, a), number(first, b)]);
        tuple(vec![Const::Int(i64::from(count)), tuple(row(first, head)), tuple(wheres.collect()), tuple(pair)])
    }

    fn wheres(&mut self, reg: Reg, items: Vec<Item>) {
        self.wheres.push((self.guards.clone(), reg, items));
    }
}

impl<'a> Unit<'a> {
    /// `assert test, msg`, explained.
    #[inline(never)]
    pub fn explained_assert(&mut self, test: E, msg: Option<E>, span: Span) -> Res {
        let mark = self.mark();
        let fine = self.asm.label();
        let truth = self.temp();
        let mut story = Story::default();
        let head = self.condition(test, truth, &mut story)?;
        self.jump_on(truth, true, fine, span);
        match msg {
            Some(e) => self.expr_to(e, truth)?,
            None => self.emit(span, Instr::Unset { dst: truth }),
        }
        // Whatever was used up to here; a guard is a register of the window too.
        let count = self.most_since(mark);
        let k = self.konst(story.told(mark, count, head));
        let base = Reg(mark.min(u32::from(u16::MAX)) as u16);
        self.emit(span, Instr::Explain { dst: truth, base, k });
        self.emit(span, Instr::AssertFail { msg: truth });
        self.asm.bind(fine);
        // Nothing stays alive for having been asserted.
        for at in 0..count {
            self.emit(span, Instr::Unset { dst: Reg(base.0.saturating_add(at as u16)) });
        }
        self.release(mark);
        Ok(())
    }

    /// The truth of `e` as a bool into `dst`; asks each part for its truth once.
    fn condition(&mut self, e: E, dst: Reg, story: &mut Story) -> Res<Vec<Item>> {
        let ast = self.cx.ast;
        let span = ast.span(e);
        if fold(ast, e).is_none() {
            match ast.expr(e) {
                Expr::Bool { op, values } => return self.condition_bool(*op, values, dst, span, story),
                Expr::Compare { left, rest } => return self.condition_compare(*left, rest, dst, span, story),
                Expr::Unary { op: UnaryOp::Not, operand } => {
                    let inner = self.temp();
                    let items = self.condition(*operand, inner, story)?;
                    self.emit(span, Instr::Not { dst, a: inner });
                    story.pair = None;
                    return Ok(nested(ast, *operand, text("not "), items));
                }
                _ => {}
            }
        }
        let value = self.temp();
        self.part(e, value, story)?;
        self.truth_of(value, dst, span);
        Ok(vec![Item::Value(value)])
    }

    fn truth_of(&mut self, value: Reg, dst: Reg, span: Span) {
        self.emit(span, Instr::Not { dst, a: value });
        self.emit(span, Instr::Not { dst, a: dst });
    }

    fn condition_bool(
        &mut self,
        op: BoolOp,
        values: &'a [E],
        dst: Reg,
        span: Span,
        story: &mut Story,
    ) -> Res<Vec<Item>> {
        let end = self.asm.label();
        let guards = self.guards(values.len(), span);
        let word = if op == BoolOp::Or { " or " } else { " and " };
        let mut shown = Vec::new();
        for (at, (&value, &guard)) in values.iter().zip(&guards).enumerate() {
            if at > 0 {
                story.guards.push(guard);
            }
            let items = self.condition(value, guard, story)?;
            self.emit(span, Instr::Move { dst, src: guard });
            if at > 0 {
                story.guards.pop();
                shown.push(Item::If(guard, nested(self.cx.ast, value, text(word), items)));
            } else {
                shown.extend(nested(self.cx.ast, value, text(""), items));
            }
            if at + 1 < values.len() {
                self.jump_on(dst, op == BoolOp::Or, end, span);
            }
        }
        self.asm.bind(end);
        story.pair = None;
        Ok(shown)
    }

    /// Registers that all but the first are unset until what they guard has been computed.
    fn guards(&mut self, count: usize, span: Span) -> Vec<Reg> {
        let guards: Vec<Reg> = (0..count).map(|_| self.temp()).collect();
        for &dst in &guards[1..] {
            self.emit(span, Instr::Unset { dst });
        }
        guards
    }

    fn condition_compare(
        &mut self,
        left: E,
        rest: &'a [(CmpOp, E)],
        dst: Reg,
        span: Span,
        story: &mut Story,
    ) -> Res<Vec<Item>> {
        let end = self.asm.label();
        let mut a = self.temp();
        self.part(left, a, story)?;
        let mut shown = vec![Item::Value(a)];
        if let [(CmpOp::Eq, right)] = rest {
            let b = self.temp();
            self.part(*right, b, story)?;
            story.pair = Some((a, b));
            self.compared(CmpOp::Eq, dst, a, b, span);
            shown.extend([text(" == "), Item::Value(b)]);
            return Ok(shown);
        }
        let sides = self.guards(rest.len(), span);
        for (at, (&(op, right), &b)) in rest.iter().zip(&sides).enumerate() {
            if at > 0 {
                story.guards.push(b);
            }
            self.part(right, b, story)?;
            self.compared(op, dst, a, b, span);
            let items = vec![text(format!(" {} ", op.text())), Item::Value(b)];
            if at > 0 {
                story.guards.pop();
                shown.push(Item::If(b, items));
            } else {
                shown.extend(items);
            }
            if at + 1 < rest.len() {
                self.jump_on(dst, false, end, span);
            }
            a = b;
        }
        self.asm.bind(end);
        story.pair = None;
        Ok(shown)
    }

    fn compared(&mut self, op: CmpOp, dst: Reg, a: Reg, b: Reg, span: Span) {
        self.emit(span, compare(op, dst, a, b));
        self.truth_of(dst, dst, span);
    }

    /// The value of `e` into `dst`, and how it came about.
    fn part(&mut self, e: E, dst: Reg, story: &mut Story) -> Res {
        let ast = self.cx.ast;
        let span = ast.span(e);
        if fold(ast, e).is_some() {
            return self.expr_to(e, dst);
        }
        match ast.expr(e) {
            Expr::Binary { op, left, right } => {
                let (a, b) = (self.temp(), self.temp());
                self.part(*left, a, story)?;
                self.part(*right, b, story)?;
                self.emit(span, binary(*op, dst, a, b));
                story.wheres(dst, vec![Item::Value(a), text(format!(" {} ", op.text())), Item::Value(b)]);
            }
            Expr::Attr { .. } => {
                self.expr_to(e, dst)?;
                story.wheres(dst, vec![text(ast.text(e))]);
            }
            Expr::Index { value, index } => {
                let (obj, key) = (self.temp(), self.temp());
                self.part(*value, obj, story)?;
                self.part(*index, key, story)?;
                self.emit(span, Instr::GetItem { dst, obj, key });
                let whole = matches!(ast.expr(*index), Expr::Slice { .. } | Expr::Tuple(_));
                let items = if whole {
                    vec![text(ast.text(e))]
                } else {
                    vec![text(format!("{}[", ast.text(*value))), Item::Value(key), text("]")]
                };
                story.wheres(dst, items);
            }
            Expr::Call { func, args } => self.part_call(e, *func, args, dst, story)?,
            _ => self.expr_to(e, dst)?,
        }
        Ok(())
    }

    fn part_call(&mut self, e: E, func: E, args: &'a [Arg], dst: Reg, story: &mut Story) -> Res {
        let ast = self.cx.ast;
        let starred = args.iter().any(|a| matches!(a, Arg::Star(_) | Arg::DoubleStar(_)));
        let zero_super = args.is_empty() && matches!(ast.expr(func), Expr::Name(n) if ast.name(*n) == "super");
        if starred || zero_super {
            self.expr_to(e, dst)?;
            story.wheres(dst, vec![text(ast.text(e))]);
            return Ok(());
        }
        self.check_keywords(args)?;
        let attribute = match *ast.expr(func) {
            Expr::Attr { value, attr } => Some((value, attr)),
            _ => None,
        };
        let span = attribute.map_or(ast.span(e), |(_, attr)| self.method_span(func, attr, ast.span(e)));
        let callee = self.temps(if attribute.is_some() { 2 } else { 1 });
        match attribute {
            Some((value, attr)) => self.method(value, attr, callee, span)?,
            None => self.expr_to(func, callee)?,
        }
        let mut shown = vec![text(format!("{}(", ast.text(func)))];
        let mut names = vec![Const::Int(args.len() as i64)];
        let mut kept = Vec::new();
        for (at, arg) in args.iter().enumerate() {
            let value = self.temp();
            kept.push(value);
            let mut before = if at > 0 { ", " } else { "" }.to_string();
            let (Arg::Pos(e) | Arg::Star(e) | Arg::DoubleStar(e) | Arg::Keyword { value: e, .. }) = arg;
            if let Arg::Keyword { name, .. } = arg {
                names.push(Const::Str(ast.name(*name).into()));
                before = format!("{before}{}=", ast.name(*name));
            }
            self.part(*e, value, story)?;
            shown.extend([text(before), Item::Value(value)]);
        }
        shown.push(text(")"));
        // The call takes its window of registers with it, so it gets copies.
        let inner = self.mark();
        let fixed = if attribute.is_some() { 2 } else { 1 };
        let base = self.temps(fixed + args.len());
        let at = |i: usize| Reg(base.0.saturating_add(i as u16));
        let parts = (0..fixed as u16).map(|i| Reg(callee.0.saturating_add(i))).chain(kept);
        for (i, src) in parts.enumerate() {
            self.emit(span, Instr::Move { dst: at(i), src });
        }
        let n = Count(args.len() as u16);
        let instr = match (names.len() > 1, attribute.is_some()) {
            (false, false) => Instr::Call { dst, base, n },
            (false, true) => Instr::CallMethod { dst, base, n },
            (true, method) => {
                let k = self.konst(Const::Tuple(names.into()));
                if method { Instr::CallMethodKw { dst, base, k } } else { Instr::CallKw { dst, base, k } }
            }
        };
        self.emit(span, instr);
        self.release(inner);
        story.wheres(dst, shown);
        Ok(())
    }
}

/// `before` and the items, in parentheses where the source needed them.
fn nested(ast: &Ast, e: E, before: Item, items: Vec<Item>) -> Vec<Item> {
    let mut all = vec![before];
    if matches!(ast.expr(e), Expr::Bool { .. }) {
        all.push(text("("));
        all.extend(items);
        all.push(text(")"));
    } else {
        all.extend(items);
    }
    all
}
