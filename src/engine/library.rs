//! Compiled text of the library, kept for the process: the same code serves every interpreter in it (the
//! processes of a simulation, the runs of a leak test) and every process forked from a template.
//!
//! B1 Code is the same for everybody who asks with the same options: it holds no value of an interpreter.
//!
//! Not here: running a module (`loader`), binding code to an interpreter (`vm`).

use crate::bytecode::{Code, Const};
use crate::compile::{Options, compile_module, compile_part};
use crate::source::{Diagnostic, SourceFile};
use crate::stdlib::{KitModule, LIBRARY};
use crate::syntax;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A module, or the part of one that begins there; and how it was compiled.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    module: &'static str,
    part: Option<u32>,
    every_safe_point: bool,
    at_once: bool,
}

static KEPT: Mutex<BTreeMap<Key, Arc<Code>>> = Mutex::new(BTreeMap::new());

pub fn find(full: &str) -> Option<&'static KitModule> {
    LIBRARY.iter().find(|m| m.name == full)
}

/// The module that a file of the library's is.
pub fn of_file(name: &str) -> Option<&'static KitModule> {
    find(name.strip_prefix("<kit:")?.strip_suffix('>')?)
}

/// Assertions of the library are its own affair, and no prompt is in it.
fn own(options: Options) -> Options {
    Options { explain_asserts: false, interactive: false, ..options }
}

fn kept(key: Key, compile: impl FnOnce() -> Result<Arc<Code>, Diagnostic>) -> Result<Arc<Code>, Diagnostic> {
    let all = || KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(code) = all().get(&key) {
        return Ok(code.clone());
    }
    // Two threads may both compile it; the first one's is kept.
    let code = compile()?;
    Ok(all().entry(key).or_insert(code).clone())
}

/// A module's code: its outline, as functions may be completed later; or all of it at once, for runs with the
/// lock off, where code must not change.
pub fn module(row: &'static KitModule, options: Options, at_once: bool) -> Result<Arc<Code>, Diagnostic> {
    let options = own(options);
    let key = Key { module: row.name, part: None, every_safe_point: options.every_safe_point, at_once };
    kept(key, || {
        let file = SourceFile::new(&format!("<kit:{}>", row.name), row.source)?;
        let ast = if key.at_once { syntax::parse(&file)? } else { syntax::parse_outline(&file)? };
        compile_module(&ast, options)
    })
}

/// The whole code of a function whose body the outline lacks; an error is one line.
pub fn complete(code: &Code, options: Options) -> Result<Arc<Code>, String> {
    let (Some(part), Some(row)) = (&code.late, of_file(&code.file.name)) else {
        return Err("its body is there already".into());
    };
    let options = own(options);
    let mut classes: Vec<&str> = code.qualname.split('.').collect();
    classes.pop();
    let key =
        Key { module: row.name, part: Some(part.from), every_safe_point: options.every_safe_point, at_once: false };
    let compile = || compile_part(&syntax::parse_part(&code.file, part, &classes)?, options, &code.qualname);
    kept(key, compile).map_err(|e| e.short())
}

/// Compiles modules ahead, of `whole` ones all functions, too. What cannot be compiled says so when it is asked for.
pub fn prepare(modules: impl Iterator<Item = &'static KitModule>, whole: &[&str], options: Options, at_once: bool) {
    for row in modules {
        if let Ok(code) = module(row, options, at_once)
            && whole.contains(&row.name)
        {
            complete_all(&code, options);
        }
    }
}

fn complete_all(code: &Code, options: Options) {
    for inner in code.consts.iter().filter_map(|c| if let Const::Code(c) = c { Some(c) } else { None }) {
        if inner.late.is_none() {
            complete_all(inner, options);
        } else if complete(inner, options).is_err() {
            // Its first call will say why.
            return;
        }
    }
}
