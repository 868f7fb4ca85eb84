//! What the grammar's actions call: one method per form, which builds its nodes and checks what the
//! grammar leaves loose.
//!
//! Methods do not fail. The first thing that is wrong is kept (`problem`) and a node is made anyway,
//! so actions stay one line each; `parse.rs` reports the problem when the parser stops.

mod call;
mod expr;
mod stmt;
mod target;

use std::hash::BuildHasher;
use std::sync::Arc;
use unicode_normalization::UnicodeNormalization;

use foldhash::fast::FixedState;
use hashbrown::HashTable;

use crate::source::{SourceFile, Span};

pub use self::call::{ParamItem, Where};
pub use self::expr::{Piece, StrPart};
pub use self::stmt::Def;
use super::ast::{Ast, E, Expr, MAX_DEPTH, Name, S};
use super::lexer::Problem;

/// What was parsed.
pub enum Top {
    Module(Vec<S>),
    Expr(E),
}

/// The tree under construction.
pub struct Builder<'i> {
    pub ast: Ast,
    text: &'i str,
    /// Indices into `ast.names`, by text.
    interned: HashTable<u32>,
    /// Items `a as b` in parentheses that no `with` has claimed yet.
    as_items: Vec<AsItem>,
    /// Generator expressions that stand in the parentheses of a call.
    bare_generators: Vec<E>,
    /// The first thing that is wrong.
    pub problem: Option<Box<Problem>>,
}

struct AsItem {
    context: E,
    target: E,
    /// Of the word `as`.
    span: Span,
}

/// Names hash the same in every run.
const SEED: u64 = 0x6b69_7421;

impl<'i> Builder<'i> {
    pub fn new(file: &Arc<SourceFile>, text: &'i str) -> Builder<'i> {
        Builder {
            ast: Ast::new(file),
            text,
            interned: HashTable::new(),
            as_items: Vec::new(),
            bare_generators: Vec::new(),
            problem: None,
        }
    }

    /// Keeps the first problem.
    fn wrong(&mut self, span: Span, message: impl Into<String>) {
        self.refuse(Problem::syntax(span, message));
    }

    fn refuse(&mut self, problem: Box<Problem>) {
        self.problem.get_or_insert(problem);
    }

    /// An identifier; names that look alike by NFKC are one name (PEP 3131).
    pub fn name(&mut self, text: &str) -> Name {
        if !text.is_ascii() && !unicode_normalization::is_nfkc(text) {
            let normal: String = text.nfkc().collect();
            return self.name(&normal);
        }
        let hasher = FixedState::with_seed(SEED);
        let hash = hasher.hash_one(text);
        let names = &mut self.ast.names;
        let found = self.interned.find(hash, |&at| *names[at as usize] == *text);
        if let Some(&at) = found {
            return Name(at);
        }
        let at = names.len() as u32;
        names.push(text.into());
        self.interned.insert_unique(hash, at, |&at| hasher.hash_one(&*names[at as usize]));
        Name(at)
    }

    pub fn dotted(&mut self, parts: Vec<&str>) -> Name {
        match parts[..] {
            [one] => self.name(one),
            _ => self.name(&parts.join(".")),
        }
    }

    pub fn expr(&mut self, kind: Expr, lo: u32, hi: u32) -> E {
        let mut depth = 0;
        kind.each_child(&mut |child| depth = depth.max(self.ast.depth(child)));
        self.push(kind, Span::new(lo, hi), depth)
    }

    /// A node whose deepest child is `depth` deep.
    fn push(&mut self, kind: Expr, span: Span, depth: u16) -> E {
        if depth >= MAX_DEPTH {
            self.wrong(span, format!("too many nested expressions (Kit's limit is {MAX_DEPTH})"));
        }
        // X3 holds for every tree that is handed out: with a problem, none is.
        self.ast.push_expr(kind, span, depth.min(MAX_DEPTH - 1) + 1)
    }

    pub fn grouped(&mut self, e: E) -> E {
        self.ast.set_grouped(e);
        e
    }
}
