//! Tree to bytecode.
//!
//! Two walks. The first (`scope.rs`, `resolve.rs`) finds for every block which names it binds and where
//! each name lives: register, cell, capture, global, class namespace. The second makes one `Code` per
//! block: a `Unit` owns the instruction buffer, the constants, the registers and the stack of open
//! statements of the block that is being compiled, and each file here adds one family of constructs to it.
//!
//! Invariants:
//! - C1: an expression that is given a variable's register as its place writes it once, as its last
//!   instruction; only temporaries may hold half of a result.
//! - C2: a variable's register is read where it stands unless a walrus of the same block rebinds the name.
//! - C3: after an instruction that never goes on nothing is emitted until a label is bound that
//!   somebody jumps to; so dead code costs nothing and is still checked.
//! - C4: `state` of the assembler holds the registers that are certainly bound here; all other reads
//!   of variables are preceded by `CheckLocal`.
//! - C5: every exit from a protected range runs the exit code of the statements it leaves, with their
//!   own ranges suspended (`try_with.rs`).
//! - C6: code is verified before it is handed out; a fault is an error that says "internal".
//!
//! The scope rules, the wording of errors and the shape of `try` follow CPython 3.11's `symtable.c` and
//! `compile.c`; registers, fused tests and inverted loops follow Lua's `lcode.c`.
//!
//! Not here: what attribute or class means (the VM), and the limits on depth (the parser).

mod assemble;
mod assign;
mod asynchronous;
mod branch;
mod call;
mod class;
mod collect;
mod compare;
mod comprehension;
mod consts;
mod explain;
mod expr;
mod far;
mod function;
mod import;
mod loops;
mod names;
mod resolve;
mod scope;
mod stmt;
mod text;
mod try_with;
mod unit;
mod unwind;
mod walk;

use crate::bytecode::{Code, Const, verify::verify};
use crate::source::{Diagnostic, Span};
use crate::syntax::ast::{Ast, S};
use scope::Scopes;
use std::sync::Arc;

/// How to compile.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// A safe point after each instruction.
    pub every_safe_point: bool,
    /// A failed `assert` tells the values of its parts.
    pub explain_asserts: bool,
    /// A statement of the module that is an expression shows its value, as at a prompt.
    pub interactive: bool,
}

/// What all blocks of one module share.
struct Context<'a> {
    ast: &'a Ast,
    scopes: Scopes,
    options: Options,
    /// Statements at which `from __future__` may stand.
    head: &'a [S],
    /// Are there coroutines, which tell of themselves when nobody has awaited them? Then what dies at a statement
    /// dies before the next one, so that the warning names the line.
    coroutines: bool,
}

type Res<T = ()> = Result<T, Diagnostic>;

/// Compiles the function that `parse_part` gave, of this qualified name.
pub fn compile_part(ast: &Ast, options: Options, qualname: &str) -> Result<Arc<Code>, Diagnostic> {
    let mut code = compile_module(ast, options)?;
    for name in qualname.split('.') {
        // The defaults of its parameters may have code too, which comes before it.
        let inner = code.consts.iter().rev().find_map(|c| match c {
            Const::Code(c) if *c.name == *name => Some(c.clone()),
            _ => None,
        });
        let Some(inner) = inner else {
            let text = format!("internal: no code of '{name}' in '{qualname}'");
            return Err(Diagnostic::syntax(&ast.file, Span::at(0), text));
        };
        code = inner;
    }
    Ok(code)
}

/// Compiles a script; its code has the name `<module>` and has passed the verifier.
pub fn compile_module(ast: &Ast, options: Options) -> Result<Arc<Code>, Diagnostic> {
    let scopes = scope::collect(ast)?;
    let scopes = resolve::resolve(ast, scopes)?;
    let head = import::head(ast);
    let coroutines = !ast.file.name.starts_with('<') && ast.file.text.contains("async");
    let cx = Context { ast, scopes, options, head, coroutines };
    let code = function::module(&cx)?;
    match verify(&code) {
        Ok(()) => Ok(code),
        Err(fault) => {
            let text = format!("internal: {}", fault.0);
            Err(Diagnostic::syntax(&ast.file, Span::at(0), text))
        }
    }
}
