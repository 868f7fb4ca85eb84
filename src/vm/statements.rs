//! What statements mean: `raise`, `except`, `with`, `class`, `**` in calls.

use super::call::Window;
use super::thread::{Raised, Res, Thread};
use crate::object::class::Class;
use crate::object::exception::Exception;
use crate::object::function::Native;
use crate::object::lock::{Given, Lock};
use crate::object::module::{Module, Namespace};
use crate::object::types::{Cell, Tuple};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::world::WaitKey;

impl Thread {
    /// What `sys.displayhook` does with the value of a statement typed at the prompt.
    pub(super) fn show(&mut self, v: Value) -> Res<()> {
        if v.is_none() {
            return Ok(());
        }
        let builtins = self.interp.fixed(&self.held).builtins.clone();
        let text = self.repr(&v)?;
        let text = self.string(text);
        let print = self.get_attr(&builtins.clone().into(), Name::of("print"))?;
        self.call(&print, &[text])?;
        self.store_global(&builtins, Name::of("_"), v);
        Ok(())
    }

    /// `raise v` and `raise v from cause`.
    pub(super) fn raise_statement(&mut self, v: &Value, cause: Option<&Value>) -> Raised {
        let e = match self.exception_of(v, "exceptions must derive from BaseException") {
            Ok(e) => e,
            Err(r) => return r,
        };
        if let Some(cause) = cause {
            let cause = match cause {
                Value::None => Value::None,
                c => match self.exception_of(c, "exception causes must derive from BaseException") {
                    Ok(c) => c,
                    Err(r) => return r,
                },
            };
            if let Value::Obj(r) = &e {
                let old = r.with::<Exception, _>(&self.held, |x| {
                    x.suppress_context = true;
                    std::mem::replace(&mut x.cause, cause)
                });
                drop(old);
            }
        }
        self.raise_value(e)
    }

    /// An exception from an instance, or from a class by calling it.
    pub fn exception_of(&mut self, v: &Value, wrong: &str) -> Res<Value> {
        if let Value::Obj(r) = v {
            if r.is::<Exception>() {
                return Ok(v.clone());
            }
            let base = self.interp.class(&self.held, TypeId::BaseException).clone();
            if r.is::<Class>() && self.is_subclass(r, &base) {
                let e = self.call(v, &[])?;
                if self.is_a(&e, TypeId::BaseException) {
                    return Ok(e);
                }
                let (class, got) = (self.repr(v)?, self.type_of(&e).into());
                let got = self.repr(&got)?;
                let text = format!("calling {class} should have returned an instance of BaseException, not {got}");
                return Err(self.type_error(text));
            }
        }
        Err(self.type_error(wrong))
    }

