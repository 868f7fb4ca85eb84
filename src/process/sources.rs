//! Code: which program it is part of and where in it, and how the receiver finds or compiles it.

use super::decode::Decoder;
use super::encode::Encoder;
use super::wire::{Malformed, Tag};
use crate::object::code::CodeObj;
use crate::object::module::Module;
use crate::object::{Kind, Name, Ref, Value};
use crate::vm::Res;

/// Where `code` is below `root`: indices of constants. Bound code is a tree, so there is one way.
fn path_to(root: &Ref, code: &Ref) -> Option<Vec<usize>> {
    if root.same(code) {
        return Some(Vec::new());
    }
    // What a body holds that was compiled later is at the same place as if it had been compiled at once.
    let root = root.frozen::<CodeObj>().whole.get().unwrap_or(root);
    if root.same(code) {
        return Some(Vec::new());
    }
    root.frozen::<CodeObj>().consts.iter().enumerate().find_map(|(i, c)| {
        let inner = c.as_ref().filter(|c| c.kind() == Kind::Code)?;
        let mut path = path_to(inner, code)?;
        path.insert(0, i);
        Some(path)
    })
}

impl Encoder<'_> {
    /// The code of a function.
    pub(super) fn code(&mut self, code: &Ref) -> Res<()> {
        if self.known(code) {
            return self.value(&code.clone().into());
        }
        let module = code.frozen::<CodeObj>().module.clone();
        let found = self.th.interp.programs.with(&self.th.held, |all| {
            let of_module = all.iter().filter(|p| p.frozen::<CodeObj>().module.same(&module));
            of_module.into_iter().find_map(|p| Some((p.clone(), path_to(p, code)?)))
        });
        let Some((program, path)) = found else { return Err(self.refuse(code)) };
        self.tag(Tag::Code);
        self.program(&program, &module)?;
        self.count(path.len());
        for i in path {
            self.count(i);
        }
        self.remember(code);
        Ok(())
    }

    fn program(&mut self, program: &Ref, module: &Ref) -> Res<()> {
        if self.known(program) {
            return self.value(&program.clone().into());
        }
        let file = program.frozen::<CodeObj>().code.file.clone();
        let name = module.with::<Module, _>(&self.th.held, |m| m.name);
        self.tag(Tag::Program);
        self.name(name);
        self.text(&file.name);
        self.text(&file.text);
        self.remember(program);
        Ok(())
    }
}

impl Decoder<'_> {
    /// The module's program of this text: one that has been run or decoded here, else compiled now.
    pub(super) fn program(&mut self) -> Res<Ref> {
        let module = self.name()?;
        let (file, text) = (self.text()?, self.text()?);
        let Value::Obj(module) = self.module(module)? else { return self.fail("a program of no module") };
        if !module.is::<Module>() {
            return self.fail("a program of no module");
        }
        let known = self.th.interp.programs.with(&self.th.held, |all| {
            let same = |p: &&Ref| {
                let p = p.frozen::<CodeObj>();
                p.module.same(&module) && *p.code.file.name == *file && *p.code.file.text == *text
            };
            all.iter().find(same).cloned()
        });
        if let Some(p) = known {
            return Ok(p);
        }
        let importer = &self.th.interp.importer;
        match importer.compile(file, text) {
            Ok(code) => Ok(self.th.program(&code, &module)),
            Err(why) => self.fail(&format!("a program that does not compile: {why}")),
        }
    }

    /// Code by its place in a program.
    pub(super) fn code(&mut self) -> Res<Ref> {
        let mut at = self.expect_code()?;
        for _ in 0..self.count()? {
            let i = self.number()?;
            at = self.th.whole_of(&at)?;
            let inner = usize::try_from(i).ok().and_then(|i| at.frozen::<CodeObj>().consts.get(i).cloned());
            match inner {
                Some(Value::Obj(c)) if c.kind() == Kind::Code => at = c,
                _ => return self.fail("no code at this place of the program"),
            }
        }
        self.remember(at.clone().into());
        Ok(at)
    }

    /// A value that must be code.
    pub(super) fn expect_code(&mut self) -> Res<Ref> {
        match self.value()? {
            Value::Obj(c) if c.kind() == Kind::Code => Ok(c),
            _ => self.fail("code is missing"),
        }
    }

    /// A module: the one of this name here. What the parent's children call `__mp_main__` is its `__main__`.
    pub(super) fn module(&mut self, n: Name) -> Res<Value> {
        let main = crate::object::name::MAIN;
        let n = if n.text() == "__mp_main__" && !self.loaded(n) { main } else { n };
        if n == main && !self.loaded(n) {
            return Ok(self.th.new_module(main).into());
        }
        if n.text().is_empty() {
            return Err(self.raise(Malformed("a module without a name".into())));
        }
        self.th.import(n.text(), true)
    }

    fn loaded(&self, n: Name) -> bool {
        self.th.interp.modules.with(&self.th.held, |m| m.get(n).is_some())
    }
}
