//! One source text with its name and the starts of its lines.

use std::fmt;
use std::sync::Arc;

use super::{Diagnostic, ErrorKind, Span};

/// S2: the longest text in bytes.
const LIMIT: usize = 1 << 30;

/// A line and a column, both counted from 1; columns count characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LineCol {
    pub line: u32,
    pub col: u32,
}

/// A source text, its display name, and where its lines start.
pub struct SourceFile {
    /// The name as tracebacks and messages show it: a path, `<string>`, `<stdin>`.
    pub name: Arc<str>,
    pub text: Arc<str>,
    /// Offset of the first byte of each line; never empty.
    line_starts: Box<[u32]>,
}

impl SourceFile {
    /// A file from text that is known to be UTF-8; NUL bytes and texts beyond 1 GiB are refused.
    pub fn new(name: &str, text: &str) -> Result<Arc<SourceFile>, Diagnostic> {
        SourceFile::from_bytes(name, text.as_bytes())
    }

    /// A file from the bytes on disk. Refuses invalid UTF-8 and NUL bytes at their line and column.
    pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Arc<SourceFile>, Diagnostic> {
        if bytes.len() > LIMIT {
            let file = SourceFile::build(name, String::new());
            return Err(Diagnostic::syntax(&file, Span::at(0), "source is longer than 1 GiB"));
        }
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let text = match std::str::from_utf8(bytes) {
            Ok(text) => text,
            Err(error) => return Err(not_utf8(name, bytes, error.valid_up_to())),
        };
        let file = SourceFile::build(name, normalized(text));
        if let Some(at) = file.text.find('\0') {
            let span = Span::new(at as u32, at as u32 + 1);
            return Err(Diagnostic::syntax(&file, span, "source code cannot contain null bytes"));
        }
        if !file.text.is_ascii()
            && let Some((span, encoding)) = foreign_encoding(&file.text)
        {
            let message = format!("Kit reads UTF-8 only, not '{encoding}'");
            return Err(Diagnostic::syntax(&file, span, message));
        }
        Ok(file)
    }

    fn build(name: &str, text: String) -> Arc<SourceFile> {
        let breaks = text.bytes().enumerate().filter(|&(_, byte)| byte == b'\n');
        let line_starts = std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect();
        Arc::new(SourceFile { name: name.into(), text: text.into(), line_starts })
    }

    /// The number of lines; a text that ends in `\n` has an empty last line.
    pub fn lines(&self) -> u32 {
        self.line_starts.len() as u32
    }

    /// The line, from 1, that holds the byte at `offset`.
    pub fn line(&self, offset: u32) -> u32 {
        self.line_starts.partition_point(|&start| start <= offset) as u32
    }

    pub fn line_col(&self, offset: u32) -> LineCol {
        let line = self.line(offset);
        let start = self.line_starts[line as usize - 1];
        // An offset inside a character counts as its start.
        let end = self.text.floor_char_boundary(offset as usize).max(start as usize);
        let col = self.text[start as usize..end].chars().count() as u32 + 1;
        LineCol { line, col }
    }

    /// The bytes of a line, without its line break; empty beyond the last line.
    pub fn line_span(&self, line: u32) -> Span {
        let end = self.text.len() as u32;
        let Some(&lo) = (line as usize).checked_sub(1).and_then(|at| self.line_starts.get(at)) else {
            return Span::at(end);
        };
        let hi = self.line_starts.get(line as usize).map_or(end, |next| next - 1);
        Span::new(lo, hi)
    }

    /// The text of a line, from 1, without its line break.
    pub fn line_text(&self, line: u32) -> &str {
        self.slice(self.line_span(line))
    }

    pub fn slice(&self, span: Span) -> &str {
        &self.text[span.range()]
    }
}

impl fmt::Debug for SourceFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SourceFile({})", self.name)
    }
}

/// S1: every line ends in `\n`.
fn normalized(text: &str) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text.to_owned() }
}

/// The error for bytes that are not UTF-8, shown in a lossy copy, which agrees with the bytes up to
/// the first bad one.
fn not_utf8(name: &str, bytes: &[u8], bad: usize) -> Diagnostic {
    let head = normalized(std::str::from_utf8(&bytes[..bad]).unwrap_or_default());
    let at = head.len() as u32;
    let file = SourceFile::build(name, head + &normalized(&String::from_utf8_lossy(&bytes[bad..])));
    let line = file.line(at);
    let message = format!("Non-UTF-8 code starting with '\\x{:02x}' in file {name} on line {line}", bytes[bad]);
    let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8() as u32);
    Diagnostic::new(ErrorKind::SyntaxError, &file, span, message)
        .with_help("Kit reads UTF-8 only: save the file in that encoding")
}

/// An encoding comment (PEP 263) in the first two lines that names another encoding than UTF-8.
fn foreign_encoding(text: &str) -> Option<(Span, &str)> {
    let mut offset = 0;
    for line in text.split('\n').take(2) {
        if line.trim_start().starts_with('#')
            && let Some(at) = line.find("coding")
            && let Some(rest) = line[at + 6..].strip_prefix([':', '='])
        {
            let rest = rest.trim_start_matches([' ', '\t']);
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
            let encoding = &rest[..end.unwrap_or(rest.len())];
            let plain = encoding.to_ascii_lowercase().replace('_', "-");
            if !encoding.is_empty() && !matches!(&*plain, "utf-8" | "utf8" | "utf-8-sig" | "ascii" | "us-ascii") {
                let lo = (offset + line.len() - rest.len()) as u32;
                return Some((Span::new(lo, lo + encoding.len() as u32), encoding));
            }
        }
        offset += line.len() + 1;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let file = SourceFile::new("a", "ab\nä x\n").unwrap();
        assert_eq!(file.line_col(0), LineCol { line: 1, col: 1 });
        assert_eq!(file.line_col(2), LineCol { line: 1, col: 3 });
        assert_eq!(file.line_col(6), LineCol { line: 2, col: 3 });
        assert_eq!(file.line_col(7), LineCol { line: 2, col: 4 });
        assert_eq!(file.line_col(8), LineCol { line: 3, col: 1 });
        assert_eq!((file.line_text(1), file.line_text(2), file.line_text(3)), ("ab", "ä x", ""));
        assert_eq!(file.line_text(9), "");
    }

    #[test]
    fn line_breaks_become_one_kind_and_a_mark_is_dropped() {
        let file = SourceFile::from_bytes("a", b"\xef\xbb\xbfa\r\nb\rc").unwrap();
        assert_eq!(&*file.text, "a\nb\nc");
        assert_eq!(file.lines(), 3);
    }

    #[test]
    fn bytes_that_are_not_text_are_refused_where_they_stand() {
        let bad = SourceFile::from_bytes("a.kit", b"x = 1\ny = \xff\n").unwrap_err();
        assert_eq!(bad.line_col(), LineCol { line: 2, col: 5 });
        assert_eq!(bad.message, "Non-UTF-8 code starting with '\\xff' in file a.kit on line 2");
        let nul = SourceFile::from_bytes("a.kit", b"x = 1\ny\0").unwrap_err();
        assert_eq!(nul.line_col(), LineCol { line: 2, col: 2 });
        let other = SourceFile::new("a.kit", "# coding: latin-1\n'ä'\n").unwrap_err();
        assert_eq!(other.message, "Kit reads UTF-8 only, not 'latin-1'");
        assert!(SourceFile::new("a.kit", "# coding: latin-1\n'a'\n").is_ok());
        assert!(SourceFile::new("a.kit", "# coding: utf-8\n'ä'\n").is_ok());
    }
}
