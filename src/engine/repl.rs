//! The prompt: one input after another in one `__main__`, values of expressions shown.
//!
//! Waiting for a line releases the lock: threads that were started go on, and what they print goes above
//! the line. An input ends with its line, or, if it is a compound statement, with an empty one.

use super::{Config, Outcome, begin, finish, options, report};
use crate::compile::{Options, compile_module};
use crate::gil::{self, Held};
use crate::object::{Ref, TypeId, name};
use crate::source::SourceFile;
use crate::syntax::ast::Stmt;
use crate::vm::Thread;
use crate::vm::errors::Uncaught;
use crate::world::terminal::{Terminal, Typed};
use crate::world::{Clock, out, signal};
use std::io;

const GREETING: &str = "Ctrl-D leaves; kit --help tells what else kit can do.";
/// Where an input comes from, in tracebacks.
const SOURCE: &str = "<stdin>";

/// Whether an input can be run as it stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Input {
    Whole,
    /// More lines must follow.
    Part,
    /// It is wrong, whatever follows.
    Wrong,
}

/// Looks at the lines typed so far.
pub fn look(text: &str) -> Input {
    let file = match SourceFile::new(SOURCE, text) {
        Ok(file) => file,
        Err(_) => return Input::Wrong,
    };
    match crate::syntax::parse(&file) {
        Ok(ast) => {
            let compound = ast.body.last().is_some_and(|&s| {
                matches!(
                    ast.stmt(s),
                    Stmt::If { .. }
                        | Stmt::While { .. }
                        | Stmt::For { .. }
                        | Stmt::Try { .. }
                        | Stmt::With { .. }
                        | Stmt::Def(_)
                        | Stmt::Class(_)
                )
            });
            let ended = text.ends_with("\n\n") || text.trim().is_empty();
            if compound && !ended { Input::Part } else { Input::Whole }
        }
        Err(e) => {
            let open = ["was never closed", "unterminated triple-quoted", "unexpected EOF"];
            let at_end = e.span.lo as usize >= text.trim_end().len() && !text.ends_with("\n\n");
            if at_end || open.iter().any(|o| e.message.contains(o)) { Input::Part } else { Input::Wrong }
        }
    }
}

/// Reads inputs until the end; gives the exit code in the outcome.
pub fn run(config: Config) -> Result<Outcome, gil::RunError> {
    gil::run(config.gil.clone(), |held| session(held, config))
}

fn session(held: Held, config: Config) -> Outcome {
    let cpu_start = held.now(Clock::Process);
    let how = Options { interactive: true, ..options(&config) };
    let mut th = begin(held, &config, options(&config));
    let main = th.new_module(name::MAIN);
    let code = match converse(&mut th, &main, how, &config) {
        Ok(code) => code,
        Err(e) => {
            out::error(format!("kit: the terminal: {e}\n").as_bytes());
            1
        }
    };
    finish(th, &config, cpu_start, code, false)
}

fn converse(th: &mut Thread, main: &Ref, how: Options, config: &Config) -> io::Result<i32> {
    let mut terminal = Terminal::open()?;
    let policy = th.held.policy();
    out::write(format!("Kit {}, lock policy {policy}. {GREETING}\n", env!("CARGO_PKG_VERSION")).as_bytes())?;
    let code = loop {
        let Some(text) = input(th, &mut terminal)? else { break 0 };
        if text.trim().is_empty() {
            continue;
        }
        terminal.remember(text.trim_end())?;
        if let Some(code) = run_input(th, main, how, config, &text) {
            break code;
        }
        signal::dealt_with();
    };
    terminal.close()?;
    Ok(code)
}

/// One input, of as many lines as it needs; `None` at the end of the session.
fn input(th: &mut Thread, terminal: &mut Terminal) -> io::Result<Option<String>> {
    let mut text = String::new();
    loop {
        let prompt = if text.is_empty() { ">>> " } else { "... " };
        match th.held.outside(|| terminal.read(prompt))? {
            Typed::Line(line) => {
                text += &line;
                text.push('\n');
                if look(&text) != Input::Part {
                    return Ok(Some(text));
                }
            }
            Typed::Interrupt => {
                out::write(b"KeyboardInterrupt\n")?;
                text.clear();
            }
            Typed::End if text.is_empty() => {
                out::write(b"\n")?;
                return Ok(None);
            }
            // What is there is tried as it stands, so that its error is seen.
            Typed::End => return Ok(Some(text)),
        }
    }
}

/// Runs one input; `Some` is the exit code if it ends the session.
fn run_input(th: &mut Thread, main: &Ref, how: Options, config: &Config, text: &str) -> Option<i32> {
    let code = match SourceFile::new(SOURCE, text).and_then(|file| compile_module(&crate::syntax::parse(&file)?, how)) {
        Ok(code) => code,
        Err(e) => {
            out::error(e.render(config.colour).as_bytes());
            return None;
        }
    };
    let e = th.to_end(|th| th.run_module(&code, main)).err()?;
    let leaves = match &e {
        Uncaught::Exception(v) => th.is_a(v, TypeId::SystemExit),
        Uncaught::Ending(_) => true,
    };
    let code = report(th, e);
    leaves.then_some(code)
}

#[cfg(test)]
mod tests {
    use super::{Input, look};

    #[test]
    fn when_an_input_is_whole() {
        for (text, is) in [
            ("1 + 1\n", Input::Whole),
            ("x = 3\n", Input::Whole),
            ("\n", Input::Whole),
            ("if x: print(1)\n", Input::Part),
            ("if x: print(1)\n\n", Input::Whole),
            ("if x:\n", Input::Part),
            ("def f():\n", Input::Part),
            ("def f():\n    return 1\n", Input::Part),
            ("def f():\n    return 1\n\n", Input::Whole),
            ("print(1,\n", Input::Part),
            ("print(1,\n2)\n", Input::Whole),
            ("'''a\n", Input::Part),
            ("@f\n", Input::Part),
            ("try:\n    x\n", Input::Part),
            ("x = = 3\n", Input::Wrong),
            ("print 1\n", Input::Wrong),
            (")\n", Input::Wrong),
        ] {
            assert_eq!(look(text), is, "{text:?}");
        }
    }
}
