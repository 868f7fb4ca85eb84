//! Expressions that fit a function without the lock.

use super::check::{Checker, Found, Refused};
use super::form::*;
use super::num::Num;
use crate::object::pure::math;
use crate::source::Span;
use crate::syntax::ast::{Arg, CmpOp, E, Expr, IntLit};

type Res<T> = Result<T, Refused>;

impl Checker<'_> {
    pub(super) fn node(&mut self, e: E) -> Res<Node> {
        let span = self.ast.span(e);
        let form = match self.ast.expr(e) {
            Expr::None => Form::Const(Num::None),
            Expr::True => Form::Const(Num::Bool(true)),
            Expr::False => Form::Const(Num::Bool(false)),
            Expr::Int(IntLit::Small(i)) => Form::Const(Num::Int(*i)),
            Expr::Int(IntLit::Big(_)) => return Err(self.refuse(span, "an int beyond 64 bits")),
            Expr::Float(x) => Form::Const(Num::Float(*x)),
            Expr::Name(n) => {
                let name = self.ast.name(*n).to_string();
                self.name(&name, span)?
            }
            Expr::Unary { op, operand } => Form::Unary(*op, Box::new(self.node(*operand)?)),
            Expr::Binary { op, left, right } => {
                if op.text() == "@" {
                    return Err(self.refuse(span, "the operator @"));
                }
                Form::Binary(*op, Box::new(self.node(*left)?), Box::new(self.node(*right)?))
            }
            Expr::Bool { op, values } => Form::Bool(*op, self.nodes(values)?),
            Expr::Compare { left, rest } => {
                let first = Box::new(self.node(*left)?);
                let mut pairs = Vec::new();
                for (op, e) in rest {
                    if matches!(op, CmpOp::In | CmpOp::NotIn) {
                        return Err(self.refuse(span, &format!("the operator '{}'", op.text())));
                    }
                    pairs.push((*op, self.node(*e)?));
                }
                Form::Compare(first, pairs)
            }
            Expr::Cond { test, then, orelse } => {
                let parts = [self.node(*test)?, self.node(*then)?, self.node(*orelse)?];
                Form::Cond(Box::new(parts))
            }
            Expr::Index { value, index } => {
                if matches!(self.ast.expr(*index), Expr::Slice { .. } | Expr::Tuple(_)) {
                    return Err(self.refuse(self.ast.span(*index), "a slice or several indices"));
                }
                Form::Index(Box::new([self.node(*value)?, self.node(*index)?]))
            }
            Expr::Call { func, args } => self.call(*func, args, span)?,
            Expr::Attr { value, attr } => self.attribute(*value, self.ast.name(*attr), span)?,
            other => return Err(self.refuse(span, what(other))),
        };
        Ok(Node { form, span })
    }

    pub(super) fn nodes(&mut self, all: &[E]) -> Res<Vec<Node>> {
        all.iter().map(|e| self.node(*e)).collect()
    }

    /// A name that is read.
    fn name(&mut self, name: &str, span: Span) -> Res<Form> {
        if let Some(var) = self.var(name) {
            return Ok(Form::Var(var));
        }
        let what = match self.find(name) {
            Found::Number => return Ok(Form::Number(self.number(name))),
            Found::Math => "the module 'math' as a value".to_string(),
            Found::Builtin(_) | Found::Kernel(_) | Found::Itself => format!("the function '{name}' as a value"),
            Found::Missing => format!("the name '{name}', which is not defined yet"),
            Found::Other(what) => format!("'{name}', which is {what}"),
        };
        Err(self.refuse(span, &what))
    }

    /// `math.pi`.
    fn attribute(&mut self, value: E, attr: &str, span: Span) -> Res<Form> {
        if let Some(owner) = self.module(value)
            && let Found::Math = self.find(&owner)
        {
            return match math::constant(attr) {
                Some(x) => Ok(Form::Const(Num::Float(x))),
                None => Err(self.refuse(span, &format!("'{owner}.{attr}'"))),
            };
        }
        Err(self.refuse(span, &format!("the attribute '{attr}'")))
    }

    /// A name that is no variable.
    fn module(&self, e: E) -> Option<String> {
        let Expr::Name(n) = self.ast.expr(e) else { return None };
        let name = self.ast.name(*n);
        self.var(name).is_none().then(|| name.to_string())
    }

    fn call(&mut self, func: E, args: &[Arg], span: Span) -> Res<Form> {
        let (shown, found) = self.called(func)?;
        match found {
            Found::Builtin(name) => self.call_builtin(&name, args, span),
            Found::Kernel(k) => {
                let at = self.kernels.iter().position(|x| std::sync::Arc::ptr_eq(x, &k)).unwrap_or_else(|| {
                    self.kernels.push(k.clone());
                    self.kernels.len() - 1
                });
                let params = k.params.iter().map(|p| (p.name.clone(), p.default)).collect();
                Ok(Form::Call(Callee::Kernel(at), self.bound(params, args, &shown, span)?))
            }
            Found::Itself => {
                let params = self.params.iter().map(|p| (p.name.clone(), p.default)).collect();
                Ok(Form::Call(Callee::Itself, self.bound(params, args, &shown, span)?))
            }
            _ => Err(self.refuse(span, &format!("a call of '{shown}'"))),
        }
    }

    /// What is called, and how it is written.
    fn called(&mut self, func: E) -> Res<(String, Found)> {
        let span = self.ast.span(func);
        match self.ast.expr(func) {
            Expr::Name(n) => {
                let name = self.ast.name(*n).to_string();
                if self.var(&name).is_some() {
                    return Err(self.refuse(span, &format!("a call of the variable '{name}'")));
                }
                let found = self.find(&name);
                Ok((name, found))
            }
            Expr::Attr { value, attr } => {
                let attr = self.ast.name(*attr).to_string();
                let owner = self.module(*value);
                if let Some(owner) = owner
                    && let Found::Math = self.find(&owner)
                {
                    return Ok((format!("{owner}.{attr}"), Found::Builtin(format!("math.{attr}"))));
                }
                Err(self.refuse(span, &format!("a call of the method '{attr}'")))
            }
            _ => Err(self.refuse(span, "a call of what an expression gives")),
        }
    }

    fn call_builtin(&mut self, name: &str, args: &[Arg], span: Span) -> Res<Form> {
        let mut nodes = Vec::new();
        for a in args {
            let Arg::Pos(e) = a else { return Err(self.refuse(span, &format!("'{name}' with named arguments"))) };
            nodes.push(self.node(*e)?);
        }
        let n = nodes.len();
        if let Some(bare) = name.strip_prefix("math.") {
            if let (1, Some(f)) = (n, math::one_of(bare)) {
                return Ok(Form::Call(Callee::Math1(f.1, f.0), nodes));
            }
            if let (2, Some(f)) = (n, math::two_of(bare)) {
                return Ok(Form::Call(Callee::Math2(f.1, f.0), nodes));
            }
        }
        let Some(b) = Builtin::find(name) else {
            return Err(self.refuse(span, &format!("a call of '{name}'")));
        };
        let (least, most) = b.arity();
        if n < least || n > most {
            return Err(self.refuse(span, &format!("'{name}' with {n} arguments")));
        }
        Ok(Form::Call(Callee::Builtin(b), nodes))
    }

    /// Arguments in the order of parameters, defaults filled in.
    fn bound(&mut self, params: Vec<(String, Option<Num>)>, args: &[Arg], f: &str, span: Span) -> Res<Vec<Node>> {
        let mut slots: Vec<Option<Node>> = params.iter().map(|_| None).collect();
        let mut next = 0;
        for a in args {
            let (at, e) = match a {
                Arg::Pos(e) => {
                    next += 1;
                    (Some(next - 1).filter(|at| *at < slots.len()), *e)
                }
                Arg::Keyword { name, value, .. } => {
                    let name = self.ast.name(*name);
                    (params.iter().position(|(n, _)| n == name), *value)
                }
                _ => return Err(self.refuse(span, &format!("a call of '{f}' with * or **"))),
            };
            let Some(at) = at.filter(|at| slots[*at].is_none()) else {
                return Err(self.refuse(span, &format!("a call of '{f}' whose arguments do not fit its parameters")));
            };
            slots[at] = Some(self.node(e)?);
        }
        let mut nodes = Vec::new();
        for (slot, (name, default)) in slots.into_iter().zip(params) {
            match (slot, default) {
                (Some(node), _) => nodes.push(node),
                (None, Some(d)) => nodes.push(Node { form: Form::Const(d), span }),
                (None, None) => {
                    return Err(self.refuse(span, &format!("a call of '{f}' without its argument '{name}'")));
                }
            }
        }
        Ok(nodes)
    }
}

/// How a form that does not fit is called.
fn what(e: &Expr) -> &'static str {
    match e {
        Expr::Ellipsis => "an ellipsis",
        Expr::Str(_) | Expr::FString(_) => "a string",
        Expr::Bytes(_) => "bytes",
        Expr::Tuple(_) => "a tuple as a value",
        Expr::List(_) => "a list",
        Expr::Set(_) => "a set",
        Expr::Dict(_) => "a dict",
        Expr::Comp(_) => "a comprehension",
        Expr::Lambda(_) => "a lambda",
        Expr::Walrus { .. } => "an assignment inside an expression",
        Expr::Await(_) => "await",
        Expr::Yield(_) | Expr::YieldFrom(_) => "yield",
        Expr::Starred(_) => "a starred expression",
        _ => "this expression",
    }
}
