//! The command line: the table of commands, and what is common to them. One file per command.
//!
//! A command is a row of `commands!` below and a file with its `Args` (flags, as a clap derive, whose doc
//! lines are the help) and a function `run(Args) -> i32` that gives the exit code.
//!
//! L1 What follows the script's name belongs to the script: no flag of ours is looked for there.
//! L2 The tree of flags is built once per process, and not at all to run a script without flags: building it
//!    costs more than running a short script.
//! L3 An argument that names no command but a file runs that file; so does a flag of `run`.
//! L4 Colour is decided in one place (`colour`), by `NO_COLOR`, `TERM` and whether a terminal is there.
//! L5 Without arguments there is a prompt, at a terminal; else standard input is the script.
//!
//! Exit codes: 0 fine, 1 uncaught exception or a script that does not compile, 2 usage (also a script
//! that cannot be read, as CPython has it), 70 a fault of Kit, 71 deadlock, 130 Ctrl-C, n from
//! `sys.exit(n)`.
//!
//! Not here: how a script is run (`engine`), settings and their environment variables
//! (`engine/config.rs`), the texts about natives and policies (their rows).

mod compare;
mod dis;
mod doc;
mod many;
mod natives;
mod panic;
mod policies;
mod repl;
mod run;
mod safe_points;
mod sweep;
mod test;
mod timeline;
mod worker;

use crate::engine::job;
use crate::world::{alloc, host, out};
use clap::{ColorChoice, CommandFactory, FromArgMatches};

/// The exit code of wrong usage.
pub const USAGE: i32 = 2;

/// Turns the table of commands into `Command`, its names and its dispatch.
macro_rules! commands {
    ($($(#[doc = $doc:literal])+ $variant:ident $module:ident;)+) => {
        #[derive(clap::Subcommand)]
        enum Command { $($(#[doc = $doc])+ $variant($module::Args),)+ }

        /// What may stand first on the command line; `help` is clap's own.
        const NAMES: &[&str] = &[$(stringify!($module),)+ "help"];

        fn dispatch(command: Command) -> i32 {
            match command { $(Command::$variant(args) => $module::run(args),)+ }
        }
    };
}

commands! {
    /// Run a script.
    Run run;
    /// Run a script under many settings and compare: intervals, policies, parameters.
    Sweep sweep;
    /// Time the functions that a script marks with `@kit.variant` against each other.
    Compare compare;
    /// Show what a run's threads did and who had the lock, as text, SVG or HTML.
    Timeline timeline;
    /// Find and run tests, timing tests among them.
    Test test;
    /// Show the bytecode of a script, with source lines and safe points.
    Dis dis;
    /// List the builtin functions, and whether a call releases the lock.
    Natives natives;
    /// Explain one builtin: signature, text, whether it releases the lock.
    Doc doc;
    /// List the lock policies.
    Policies policies;
}

const ABOUT: &str = "Kit runs scripts in a subset of Python 3 under a real global interpreter lock.";

const EXAMPLES: &str = "\
Examples:
  kit                                   a prompt; or the script on standard input
  kit run dinner.kit                    run a script
  kit dinner.kit 0.1                    the same, with an argument for the script
  kit run -c 'print(1 + 1)'             run a piece of code
  kit run --stats dinner.kit            where the threads' time went
  kit run --sim dinner.kit              the same script in virtual time
  kit run --gil cpython dinner.kit      another lock policy (kit policies lists them)
  kit sweep work.kit --switch-interval 1ms,5ms,50ms
  kit timeline --why dinner.kit         who had the lock when, and who waited for whom
  kit test                              run the tests below this folder
  kit doc time.sleep                    does this call release the lock?";

#[derive(clap::Parser)]
#[command(name = "kit", version, about = ABOUT, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Runs the command that the process was given, and ends the process.
pub fn main() -> ! {
    alloc::one_arena();
    alloc::grow_up();
    panic::install();
    host::exit(run_args(host::args()))
}

/// Runs a command line (the program's name first) and gives the exit code.
fn run_args(mut args: Vec<String>) -> i32 {
    if args.get(1).is_some_and(|first| first == job::COMMAND) {
        return worker::run();
    }
    if args.len() == 1 {
        if host::input_is_terminal() && out::is_terminal() {
            return repl::run();
        }
        args.push("-".to_string());
    }
    if args.get(1).is_some_and(|first| means_run(first)) {
        args.insert(1, "run".to_string());
    }
    if let Some(plain) = run::plain(&args) {
        return run::run(plain);
    }
    let mut tree = Cli::command();
    tree = tree.color(if colour(out::error_is_terminal()) { ColorChoice::Always } else { ColorChoice::Never });
    if args.get(1).is_some_and(|name| name == "run") {
        args = run::split(&tree, args);
    }
    let parsed = tree.try_get_matches_from_mut(args).and_then(|m| Cli::from_arg_matches(&m));
    match parsed {
        Ok(cli) => dispatch(cli.command),
        Err(e) => usage(&e),
    }
}

/// No command, but a script, standard input, or a flag of `run`.
fn means_run(first: &str) -> bool {
    const OWN: &[&str] = &["-h", "--help", "-V", "--version", "--"];
    if NAMES.contains(&first) || OWN.contains(&first) {
        return false;
    }
    first.starts_with('-') || first.ends_with(".kit") || host::is_file(first.as_ref())
}

/// Prints help, the version or what is wrong with the command line; clap knows which and where to.
fn usage(e: &clap::Error) -> i32 {
    let text = e.render();
    if e.use_stderr() {
        let text = if colour(out::error_is_terminal()) { text.ansi().to_string() } else { text.to_string() };
        out::error(text.as_bytes());
    } else {
        let text = if colour(out::is_terminal()) { text.ansi().to_string() } else { text.to_string() };
        say(&text);
    }
    e.exit_code()
}

/// Whether text for a stream may carry colours. `NO_COLOR` with any text in it says no.
fn colour(terminal: bool) -> bool {
    let unset = host::env_var("NO_COLOR").is_none_or(|v| v.is_empty());
    terminal && unset && host::env_var("TERM").is_none_or(|v| v != "dumb")
}

/// Prints a command's answer. A reader that has gone away is no error.
fn say(text: &str) {
    if let Err(e) = out::write(text.as_bytes()).and_then(|()| out::flush()) {
        complain(&format!("writing the output failed: {e}"));
    }
}

/// One line on standard error, under the program's name.
fn complain(text: &str) {
    out::error(format!("kit: {text}\n").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn what_runs_a_script() {
        for first in ["x.kit", "-", "-c", "--sim", "--bogus"] {
            assert!(means_run(first), "{first}");
        }
        for first in ["run", "dis", "help", "-h", "--version", "nonsense"] {
            assert!(!means_run(first), "{first}");
        }
    }
}
