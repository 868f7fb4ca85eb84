//! What the parser's stop means, in CPython 3.11's words.
//!
//! The parser knows the token at which it stopped and the tokens it would have taken. The rules below
//! look at these and at the tokens around, in order; the first that knows the case words it. Hints
//! (`help`) are Kit's own and come after CPython's sentence.

mod rules;

use crate::source::Span;

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

/// Words the error at which the parser stopped.
pub fn explain(text: &str, start: Tok<'static>, stop: Stop<'_>) -> Box<Problem> {
    let mut problem = find(text, start, stop);
    // What is missing at the end is missing after the last line that says something.
    let end = text.trim_end().len() as u32;
    if problem.span.lo as usize == text.len() && problem.span.lo > end {
        problem.span = Span::at(end);
    }
    problem
}

fn find(text: &str, start: Tok<'static>, stop: Stop<'_>) -> Box<Problem> {
    let (tokens, lexical) = read_all(text, start, stop.lo);
    let scene = Scene::new(text, stop, tokens);
    let known = rules::RULES.iter().find_map(|rule| rule(&scene));
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
    let depth: i32 = before.map(|token| (token.1 == Tok::FOpen) as i32 - (token.1 == Tok::FClose) as i32).sum();
    if depth > 0 && !problem.message.starts_with("f-string: ") {
        problem.message.insert_str(0, "f-string: ");
    }
    problem
}

/// Reads the whole file. A token that cannot be read is the better error than one at `at`, except a
/// bracket that is open at the end and was opened on the line of `at` or later.
fn read_all<'i>(text: &'i str, start: Tok<'i>, at: u32) -> (Vec<Spanned<'i>>, Option<Box<Problem>>) {
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
    let unclosed = problem.as_ref().is_some_and(|problem| problem.message.ends_with("was never closed"));
    let problem = problem.filter(|problem| {
        !unclosed || is_last || problem.span.lo < at && text[problem.span.lo as usize..at as usize].contains('\n')
    });
    (tokens, problem)
}

impl<'i> Scene<'i> {
    fn new(text: &'i str, stop: Stop<'i>, tokens: Vec<Spanned<'i>>) -> Scene<'i> {
        let same = |token: &Spanned<'i>| token.0 == stop.lo && token.1 == stop.tok;
        let found = tokens.partition_point(|token| token.0 < stop.lo);
        let at = tokens[found..].iter().position(same).map_or(tokens.len(), |offset| found + offset);
        let mut open = Vec::new();
        let mut line = 0;
        for (i, &(_, tok, _)) in tokens[..at].iter().enumerate() {
            match tok {
                Tok::LPar | Tok::LBracket | Tok::LBrace | Tok::FOpen => open.push(i),
                Tok::RPar | Tok::RBracket | Tok::RBrace | Tok::FClose => drop(open.pop()),
                Tok::Newline | Tok::Indent | Tok::Dedent | Tok::StartModule | Tok::StartExpr => line = i + 1,
                _ => {}
            }
        }
        Scene { text, stop, tokens, at, line, open }
    }

    fn tok(&self) -> Tok<'i> {
        self.stop.tok
    }

    fn span(&self) -> Span {
        Span::new(self.stop.lo, self.stop.hi)
    }

    /// The token `back` places before the stop.
    fn before(&self, back: usize) -> Option<Tok<'i>> {
        self.at.checked_sub(back).and_then(|at| self.tokens.get(at)).map(|token| token.1)
    }

    fn span_of(&self, at: usize) -> Span {
        let (lo, _, hi) = self.tokens[at];
        Span::new(lo, hi)
    }

    /// The first token of the logical line, after `async`.
    fn header(&self) -> Option<Tok<'i>> {
        let mut line = self.tokens[self.line.min(self.at)..].iter().map(|token| token.1);
        line.find(|&tok| tok != Tok::Async)
    }

    fn expects(&self, what: &str) -> bool {
        self.stop.expected.iter().any(|name| name == what || name.trim_matches('"') == what)
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
        matches!(last, Name(_) | Int(_) | Float(_) | Str(_) | Bytes(_) | FEnd | True | False | None | Ellipsis)
            || matches!(last, RPar | RBracket | RBrace)
    }

    /// The innermost open bracket.
    fn bracket(&self) -> Option<Tok<'i>> {
        self.open.last().map(|&at| self.tokens[at].1)
    }

    fn in_field(&self) -> bool {
        self.open.iter().any(|&at| self.tokens[at].1 == Tok::FOpen)
    }

    fn line_of(&self, offset: u32) -> usize {
        self.text.as_bytes()[..offset as usize].iter().filter(|&&byte| byte == b'\n').count() + 1
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
            return Some(format!("'{}' is a keyword and cannot be a name", tok.text()));
        }
        let (before, last) = (self.before(2), self.before(1));
        let hint = match (last, tok) {
            (Some(Tok::Amper), Tok::Amper) => "write 'and' for '&&'",
            (Some(Tok::Bar), Tok::Bar) => "write 'or' for '||'",
            (Some(Tok::Less), Tok::Greater) => "write '!=' for '<>'",
            (Some(Tok::Plus), Tok::Newline) if before == Some(Tok::Plus) => "write 'x += 1' for 'x++'",
            (Some(Tok::Minus), Tok::Newline) if before == Some(Tok::Minus) => "write 'x -= 1' for 'x--'",
            (_, Tok::LBrace) if self.after_expression() => "a block begins with ':' and is indented",
            (_, Tok::Newline) if self.expects("INT") => "the line ends where an expression is expected",
            (_, Tok::Else | Tok::Elif | Tok::Except | Tok::Finally) if self.at == self.line => {
                return Some(format!("no statement is open here that '{}' could belong to", tok.text()));
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}