    /// `except class:`
    pub fn match_exception(&mut self, e: &Value, class: &Value) -> Res<bool> {
        const WRONG: &str = "catching classes that do not inherit from BaseException is not allowed";
        let base = self.interp.class(&self.held, TypeId::BaseException).clone();
        let of = self.type_of(e);
        let one = |th: &mut Thread, c: &Value| -> Res<bool> {
            match c {
                Value::Obj(r) if r.is::<Class>() && th.is_subclass(r, &base) => Ok(th.is_subclass(&of, r)),
                _ => Err(th.type_error(WRONG)),
            }
        };
        if let Some(t) = class.as_ref().and_then(|r| r.get::<Tuple>()) {
            let class_or_not = |c: &Value| matches!(c, Value::Obj(r) if r.is::<Class>() && self.is_subclass(r, &base));
            if !t.0.iter().all(class_or_not) {
                return Err(self.type_error(WRONG));
            }
            for c in &t.0 {
                if one(self, c)? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        one(self, class)
    }

    /// The bound `__exit__`, and what `__enter__` gave. A lock, a file or another object made in Rust stands
    /// for its own bound `__exit__`, which need not be made then.
    pub(super) fn with_enter(&mut self, v: &Value) -> Res<(Value, Value)> {
        if self.take_free_lock(v) {
            return Ok((v.clone(), Value::TRUE));
        }
        let class = self.type_of(v);
        let n = self.class_name(&class);
        let Some(enter) = self.lookup(&class, name::ENTER) else {
            return Err(self.type_error(format!("'{n}' object does not support the context manager protocol")));
        };
        let Some(exit) = self.lookup(&class, name::EXIT) else {
            let text = format!("'{n}' object does not support the context manager protocol (missed __exit__ method)");
            return Err(self.type_error(text));
        };
        if let (Some(row), Some(_)) = (self.method_row(v, &enter), self.method_row(v, &exit)) {
            let entered = self.run_method(row, v, &[])?;
            return Ok((v.clone(), entered));
        }
        let exit = self.bind_found(exit, v, &class)?;
        let enter = self.bind_found(enter, v, &class)?;
        let entered = self.call(&enter, &[])?;
        Ok((exit, entered))
    }

    /// Calls what `with_enter` gave for `__exit__`.
    pub(super) fn with_exit(&mut self, exit: &Value, exception: [Value; 3]) -> Res<Value> {
        if self.give_lock(exit) {
            return Ok(Value::None);
        }
        if let Value::Obj(r) = exit
            && matches!(r.kind(), Kind::Opaque | Kind::Lock)
        {
            let class = self.type_of(exit);
            let found = self.lookup(&class, name::EXIT).and_then(|found| self.method_row(exit, &found));
            return match found {
                Some(row) => self.run_method(row, exit, &exception),
                None => Err(self.type_error("the context manager has lost its __exit__ method")),
            };
        }
        self.call(exit, &exception)
    }

    /// Takes a Lock or RLock that this thread may take at once; no for anything else, and the long way says why.
    #[inline]
    pub(super) fn take_free_lock(&self, v: &Value) -> bool {
        matches!(v, Value::Obj(r) if r.kind() == Kind::Lock && r.with::<Lock, _>(&self.held, |l| l.take(&self.held, 1)))
    }

    /// Gives such a lock up once; no if it is none, or not this thread's to give.
    #[inline]
    pub(super) fn give_lock(&mut self, v: &Value) -> bool {
        let Value::Obj(r) = v else { return false };
        if r.kind() != Kind::Lock {
            return false;
        }
        match r.with::<Lock, _>(&self.held, |l| l.give(&self.held, Some(1))) {
            Given::Refused => return false,
            Given::Free { awaited: Some(key) } => {
                self.held.wake(WaitKey::Object(key), 1);
            }
            Given::Kept | Given::Free { awaited: None } => {}
        }
        true
    }

    /// The row of a native method of an object made in Rust.
    fn method_row(&self, v: &Value, found: &Value) -> Option<u32> {
        let (Value::Obj(o), Value::Obj(f)) = (v, found) else { return None };
        if !matches!(o.kind(), Kind::Opaque | Kind::Lock) || f.kind() != Kind::Native {
            return None;
        }
        let native = f.frozen::<Native>();
        (native.this.is_unbound() && self.interp.natives[native.row as usize].method).then_some(native.row)
    }

    /// Runs a native method without binding it first.
    fn run_method(&mut self, row: u32, this: &Value, args: &[Value]) -> Res<Value> {
        let (at, n) = (self.top(), 1 + args.len() as u32);
        self.guard_depth(at + n + 2)?;
        self.set_reg(at + 1, this.clone());
        for (i, v) in args.iter().enumerate() {
            self.set_reg(at + 2 + i as u32, v.clone());
        }
        let mut window = Window { func_at: at, n, kw: &[] };
        let r = self.run_native(row, &mut window);
        if r.is_err() {
            self.unset(at, window.end());
        }
        r
    }

    /// A class statement: runs the body in a fresh namespace, then makes the class of it.
    pub(super) fn build_class(
        &mut self,
        body: &Value,
        class_name: &Value,
        bases: Vec<Value>,
        keywords: Value,
    ) -> Res<Value> {
        let class_name = Name::of(super::make::text(class_name).unwrap_or("?"));
        let mut options = Vec::new();
        let mut meta = None;
        if let Value::Obj(d) = &keywords {
            for (k, v) in self.dict_items(d) {
                let k = super::make::text(&k).unwrap_or("").to_string();
                if k == "metaclass" {
                    match v {
                        Value::Obj(m) if self.is_library_meta(&m) => meta = Some(m),
                        v if self.type_id_of(&v) == Some(TypeId::Type) => {}
                        _ => return Err(self.type_error("Kit has no user-defined metaclasses")),
                    }
                } else {
                    options.push((Name::of(&k), v));
                }
            }
        }
        let (bases, given) = self.resolve_bases(bases)?;
        let ns = Ref::new(&self.held, TypeId::Module.shape(), Module { name: class_name, names: Namespace::default() });
        let cell = self.call(body, &[ns.clone().into()])?;
        let mut names = ns.with::<Module, _>(&self.held, |m| std::mem::take(&mut m.names));
        if let Some(given) = given {
            names.set(Name::of("__orig_bases__"), given);
        }
        if let Some(twice) = names.remove(Name::of(super::names::REBOUND)) {
            self.refuse_rebound(&bases, &twice)?;
        }
        self.finish_class(class_name, bases, names, meta, cell, options).map(Value::Obj)
    }

    #[cold]
    fn refuse_rebound(&mut self, bases: &[Value], twice: &Value) -> Res<()> {
        let is_enum = |th: &Thread, b: &Value| {
            let meta = b.as_ref().and_then(|r| r.try_with::<Class, _>(&th.held, |c| c.meta.clone())).flatten();
            meta.is_some_and(|m| m.with::<Class, _>(&th.held, |m| m.name.text() == "EnumType"))
        };
        match super::make::tuple_items(twice) {
            Some([name, old]) if bases.iter().any(|b| is_enum(self, b)) => {
                let text = format!("{} already defined as {}", self.repr(name)?, self.repr(old)?);
                Err(self.type_error(text))
            }
            _ => Ok(()),
        }
    }

    /// What stands for a base that is no class (`__mro_entries__`); the tuple as it was given, if there is one.
    fn resolve_bases(&mut self, bases: Vec<Value>) -> Res<(Vec<Value>, Option<Value>)> {
        let entries = Name::of("__mro_entries__");
        let plain = |th: &Thread, b: &Value| b.as_ref().is_some_and(|r| r.is::<Class>()) || !th.has_special(b, entries);
        if bases.iter().all(|b| plain(self, b)) {
            return Ok((bases, None));
        }
        let given = self.tuple(bases.clone());
        let mut found = Vec::new();
        for base in bases {
            if plain(self, &base) {
                found.push(base);
                continue;
            }
            let row = self.special(&base, entries, std::slice::from_ref(&given))?.unwrap_or_default();
            match super::make::tuple_items(&row) {
                Some(items) => found.extend_from_slice(items),
                None => return Err(self.type_error("__mro_entries__ must return a tuple")),
            }
        }
        Ok((found, Some(given)))
    }

    fn is_library_meta(&self, m: &Ref) -> bool {
        m.try_with::<Class, _>(&self.held, |c| c.from_script && c.instances == Kind::Class) == Some(true)
    }

    /// Is the running code the library's?
    pub(super) fn in_library(&self) -> bool {
        let Some(func) = self.frames.last().and_then(|f| self.function_at(f.func_at())) else { return false };
        let code = func.with::<crate::object::function::Function, _>(&self.held, |f| f.code.clone());
        super::traceback::is_library(&code.frozen::<crate::object::code::CodeObj>().code.file.name)
    }

    /// A class of what its body has left, with all that is told of it. `cell` is that of `__class__`.
    pub fn finish_class(
        &mut self,
        class_name: Name,
        bases: Vec<Value>,
        mut names: Namespace,
        meta: Option<Ref>,
        cell: Value,
        options: Vec<(Name, Value)>,
    ) -> Res<Ref> {
        if names.get(name::MODULE).is_none() {
            let module = self.globals_name();
            let text = self.str(module.text());
            names.set(name::MODULE, text);
        }
        // A class that defines equality without a hash has none.
        if names.get(name::EQ).is_some() && names.get(name::HASH).is_none() {
            names.set(name::HASH, Value::None);
        }
        let hooks: Vec<(Name, Value)> = names
            .iter()
            .filter(|(_, v)| matches!(v, Value::Obj(r) if r.kind() == Kind::Instance))
            .map(|(n, v)| (n, v.clone()))
            .collect();
        for special in [name::INIT_SUBCLASS, Name::of("__class_getitem__")] {
            if let Some(Value::Obj(f)) = names.get(special).cloned()
                && f.kind() == Kind::Function
            {
                let wrapped = self.class_method(f.into());
                names.set(special, wrapped);
            }
        }
        let class = self.make_class(class_name, bases, names, meta)?;
        if let Value::Obj(c) = &cell
            && c.is::<Cell>()
        {
            self.store_cell(&cell, class.clone().into());
        }
        for (n, v) in hooks {
            let text = self.str(n.text());
            let named = self.special(&v, name::SET_NAME, &[class.clone().into(), text.clone()]);
            if named.is_err() && self.ending.is_none() && self.raised_is(TypeId::Exception) {
                return Err(self.name_not_set(&v, &text, class_name));
            }
            named?;
        }
        let made: Value = class.clone().into();
        if super::ops::scripted(&made) {
            self.special(&made, name::MADE, &[])?;
        }
        let above = self.make_super(&class.clone().into(), &class.clone().into())?;
        let hook = self.find_attr(&above, name::INIT_SUBCLASS)?;
        match hook.filter(|h| !matches!(h, Value::Obj(r) if r.kind() == crate::object::Kind::Native)) {
            Some(hook) => drop(self.call_kw(&hook, &[], &options)?),
            None if options.is_empty() => {}
            None => {
                let own = class.with::<crate::object::class::Class, _>(&self.held, |c| c.qualname.clone());
                let text = format!("{own}.__init_subclass__() takes no keyword arguments");
                return Err(self.type_error(text));
            }
        }
        Ok(class)
    }

    /// What `__set_name__` raised becomes the cause of a RuntimeError that says whose it was.
    #[cold]
    fn name_not_set(&mut self, v: &Value, attr: &Value, class: Name) -> super::thread::Raised {
        let cause = self.take_raised();
        let (of, attr) = (self.type_name(v), super::make::text(attr).unwrap_or_default());
        let text = format!("Error calling __set_name__ on '{of}' instance '{attr}' in '{class}'");
        let text = self.string(text);
        let e = self.new_exception(TypeId::RuntimeError, vec![text]);
        if let Value::Obj(r) = &e {
            r.with::<crate::object::exception::Exception, _>(&self.held, |e| {
                e.suppress_context = true;
                e.context = cause.clone();
                e.cause = cause;
            });
        }
        self.raise_value(e)
    }

    fn class_method(&mut self, f: Value) -> Value {
        use crate::object::types::{Descriptor, DescriptorKind};
        let d = Descriptor {
            kind: DescriptorKind::ClassMethod,
            get: f,
            set: Value::None,
            delete: Value::None,
            doc: Value::None,
        };
        Ref::new(&self.held, TypeId::ClassMethod.shape(), d).into()
    }

    fn type_id_of(&self, v: &Value) -> Option<TypeId> {
        v.as_ref().and_then(|r| self.type_id(r))
    }

    /// The module whose code runs.
    pub fn globals_module(&self) -> Option<Ref> {
        let f = self.frames.last()?;
        let func = self.function_at(f.func_at())?;
        Some(func.with::<crate::object::function::Function, _>(&self.held, |f| f.module.clone()))
    }
    fn globals_name(&self) -> Name {
        self.globals_module().map_or(name::MAIN, |m| m.with::<Module, _>(&self.held, |m| m.name))
    }

    /// A callable as the errors of its call name it: `__main__.f()`, `print()`.
    pub(super) fn function_text(&mut self, f: &Value) -> Res<String> {
        let mut part = |at| -> Res<Option<String>> {
            let found = self.find_attr(f, at)?;
            Ok(found.and_then(|v| super::make::text(&v).map(str::to_string)))
        };
        Ok(match (part(name::QUALNAME)?, part(name::MODULE)?) {
            (Some(name), Some(module)) if module != "builtins" => format!("{module}.{name}()"),
            (Some(name), _) => format!("{name}()"),
            (None, _) => format!("{} object", self.type_name(f)),
        })
    }

    /// `f(**v)`: adds to the keywords gathered so far; each name once.
    pub(super) fn merge_keywords(&mut self, d: &Ref, v: &Value, f: &Value) -> Res<()> {
        if let Value::Obj(plain) = v
            && self.builtin_type(v) == Some(TypeId::Dict)
        {
            for (k, value) in self.dict_items(plain) {
                self.keyword_is_new(d, &k, f)?;
                self.dict_set(d, k, value)?;
            }
            return Ok(());
        }
        let Some(keys) = self.find_attr(v, name::KEYS)? else {
            let (shown, got) = (self.function_text(f)?, self.type_name(v));
            return Err(self.type_error(format!("{shown} argument after ** must be a mapping, not {got}")));
        };
        let keys = self.call(&keys, &[])?;
        for k in self.collect(&keys)? {
            self.keyword_is_new(d, &k, f)?;
            let value = self.get_item(v, &k)?;
            self.dict_set(d, k, value)?;
        }
        Ok(())
    }

    fn keyword_is_new(&mut self, d: &Ref, k: &Value, f: &Value) -> Res<()> {
        let Some(text) = super::make::text(k) else {
            return Err(self.type_error("keywords must be strings"));
        };
        if self.dict_get(d, k)?.is_some() {
            let shown = self.function_text(f)?;
            return Err(self.type_error(format!("{shown} got multiple values for keyword argument '{text}'")));
        }
        Ok(())
    }
}
