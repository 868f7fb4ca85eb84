//! `import`: from a dotted name to modules, loaded once each. Where modules come from is the importer's
//! affair (interp.rs).
//!
//! A module that one thread is loading is in `sys.modules` already; other threads wait until it is whole, as
//! with CPython's module locks. Where that would close a ring of threads waiting for each other's modules,
//! the half-made one is given instead. Source: `_ModuleLock` of CPython's `importlib/_bootstrap.py`.

use super::make::text;
use super::thread::{Res, Thread};
use crate::gil::Held;
use crate::object::module::Module;
use crate::object::{Name, Ref, TypeId, Value, name};
use crate::world::{Tid, WaitKey, WaitOn};

/// A module that is being loaded.
pub struct Loading {
    module: Name,
    by: Tid,
    /// Ends the waits for it.
    done: WaitKey,
    waiting: Vec<Tid>,
}

/// What a thread that wants a module does.
enum Turn {
    /// It loads the module, and is entered for it.
    Load,
    /// It takes what is there: it is loading the module itself, or the loader waits for this thread.
    Mine,
    Wait(WaitKey),
}

fn turn(all: &mut Vec<Loading>, module: Name, me: Tid, done: WaitKey) -> Turn {
    let Some(at) = all.iter().position(|l| l.module == module) else {
        all.push(Loading { module, by: me, done, waiting: Vec::new() });
        return Turn::Load;
    };
    let mut by = Some(all[at].by);
    while let Some(t) = by {
        if t == me {
            return Turn::Mine;
        }
        by = all.iter().find(|l| l.waiting.contains(&t)).map(|l| l.by);
    }
    all[at].waiting.push(me);
    Turn::Wait(all[at].done)
}

impl Thread {
    /// The constant of an `Import` instruction: (dotted name, level, last module wanted).
    pub(super) fn import_row(&mut self, from: &Ref, row: &[Value]) -> Res<Value> {
        let (dotted, level, last) = match row {
            [n, Value::Int(l), w] => (text(n).unwrap_or("").to_string(), *l, !matches!(w, Value::Bool(0))),
            _ => return Err(self.raise(TypeId::SystemError, "an import without a name")),
        };
        let full = if level > 0 { self.absolute_name(from, &dotted, level)? } else { dotted };
        self.import(&full, last)
    }

    /// Resolves `..name` against the package of the importing module.
    fn absolute_name(&mut self, from: &Ref, dotted: &str, level: i64) -> Res<String> {
        let (own, is_package) = from.with::<Module, _>(&self.held, |m| (m.name, m.names.get(name::PATH).is_some()));
        let mut parts: Vec<&str> = own.text().split('.').collect();
        let up = level - is_package as i64;
        if own == name::MAIN || up as usize >= parts.len() + is_package as usize {
            let t = if own == name::MAIN {
                "attempted relative import with no known parent package"
            } else {
                "attempted relative import beyond top-level package"
            };
            return Err(self.raise(TypeId::ImportError, t));
        }
        parts.truncate(parts.len() - up as usize);
        if !dotted.is_empty() {
            parts.push(dotted);
        }
        Ok(parts.join("."))
    }

    /// Imports `a.b.c`: each part in turn. Gives the last module, or the first.
    pub fn import(&mut self, full: &str, last: bool) -> Res<Value> {
        let mut first = Value::None;
        let mut parent: Option<Value> = None;
        let mut end = 0;
        for part in full.split('.') {
            end += part.len();
            let so_far = &full[..end];
            end += 1;
            let module = self.import_one(so_far)?;
            if let Some(p) = &parent {
                self.set_attr(p, Name::of(part), module.clone())?;
            } else {
                first = module.clone();
            }
            parent = Some(module);
        }
        Ok(if last { parent.unwrap_or(Value::None) } else { first })
    }

