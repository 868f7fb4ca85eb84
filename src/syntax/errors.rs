//! What the parser's stop means, in CPython 3.11's words.
//!
//! The parser knows the token at which it stopped and the tokens it would have taken. The rules below
//! look at these and at the tokens around, in order; the first that knows the case words it. Hints
//! (`help`) are Kit's own and come after CPython's sentence.

use crate::source::{ErrorKind, Span};

use super::layout::{Layout, Spanned};
use super::lexer::Problem;
use super::token::Tok;

/// Where the parser stopped, and the names of the tokens it would have taken.
pub struct Stop<'i> {
    pub lo: u32,
    pub tok: Tok<'i>,
    pub hi: u32,
    pub expected: Vec<String>,
}

/// All that a rule may look at.
struct Scene<'i> {
    text: &'i str,
    stop: Stop<'i>,
    /// The tokens of the file, as far as they can be read.
    tokens: Vec<Spanned<'i>>,
    /// The place of the stop among them.
    at: usize,
    /// The first token of its logical line.
    line: usize,
    /// Brackets and f-string fields that are open there, from the outside in.
    open: Vec<usize>,
}

type Rule = fn(&Scene<'_>) -> Option<Box<Problem>>;

const RULES: &[Rule] = &[
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

/// Words the error at which the parser stopped.
pub fn explain(text: &str, start: Tok<'static>, stop: Stop<'_>) -> Box<Problem> {
    let (tokens, lexical) = read_all(text, start, stop.lo);
    let scene = Scene::new(text, stop, tokens);
    let known = RULES.iter().find_map(|rule| rule(&scene));
    if scene.stop.tok == Tok::Indent
        && let Some(known) = known
    {
        return known;
    }
    if let Some(lexical) = lexical {
        return lexical;
    }
    let mut problem = known.unwrap_or_else(|| scene.generic());
    if scene.in_field() && !problem.message.starts_with("f-string: ") {
        problem.message.insert_str(0, "f-string: ");
    }
    problem
}

/// Chooses between what the builder found and a token that cannot be read.
pub fn settle(text: &str, start: Tok<'static>, mut problem: Box<Problem>) -> Box<Problem> {
    let at = problem.span.lo;
    let (tokens, lexical) = read_all(text, start, problem.span.hi);
    if let Some(lexical) = lexical {
        return lexical;
    }
    let before = tokens.iter().take_while(|token| token.0 < at);
    let depth: i32 = before
        .map(|token| (token.1 == Tok::FOpen) as i32 - (token.1 == Tok::FClose) as i32)
        .sum();
    if depth > 0 && !problem.message.starts_with("f-string: ") {
        problem.message.insert_str(0, "f-string: ");
    }
    problem
}

/// Reads the whole file. A token that cannot be read is the better error than one at `at`, except a
/// bracket that is open at the end and was opened on the line of `at` or later.
fn read_all<'i>(
    text: &'i str,
    start: Tok<'i>,
    at: u32,
) -> (Vec<Spanned<'i>>, Option<Box<Problem>>) {
    let mut layout = Layout::new(text, start);
    let mut tokens = Vec::new();
    let problem = loop {
        match layout.next() {
            Some(Ok(token)) => tokens.push(token),
            Some(Err(problem)) => break Some(problem),
            None => break None,
        }
    };
    // With nothing after the stop, what is missing may be the rest of the line.
    let is_last = tokens.last().is_none_or(|token| token.0 <= at);
    let unclosed = problem
        .as_ref()
        .is_some_and(|problem| problem.message.ends_with("was never closed"));
    let problem = problem.filter(|problem| {
        !unclosed
            || is_last
            || problem.span.lo < at && text[problem.span.lo as usize..at as usize].contains('\n')
    });
    (tokens, problem)
}

impl<'i> Scene<'i> {
    fn new(text: &'i str, stop: Stop<'i>, tokens: Vec<Spanned<'i>>) -> Scene<'i> {
        let same = |token: &Spanned<'i>| token.0 == stop.lo && token.1 == stop.tok;
        let found = tokens.partition_point(|token| token.0 < stop.lo);
        let at = tokens[found..]
            .iter()
            .position(same)
            .map_or(tokens.len(), |offset| found + offset);
        let mut open = Vec::new();
        let mut line = 0;
        for (i, &(_, tok, _)) in tokens[..at].iter().enumerate() {
            match tok {
                Tok::LPar | Tok::LBracket | Tok::LBrace | Tok::FOpen => open.push(i),
                Tok::RPar | Tok::RBracket | Tok::RBrace | Tok::FClose => drop(open.pop()),
                Tok::Newline | Tok::Indent | Tok::Dedent | Tok::StartModule | Tok::StartExpr => {
                    line = i + 1
                }
                _ => {}
            }
        }
        Scene {
            text,
            stop,
            tokens,
            at,
            line,
            open,
        }
    }

    fn tok(&self) -> Tok<'i> {
        self.stop.tok
    }

    fn span(&self) -> Span {
        Span::new(self.stop.lo, self.stop.hi)
    }

    /// The token `back` places before the stop.
    fn before(&self, back: usize) -> Option<Tok<'i>> {
        self.at
            .checked_sub(back)
            .and_then(|at| self.tokens.get(at))
            .map(|token| token.1)
    }

    fn span_of(&self, at: usize) -> Span {
        let (lo, _, hi) = self.tokens[at];
        Span::new(lo, hi)
    }

    /// The first token of the logical line, after `async`.
    fn header(&self) -> Option<Tok<'i>> {
        let mut line = self.tokens[self.line.min(self.at)..]
            .iter()
            .map(|token| token.1);
        line.find(|&tok| tok != Tok::Async)
    }

    fn expects(&self, what: &str) -> bool {
        self.stop
            .expected
            .iter()
            .any(|name| name == what || name.trim_matches('"') == what)
    }

    /// Whether the parser, before the stop, was still ready to go on with an operator. It is not
    /// where the stop made it reduce what it had; there only the token before tells.
    fn after_operand(&self) -> bool {
        self.expects("or")
    }

    /// Whether the token before the stop can end an expression.
    fn after_expression(&self) -> bool {
        use Tok::*;
        let Some(last) = self.before(1) else {
            return false;
        };
        matches!(
            last,
            Name(_) | Int(_) | Float(_) | Str(_) | Bytes(_) | FEnd | True | False | None | Ellipsis
        ) || matches!(last, RPar | RBracket | RBrace)
    }

    /// The innermost open bracket.
    fn bracket(&self) -> Option<Tok<'i>> {
        self.open.last().map(|&at| self.tokens[at].1)
    }

    fn in_field(&self) -> bool {
        self.open.iter().any(|&at| self.tokens[at].1 == Tok::FOpen)
    }

    fn line_of(&self, offset: u32) -> usize {
        self.text.as_bytes()[..offset as usize]
            .iter()
            .filter(|&&byte| byte == b'\n')
            .count()
            + 1
    }

    /// Where the operand begins that ends before `end`: back to a token that `stops`, over whole brackets.
    fn operand(&self, end: usize, stops: impl Fn(Tok<'_>) -> bool) -> usize {
        let mut depth = 0;
        let mut i = end;
        while i > self.line {
            match self.tokens[i - 1].1 {
                Tok::RPar | Tok::RBracket | Tok::RBrace | Tok::FEnd => depth += 1,
                Tok::LPar | Tok::LBracket | Tok::LBrace | Tok::FStart if depth > 0 => depth -= 1,
                Tok::LPar | Tok::LBracket | Tok::LBrace | Tok::FOpen if depth == 0 => break,
                tok if depth == 0 && stops(tok) => break,
                _ => {}
            }
            i -= 1;
        }
        i
    }

    /// From the token at `from` up to and with the one before the stop.
    fn span_from(&self, from: usize) -> Span {
        match self.tokens.get(from..self.at) {
            Some([first, .., last]) => Span::new(first.0, last.2),
            Some([only]) => Span::new(only.0, only.2),
            _ => self.span(),
        }
    }

    fn generic(&self) -> Box<Problem> {
        let mut problem = Problem::syntax(self.span(), "invalid syntax");
        problem.help = self.hint();
        problem
    }

    fn hint(&self) -> Option<String> {
        let tok = self.tok();
        if tok.is_keyword() && self.expects("NAME") && !self.expects("INT") {
            return Some(format!(
                "'{}' is a keyword and cannot be a name",
                tok.text()
            ));
        }
        let (before, last) = (self.before(2), self.before(1));
        let hint = match (last, tok) {
            (Some(Tok::Amper), Tok::Amper) => "write 'and' for '&&'",
            (Some(Tok::Bar), Tok::Bar) => "write 'or' for '||'",
            (Some(Tok::Less), Tok::Greater) => "write '!=' for '<>'",
            (Some(Tok::Plus), Tok::Newline) if before == Some(Tok::Plus) => {
                "write 'x += 1' for 'x++'"
            }
            (Some(Tok::Minus), Tok::Newline) if before == Some(Tok::Minus) => {
                "write 'x -= 1' for 'x--'"
            }
            (_, Tok::LBrace) if self.after_expression() => {
                "a block begins with ':' and is indented"
            }
            (_, Tok::Newline) if self.expects("INT") => {
                "the line ends where an expression is expected"
            }
            (_, Tok::Else | Tok::Elif | Tok::Except | Tok::Finally) if self.at == self.line => {
                return Some(format!(
                    "no statement is open here that '{}' could belong to",
                    tok.text()
                ));
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

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
                && matches!(
                    rest.get(end + 1..end + 3),
                    Some([(_, Tok::Indent, _), (_, Tok::Name("case"), _)])
                );
            if is_match {
                syntax(Span::new(*lo, *hi), "Kit has no `match` statement")
            } else {
                None
            }
        }
        [
            (lo, Tok::Name("type"), hi),
            (_, Tok::Name(_), _),
            (_, Tok::Equal | Tok::LBracket, _),
            ..,
        ] => syntax(Span::new(*lo, *hi), "Kit has no `type` statement"),
        _ => None,
    }
}

/// What a compound statement is called in "expected an indented block after …".
fn block_name(tok: Tok<'_>) -> Option<String> {
    Some(match tok {
        Tok::Class => "class definition".to_owned(),
        Tok::Def => "function definition".to_owned(),
        Tok::If
        | Tok::Elif
        | Tok::Else
        | Tok::For
        | Tok::While
        | Tok::With
        | Tok::Try
        | Tok::Except
        | Tok::Finally => {
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
    let is_end = |token: &Spanned<'_>| {
        matches!(
            token.1,
            Tok::Newline | Tok::Indent | Tok::Dedent | Tok::StartModule
        )
    };
    let first = scene.tokens[..newline]
        .iter()
        .rposition(is_end)
        .map_or(0, |at| at + 1);
    let (lo, tok, _) = *scene.tokens[first..]
        .iter()
        .find(|token| token.1 != Tok::Async)?;
    let name = block_name(tok)?;
    let message = format!(
        "expected an indented block after {name} on line {}",
        scene.line_of(lo)
    );
    Some(Box::new(Problem {
        kind: ErrorKind::IndentationError,
        span: scene.span(),
        message,
        help: None,
    }))
}

fn indent(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let message = match scene.tok() {
        Tok::Indent => "unexpected indent",
        Tok::Dedent if !scene.expects("except") => "unexpected unindent",
        _ => return None,
    };
    let (kind, span) = (ErrorKind::IndentationError, scene.span());
    Some(Box::new(Problem {
        kind,
        span,
        message: message.to_owned(),
        help: None,
    }))
}

fn missing_handler(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let only = scene.expects("except") && scene.expects("finally") && !scene.expects("pass");
    if only {
        syntax(scene.span(), "expected 'except' or 'finally' block")
    } else {
        None
    }
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
    Some(if is_else_if {
        problem.with_help("write 'elif' for 'else if'")
    } else {
        problem
    })
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
    matches!(
        tok,
        Comma
            | Colon
            | Semi
            | Equal
            | Walrus
            | AugEq(_)
            | Arrow
            | Else
            | If
            | Lambda
            | Return
            | Yield
    ) || matches!(
        tok,
        For | Assert | Raise | From | Del | Elif | While | With | As | At | FBang | FColon
    )
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
    let from = scene.operand(test.checked_sub(1)?, |tok| {
        ends_disjunction(tok) && tok != Tok::In
    });
    syntax(
        scene.span_from(from),
        "expected 'else' after 'if' expression",
    )
}

fn starred_or_missing_value(scene: &Scene<'_>) -> Option<Box<Problem>> {
    if scene.bracket() != Some(Tok::LBrace) {
        return None;
    }
    match (scene.before(1)?, scene.tok()) {
        (Tok::Colon, Tok::Star) => syntax(
            scene.span(),
            "cannot use a starred expression in a dictionary value",
        ),
        (Tok::Colon, Tok::RBrace | Tok::Comma) => syntax(
            scene.span_of(scene.at - 1),
            "expression expected after dictionary key and ':'",
        ),
        (_, Tok::RBrace | Tok::Comma) if scene.expects(":") && !scene.expects(",") => {
            syntax(scene.span(), "':' expected after dictionary key")
        }
        _ => None,
    }
}

fn comprehension_target(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let opener = *scene.open.last()?;
    let fits = matches!(scene.tok(), Tok::For | Tok::Async)
        && matches!(scene.bracket()?, Tok::LBracket | Tok::LBrace);
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
    let from = scene.operand(scene.at, |tok| {
        ends_disjunction(tok) || matches!(tok, Tok::Star | Tok::DoubleStar)
    });
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
            || matches!(
                tok,
                Tok::And | Tok::Or | Tok::Not | Tok::In | Tok::Is | Tok::EqEq | Tok::NotEq
            )
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
                matches!(
                    tok,
                    Tok::Plus
                        | Tok::Minus
                        | Tok::Star
                        | Tok::Slash
                        | Tok::DoubleSlash
                        | Tok::Percent
                ) || matches!(
                    tok,
                    Tok::DoubleStar | Tok::Amper | Tok::Bar | Tok::Caret | Tok::Tilde
                ) || matches!(tok, Tok::ShiftLeft | Tok::ShiftRight | Tok::At)
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
    syntax(
        span,
        format!("cannot assign to {what} here. Maybe you meant '==' instead of '='?"),
    )
}

fn exception_list(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.header()? == Tok::Except && scene.tok() == Tok::Comma && scene.open.is_empty();
    if !fits || !scene.expects("as") {
        return None;
    }
    syntax(
        scene.span_from(scene.line + 1),
        "multiple exception types must be parenthesized",
    )
}

fn trailing_comma(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.header()? == Tok::From
        && scene.tok() == Tok::Newline
        && scene.before(1) == Some(Tok::Comma);
    if fits {
        syntax(
            scene.span(),
            "trailing comma not allowed without surrounding parentheses",
        )
    } else {
        None
    }
}

fn missing_parenthesis(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits = scene.before(2) == Some(Tok::Def) && matches!(scene.before(1), Some(Tok::Name(_)));
    if fits {
        syntax(scene.span(), "expected '('")
    } else {
        None
    }
}

fn missing_default(scene: &Scene<'_>) -> Option<Box<Problem>> {
    let fits =
        scene.header()? == Tok::Def && scene.open.len() == 1 && scene.before(1) == Some(Tok::Equal);
    if fits && matches!(scene.tok(), Tok::Comma | Tok::RPar) {
        return syntax(
            scene.span_of(scene.at - 1),
            "expected default value expression",
        );
    }
    None
}
