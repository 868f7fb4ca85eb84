//! Objects with a class, and things that travel by name if they can: functions, classes, modules.

use super::encode::Encoder;
use super::wire::Tag;
use super::{Mode, raise_pickle, reach};
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::exception::Exception;
use crate::object::function::{Function, Method};
use crate::object::module::Module;
use crate::object::types::{Cell, Descriptor, DescriptorKind, Tuple};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::Res;
use crate::vm::make::{text, tuple_items};

/// Why a name does not lead to a thing.
enum Lost {
    Import,
    Attribute,
    Other,
}

impl Encoder<'_> {
    /// Is it remembered?
    pub fn known(&self, r: &Ref) -> bool {
        self.number_of(r).is_some()
    }

    /// Writes module and name if importing them finds this very object.
    fn global_name(&mut self, r: &Ref) -> Res<bool> {
        let v = Value::Obj(r.clone());
        let Some(qualname) = self.text_attr(&v, name::QUALNAME)? else { return Ok(false) };
        let module = self.text_attr(&v, name::MODULE)?.unwrap_or_else(|| name::MAIN.text().into());
        let lost = match self.find_global(&module, &qualname, r)? {
            None => {
                self.global_tag(&module, &qualname, r);
                return Ok(true);
            }
            Some(lost) => lost,
        };
        // A class that a library made for the script (`namedtuple`) says it is the library's.
        let main = name::MAIN.text();
        if module != main && !self.mode.whole() && self.find_global(main, &qualname, r)?.is_none() {
            self.global_tag(main, &qualname, r);
            return Ok(true);
        }
        if self.mode.whole() {
            return Ok(false);
        }
        if qualname.contains("<locals>") {
            return Err(self.th.raise(TypeId::AttributeError, format!("Can't pickle local object '{qualname}'")));
        }
        let shown = self.th.repr(&v)?;
        let why = match lost {
            Lost::Import => format!("import of module '{module}' failed"),
            Lost::Attribute => format!("attribute lookup {qualname} on {module} failed"),
            Lost::Other => format!("it's not the same object as {module}.{qualname}"),
        };
        Err(raise_pickle(self.th, "PicklingError", &format!("Can't pickle {shown}: {why}")))
    }

    fn global_tag(&mut self, module: &str, qualname: &str, r: &Ref) {
        self.tag(Tag::Global);
        self.name(Name::of(module));
        self.text(qualname);
        self.remember(r);
    }

    fn find_global(&mut self, module: &str, qualname: &str, r: &Ref) -> Res<Option<Lost>> {
        // In a snapshot `__main__` is what travels, so nothing of it can be found.
        let first = || qualname.split('.').next().and_then(Name::find);
        let absent = match self.mode {
            Mode::Fork => true,
            Mode::Task => !first().is_some_and(|n| self.sent.contains(&n)),
            Mode::Pickle | Mode::Named => false,
        };
        if absent && module == name::MAIN.text() {
            return Ok(Some(Lost::Import));
        }
        let found = self.th.import(module, true);
        let Some(mut at) = self.th.catch(found, TypeId::ImportError)? else { return Ok(Some(Lost::Import)) };
        for part in qualname.split('.') {
            match self.th.find_attr(&at, Name::of(part))? {
                Some(v) => at = v,
                None => return Ok(Some(Lost::Attribute)),
            }
        }
        Ok(if at.as_ref().is_some_and(|a| a.same(r)) { None } else { Some(Lost::Other) })
    }

    pub fn function(&mut self, r: &Ref) -> Res<()> {
        if self.global_name(r)? {
            return Ok(());
        }
        if !self.mode.whole() {
            return Err(self.refuse(r));
        }
        let (code, module, doc, defaults, kwdefaults, annotations) = r.with::<Function, _>(&self.th.held, |f| {
            let values = (f.doc.clone(), f.defaults.clone(), f.kwdefaults.clone(), f.annotations.clone());
            (f.code.clone(), f.module.clone(), values.0, values.1, values.2, values.3)
        });
        let (n, qualname, closure, attrs) =
            r.with::<Function, _>(&self.th.held, |f| (f.name, f.qualname.clone(), f.closure.to_vec(), f.attrs.clone()));
        self.tag(Tag::Function);
        self.code(&code)?;
        self.remember(r);
        if self.main.as_ref().is_some_and(|m| m.same(&module)) {
            for n in reach::loaded(&code.frozen::<CodeObj>().code) {
                self.want(n);
            }
        }
        self.name(n);
        self.text(&qualname);
        for v in [&doc, &defaults, &kwdefaults, &annotations] {
            self.value(v)?;
        }
        let own = self.main.as_ref().is_some_and(|m| m.same(&module));
        self.count(closure.len());
        for cell in &closure {
            if own || !self.private_lock(cell)? {
                self.value(cell)?;
            }
        }
        self.pairs(&attrs)
    }

    /// A lock that a library function keeps in a cell of its own (`lru_cache`) guards what travels with it:
    /// the copy gets a new one. Nobody else can hold or name it.
    fn private_lock(&mut self, cell: &Value) -> Res<bool> {
        let Value::Obj(cell) = cell else { return Ok(false) };
        let Value::Obj(lock) = cell.with::<Cell, _>(&self.th.held, |c| c.0.clone()) else { return Ok(false) };
        let maker = match TypeId::of_shape(lock.shape()) {
            Some(TypeId::Lock) => "Lock",
            Some(TypeId::RLock) => "RLock",
            _ => return Ok(false),
        };
        if self.known(cell) || self.known(&lock) {
            return Ok(false);
        }
        self.tag(Tag::Cell);
        self.remember(cell);
        let threading = self.th.import("threading", true)?;
        let maker = self.th.get_attr(&threading, Name::of(maker))?;
        let none = self.th.tuple(Vec::new());
        self.call_of(&lock, &maker, &none)?;
        Ok(true)
    }

    /// An object as the result of a call.
    fn call_of(&mut self, r: &Ref, f: &Value, args: &Value) -> Res<()> {
        self.tag(Tag::Reduced);
        self.value(f)?;
        self.value(args)?;
        self.end(r);
        self.tag(Tag::Unbound);
        self.count(0);
        self.count(0);
        Ok(())
    }

    pub fn class(&mut self, r: &Ref) -> Res<()> {
        let c = |c: &mut Class| (c.name, c.qualname.clone(), c.module, c.bases.clone(), c.from_script, c.meta.clone());
        let (n, qualname, module, bases, script, meta) = r.with::<Class, _>(&self.th.held, c);
        if !script {
            self.tag(Tag::Builtin);
            self.name(n);
            return Ok(());
        }
        if self.global_name(r)? {
            return Ok(());
        }
        if !self.mode.whole() {
            return Err(self.refuse(r));
        }
        self.tag(Tag::Class);
        self.name(n);
        self.text(&qualname);
        self.name(module);
        let bases: Vec<Value> = bases.into_iter().map(Value::Obj).collect();
        self.values(&bases)?;
        self.value(&meta.map_or(Value::None, Value::Obj))?;
        self.remember(r);
        let names: Vec<(Name, Value)> =
            r.with::<Class, _>(&self.th.held, |c| c.names.iter().map(|(n, v)| (n, v.clone())).collect());
        // The members that `__slots__` made are made anew.
        let member = |v: &Value| v.as_ref().is_some_and(|r| r.shape() == TypeId::Member.shape());
        let names: Vec<(Name, Value)> = names.into_iter().filter(|(_, v)| !member(v)).collect();
        self.pairs(&names)
    }

    /// Kinds that `pickle` refuses or takes apart, and processes send as they are.
    pub fn by_value(&mut self, r: &Ref) -> Res<()> {
        match r.kind() {
            Kind::Method => {
                let m = r.frozen::<Method>();
                // A method found through its object needs no function that travels by value.
                if !self.mode.whole() {
                    return self.bound_method(r, m);
                }
                self.fields(Tag::Method, r, &[&m.func, &m.this])
            }
            Kind::Module if self.mode != Mode::Pickle => {
                let n = r.with::<Module, _>(&self.th.held, |m| m.name);
                self.tag(Tag::Module);
                self.name(n);
                Ok(())
            }
            Kind::Cell if self.mode.whole() => {
                let v = r.with::<Cell, _>(&self.th.held, |c| c.0.clone());
                self.tag(Tag::Cell);
                self.remember(r);
                self.value(&v)
            }
            Kind::Descriptor if self.mode.whole() => {
                let d = r.frozen::<Descriptor>();
                self.tag(Tag::Descriptor);
                self.out.push(match d.kind {
                    DescriptorKind::Property => 0,
                    DescriptorKind::ClassMethod => 1,
                    DescriptorKind::StaticMethod => 2,
                    // Made anew with its class, of `__slots__`.
                    DescriptorKind::Member => return Err(self.refuse(r)),
                });
                for v in [&d.get, &d.set, &d.delete, &d.doc] {
                    self.value(v)?;
                }
                self.end(r);
                Ok(())
            }
            _ => Err(self.refuse(r)),
        }
    }

    /// `getattr(object, name)`, as CPython reduces it.
    fn bound_method(&mut self, r: &Ref, m: &Method) -> Res<()> {
        let getattr = self.th.interp.fixed(&self.th.held).builtins.clone();
        let getattr = getattr.with::<Module, _>(&self.th.held, |b| b.names.get(Name::of("getattr")).cloned());
        let n = self.text_attr(&m.func, name::NAME)?.unwrap_or_default();
        let args = vec![m.this.clone(), self.th.str(&n)];
        let args = self.th.tuple(args);
        self.call_of(r, &getattr.unwrap_or_default(), &args)
    }

    /// An instance of a class, an exception, a list of a class derived from list.
    pub fn instance(&mut self, r: &Ref) -> Res<()> {
        let v = Value::Obj(r.clone());
        if let Some(row) = self.reduction(r)? {
            return self.reduced(r, &row);
        }
        let state = self.th.special(&v, Name::of("__getstate__"), &[])?;
        let class = self.th.class_of(r);
        let sets = self
            .th
            .lookup(&class, Name::of("__setstate__"))
            .is_some_and(|f| f.as_ref().is_some_and(|f| f.kind() != Kind::Native));
        let own = self.th.instance_items(r);
        if state.is_none() && !sets {
            self.tag(Tag::Object);
            self.value(&class.into())?;
            self.remember(r);
            self.body(r)?;
            return self.pairs(&own);
        }
        let state = match state {
            Some(s) => s,
            None if own.is_empty() => Value::None,
            None => self.th.names_dict(own),
        };
        self.tag(Tag::Stateful);
        self.value(&class.into())?;
        self.remember(r);
        self.body(r)?;
        self.value(&state)
    }

    /// What `__reduce_ex__` or `__reduce__` of a script says. A member of an enumeration that travels by value is
    /// part of its class, which is not there yet when the member is made: it travels as it is.
    fn reduction(&mut self, r: &Ref) -> Res<Option<Value>> {
        let v = Value::Obj(r.clone());
        let class = self.th.class_of(r);
        if self.mode.whole() && self.th.lookup(&class, Name::of("_member_map_")).is_some() && self.local(&class) {
            return Ok(None);
        }
        match self.th.special(&v, Name::of("__reduce_ex__"), &[Value::Int(4)])? {
            Some(t) => Ok(Some(t)),
            None => match self.th.special(&v, Name::of("__reduce__"), &[])? {
                None if r.kind() == Kind::Exception && self.mode == Mode::Pickle => self.reduced_exception(r).map(Some),
                found => Ok(found),
            },
        }
    }

    /// An exception is made anew by its class from its arguments; its attributes and notes are its state.
    fn reduced_exception(&mut self, r: &Ref) -> Res<Value> {
        let (args, notes, extra) =
            r.with::<Exception, _>(&self.th.held, |e| (e.args.clone(), e.notes.clone(), e.extra.clone()));
        let mut args = tuple_items(&args).map(<[Value]>::to_vec).unwrap_or_default();
        let file = extra.iter().find(|(n, v)| n.text() == "filename" && !v.is_none());
        if let (2, Some((_, file))) = (args.len(), file) {
            args.push(file.clone());
        }
        let mut own = self.th.instance_items(r);
        if !notes.is_none() {
            own.push((name::NOTES, notes));
        }
        let class = self.th.class_of(r);
        let args = self.th.tuple(args);
        let mut row = vec![class.into(), args];
        if !own.is_empty() {
            row.push(self.th.names_dict(own));
        }
        Ok(self.th.tuple(row))
    }

    /// Whether a class is of the main script.
    fn local(&self, class: &Ref) -> bool {
        class.with::<Class, _>(&self.th.held, |c| c.module) == name::MAIN
    }

    /// An instance of a class derived from int, str, tuple and their like.
    pub fn derived(&mut self, r: &Ref) -> Res<()> {
        if let Some(row) = self.reduction(r)? {
            return self.reduced(r, &row);
        }
        let class = self.th.class_of(r);
        self.tag(Tag::Derived);
        self.value(&class.into())?;
        let plain = self.th.underived(r);
        self.value(&plain)?;
        self.end(r);
        let own = self.th.instance_items(r);
        self.pairs(&own)
    }

    /// What lies in the object beside its attributes.
    fn body(&mut self, r: &Ref) -> Res<()> {
        if r.kind() == Kind::Exception { self.exception(r) } else { self.payload(r) }
    }

    fn exception(&mut self, r: &Ref) -> Res<()> {
        let whole = self.mode != Mode::Pickle;
        let (args, cause, context, notes, extra, hide, trail) = r.with::<Exception, _>(&self.th.held, |e| {
            let chain = (e.cause.clone(), e.context.clone());
            let trail = !e.trail.is_empty();
            (e.args.clone(), chain.0, chain.1, e.notes.clone(), e.extra.clone(), e.suppress_context, trail)
        });
        let remote = if whole && trail {
            let shown = self.th.format_exception(&r.clone().into());
            self.th.str(&shown)
        } else {
            Value::None
        };
        self.value(&args)?;
        self.value(&notes)?;
        self.pairs(&extra)?;
        self.value(&remote)?;
        self.out.push((whole && hide) as u8);
        for v in [cause, context] {
            self.value(if whole { &v } else { &Value::None })?;
        }
        Ok(())
    }

    /// What `__reduce__` gave: the name of a global, or (callable, args, state, items, pairs).
    fn reduced(&mut self, r: &Ref, row: &Value) -> Res<()> {
        if let Some(n) = text(row) {
            return self.reduced_name(r, n);
        }
        let Some(parts) = tuple_items(row) else {
            return Err(raise_pickle(self.th, "PicklingError", "__reduce__ must return a string or tuple"));
        };
        if !(2..=6).contains(&parts.len()) {
            let text = "tuple returned by __reduce__ must contain 2 through 6 elements";
            return Err(raise_pickle(self.th, "PicklingError", text));
        }
        if !parts[1].as_ref().is_some_and(|a| a.is::<Tuple>()) {
            let text = "second item of the tuple returned by __reduce__ must be a tuple";
            return Err(raise_pickle(self.th, "PicklingError", text));
        }
        if parts.get(5).is_some_and(|s| !s.is_none()) {
            return Err(raise_pickle(self.th, "PicklingError", "Kit's pickle takes no state setter from __reduce__"));
        }
        let given = |i: usize| parts.get(i).filter(|v| !v.is_none()).cloned();
        self.tag(Tag::Reduced);
        self.value(&parts[0])?;
        self.value(&parts[1])?;
        self.end(r);
        self.value(&given(2).unwrap_or(Value::Unbound))?;
        let items = match given(3) {
            Some(it) => self.th.collect(&it)?,
            None => Vec::new(),
        };
        self.values(&items)?;
        let pairs = match given(4) {
            Some(it) => self.th.collect(&it)?,
            None => Vec::new(),
        };
        self.count(pairs.len());
        for p in pairs {
            let kv = self.th.unpack(&p, 2)?;
            self.value(&kv[0])?;
            self.value(&kv[1])?;
        }
        Ok(())
    }

    fn reduced_name(&mut self, r: &Ref, n: &str) -> Res<()> {
        let module = self.text_attr(&r.clone().into(), name::MODULE)?.unwrap_or_else(|| name::MAIN.text().into());
        match self.find_global(&module, n, r)? {
            None => {
                self.global_tag(&module, n, r);
                Ok(())
            }
            Some(_) => {
                let shown = self.th.repr(&r.clone().into())?;
                let text = format!("Can't pickle {shown}: attribute lookup {n} on {module} failed");
                Err(raise_pickle(self.th, "PicklingError", &text))
            }
        }
    }
}
