//! Targets: expressions on the left of `=`, after `for`, `as` and `del`.

use crate::source::Span;

use super::super::ast::*;
use super::Builder;

/// What a target is used for, as far as the words of an error depend on it.
#[derive(Clone, Copy, PartialEq)]
pub enum Use {
    /// `for`, `as`, an inner part of a tuple, the first of several `=`.
    Bind,
    /// The only `=` of a statement: it may have been meant as `==`.
    Assign,
    Delete,
}

impl Expr {
    /// What CPython calls this form in "cannot assign to …".
    pub fn described(&self) -> &'static str {
        match self {
            Expr::None => "None",
            Expr::True => "True",
            Expr::False => "False",
            Expr::Ellipsis => "ellipsis",
            Expr::Int(_) | Expr::Float(_) | Expr::Str(_) | Expr::Bytes(_) => "literal",
            Expr::FString(_) => "f-string expression",
            Expr::Name(_) => "name",
            Expr::Tuple(_) => "tuple",
            Expr::List(_) => "list",
            Expr::Set(_) => "set display",
            Expr::Dict(_) => "dict literal",
            Expr::Comp(comp) => match comp.kind {
                CompKind::List => "list comprehension",
                CompKind::Set => "set comprehension",
                CompKind::Dict => "dict comprehension",
                CompKind::Generator => "generator expression",
            },
            Expr::Unary { .. } | Expr::Binary { .. } | Expr::Bool { .. } => "expression",
            Expr::Compare { .. } => "comparison",
            Expr::Cond { .. } => "conditional expression",
            Expr::Call { .. } => "function call",
            Expr::Attr { .. } => "attribute",
            Expr::Index { .. } | Expr::Slice { .. } => "subscript",
            Expr::Starred(_) => "starred",
            Expr::Lambda(_) => "lambda",
            Expr::Walrus { .. } => "named expression",
            Expr::Await(_) => "await expression",
            Expr::Yield(_) | Expr::YieldFrom(_) => "yield expression",
        }
    }

    /// Forms that bind looser than `|`: of them CPython does not ask "Maybe you meant '=='".
    fn is_loose(&self) -> bool {
        matches!(self, Expr::Compare { .. } | Expr::Bool { .. } | Expr::Cond { .. } | Expr::Lambda(_))
            || matches!(self, Expr::Unary { op: UnaryOp::Not, .. } | Expr::Walrus { .. } | Expr::Starred(_))
    }
}

