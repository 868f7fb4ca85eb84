//! Arguments and parameters: the order that the grammar leaves loose.

use crate::source::Span;

use super::super::ast::*;
use super::Builder;

/// One entry of a parameter list.
pub enum ParamItem {
    Plain {
        name: Name,
        annotation: Option<E>,
        default: Option<E>,
        span: Span,
    },
    Star {
        name: Name,
        annotation: Option<E>,
        default: Option<E>,
        span: Span,
        at: u32,
    },
    DoubleStar {
        name: Name,
        annotation: Option<E>,
        default: Option<E>,
        span: Span,
    },
    BareStar(Span),
    Slash(Span),
    /// `(a, b)`: Python 2's form, and the habit of other languages.
    Grouped(Span),
}

/// Whose parameters they are.
#[derive(Clone, Copy, PartialEq)]
pub enum Where {
    Def,
    Lambda,
}

impl Builder<'_> {
    pub fn call(&mut self, func: E, args: (Vec<Arg>, bool), open: u32, lo: u32, hi: u32) -> E {
        let args = self.arguments(args);
        if let [Arg::Pos(e)] = args[..]
            && self.is_bare_generator(e)
        {
            // It shares the parentheses of the call.
            self.ast.set_span(e, Span::new(open, hi));
        }
        self.expr(Expr::Call { func, args: args.into() }, lo, hi)
    }

    /// Checks the order of arguments and that a bare generator expression stands alone.
    pub fn arguments(&mut self, (args, comma): (Vec<Arg>, bool)) -> Vec<Arg> {
        let mut keyword = false;
        let mut unpacked = false;
        for arg in &args {
            let span = self.ast.span(arg.value());
            match *arg {
                Arg::Pos(e) => {
                    if self.is_bare_generator(e) && (args.len() > 1 || comma) {
                        self.wrong(span, "Generator expression must be parenthesized");
                    }
                    if unpacked {
                        self.wrong(span, "positional argument follows keyword argument unpacking");
                    } else if keyword {
                        self.wrong(span, "positional argument follows keyword argument");
                    }
                }
                Arg::Star(_) if unpacked => {
                    self.wrong(span, "iterable argument unpacking follows keyword argument unpacking");
                }
                Arg::Star(_) => {}
                Arg::Keyword { .. } => keyword = true,
                Arg::DoubleStar(_) => unpacked = true,
            }
        }
        if keyword {
            self.check_repeated(&args);
        }
        args
    }

    fn check_repeated(&mut self, args: &[Arg]) {
        let named = args.iter().filter_map(|arg| match *arg {
            Arg::Keyword { name, span, .. } => Some((name, span.lo, span.hi)),
            _ => None,
        });
        let mut named: Vec<_> = named.collect();
        named.sort_unstable();
        let repeated = named.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| pair[1]);
        if let Some((name, lo, hi)) = repeated.min_by_key(|&(_, lo, _)| lo) {
            let message = format!("keyword argument repeated: {}", self.ast.name(name));
            self.wrong(Span::new(lo, hi), message);
        }
    }

    /// Whether this is a generator expression without parentheses of its own.
    pub fn is_bare_generator(&self, e: E) -> bool {
        self.bare_generators.binary_search(&e).is_ok()
    }

    pub fn generator_arg(&mut self, elt: E, clauses: Vec<Clause>, lo: u32, hi: u32) -> Arg {
        let e = self.comp(CompKind::Generator, elt, None, clauses, lo, hi);
        // Indices grow, so the list is sorted.
        self.bare_generators.push(e);
        Arg::Pos(e)
    }

    pub fn keyword(&mut self, name: E, value: E, lo: u32, hi: u32) -> Arg {
        let span = Span::new(lo, hi);
        match self.ast.expr(name) {
            &Expr::Name(name) => return Arg::Keyword { name, value, span },
            constant @ (Expr::None | Expr::True | Expr::False) => {
                let message = format!("cannot assign to {}", constant.described());
                self.wrong(span, message);
            }
            _ => {
                let message = "expression cannot contain assignment, perhaps you meant \"==\"?";
                self.wrong(Span::new(lo, self.ast.span(value).lo), message);
            }
        }
        Arg::Pos(value)
    }

    /// Orders a loose parameter list, as CPython's grammar would have read it.
    pub fn params(&mut self, (items, _comma): (Vec<ParamItem>, bool), place: Where) -> Params {
        let mut order = Order { list: Vec::with_capacity(items.len()), ..Order::default() };
        for item in items {
            let here = item.span();
            if order.closed {
                self.wrong(here, "arguments cannot follow var-keyword argument");
            }
            if let Err((span, message)) = order.accept(item, here, place) {
                self.wrong(span, message);
            }
        }
        if let Some(star) = order.bare_star {
            self.wrong(star, "named arguments must follow bare *");
        }
        Params { list: order.list.into() }
    }
}

