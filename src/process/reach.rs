//! What a snapshot must hold: the globals of `__main__` that code in the child can name.
//!
//! The child must find every function and class of `__main__`, because values that arrive later name them
//! (`queue.put(Task())`, `pool.map(f)`). So the walk starts there and at the roots, and follows references
//! and, in functions of `__main__`, the names that their code loads. A global that no code names stays.

use crate::bytecode::{Code, Const, Instr};
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::function::Function;
use crate::object::module::Module;
use crate::object::{Kind, Name, Ref, Value, name};
use crate::vm::Thread;
use crate::vm::make::text;
use hashbrown::HashSet;

type Fixed = foldhash::fast::FixedState;

/// Facts about `__main__` itself that go along.
const FACTS: &[Name] = &[name::FILE, name::DOC];

/// The names of globals to send: functions and classes first, for making them runs no script code.
pub(super) fn globals(th: &mut Thread, main: &Ref, roots: &[Value]) -> Vec<Name> {
    let all: Vec<(Name, Value)> =
        main.with::<Module, _>(&th.held, |m| m.names.iter().map(|(n, v)| (n, v.clone())).collect());
    let mut walk = Walk { th, main, seen: HashSet::default(), found: HashSet::default(), work: Vec::new() };
    walk.work.extend(roots.iter().filter_map(|v| v.as_ref().cloned()));
    for (n, v) in &all {
        if FACTS.contains(n) || walk.is_own(v) {
            walk.found.insert(*n);
            walk.work.extend(v.as_ref().cloned());
        }
    }
    walk.run();
    let found = walk.found;
    let made_first = |v: &Value| v.as_ref().is_some_and(|r| matches!(r.kind(), Kind::Function | Kind::Class));
    let (first, second): (Vec<_>, Vec<_>) =
        all.into_iter().filter(|(n, _)| found.contains(n)).partition(|(_, v)| made_first(v));
    first.into_iter().chain(second).map(|(n, _)| n).collect()
}

struct Walk<'a> {
    th: &'a mut Thread,
    main: &'a Ref,
    seen: HashSet<usize, Fixed>,
    found: HashSet<Name, Fixed>,
    work: Vec<Ref>,
}

impl Walk<'_> {
    /// A function or class that says it is of `__main__`.
    fn is_own(&mut self, v: &Value) -> bool {
        let Value::Obj(r) = v else { return false };
        match r.kind() {
            Kind::Class => r.with::<Class, _>(&self.th.held, |c| c.from_script && c.module == name::MAIN),
            // A decorator may have made it elsewhere and given it the name of what it wraps.
            Kind::Function => r.with::<Function, _>(&self.th.held, |f| {
                let said = f.attrs.iter().find(|(n, _)| *n == name::MODULE);
                f.module.same(self.main) || said.is_some_and(|(_, m)| text(m) == Some(name::MAIN.text()))
            }),
            _ => false,
        }
    }

    fn run(&mut self) {
        while let Some(r) = self.work.pop() {
            if r.is_immortal() || !r.kind().is_node() || !self.seen.insert(r.address()) {
                continue;
            }
            match r.kind() {
                Kind::Module | Kind::Code | Kind::Native => continue,
                Kind::Function => self.function(&r),
                _ => {}
            }
            let Walk { th, seen, work, .. } = self;
            r.visit(&th.held, |to| {
                if to.kind().is_node() && !seen.contains(&to.address()) {
                    work.push(to.clone());
                }
            });
        }
    }

    fn function(&mut self, f: &Ref) {
        let (code, module) = f.with::<Function, _>(&self.th.held, |f| (f.code.clone(), f.module.clone()));
        if !module.same(self.main) {
            return;
        }
        for n in loaded(&code.frozen::<CodeObj>().code) {
            if self.found.insert(n) {
                let v = module.with::<Module, _>(&self.th.held, |m| m.names.get(n).cloned());
                self.work.extend(v.and_then(|v| v.as_ref().cloned()));
            }
        }
    }
}

/// The globals that code and the code nested in it may load.
pub(super) fn loaded(code: &Code) -> Vec<Name> {
    let mut names = Vec::new();
    let mut work = vec![code];
    while let Some(code) = work.pop() {
        for i in &code.instrs {
            if let Instr::LoadGlobal { name, .. } | Instr::LoadName { name, .. } | Instr::LoadNameOrCell { name, .. } =
                i
            {
                names.push(Name::of(&code.sites[name.0 as usize]));
            }
        }
        work.extend(code.consts.iter().filter_map(|c| if let Const::Code(c) = c { Some(&**c) } else { None }));
    }
    names.sort_unstable();
    names.dedup();
    names
}
