//! A terminal at which a person types: one line at a time, with editing and history. What other threads
//! print meanwhile goes above the line.

use super::out;
use rustyline::error::ReadlineError;
use rustyline::{DefaultEditor, ExternalPrinter};
use std::io;
use std::path::PathBuf;

pub struct Terminal {
    editor: DefaultEditor,
    history: Option<PathBuf>,
}

/// Columns of the terminal that standard output goes to, if it is one.
pub fn width() -> Option<usize> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    (size.ws_col > 0).then_some(size.ws_col as usize)
}

/// What the person did.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Typed {
    Line(String),
    /// Ctrl-C: the line is given up.
    Interrupt,
    /// Ctrl-D on an empty line.
    End,
}

impl Terminal {
    /// Both ends must be a terminal. The history lies in the home folder; without one there is none.
    pub fn open() -> io::Result<Terminal> {
        let mut editor = DefaultEditor::new().map_err(io::Error::other)?;
        let history =
            super::host::env_var("HOME").filter(|h| !h.is_empty()).map(|h| PathBuf::from(h).join(".kit_history"));
        if let Some(path) = history.as_ref().filter(|p| super::host::is_file(p)) {
            editor.load_history(path).map_err(io::Error::other)?;
        }
        Ok(Terminal { editor, history })
    }

    /// Waits for a line.
    pub fn read(&mut self, prompt: &str) -> io::Result<Typed> {
        out::flush()?;
        if let Ok(mut printer) = self.editor.create_external_printer() {
            // An editor that has gone away takes nothing; the next line is printed plainly.
            out::set_above(Some(Box::new(move |text| drop(printer.print(text)))));
        }
        let typed = self.editor.readline(prompt);
        out::set_above(None);
        out::flush()?;
        match typed {
            Ok(line) => Ok(Typed::Line(line)),
            Err(ReadlineError::Interrupted) => Ok(Typed::Interrupt),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(e) => Err(io::Error::other(e)),
        }
    }

    /// Remembers an input. A history that cannot be written is an error once, at the end of the session.
    pub fn remember(&mut self, input: &str) -> io::Result<()> {
        self.editor.add_history_entry(input).map(drop).map_err(io::Error::other)
    }

    /// Writes the history.
    pub fn close(mut self) -> io::Result<()> {
        match &self.history {
            Some(path) => self.editor.save_history(path).map_err(io::Error::other),
            None => Ok(()),
        }
    }
}

/// Columns and rows of the terminal at standard output.
pub fn size() -> Option<(u16, u16)> {
    let size = rustix::termios::tcgetwinsize(rustix::stdio::stdout()).ok()?;
    Some((size.ws_col, size.ws_row))
}