    fn import_one(&mut self, full: &str) -> Res<Value> {
        let key = Name::of(full);
        let me = self.held.tid();
        let done = loop {
            let loaded = self.interp.modules.with(&self.held, |m| m.get(key).cloned());
            let whole = self.interp.loading.with(&self.held, |all| all.iter().all(|l| l.module != key));
            if let Some(m) = &loaded
                && whole
            {
                return Ok(m.clone());
            }
            let done = self.held.new_key();
            match self.interp.loading.with(&self.held, |all| turn(all, key, me, done)) {
                Turn::Load => break done,
                Turn::Mine => match loaded {
                    Some(m) => return Ok(m),
                    None => return self.load(full),
                },
                Turn::Wait(done) => self.await_module(done)?,
            }
        };
        // Another thread may have been through between the two looks above.
        let loaded = match self.interp.modules.with(&self.held, |m| m.get(key).cloned()) {
            Some(m) => Ok(m),
            None => self.load(full),
        };
        self.interp.loading.with(&self.held, |all| all.retain(|l| l.done != done));
        self.held.wake(done, usize::MAX);
        loaded
    }

    /// Waits until another thread has loaded a module, or failed to.
    fn await_module(&mut self, done: WaitKey) -> Res<()> {
        let (interp, me) = (self.interp, self.held.tid());
        let still = |held: &Held| interp.loading.with(held, |all| all.iter().any(|l| l.done == done));
        let place = self.place();
        self.held.set_place(place);
        let wake = self.held.wait(WaitOn::Event { key: done }, None, &still);
        interp.loading.with(&self.held, |all| all.iter_mut().for_each(|l| l.waiting.retain(|t| *t != me)));
        self.after_wake(wake).map(drop)
    }

    fn load(&mut self, full: &str) -> Res<Value> {
        if full == name::BUILTINS.text() {
            return Ok(self.interp.fixed(&self.held).builtins.clone().into());
        }
        let importer = &self.interp.importer;
        match importer.import(self, full)? {
            Some(m) => Ok(m),
            None => {
                let n = self.str(full);
                Err(self.raise_extra(
                    TypeId::ModuleNotFoundError,
                    format!("No module named '{full}' in Kit"),
                    vec![(name::NAME_ATTR, n)],
                ))
            }
        }
    }

    /// `from module import name`.
    pub(super) fn import_from(&mut self, m: &Value, attr: Name) -> Res<Value> {
        if let Some(v) = self.find_attr(m, attr)? {
            return Ok(v);
        }
        let of = match m {
            Value::Obj(r) if r.is::<Module>() => r.with::<Module, _>(&self.held, |m| m.name),
            _ => name::EMPTY,
        };
        let full = format!("{of}.{attr}");
        let r = self.import(&full, true);
        if let Some(v) = self.catch(r, TypeId::ModuleNotFoundError)? {
            return Ok(v);
        }
        let n = self.str(of.text());
        Err(self.raise_extra(
            TypeId::ImportError,
            format!("cannot import name '{attr}' from '{of}'"),
            vec![(name::NAME_ATTR, n)],
        ))
    }

    /// `from module import *`: `__all__`, else all names without a leading underscore.
    pub(super) fn import_star(&mut self, into: &Ref, m: &Value) -> Res<()> {
        let Value::Obj(r) = m else { return Ok(()) };
        let all = r.with::<Module, _>(&self.held, |m| m.names.get(name::ALL).cloned());
        let names: Vec<Name> = match all {
            Some(list) => self.collect(&list)?.iter().filter_map(|v| text(v).map(Name::of)).collect(),
            None => r.with::<Module, _>(&self.held, |m| {
                m.names.iter().map(|(n, _)| n).filter(|n| !n.text().starts_with('_')).collect()
            }),
        };
        for n in names {
            let v = self.get_attr(m, n)?;
            self.store_global(into, n, v);
        }
        Ok(())
    }

    /// A new empty module, entered in `sys.modules` before its code runs.
    pub fn new_module(&mut self, full: Name) -> Ref {
        let m = Ref::new(&self.held, TypeId::Module.shape(), Module { name: full, names: Default::default() });
        m.immortalize(&self.held);
        let text = self.str(full.text());
        self.store_global(&m, name::NAME, text);
        self.store_global(&m, name::DOC, Value::None);
        let old = self.interp.modules.with(&self.held, |all| all.set(full, m.clone().into()));
        drop(old);
        m
    }

    /// Takes a module that failed to load out of `sys.modules`.
    pub fn forget_module(&mut self, full: Name) {
        let old = self.interp.modules.with(&self.held, |all| all.remove(full));
        drop(old);
    }
}
