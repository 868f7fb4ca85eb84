//! The rules, in the order in which they are asked.

use crate::source::{ErrorKind, Span};

use super::Scene;
use crate::syntax::layout::Spanned;
use crate::syntax::lexer::Problem;
use crate::syntax::token::Tok;

/// Looks at a scene and words it, or leaves it to the next rule.
pub(super) type Rule = fn(&Scene<'_>) -> Option<Box<Problem>>;

pub(super) const RULES: &[Rule] = &[
    left_out,
    missing_block,
    indent,
    missing_handler,
    missing_colon,
    field,
    print_statement,
    missing_else,
    starred_or_missing_value,
    comprehension_target,
    missing_comma,
    equal_sign,
    exception_list,
    trailing_comma,
    missing_parenthesis,
    missing_default,
];

fn syntax(span: Span, message: impl Into<String>) -> Option<Box<Problem>> {
    Some(Problem::syntax(span, message))
}

/// What Python has and Kit leaves out.
fn left_out(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let line = scene.tokens.get(scene.line..)?;
    match line {
        [.., _] if scene.tok() == Tok::Star && scene.before(1) == Some(Tok::Except) => {
            syntax(scene.span(), "Kit has no `except*`")
        }
        [(lo, Tok::Name("match"), hi), rest @ ..] => {
            let end = rest.iter().position(|token| token.1 == Tok::Newline)?;
            let is_match = end > 0
                && rest[end - 1].1 == Tok::Colon
                && matches!(rest.get(end + 1..end + 3), Some([(_, Tok::Indent, _), (_, Tok::Name("case"), _)]));
            if is_match { syntax(Span::new(*lo, *hi), "Kit has no `match` statement") } else { None }
        }
        [(lo, Tok::Name("type"), hi), (_, Tok::Name(_), _), (_, Tok::Equal | Tok::LBracket, _), ..] => {
            syntax(Span::new(*lo, *hi), "Kit has no `type` statement")
        }
        _ => None,
    }
}

/// What a compound statement is called in "expected an indented block after …".
fn block_name(tok: Tok<'_>) -> Option<String> {
    Some(match tok {
        Tok::Class => "class definition".to_owned(),
        Tok::Def => "function definition".to_owned(),
        Tok::If | Tok::Elif | Tok::Else | Tok::For | Tok::While | Tok::With | Tok::Try | Tok::Except | Tok::Finally => {
            format!("'{}' statement", tok.text())
        }
        _ => return None,
    })
}

fn missing_block(scene: &Scene<'_>) -> Option<Box<Problem>> {
    if !scene.expects("INDENT") {
        return None;
    }
    // The header is the logical line that the NEWLINE before the stop ends.
    let newline = scene.at.checked_sub(1)?;
    let is_end = |token: &Spanned<'_>| matches!(token.1, Tok::Newline | Tok::Indent | Tok::Dedent | Tok::StartModule);
    let first = scene.tokens[..newline].iter().rposition(is_end).map_or(0, |at| at + 1);
    let (lo, tok, _) = *scene.tokens[first..].iter().find(|token| token.1 != Tok::Async)?;
    let name = block_name(tok)?;
    let message = format!("expected an indented block after {name} on line {}", scene.line_of(lo));
    Some(Box::new(Problem { kind: ErrorKind::IndentationError, span: scene.span(), message, help: None }))
}

fn indent(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let message = match scene.tok() {
        Tok::Indent => "unexpected indent",
        Tok::Dedent if !scene.expects("except") => "unexpected unindent",
        _ => return None,
    };
    let (kind, span) = (ErrorKind::IndentationError, scene.span());
    Some(Box::new(Problem { kind, span, message: message.to_owned(), help: None }))
}

fn missing_handler(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let only = scene.expects("except") && scene.expects("finally") && !scene.expects("pass");
    if only { syntax(scene.span(), "expected 'except' or 'finally' block") } else { None }
}

fn missing_colon(scene: &Scene<'_>) -> Option<Box<Problem>> {
    if !scene.expects(":") || !scene.open.is_empty() {
        return None;
    }
    let header = scene.header()?;
    block_name(header)?;
    let forced = matches!(header, Tok::Def | Tok::Try | Tok::Finally | Tok::Else);
    if scene.tok() != Tok::Newline && !forced {
        return None;
    }
    let problem = Problem::syntax(scene.span(), "expected ':'");
    let is_else_if = header == Tok::Else && scene.tok() == Tok::If;
    Some(if is_else_if { problem.with_help("write 'elif' for 'else if'") } else { problem })
}

/// Fields of f-strings.
fn field(scene: &Scene<'_>) -> Option<Box<Problem>> {
    if scene.bracket() != Some(Tok::FOpen) {
        return None;
    }
    let message = match (scene.before(1)?, scene.tok()) {
        (Tok::FOpen, Tok::FClose) => "f-string: empty expression not allowed",
        (Tok::FOpen, Tok::FBang) => "f-string: expression required before '!'",
        (Tok::FOpen, Tok::FColon) => "f-string: expression required before ':'",
        (Tok::FOpen, Tok::FEq) => "f-string: expression required before '='",
        (Tok::FBang, _) => "f-string: invalid conversion character: expected 's', 'r', or 'a'",
        (_, Tok::Equal) if scene.after_expression() => "f-string: expecting '}'",
        _ if scene.before(2) == Some(Tok::FBang) => "f-string: expecting '}'",
        _ => return None,
    };
    syntax(scene.span(), message)
}

fn print_statement(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let Some(Tok::Name(name @ ("print" | "exec"))) = scene.before(1) else {
        return None;
    };
    if !scene.tok().starts_expression() || scene.before(2) == Some(Tok::Dot) {
        return None;
    }
    let message = format!("Missing parentheses in call to '{name}'. Did you mean {name}(...)?");
    syntax(scene.span_of(scene.at - 1).to(scene.span()), message)
}

/// Tokens before which a disjunction cannot reach back.
fn ends_disjunction(tok: Tok<'_>) -> bool {
    use Tok::*;
    matches!(tok, Comma | Colon | Semi | Equal | Walrus | AugEq(_) | Arrow | Else | If | Lambda | Return | Yield)
        || matches!(tok, For | Assert | Raise | From | Del | Elif | While | With | As | At | FBang | FColon)
}

fn missing_else(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let statement = scene.expects("pass") || scene.expects("finally");
    if !scene.expects("else") || statement || !scene.after_expression() {
        return None;
    }
    if matches!(scene.tok(), Tok::Colon | Tok::FColon) {
        return None;
    }
    let test = scene.operand(scene.at, ends_disjunction);
    let from = scene.operand(test.checked_sub(1)?, |tok| ends_disjunction(tok) && tok != Tok::In);
    syntax(scene.span_from(from), "expected 'else' after 'if' expression")
}

fn starred_or_missing_value(scene: &Scene<'_>) -> Option<Box<Problem>> {
    if scene.bracket() != Some(Tok::LBrace) {
        return None;
    }
    match (scene.before(1)?, scene.tok()) {
        (Tok::Colon, Tok::Star) => syntax(scene.span(), "cannot use a starred expression in a dictionary value"),
        (Tok::Colon, Tok::RBrace | Tok::Comma) => {
            syntax(scene.span_of(scene.at - 1), "expression expected after dictionary key and ':'")
        }
        (_, Tok::RBrace | Tok::Comma) if scene.expects(":") && !scene.expects(",") => {
            syntax(scene.span(), "':' expected after dictionary key")
        }
        _ => None,
    }
}

fn comprehension_target(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let opener = *scene.open.last()?;
    let fits = matches!(scene.tok(), Tok::For | Tok::Async) && matches!(scene.bracket()?, Tok::LBracket | Tok::LBrace);
    let list = scene.operand(scene.at, |tok| tok == Tok::Comma);
    if !fits || list <= opener + 1 || scene.expects("for") && scene.before(1) != Some(Tok::Comma) {
        return None;
    }
    let message = "did you forget parentheses around the comprehension target?";
    syntax(scene.span_from(opener + 1), message)
}

fn missing_comma(scene: &Scene<'_>) -> Option<Box<Problem>> {
    scene.bracket()?;
    if !scene.after_operand() || !scene.tok().starts_expression() {
        return None;
    }
    let is_string = matches!(scene.tok(), Tok::Str(_) | Tok::Bytes(_) | Tok::FStart);
    if is_string && matches!(scene.before(1), Some(Tok::Name(_))) {
        return None;
    }
    let from = scene.operand(scene.at, |tok| ends_disjunction(tok) || matches!(tok, Tok::Star | Tok::DoubleStar));
    let span = scene.span_from(from).to(scene.span());
    syntax(span, "invalid syntax. Perhaps you forgot a comma?")
}

/// `=` where `==` or `:=` may have been meant.
fn equal_sign(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let header = scene.header()?;
    let condition = matches!(header, Tok::If | Tok::Elif | Tok::While | Tok::At);
    if scene.tok() != Tok::Equal
        || !scene.after_expression()
        || (scene.open.is_empty() && !condition)
        || header == Tok::From
    {
        return None;
    }
    let looser = |tok: Tok<'_>| {
        ends_disjunction(tok)
            || matches!(tok, Tok::And | Tok::Or | Tok::Not | Tok::In | Tok::Is | Tok::EqEq | Tok::NotEq)
            || matches!(tok, Tok::Less | Tok::LessEq | Tok::Greater | Tok::GreaterEq)
    };
    let from = scene.operand(scene.at, looser);
    let opener = from.checked_sub(1).map(|at| scene.tokens[at].1)?;
    let begins = matches!(opener, Tok::LPar | Tok::LBracket | Tok::LBrace | Tok::Comma)
        || matches!(opener, Tok::If | Tok::Elif | Tok::While | Tok::At);
    if !begins || (opener == Tok::Comma && scene.open.is_empty()) {
        return None;
    }
    let left = &scene.tokens[from..scene.at];
    let span = scene.span_from(from);
    let what = match left {
        [(_, Tok::Name(_), _)] => {
            let message = "invalid syntax. Maybe you meant '==' or ':=' instead of '='?";
            return syntax(span.to(scene.span()), message);
        }
        [(_, Tok::Int(_) | Tok::Float(_) | Tok::Str(_) | Tok::Bytes(_), _)] => "literal",
        [(_, Tok::Ellipsis, _)] => "ellipsis",
        [_] | [] => return None,
        [.., (_, last, _)] => {
            let operator = |tok: Tok<'_>| {
                matches!(tok, Tok::Plus | Tok::Minus | Tok::Star | Tok::Slash | Tok::DoubleSlash | Tok::Percent)
                    || matches!(tok, Tok::DoubleStar | Tok::Amper | Tok::Bar | Tok::Caret | Tok::Tilde)
                    || matches!(tok, Tok::ShiftLeft | Tok::ShiftRight | Tok::At)
            };
            if scene.operand(scene.at, |tok| looser(tok) || operator(tok)) > from {
                "expression"
            } else {
                match (left[0].1, last) {
                    (Tok::Await, _) => "await expression",
                    (_, Tok::Name(_)) => "attribute",
                    (Tok::LPar | Tok::LBracket | Tok::LBrace, _) => return None,
                    (_, Tok::RPar) => "function call",
                    (_, Tok::RBracket) => "subscript",
                    _ => return None,
                }
            }
        }
    };
    syntax(span, format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?"))
}

fn exception_list(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.header()? == Tok::Except && scene.tok() == Tok::Comma && scene.open.is_empty();
    if !fits || !scene.expects("as") {
        return None;
    }
    syntax(scene.span_from(scene.line + 1), "multiple exception types must be parenthesized")
}

fn trailing_comma(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.header()? == Tok::From && scene.tok() == Tok::Newline && scene.before(1) == Some(Tok::Comma);
    if fits { syntax(scene.span(), "trailing comma not allowed without surrounding parentheses") } else { None }
}

fn missing_parenthesis(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.before(2) == Some(Tok::Def) && matches!(scene.before(1), Some(Tok::Name(_)));
    if fits { syntax(scene.span(), "expected '('") } else { None }
}

fn missing_default(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.header()? == Tok::Def && scene.open.len() == 1 && scene.before(1) == Some(Tok::Equal);
    if fits && matches!(scene.tok(), Tok::Comma | Tok::RPar) {
        return syntax(scene.span_of(scene.at - 1), "expected default value expression");
    }
    None
}
