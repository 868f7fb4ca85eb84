//! Expressions: literals, groups, comprehensions, f-strings.

use crate::source::Span;

use super::super::ast::*;
use super::super::lexer::Checked;
use super::super::literal;
use super::{AsItem, Builder};

/// One of adjacent string literals.
pub enum StrPart<'i> {
    Str { literal: &'i str, lo: u32 },
    Bytes { literal: &'i str, lo: u32 },
    Format(Vec<Piece>),
}

/// A piece of an f-string, before texts that touch are joined.
pub enum Piece {
    Text(Box<str>),
    /// A field, and where the text of its debug form `{value=}` stands.
    Field(Box<FField>, Option<Span>),
}

impl<'i> Builder<'i> {
    pub fn int(&mut self, literal: &str, lo: u32) -> E {
        let value = self.checked(literal::int(literal, lo)).unwrap_or(IntLit::Small(0));
        self.expr(Expr::Int(value), lo, lo + literal.len() as u32)
    }

    pub fn float(&mut self, literal: &str, lo: u32) -> E {
        let value = self.checked(literal::float(literal, lo)).unwrap_or_default();
        self.expr(Expr::Float(value), lo, lo + literal.len() as u32)
    }

    fn checked<T>(&mut self, value: Checked<T>) -> Option<T> {
        value.map_err(|problem| self.refuse(problem)).ok()
    }

    /// Adjacent literals become one.
    pub fn strings(&mut self, parts: Vec<StrPart<'i>>, lo: u32, hi: u32) -> E {
        let bytes = parts.iter().filter(|part| matches!(part, StrPart::Bytes { .. })).count();
        if bytes > 0 {
            if bytes < parts.len() {
                self.wrong(Span::new(lo, hi), "cannot mix bytes and nonbytes literals");
            }
            let mut value = Vec::new();
            for part in parts {
                if let StrPart::Bytes { literal, lo } = part {
                    value.extend(self.checked(literal::bytes(literal, lo)).unwrap_or_default());
                }
            }
            return self.expr(Expr::Bytes(value.into()), lo, hi);
        }
        if let [StrPart::Str { literal, lo: at }] = parts[..] {
            let value = self.checked(literal::string(literal, at)).unwrap_or_default();
            return self.expr(Expr::Str(value.into()), lo, hi);
        }
        let formatted = parts.iter().any(|part| matches!(part, StrPart::Format(_)));
        let mut joined = Joined::new(self.text);
        for part in parts {
            match part {
                StrPart::Str { literal, lo } => {
                    joined.tail.push_str(&self.checked(literal::string(literal, lo)).unwrap_or_default());
                }
                StrPart::Bytes { .. } => {}
                StrPart::Format(pieces) => pieces.into_iter().for_each(|piece| joined.part(piece)),
            }
        }
        if formatted {
            return self.expr(Expr::FString(joined.finish()), lo, hi);
        }
        self.expr(Expr::Str(joined.tail.into()), lo, hi)
    }

    pub fn f_text(&mut self, (text, raw): (&'i str, bool), lo: u32) -> Piece {
        let value = self.checked(literal::text(text, raw, lo)).unwrap_or_default();
        Piece::Text(value.into())
    }

    /// `{value = !conversion : spec}`; `debug` covers the text of the debug form.
    pub fn f_field(
        &mut self,
        value: E,
        debug: Option<Span>,
        conversion: Option<(u32, &'i str, u32)>,
        spec: Option<Vec<Piece>>,
        span: Span,
    ) -> Piece {
        if let Expr::Starred(_) = self.ast.expr(value) {
            self.wrong(self.ast.span(value), "f-string: cannot use starred expression here");
        }
        let conversion = conversion.and_then(|(bang, letter, end)| {
            let known = match letter {
                "s" => Some(Conversion::Str),
                "r" => Some(Conversion::Repr),
                "a" => Some(Conversion::Ascii),
                _ => None,
            };
            if known.is_none() || end - bang != 1 {
                let message = "f-string: invalid conversion character: expected 's', 'r', or 'a'";
                self.wrong(Span::new(bang, end), message);
            }
            known
        });
        let implied = debug.is_some() && conversion.is_none() && spec.is_none();
        let field = FField {
            value,
            conversion: if implied { Some(Conversion::Repr) } else { conversion },
            spec: spec.map(|pieces| {
                let mut joined = Joined::new(self.text);
                pieces.into_iter().for_each(|piece| joined.part(piece));
                joined.finish()
            }),
            span,
        };
        Piece::Field(Box::new(field), debug)
    }

    pub fn lambda(&mut self, params: Params, body: E, lo: u32, hi: u32) -> E {
        self.expr(Expr::Lambda(Box::new(Lambda { params, body })), lo, hi)
    }

    pub fn bool_op(&mut self, op: BoolOp, values: Vec<E>, lo: u32, hi: u32) -> E {
        self.expr(Expr::Bool { op, values: values.into() }, lo, hi)
    }

    /// One expression, or a tuple without parentheses.
    pub fn collapse(&mut self, (items, comma): (Vec<E>, bool), lo: u32, hi: u32) -> E {
        match items[..] {
            [one] if !comma => one,
            _ => self.expr(Expr::Tuple(items.into()), lo, hi),
        }
    }

    /// `value[index]`; a lone star in an index makes a tuple.
    pub fn index(&mut self, value: E, index: (Vec<E>, bool), from: u32, to: u32, lo: u32, hi: u32) -> E {
        let starred = matches!(index.0[..], [one] if matches!(self.ast.expr(one), Expr::Starred(_)));
        let index = self.collapse((index.0, index.1 || starred), from, to);
        self.expr(Expr::Index { value, index }, lo, hi)
    }

    /// `(…)`: an empty tuple, one expression, or a tuple.
    pub fn group(&mut self, items: Option<(Vec<E>, bool)>, lo: u32, hi: u32) -> E {
        let (items, comma) = items.unwrap_or_default();
        match items[..] {
            [one] if !comma => {
                if let Expr::Starred(_) = self.ast.expr(one) {
                    self.wrong(self.ast.span(one), "cannot use starred expression here");
                }
                self.grouped(one)
            }
            _ => self.expr(Expr::Tuple(items.into()), lo, hi),
        }
    }

    pub fn as_item(&mut self, context: E, target: E, span: Span) -> E {
        self.as_items.push(AsItem { context, target, span });
        context
    }

    pub fn list(&mut self, items: Option<(Vec<E>, bool)>, lo: u32, hi: u32) -> E {
        self.expr(Expr::List(items.unwrap_or_default().0.into()), lo, hi)
    }

    pub fn comp(&mut self, kind: CompKind, elt: E, value: Option<E>, clauses: Vec<Clause>, lo: u32, hi: u32) -> E {
        if let Expr::Starred(_) = self.ast.expr(elt) {
            self.wrong(self.ast.span(elt), "iterable unpacking cannot be used in comprehension");
        }
        self.expr(Expr::Comp(Box::new(Comp { kind, elt, value, clauses: clauses.into() })), lo, hi)
    }

    pub fn dict_comp(&mut self, (key, value): (Option<E>, E), clauses: Vec<Clause>, lo: u32, hi: u32) -> E {
        let Some(key) = key else {
            // The two stars stand before the span of the value.
            self.wrong(self.ast.span(value), "dict unpacking cannot be used in dict comprehension");
            return value;
        };
        self.comp(CompKind::Dict, key, Some(value), clauses, lo, hi)
    }

    pub fn walrus(&mut self, target: E, value: E, lo: u32, hi: u32) -> E {
        if !matches!(self.ast.expr(target), Expr::Name(_)) || self.ast.is_grouped(target) {
            let message = format!("cannot use assignment expressions with {}", self.ast.expr(target).described());
            self.wrong(self.ast.span(target), message);
        }
        self.expr(Expr::Walrus { target, value }, lo, hi)
    }
}

/// Parts of an f-string as they come together: adjacent texts join, empty ones vanish.
struct Joined<'i> {
    source: &'i str,
    parts: Vec<FPart>,
    tail: String,
}

impl<'i> Joined<'i> {
    fn new(source: &'i str) -> Joined<'i> {
        Joined { source, parts: Vec::new(), tail: String::new() }
    }

    fn part(&mut self, piece: Piece) {
        match piece {
            Piece::Text(text) => self.tail.push_str(&text),
            Piece::Field(field, debug) => {
                if let Some(debug) = debug {
                    self.tail.push_str(&self.source[debug.range()]);
                }
                self.flush();
                self.parts.push(FPart::Field(field));
            }
        }
    }

    fn flush(&mut self) {
        if !self.tail.is_empty() {
            self.parts.push(FPart::Text(std::mem::take(&mut self.tail).into()));
        }
    }

    fn finish(mut self) -> Box<[FPart]> {
        self.flush();
        self.parts.into()
    }
}
