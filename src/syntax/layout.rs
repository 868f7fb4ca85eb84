//! The layout pass: what the parser sees. It turns line breaks and indentation into NEWLINE, INDENT
//! and DEDENT, keeps the stack of open brackets, and switches the lexer between code and the text of
//! f-strings (`fstring.rs`).
//!
//! Indentation follows CPython's tokenizer: a tab goes to the next multiple of 8; a second count with
//! tabs of one column must agree in order, or the line is a TabError.

use logos::{Lexer, Logos};

use crate::source::{ErrorKind, Span};

use super::lexer::{Checked, Problem, Quote, bad_character, number};
use super::token::Tok;

/// X3: the deepest brackets.
pub const MAX_BRACKETS: usize = 200;
/// X3: the deepest blocks, counting the script itself.
pub const MAX_INDENT: usize = 100;
/// X3: the deepest f-strings in fields of f-strings.
pub const MAX_FSTRINGS: usize = 100;

/// A token with its span.
pub type Spanned<'i> = (u32, Tok<'i>, u32);

/// Where the lexer is, from the outside in; without any, it is in code.
#[derive(Clone, Copy)]
pub(super) enum Frame {
    /// In the text of the f-string that begins at `start`.
    Text { quote: Quote, start: u32 },
    /// In the code of a field, opened when so many brackets were open.
    Field { brackets: usize },
    /// In the format spec of a field, which is text again.
    Spec,
}

/// Iterates over the tokens of a text; ends after the first problem.
pub struct Layout<'i> {
    pub(super) text: &'i str,
    pub(super) lex: Lexer<'i, Tok<'i>>,
    /// The marker by which the grammar knows what is being parsed; given out first.
    start: Option<Tok<'i>>,
    /// A lone expression has no lines.
    has_lines: bool,
    at_line_start: bool,
    line_has_token: bool,
    /// Columns of the open blocks, with tabs of 8 and of 1.
    indents: Vec<(u32, u32)>,
    dedents: u32,
    /// Open brackets and their offsets.
    pub(super) brackets: Vec<(u8, u32)>,
    pub(super) frames: Vec<Frame>,
    finished: bool,
}

