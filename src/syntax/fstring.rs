//! The layout pass inside f-strings: literal text, and the tokens that only a field knows.
//!
//! An f-string is lexed by the same lexer as everything else, by a stack of modes, so its fields have
//! true spans and may hold any string, also one with the same quotes.

use crate::source::Span;

use super::layout::{Frame, Layout, MAX_FSTRINGS, Spanned};
use super::lexer::{Checked, Problem, Quote};
use super::token::Tok;

impl<'i> Layout<'i> {
    pub(super) fn fstring_start(&mut self, quote: Quote, lo: u32) -> Checked<Spanned<'i>> {
        let texts = self.frames.iter().filter(|frame| matches!(frame, Frame::Text { .. }));
        let hi = lo + quote.len;
        if texts.count() == MAX_FSTRINGS {
            return Err(Problem::syntax(Span::new(lo, hi), "too many nested f-strings"));
        }
        self.frames.push(Frame::Text { quote, start: lo });
        self.advance(hi);
        Ok((lo, Tok::FStart, hi))
    }

    /// A token that at the top of a field ends its expression: `}`, `:`, `!`, and `=` before one of them.
    pub(super) fn field_token(&mut self, lo: u32, tok: Tok<'i>, hi: u32) -> Spanned<'i> {
        match tok {
            Tok::RBrace => {
                self.frames.pop();
                (lo, Tok::FClose, hi)
            }
            Tok::Bang => (lo, Tok::FBang, hi),
            Tok::Equal => {
                let rest = &self.text[hi as usize..];
                let next = rest.trim_start_matches([' ', '\t', '\n', '\x0c']);
                let ends = next.starts_with(['}', ':']) || (next.starts_with('!') && !next.starts_with("!="));
                if !ends {
                    return (lo, Tok::Equal, hi);
                }
                let end = hi + (rest.len() - next.len()) as u32;
                self.advance(end);
                (lo, Tok::FEq, end)
            }
            // `:`, also where the lexer saw `:=`: the spec then begins with `=`.
            _ => {
                self.frames.push(Frame::Spec);
                if tok == Tok::Walrus {
                    self.rewind(lo + 1);
                }
                (lo, Tok::FColon, lo + 1)
            }
        }
    }

    /// Moves the lexer back.
    fn rewind(&mut self, to: u32) {
        use logos::Logos;
        self.lex = Tok::lexer(self.text);
        self.lex.bump(to as usize);
    }

    /// The next piece of text, or the brace or quote that ends it; `None` where a spec ends.
    pub(super) fn fstring_text(&mut self) -> Checked<Option<Spanned<'i>>> {
        let in_spec = matches!(self.frames.last(), Some(Frame::Spec));
        let (quote, opened, specs) = self.enclosing();
        let lo = self.offset();
        let (hi, resume) = self.text_end(quote, in_spec, opened)?;
        if hi > lo {
            self.advance(resume);
            return Ok(Some((lo, Tok::FMid((&self.text[lo as usize..hi as usize], quote.raw)), resume)));
        }
        match self.text.as_bytes()[lo as usize] {
            b'{' => {
                if specs >= 2 {
                    let message = "f-string: expressions nested too deeply";
                    return Err(Problem::syntax(Span::new(lo, lo + 1), message));
                }
                self.frames.push(Frame::Field { brackets: self.brackets.len() });
                self.advance(lo + 1);
                Ok(Some((lo, Tok::FOpen, lo + 1)))
            }
            b'}' => {
                self.frames.pop();
                Ok(None)
            }
            _ => {
                self.frames.pop();
                self.advance(lo + quote.close_len());
                Ok(Some((lo, Tok::FEnd, lo + quote.close_len())))
            }
        }
    }

    /// The innermost f-string: its quote, its start, how many specs are open in it.
    fn enclosing(&self) -> (Quote, u32, usize) {
        let mut specs = 0;
        for frame in self.frames.iter().rev() {
            match *frame {
                Frame::Text { quote, start } => return (quote, start, specs),
                Frame::Spec => specs += 1,
                Frame::Field { .. } => {}
            }
        }
        unreachable!("a spec is inside a field, a field inside a text")
    }

    /// Where the text from here ends, and where to go on: behind the second of two braces.
    fn text_end(&self, quote: Quote, in_spec: bool, opened: u32) -> Checked<(u32, u32)> {
        let bytes = self.text.as_bytes();
        let lo = self.offset() as usize;
        let mut i = lo;
        let here = |i: usize| Ok((i as u32, i as u32));
        while let Some(&byte) = bytes.get(i) {
            let next = bytes.get(i + 1).copied();
            match byte {
                b'\\' => i += self.escape_len(quote, i, next),
                b'\n' if !quote.triple => break,
                b'{' | b'}' if !in_spec && next == Some(byte) => {
                    return Ok((i as u32 + 1, i as u32 + 2));
                }
                b'}' if !in_spec => {
                    let span = Span::new(i as u32, i as u32 + 1);
                    return Err(Problem::syntax(span, "f-string: single '}' is not allowed"));
                }
                b'{' | b'}' => return here(i),
                _ if byte == quote.byte && quote.closes(&bytes[i..]) => {
                    if in_spec {
                        return Err(expecting_brace(i as u32));
                    }
                    return here(i);
                }
                _ => i += 1,
            }
        }
        let seen = i.min(bytes.len()) as u32;
        let problem = quote.unterminated(self.text, opened, seen);
        let outer = self.frames.iter().filter(|frame| matches!(frame, Frame::Text { .. })).count() > 1;
        Err(if outer { self.unterminated_in_field(quote, opened, problem) } else { problem })
    }

    /// How far a backslash in text reaches. A brace after it still begins a field; the braces of
    /// `\N{…}` do not.
    fn escape_len(&self, quote: Quote, at: usize, next: Option<u8>) -> usize {
        match next {
            Some(b'{' | b'}') => 1,
            Some(b'N') if !quote.raw && self.text.as_bytes().get(at + 2) == Some(&b'{') => {
                let name = &self.text[at + 3..];
                let end = name.find(|c: char| !(c.is_ascii_alphanumeric() || " -".contains(c)));
                match end {
                    Some(end) if name[end..].starts_with('}') => end + 4,
                    _ => 2,
                }
            }
            _ => 2,
        }
    }

    /// A string without end in a field: if its quote is one that ends the f-string around it, then
    /// the field lacks its brace.
    pub(super) fn unterminated_in_field(&self, quote: Quote, lo: u32, problem: Box<Problem>) -> Box<Problem> {
        let mut texts = self.frames.iter().filter_map(|frame| match *frame {
            Frame::Text { quote, start } if start < lo => Some(quote),
            _ => None,
        });
        match texts.next() {
            None => problem,
            Some(outer) if outer.byte == quote.byte || texts.any(|outer| outer.byte == quote.byte) => {
                expecting_brace(lo)
            }
            Some(_) => Problem::syntax(problem.span, "f-string: unterminated string"),
        }
    }
}

fn expecting_brace(at: u32) -> Box<Problem> {
    Problem::syntax(Span::new(at, at + 1), "f-string: expecting '}'")
}