impl Builder<'_> {
    /// Checks that `target` can be bound or deleted.
    pub fn target(&mut self, target: E, usage: Use) {
        // Nested tuples are checked by a list of what is left, not by recursion (X2).
        let mut left = vec![target];
        while let Some(e) = left.pop() {
            match self.ast.expr(e) {
                Expr::Name(name) => {
                    if self.ast.name(*name) == "__debug__" {
                        let verb = if usage == Use::Delete { "delete" } else { "assign to" };
                        self.wrong(self.ast.span(e), format!("cannot {verb} __debug__"));
                    }
                }
                Expr::Attr { .. } | Expr::Index { .. } => {}
                Expr::Tuple(items) | Expr::List(items) => {
                    let stars = items.iter().filter(|&&item| matches!(self.ast.expr(item), Expr::Starred(_)));
                    let many = stars.count() > 1 && usage != Use::Delete;
                    left.extend(items.iter().rev());
                    if many {
                        self.wrong(self.ast.span(e), "multiple starred expressions in assignment");
                    }
                }
                Expr::Starred(value) if usage != Use::Delete => {
                    let value = *value;
                    if e == target {
                        let message = "starred assignment target must be in a list or tuple";
                        self.wrong(self.ast.span(e), message);
                    }
                    left.push(value);
                }
                other => {
                    let verb = if usage == Use::Delete { "delete" } else { "assign to" };
                    let constant = matches!(other, Expr::None | Expr::True | Expr::False)
                        || matches!(other, Expr::Comp(comp) if comp.kind == CompKind::Generator);
                    let asks = usage == Use::Assign && e == target && !constant && !other.is_loose();
                    let hint = if asks { " here. Maybe you meant '==' instead of '='?" } else { "" };
                    let message = format!("cannot {verb} {}{hint}", other.described());
                    self.wrong(self.ast.span(e), message);
                    return;
                }
            }
        }
    }

    pub fn for_target(&mut self, list: (Vec<E>, bool), lo: u32, hi: u32) -> E {
        let target = self.collapse(list, lo, hi);
        self.target(target, Use::Bind);
        target
    }

    pub fn delete(&mut self, (items, _comma): (Vec<E>, bool)) -> Stmt {
        for &item in &items {
            self.target(item, Use::Delete);
        }
        Stmt::Delete(items.into())
    }

    pub fn assign(&mut self, targets: Vec<E>, value: E) -> Stmt {
        let only = targets.len() == 1;
        for &target in &targets {
            let bare_yield = matches!(self.ast.expr(target), Expr::Yield(_) | Expr::YieldFrom(_));
            if bare_yield && !self.ast.is_grouped(target) {
                self.wrong(self.ast.span(target), "assignment to yield expression not possible");
            }
            let usage = if only && !self.ast.expr(value).is_loose_start() { Use::Assign } else { Use::Bind };
            self.target(target, usage);
        }
        self.refuse_lone_star(value);
        Stmt::Assign { targets: targets.into(), value }
    }

    pub fn aug_assign(&mut self, target: E, op: &str, value: E) -> Stmt {
        match self.ast.expr(target) {
            Expr::Name(_) | Expr::Attr { .. } | Expr::Index { .. } => {}
            other => {
                let message = format!("'{}' is an illegal expression for augmented assignment", other.described());
                self.wrong(self.ast.span(target), message);
            }
        }
        self.refuse_lone_star(value);
        let text = &op[..op.len() - 1];
        let op = BinOp::ALL.iter().copied().find(|op| op.text() == text);
        Stmt::AugAssign { target, op: op.expect("the lexer's `op=` has a row in BinOp"), value }
    }

    pub fn ann_assign(&mut self, target: E, annotation: E, value: Option<E>) -> Stmt {
        let message = match self.ast.expr(target) {
            Expr::Name(_) | Expr::Attr { .. } | Expr::Index { .. } => None,
            Expr::List(_) => Some("only single target (not list) can be annotated"),
            Expr::Tuple(_) => Some("only single target (not tuple) can be annotated"),
            _ => Some("illegal target for annotation"),
        };
        if let Some(message) = message {
            self.wrong(self.ast.span(target), message);
        }
        if let Some(value) = value {
            self.refuse_lone_star(value);
        }
        let simple = matches!(self.ast.expr(target), Expr::Name(_)) && !self.ast.is_grouped(target);
        Stmt::AnnAssign { target, annotation, value, simple }
    }

    /// `*a` where one value is wanted.
    pub fn refuse_lone_star(&mut self, value: E) {
        if let Expr::Starred(_) = self.ast.expr(value) {
            self.wrong(self.ast.span(value), "can't use starred expression here");
        }
    }

    /// The items of a `with`; a lone group of items in parentheses is taken apart.
    pub fn with_items(&mut self, items: Vec<WithItem>) -> Vec<WithItem> {
        let items = match items[..] {
            [WithItem { context, target: None }] => self.with_group(context),
            _ => items,
        };
        for item in &items {
            if let Some(target) = item.target {
                self.target(target, Use::Bind);
            }
        }
        self.refuse_as_items();
        items
    }

    fn with_group(&mut self, group: E) -> Vec<WithItem> {
        let mut claimed = std::mem::take(&mut self.as_items);
        let mut item = |context: E| {
            // Indices grow from left to right, so the list is sorted.
            let at = claimed.binary_search_by_key(&context, |item| item.context).ok();
            WithItem { context, target: at.map(|at| std::mem::replace(&mut claimed[at].target, context)) }
        };
        let items = match self.ast.expr(group) {
            Expr::Tuple(parts) if !self.ast.is_grouped(group) && !parts.is_empty() && self.splits(parts) => {
                parts.iter().map(|&part| item(part)).collect()
            }
            _ => vec![item(group)],
        };
        // What was claimed has its own context for a target now.
        claimed.retain(|item| item.target != item.context);
        self.as_items = claimed;
        items
    }

    /// A star or a walrus is no item: then the parentheses make a tuple.
    fn splits(&self, parts: &[E]) -> bool {
        parts.iter().all(|&part| match self.ast.expr(part) {
            Expr::Starred(_) => false,
            Expr::Walrus { .. } => self.ast.is_grouped(part),
            _ => true,
        })
    }

    /// Called where a statement is complete: an item `a as b` that no `with` claimed is an error.
    pub fn refuse_as_items(&mut self) {
        if let Some(item) = self.as_items.first() {
            let span: Span = item.span;
            self.wrong(span, "invalid syntax");
        }
    }
}

impl Expr {
    /// Values after which CPython does not ask "Maybe you meant '=='".
    fn is_loose_start(&self) -> bool {
        matches!(self, Expr::Lambda(_) | Expr::Yield(_) | Expr::YieldFrom(_) | Expr::Starred(_))
            || matches!(self, Expr::Unary { op: UnaryOp::Not, .. })
    }
}
