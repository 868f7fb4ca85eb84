//! Source text to tree.
//!
//! Bytes become tokens (`lexer.rs`, logos), tokens get their line structure (`layout.rs`: NEWLINE,
//! INDENT, DEDENT, brackets, the parts of f-strings), the generated parser (`grammar/kit.lalrpop`)
//! reduces them, and each reduction calls one function of `actions.rs`, which builds nodes of the
//! arena in `ast.rs`. What goes wrong on the way is worded in `parse.rs`, as CPython 3.11 words it.
//!
//! Invariants:
//! - X1: positions are byte offsets from the first token on; nothing is parsed twice, also not the
//!   fields of f-strings, so every span is a span of the file.
//! - X2: nothing here recurses: the parser keeps its own stack, and nodes refer by index.
//! - X3: brackets nest at most 200 deep, blocks 100, expressions 1,000 ([`ast::MAX_DEPTH`]): who
//!   walks a tree may recurse.
//! - X4: the first error ends the parse.
//!
//! The grammar is Python 3.11's without `match`, `except*`, `type` and complex numbers; these are
//! refused by name. Nested f-strings may use the same quotes, as from Python 3.12 on.
//!
//! Not here: what CPython finds in its symbol table and compiler (`return` outside a function,
//! unbound `nonlocal`); that is `compile`'s.

mod actions;
pub mod ast;
mod dump;
mod errors;
mod fstring;
#[cfg(test)]
mod fuzz;
mod layout;
mod lexer;
mod literal;
mod parse;
mod token;
mod walk;

pub use dump::{dump_tokens, dump_tree};
pub use parse::{parse, parse_expression, parse_outline, parse_part};

lalrpop_util::lalrpop_mod!(
    #[allow(clippy::all, dead_code, unused, unreachable_pub)]
    grammar,
    "/kit.rs"
);