impl<'i> Layout<'i> {
    /// `start` is [`Tok::StartModule`] or [`Tok::StartExpr`].
    pub fn new(text: &'i str, start: Tok<'i>) -> Layout<'i> {
        let has_lines = start == Tok::StartModule;
        Layout {
            text,
            lex: Tok::lexer(text),
            start: Some(start),
            has_lines,
            at_line_start: has_lines,
            line_has_token: false,
            indents: vec![(0, 0)],
            dedents: 0,
            brackets: Vec::new(),
            frames: Vec::new(),
            finished: false,
        }
    }

    /// The lines of a text from the offset `from` on, where they are indented by `indent`.
    pub fn part(text: &'i str, from: u32, indent: u32) -> Layout<'i> {
        let mut layout = Layout::new(text, Tok::StartModule);
        layout.advance(from);
        layout.indents = vec![(indent, indent)];
        layout
    }

    pub(super) fn offset(&self) -> u32 {
        self.lex.span().end as u32
    }

    /// Moves the lexer on to `to`.
    pub(super) fn advance(&mut self, to: u32) {
        self.lex.bump(to as usize - self.lex.span().end);
    }

    fn step(&mut self) -> Checked<Option<Spanned<'i>>> {
        if let Some(start) = self.start.take() {
            return Ok(Some((0, start, 0)));
        }
        loop {
            if self.dedents > 0 {
                self.dedents -= 1;
                let at = self.offset();
                return Ok(Some((at, Tok::Dedent, at)));
            }
            if let Some(Frame::Text { .. } | Frame::Spec) = self.frames.last() {
                if let Some(token) = self.fstring_text()? {
                    return Ok(Some(token));
                }
                continue;
            }
            if self.at_line_start {
                self.at_line_start = false;
                let indent = self.indentation()?;
                if indent.is_some() {
                    return Ok(indent);
                }
                continue;
            }
            let Some(tok) = self.lex.next() else {
                return self.end();
            };
            let (lo, hi) = (self.lex.span().start as u32, self.lex.span().end as u32);
            let Ok(tok) = tok else {
                return Err(self.unknown(lo));
            };
            if let Some(token) = self.code(lo, tok, hi)? {
                self.line_has_token = true;
                return Ok(Some(token));
            }
            if tok == Tok::RawNl && self.at_line_start && self.line_has_token {
                self.line_has_token = false;
                return Ok(Some((lo, Tok::Newline, hi)));
            }
        }
    }

    /// One raw token in code; `None` for a line break.
    fn code(&mut self, lo: u32, tok: Tok<'i>, hi: u32) -> Checked<Option<Spanned<'i>>> {
        let in_field =
            matches!(self.frames.last(), Some(&Frame::Field { brackets }) if brackets == self.brackets.len());
        Ok(Some(match tok {
            Tok::RawNl => {
                self.line_break(lo)?;
                return Ok(None);
            }
            Tok::RawNumber => {
                let (tok, end) = number(self.text, lo)?;
                self.advance(end);
                (lo, tok, end)
            }
            Tok::RawQuote => self.string(lo)?,
            Tok::Colon | Tok::Walrus | Tok::Equal | Tok::Bang | Tok::RBrace if in_field => {
                self.field_token(lo, tok, hi)
            }
            Tok::Bang => return Err(bad_character(self.text, lo)),
            Tok::LPar | Tok::LBracket | Tok::LBrace => {
                if self.brackets.len() == MAX_BRACKETS {
                    return Err(Problem::syntax(Span::new(lo, hi), "too many nested parentheses"));
                }
                self.brackets.push((self.text.as_bytes()[lo as usize], lo));
                (lo, tok, hi)
            }
            Tok::RPar | Tok::RBracket | Tok::RBrace => {
                self.close(lo)?;
                (lo, tok, hi)
            }
            tok => (lo, tok, hi),
        }))
    }

    fn line_break(&mut self, at: u32) -> Checked<()> {
        let inner = self.frames.iter().rev().find_map(|frame| match *frame {
            Frame::Text { quote, start } => Some((quote, start)),
            _ => None,
        });
        match inner {
            Some((quote, start)) if !quote.triple => Err(quote.unterminated(self.text, start, at)),
            Some(_) => Ok(()),
            None => {
                self.at_line_start = self.has_lines && self.brackets.is_empty();
                Ok(())
            }
        }
    }

    fn string(&mut self, lo: u32) -> Checked<Spanned<'i>> {
        let quote = Quote::at(self.text, lo);
        if quote.fstring {
            return self.fstring_start(quote, lo);
        }
        let end = quote.end(self.text, lo).map_err(|problem| self.unterminated_in_field(quote, lo, problem))?;
        self.advance(end);
        let literal = &self.text[lo as usize..end as usize];
        Ok((lo, if quote.bytes { Tok::Bytes(literal) } else { Tok::Str(literal) }, end))
    }

    /// Closes a bracket other than the brace of a field.
    fn close(&mut self, lo: u32) -> Checked<()> {
        let closer = self.text.as_bytes()[lo as usize];
        let base = self.frames.iter().rev().find_map(|frame| match *frame {
            Frame::Field { brackets } => Some(brackets),
            _ => None,
        });
        let prefix = if base.is_some() { "f-string: " } else { "" };
        let span = Span::new(lo, lo + 1);
        let open = if self.brackets.len() > base.unwrap_or(0) { self.brackets.pop() } else { None };
        let Some((opener, at)) = open else {
            return Err(Problem::syntax(span, format!("{prefix}unmatched '{}'", closer as char)));
        };
        if matches!((opener, closer), (b'(', b')') | (b'[', b']') | (b'{', b'}')) {
            return Ok(());
        }
        let between = &self.text[at as usize..lo as usize];
        let (closer, opener) = (closer as char, opener as char);
        let mut message =
            format!("{prefix}closing parenthesis '{closer}' does not match opening parenthesis '{opener}'");
        if between.contains('\n') {
            let line = self.text[..at as usize].matches('\n').count() + 1;
            message += &format!(" on line {line}");
        }
        Err(Problem::syntax(span, message))
    }

    fn unknown(&self, at: u32) -> Box<Problem> {
        if self.text.as_bytes()[at as usize] != b'\\' {
            return bad_character(self.text, at);
        }
        if at as usize + 1 == self.text.len() {
            return Problem::syntax(Span::new(at, at + 1), "unexpected EOF while parsing");
        }
        let next = self.text[at as usize + 1..].chars().next().map_or(0, char::len_utf8) as u32;
        let span = Span::new(at + 1, at + 1 + next);
        Problem::syntax(span, "unexpected character after line continuation character")
    }

    /// Skips blank lines and comments, measures the next line, opens or closes blocks.
    fn indentation(&mut self) -> Checked<Option<Spanned<'i>>> {
        let bytes = self.text.as_bytes();
        let mut i = self.offset() as usize;
        let mut line = i;
        let (mut col, mut alt) = (0, 0);
        // The indentation of a line that a backslash continues is that of its first part.
        let (mut continued, mut joined) = (None, None);
        loop {
            match bytes.get(i) {
                Some(b' ') => (col, alt) = (col + 1, alt + 1),
                Some(b'\t') => (col, alt) = ((col / 8 + 1) * 8, alt + 1),
                Some(b'\x0c') => (col, alt) = (0, 0),
                Some(b'\\') if bytes.get(i + 1) == Some(&b'\n') => {
                    continued = continued.or(Some((col, alt)).filter(|&(col, _)| col > 0));
                    joined = Some(i as u32);
                    (col, alt) = (0, 0);
                    i += 1;
                }
                Some(b'#') => i += bytes[i..].iter().take_while(|&&byte| byte != b'\n').count() - 1,
                Some(b'\n') => {
                    (col, alt, continued, joined) = (0, 0, None, None);
                    line = i + 1;
                }
                _ => break,
            }
            i += 1;
        }
        self.advance(i as u32);
        if i == bytes.len() {
            let error = |at| Problem::syntax(Span::new(at, at + 1), "unexpected EOF while parsing");
            return joined.map_or(Ok(None), |at| Err(error(at)));
        }
        let (col, alt) = continued.unwrap_or((col, alt));
        let place = Span::new(line as u32, i as u32);
        self.indent_to(col, alt, place)
    }

    fn indent_to(&mut self, col: u32, alt: u32, place: Span) -> Checked<Option<Spanned<'i>>> {
        let indentation =
            |kind, message: &str| Err(Box::new(Problem { kind, span: place, message: message.into(), help: None }));
        let mixed = "inconsistent use of tabs and spaces in indentation";
        let (top, top_alt) = *self.indents.last().unwrap_or(&(0, 0));
        if col > top {
            if alt <= top_alt {
                return indentation(ErrorKind::TabError, mixed);
            }
            if self.indents.len() >= MAX_INDENT {
                return indentation(ErrorKind::IndentationError, "too many levels of indentation");
            }
            self.indents.push((col, alt));
            return Ok(Some((place.lo, Tok::Indent, place.hi)));
        }
        while let Some(&(top, top_alt)) = self.indents.last() {
            if col == top && alt == top_alt {
                return Ok(None);
            }
            if col == top {
                return indentation(ErrorKind::TabError, mixed);
            }
            if col > top {
                break;
            }
            self.indents.pop();
            self.dedents += 1;
        }
        indentation(ErrorKind::IndentationError, "unindent does not match any outer indentation level")
    }

    /// The end of the text: what is open is an error, the last line and all blocks are closed.
    fn end(&mut self) -> Checked<Option<Spanned<'i>>> {
        let end = self.text.len() as u32;
        if let Some(&Frame::Text { quote, start }) = self.frames.first() {
            return Err(quote.unterminated(self.text, start, end));
        }
        if let Some(&(opener, at)) = self.brackets.last() {
            return Err(never_closed(opener, at));
        }
        if self.line_has_token && self.has_lines {
            if self.text.ends_with("\\\n") {
                return Err(Problem::syntax(Span::new(end - 2, end - 1), "unexpected EOF while parsing"));
            }
            self.line_has_token = false;
            return Ok(Some((end, Tok::Newline, end)));
        }
        if self.indents.len() > 1 {
            self.indents.pop();
            return Ok(Some((end, Tok::Dedent, end)));
        }
        Ok(None)
    }
}

pub(super) fn never_closed(opener: u8, at: u32) -> Box<Problem> {
    Problem::syntax(Span::new(at, at + 1), format!("'{}' was never closed", opener as char))
}

impl<'i> Iterator for Layout<'i> {
    type Item = Checked<Spanned<'i>>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.finished {
            return None;
        }
        let item = self.step().transpose();
        self.finished = !matches!(item, Some(Ok(_)));
        item
    }
}
