//! `kit` without arguments: a prompt at a terminal, else the script that standard input is.

use super::{colour, complain};
use crate::engine::{Config, Script, config, repl};
use crate::gil::World;
use crate::world::disk::Writes;
use crate::world::out;

/// Runs the session; gives the exit code.
pub fn run() -> i32 {
    let gil = config::gil_config(config::setting("gil", None), config::setting("switch-interval", None), World::Real);
    let gil = match gil {
        Ok(gil) => gil,
        Err(text) => {
            complain(&text);
            return super::USAGE;
        }
    };
    let config = Config {
        script: Script::Text { name: "<stdin>".to_string(), bytes: vec![] },
        argv: vec![String::new()],
        params: vec![],
        gil,
        every_safe_point: false,
        stats: false,
        trace: None,
        counts: None,
        sim_fs: Writes::Commit,
        colour: colour(out::error_is_terminal()),
    };
    match repl::run(config) {
        Ok(outcome) => outcome.code,
        Err(e) => {
            complain(&e.to_string());
            1
        }
    }
}
