//! The direct children of an expression, in source order.

use super::ast::{Arg, Ast, Clause, E, Expr, FPart, Params, S};

impl Expr {
    /// Calls `f` for each direct child, parameters' defaults and the fields of f-strings included.
    pub fn each_child(&self, f: &mut impl FnMut(E)) {
        match self {
            Expr::None | Expr::True | Expr::False | Expr::Ellipsis => {}
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Bytes(_) | Expr::Name(_) => {}
            Expr::FString(parts) => each_field(parts, f),
            Expr::Tuple(items) | Expr::List(items) | Expr::Set(items) => items.iter().for_each(|&e| f(e)),
            Expr::Dict(items) => {
                for (key, value) in items {
                    key.iter().for_each(|&e| f(e));
                    f(*value);
                }
            }
            Expr::Comp(comp) => {
                f(comp.elt);
                comp.value.iter().for_each(|&e| f(e));
                comp.clauses.iter().for_each(|clause| each_of_clause(clause, f));
            }
            Expr::Binary { left, right, .. } => [*left, *right].into_iter().for_each(f),
            Expr::Bool { values, .. } => values.iter().for_each(|&e| f(e)),
            Expr::Compare { left, rest } => {
                f(*left);
                rest.iter().for_each(|&(_, e)| f(e));
            }
            Expr::Cond { test, then, orelse } => [*then, *test, *orelse].into_iter().for_each(f),
            Expr::Call { func, args } => {
                f(*func);
                args.iter().for_each(|arg| f(arg.value()));
            }
            Expr::Index { value, index } => [*value, *index].into_iter().for_each(f),
            Expr::Slice { lower, upper, step } => [lower, upper, step].into_iter().flatten().for_each(|&e| f(e)),
            Expr::Lambda(lambda) => {
                lambda.params.each_child(f);
                f(lambda.body);
            }
            Expr::Walrus { target, value } => [*target, *value].into_iter().for_each(f),
            Expr::Unary { operand: e, .. } | Expr::Attr { value: e, .. } => f(*e),
            Expr::Starred(e) | Expr::Await(e) | Expr::YieldFrom(e) => f(*e),
            Expr::Yield(value) => value.iter().for_each(|&e| f(e)),
        }
    }
}

fn each_of_clause(clause: &Clause, f: &mut impl FnMut(E)) {
    f(clause.target);
    f(clause.iter);
    clause.ifs.iter().for_each(|&e| f(e));
}

fn each_field(parts: &[FPart], f: &mut impl FnMut(E)) {
    for part in parts {
        if let FPart::Field(field) = part {
            f(field.value);
            // Specs nest at most twice (the layout pass refuses more).
            each_field(field.spec.as_deref().unwrap_or_default(), f);
        }
    }
}

impl Params {
    /// Annotations and defaults.
    pub fn each_child(&self, f: &mut impl FnMut(E)) {
        for param in &self.list {
            param.annotation.iter().chain(&param.default).for_each(|&e| f(e));
        }
    }
}

impl Arg {
    pub fn value(&self) -> E {
        match *self {
            Arg::Pos(e) | Arg::Star(e) | Arg::DoubleStar(e) | Arg::Keyword { value: e, .. } => e,
        }
    }
}

impl Ast {
    /// Checks S3 for every node, and that children lie within their parents. For tests.
    pub fn check_spans(&self) -> Result<(), String> {
        let text = &*self.file.text;
        let (exprs, stmts) = self.counts();
        let spans = (0..exprs).map(|i| self.span(E(i as u32)));
        for span in spans.chain((0..stmts).map(|i| self.stmt_span(S(i as u32)))) {
            let at = span.range();
            if at.start > at.end || !text.is_char_boundary(at.start) || !text.is_char_boundary(at.end) {
                return Err(format!("{span:?} is no span of {}", self.file.name));
            }
        }
        for e in (0..exprs).map(|i| E(i as u32)) {
            let mut bad = None;
            self.expr(e).each_child(&mut |child| {
                if !self.span(e).contains(self.span(child)) || self.depth(child) >= self.depth(e) {
                    bad = Some(child);
                }
            });
            if let Some(child) = bad {
                return Err(format!("{:?} is not inside {:?}", self.expr(child), self.expr(e)));
            }
        }
        Ok(())
    }
}
