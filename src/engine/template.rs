//! What the template of a process's children (`world/template.rs`) prepares: the library modules that their
//! parent had loaded when it started the first child, compiled. A forked child then runs their text, and
//! neither loads the program nor compiles what it certainly needs.
//!
//! Not here: the child itself (`child`), forking.

use super::job::{self, Received};
use super::library;
use crate::compile::Options;
use crate::gil;
use crate::object::Name;
use crate::stdlib::LIBRARY;
use crate::vm::Thread;
use crate::world::channel::Channel;
use crate::world::template::{Side, serve};
use serde_json::{Value as Json, json};

/// The role of a template in the command line's table of workers.
pub const ROLE: &str = "template";

/// Every child calls functions of these.
const CALLED: &[&str] = &["multiprocessing.process"];

/// What a template for children of this thread's process is told, beside its role.
pub fn extra(th: &Thread) -> Json {
    let modules: Vec<&str> = th.interp.modules.with(&th.held, |all| {
        LIBRARY.iter().map(|m| m.name).filter(|name| all.get(Name::of(name)).is_some()).collect()
    });
    json!({ "modules": modules })
}

/// The worker of the role: prepares, then forks. Returns the channel of a new process in each of them, and
/// nothing in the template when it has no more to do.
pub fn work(job: Received) -> Result<Option<Channel>, String> {
    let asked = job.extra["modules"].as_array().cloned().unwrap_or_default();
    let rows = asked.iter().filter_map(|name| library::find(name.as_str()?));
    let options = Options { every_safe_point: job.config.every_safe_point, ..Options::default() };
    library::prepare(rows, CALLED, options, gil::without_lock(&job.config.gil));
    match serve(job.channel) {
        Ok(Side::Forked) => job::channel().map(Some),
        Ok(Side::Template) => Ok(None),
        Err(e) => Err(e.to_string()),
    }
}
