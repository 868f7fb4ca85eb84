//! What is wrong, where, and how it is shown: in CPython's short form and as a drawn snippet.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};

use super::{LineCol, SourceFile, Span};

/// The longest piece of a source line that a message shows, in characters.
const SHOWN: usize = 160;

macro_rules! error_kinds {
    ($($(#[$doc:meta])* $kind:ident)*) => {
        /// The exception class that a diagnostic is raised as.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum ErrorKind { $($(#[$doc])* $kind),* }

        impl ErrorKind {
            pub const ALL: &[ErrorKind] = &[$(ErrorKind::$kind),*];

            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$kind => stringify!($kind)),* }
            }
        }
    };
}

error_kinds! {
    /// The text is not a script of Kit.
    SyntaxError
    /// A line is indented in a way that no block explains.
    IndentationError
    /// Tabs and spaces are mixed so that the order of indentations depends on the width of a tab.
    TabError
}

/// One error at one place of one file.
#[derive(Clone)]
pub struct Diagnostic {
    pub kind: ErrorKind,
    /// The cause, worded as CPython 3.11 words it where it has the same error.
    pub message: String,
    pub span: Span,
    /// One sentence more: what to do about it.
    pub help: Option<String>,
    pub file: Arc<SourceFile>,
}

impl Diagnostic {
    pub fn new(kind: ErrorKind, file: &Arc<SourceFile>, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic { kind, message: message.into(), span, help: None, file: file.clone() }
    }

    pub fn syntax(file: &Arc<SourceFile>, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::new(ErrorKind::SyntaxError, file, span, message)
    }

    pub fn with_help(mut self, help: impl Into<String>) -> Diagnostic {
        self.help = Some(help.into());
        self
    }

    /// Where the error begins.
    pub fn line_col(&self) -> LineCol {
        self.file.line_col(self.span.lo)
    }

    /// CPython's form: file and line, the source line, a caret, class and message; ends in a line break.
    pub fn short(&self) -> String {
        let at = self.file.line_col(self.span.lo);
        let (line, span) = self.shown();
        let body = line.trim_start();
        let indent = line.len() - body.len();
        let lo = (span.lo as usize).saturating_sub(indent);
        let hi = (span.hi as usize).saturating_sub(indent).max(lo);
        let column = body[..lo.min(body.len())].chars().count();
        let carets = body.get(lo..hi).map_or(1, |marked| marked.trim_end().chars().count().max(1));
        let mut text = format!("  File \"{}\", line {}\n", self.file.name, at.line);
        if !body.is_empty() {
            // A NUL byte is what some messages are about; it is shown as its symbol.
            let body = body.trim_end().replace('\0', "\u{2400}");
            text += &format!("    {body}\n    {}{}\n", " ".repeat(column), "^".repeat(carets));
        }
        text += &format!("{self}\n");
        text
    }

    /// The drawn form, with the help line; with colours only if asked. Ends in a line break.
    pub fn render(&self, colour: bool) -> String {
        let at = self.file.line_col(self.span.lo);
        let (line, span) = self.shown();
        let origin = format!("{}:{}:{}", self.file.name, at.line, at.col);
        let title = Level::ERROR.with_name(self.kind.name()).primary_title(Cow::Borrowed(&*self.message));
        let snippet = Snippet::source(line)
            .line_start(at.line as usize)
            .path(&*self.file.name)
            .annotation(AnnotationKind::Primary.span(span.range()));
        let mut group = title.element(snippet);
        if let Some(help) = &self.help {
            group = group.element(Level::HELP.message(Cow::Borrowed(&**help)));
        }
        let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
        let mut text = renderer.render(&[group]);
        if line_is_cut(&self.file, at.line) {
            // The drawn column counts within the shown piece; the true place is said beside it.
            text.push_str(&format!("\n  (at {origin})"));
        }
        text.push('\n');
        text
    }

    /// The first line of the error, cut to a window if it is long, and the marked part within it.
    fn shown(&self) -> (&str, Span) {
        let whole = self.file.line_span(self.file.line(self.span.lo));
        let text = &*self.file.text;
        let mut window = whole.range();
        if window.len() > SHOWN {
            let lo = (self.span.lo as usize).saturating_sub(SHOWN / 2).max(window.start);
            let lo = text.floor_char_boundary(lo);
            window = lo..text.floor_char_boundary((lo + SHOWN).min(window.end));
        }
        let clamp = |offset: u32| (offset as usize).clamp(window.start, window.end) - window.start;
        let span = Span::new(clamp(self.span.lo) as u32, clamp(self.span.hi) as u32);
        (&text[window], span)
    }
}

fn line_is_cut(file: &SourceFile, line: u32) -> bool {
    file.line_span(line).range().len() > SHOWN
}

/// Class and message, as the last line of a traceback.
impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.kind.name(), self.message)
    }
}

impl fmt::Debug for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.line_col();
        write!(f, "{}:{}:{}: {self}", self.file.name, at.line, at.col)
    }
}

impl std::error::Error for Diagnostic {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_is_cpythons() {
        let file = SourceFile::new("x.kit", "if 1:\n    x = (1\n").unwrap();
        let error = Diagnostic::syntax(&file, Span::new(14, 15), "'(' was never closed");
        let text = "  File \"x.kit\", line 2\n    x = (1\n        ^\nSyntaxError: '(' was never closed\n";
        assert_eq!(error.short(), text);
    }

    #[test]
    fn the_drawn_form_marks_the_place() {
        let file = SourceFile::new("x.kit", "x = (1\n").unwrap();
        let error = Diagnostic::syntax(&file, Span::new(4, 5), "'(' was never closed").with_help("add ')'");
        let text = error.render(false);
        assert!(text.starts_with("SyntaxError: '(' was never closed\n"), "{text}");
        assert!(text.contains("x.kit:1:5") && text.contains("help: add ')'"), "{text}");
        assert!(!text.contains('\x1b') && error.render(true).contains('\x1b'));
    }

    #[test]
    fn a_long_line_is_cut_around_the_place() {
        let file = SourceFile::new("x.kit", &"ä".repeat(500_000)).unwrap();
        for lo in [0, 2, 500_000, 999_998, 1_000_000] {
            let error = Diagnostic::syntax(&file, Span::new(lo, 1_000_000), "invalid syntax");
            assert!(error.short().len() < 1000 && error.render(false).len() < 2000);
        }
    }
}
