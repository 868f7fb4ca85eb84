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
        self.expr(
            Expr::Call {
                func,
                args: args.into(),
            },
            lo,
            hi,
        )
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
                        self.wrong(
                            span,
                            "positional argument follows keyword argument unpacking",
                        );
                    } else if keyword {
                        self.wrong(span, "positional argument follows keyword argument");
                    }
                }
                Arg::Star(_) if unpacked => {
                    self.wrong(
                        span,
                        "iterable argument unpacking follows keyword argument unpacking",
                    );
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
        let repeated = named
            .windows(2)
            .filter(|pair| pair[0].0 == pair[1].0)
            .map(|pair| pair[1]);
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
        let mut list: Vec<Param> = Vec::with_capacity(items.len());
        let mut kind = ParamKind::Normal;
        let mut slash = false;
        let mut defaults = false;
        let mut bare_star: Option<Span> = None;
        let mut closed = false;
        for item in items {
            let here = item.span();
            if closed {
                self.wrong(here, "arguments cannot follow var-keyword argument");
            }
            let after_star = kind == ParamKind::KwOnly;
            match item {
                ParamItem::Plain {
                    name,
                    annotation,
                    default,
                    span,
                } => {
                    if !after_star && default.is_none() && defaults {
                        self.wrong(span, "non-default argument follows default argument");
                    }
                    defaults |= default.is_some();
                    bare_star = None;
                    list.push(Param {
                        kind,
                        name,
                        default,
                        annotation,
                        span,
                    });
                }
                ParamItem::Star { .. } | ParamItem::BareStar(_) if after_star => {
                    self.wrong(here, "* argument may appear only once");
                }
                ParamItem::Star {
                    name,
                    annotation,
                    default,
                    span,
                    ..
                } => {
                    if let Some(default) = default {
                        self.wrong(
                            self.ast.span(default),
                            "var-positional argument cannot have default value",
                        );
                    }
                    list.push(Param {
                        kind: ParamKind::Star,
                        name,
                        default: None,
                        annotation,
                        span,
                    });
                    kind = ParamKind::KwOnly;
                }
                ParamItem::BareStar(span) => {
                    bare_star = Some(span);
                    kind = ParamKind::KwOnly;
                }
                ParamItem::DoubleStar {
                    name,
                    annotation,
                    default,
                    span,
                } => {
                    if let Some(star) = bare_star {
                        self.wrong(star, "named arguments must follow bare *");
                    }
                    if let Some(default) = default {
                        self.wrong(
                            self.ast.span(default),
                            "var-keyword argument cannot have default value",
                        );
                    }
                    list.push(Param {
                        kind: ParamKind::DoubleStar,
                        name,
                        default: None,
                        annotation,
                        span,
                    });
                    closed = true;
                }
                ParamItem::Slash(span) if slash => self.wrong(span, "/ may appear only once"),
                ParamItem::Slash(span) if after_star => self.wrong(span, "/ must be ahead of *"),
                ParamItem::Slash(span) if list.is_empty() => {
                    self.wrong(span, "at least one argument must precede /");
                }
                ParamItem::Slash(_) => {
                    slash = true;
                    list.iter_mut()
                        .for_each(|param| param.kind = ParamKind::PosOnly);
                }
                ParamItem::Grouped(span) => self.wrong(
                    span,
                    match place {
                        Where::Def => "Function parameters cannot be parenthesized",
                        Where::Lambda => "Lambda expression parameters cannot be parenthesized",
                    },
                ),
            }
        }
        if let Some(star) = bare_star {
            self.wrong(star, "named arguments must follow bare *");
        }
        Params { list: list.into() }
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