/// The parameters so far, and what may still follow them.
#[derive(Default)]
struct Order {
    list: Vec<Param>,
    slash: bool,
    after_star: bool,
    defaults: bool,
    /// A bare `*` that no name has followed yet.
    bare_star: Option<Span>,
    closed: bool,
}

impl Order {
    fn accept(&mut self, item: ParamItem, here: Span, place: Where) -> Result<(), (Span, &'static str)> {
        match item {
            ParamItem::Plain { name, annotation, default, span } => {
                self.bare_star = None;
                let bad = !self.after_star && default.is_none() && self.defaults;
                self.defaults |= default.is_some();
                let kind = if self.after_star { ParamKind::KwOnly } else { ParamKind::Normal };
                self.list.push(Param { kind, name, default, annotation, span });
                if bad {
                    return Err((span, "non-default argument follows default argument"));
                }
            }
            ParamItem::Star { .. } | ParamItem::BareStar(_) if self.after_star => {
                return Err((here, "* argument may appear only once"));
            }
            ParamItem::Star { name, annotation, default, span, .. } => {
                self.after_star = true;
                self.list.push(Param { kind: ParamKind::Star, name, default: None, annotation, span });
                if default.is_some() {
                    return Err((here, "var-positional argument cannot have default value"));
                }
            }
            ParamItem::BareStar(span) => {
                self.after_star = true;
                self.bare_star = Some(span);
            }
            ParamItem::DoubleStar { name, annotation, default, span } => {
                self.closed = true;
                self.list.push(Param { kind: ParamKind::DoubleStar, name, default: None, annotation, span });
                if let Some(star) = self.bare_star {
                    return Err((star, "named arguments must follow bare *"));
                }
                if default.is_some() {
                    return Err((here, "var-keyword argument cannot have default value"));
                }
            }
            ParamItem::Slash(span) => {
                if self.slash {
                    return Err((span, "/ may appear only once"));
                }
                if self.after_star {
                    return Err((span, "/ must be ahead of *"));
                }
                if self.list.is_empty() {
                    return Err((span, "at least one argument must precede /"));
                }
                self.slash = true;
                self.list.iter_mut().for_each(|param| param.kind = ParamKind::PosOnly);
            }
            ParamItem::Grouped(span) => {
                return Err((
                    span,
                    match place {
                        Where::Def => "Function parameters cannot be parenthesized",
                        Where::Lambda => "Lambda expression parameters cannot be parenthesized",
                    },
                ));
            }
        }
        Ok(())
    }
}

impl ParamItem {
    /// Stars included.
    fn span(&self) -> Span {
        match *self {
            ParamItem::Star { span, at, .. } => Span::new(at, span.hi),
            ParamItem::Plain { span, .. } | ParamItem::DoubleStar { span, .. } => span,
            ParamItem::BareStar(span) | ParamItem::Slash(span) | ParamItem::Grouped(span) => span,
        }
    }
}
