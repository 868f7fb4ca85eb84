//! The entry points: text to tree, or to the one error that is reported.
//!
//! Which error that is follows CPython: a token that cannot be read anywhere in the file (an
//! unterminated string, a bracket that is never closed) explains more than the place where the
//! parser gave up, so it is looked for first; then the builder's first complaint; then what
//! `errors.rs` makes of the token at which the parser stopped.

use std::sync::Arc;

use lalrpop_util::ParseError;

use crate::source::{Diagnostic, Part, SourceFile, outline};

use super::actions::{Builder, Top};
use super::ast::{Ast, E};
use super::errors::{self, Stop};
use super::grammar::TopParser;
use super::layout::Layout;
use super::lexer::Problem;
use super::token::Tok;

/// Parses a script.
pub fn parse(file: &Arc<SourceFile>) -> Result<Ast, Diagnostic> {
    let (mut ast, top) = run(file, Tok::StartModule)?;
    if let Top::Module(body) = top {
        ast.body = body.into();
    }
    Ok(ast)
}

/// Parses a text of the library without the bodies of its functions; the tree's `parts` tell which those are.
pub fn parse_outline(file: &Arc<SourceFile>) -> Result<Ast, Diagnostic> {
    let (text, parts) = outline(&file.text);
    let (mut ast, top) = run_text(file, &text, Tok::StartModule, Layout::new(&text, Tok::StartModule))?;
    if let Top::Module(body) = top {
        ast.body = body.into();
    }
    ast.parts = parts;
    Ok(ast)
}

/// Parses a function that the outline of its file lacks, inside classes of these names. Its decorators are not
/// part of it.
pub fn parse_part(file: &Arc<SourceFile>, part: &Part, classes: &[&str]) -> Result<Ast, Diagnostic> {
    let text = &file.text[..part.to as usize];
    let (mut ast, top) = run_text(file, text, Tok::StartModule, Layout::part(text, part.from, part.indent))?;
    if let Top::Module(body) = top {
        ast.body = body.into();
    }
    classes.iter().rev().for_each(|name| ast.enclose(name));
    Ok(ast)
}

/// Parses one expression; line breaks count as blanks.
pub fn parse_expression(file: &Arc<SourceFile>) -> Result<(Ast, E), Diagnostic> {
    match run(file, Tok::StartExpr)? {
        (ast, Top::Expr(e)) => Ok((ast, e)),
        (ast, Top::Module(_)) => {
            unreachable!("START_EXPR begins an expression in {}", ast.file.name)
        }
    }
}

fn run(file: &Arc<SourceFile>, start: Tok<'static>) -> Result<(Ast, Top), Diagnostic> {
    run_text(file, &file.text, start, Layout::new(&file.text, start))
}

fn run_text<'i>(
    file: &Arc<SourceFile>,
    text: &'i str,
    start: Tok<'static>,
    tokens: Layout<'i>,
) -> Result<(Ast, Top), Diagnostic> {
    let mut builder = Builder::new(file, text);
    let result = TopParser::new().parse(&mut builder, tokens);
    let problem = match (result, builder.problem) {
        (Ok(top), None) => return Ok((builder.ast, top)),
        (Err(ParseError::User { error }), _) => error,
        (_, Some(problem)) => errors::settle(text, start, problem),
        (Err(stopped), None) => errors::explain(text, start, stop(stopped, text)),
    };
    Err(diagnostic(file, *problem))
}

fn stop<'i>(error: ParseError<u32, Tok<'i>, Box<Problem>>, text: &str) -> Stop<'i> {
    match error {
        ParseError::UnrecognizedToken { token: (lo, tok, hi), expected } => Stop { lo, tok, hi, expected },
        ParseError::ExtraToken { token: (lo, tok, hi) } => Stop { lo, tok, hi, expected: Vec::new() },
        ParseError::UnrecognizedEof { location, expected } => {
            Stop { lo: location, tok: Tok::Newline, hi: location, expected }
        }
        ParseError::InvalidToken { .. } | ParseError::User { .. } => {
            let end = text.len() as u32;
            Stop { lo: end, tok: Tok::Newline, hi: end, expected: Vec::new() }
        }
    }
}

fn diagnostic(file: &Arc<SourceFile>, problem: Problem) -> Diagnostic {
    let Problem { kind, span, message, help } = problem;
    Diagnostic { kind, message, span, help, file: file.clone() }
}
