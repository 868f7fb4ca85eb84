//! Making what a frame describes: classes, functions, instances; each checked against what a script could make (P3).

use super::decode::Decoder;
use super::wire::{REMOTE_TRACEBACK, Tag};
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::deque::Deque;
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::function::Function;
use crate::object::module::Namespace;
use crate::object::types::{Cell, Descriptor, DescriptorKind, List, Tuple};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::Res;
use crate::vm::make::tuple_items;

impl Decoder<'_> {
    pub fn builtin_type(&mut self) -> Res<Value> {
        let n = self.name()?;
        match TypeId::ALL.iter().find(|t| t.name() == n.text()) {
            Some(t) => Ok(self.th.interp.class(&self.th.held, *t).clone().into()),
            None => self.fail(&format!("no builtin type '{n}' in this Kit")),
        }
    }

    /// What is found under a name with dots in a module.
    pub fn global(&mut self) -> Res<Value> {
        let (module, path) = (self.name()?, self.text()?);
        let mut at = self.module(module)?;
        for part in path.split('.') {
            let Some(v) = self.th.find_attr(&at, Name::of(part))? else {
                let shown = self.th.repr(&at)?;
                let text = format!("Can't get attribute '{path}' on {shown}");
                return Err(self.th.raise(TypeId::AttributeError, text));
            };
            at = v;
        }
        self.remember(at.clone());
        Ok(at)
    }

    /// A builtin function: the one in its module or type if it is there, so that identity holds.
    pub fn native(&mut self, tag: Tag) -> Res<Value> {
        let (module, n) = (self.name()?, self.name()?);
        let Some(row) = self.th.interp.native(module.text(), n.text()) else {
            return self.fail(&format!("no builtin function {module}.{n} in this Kit"));
        };
        let method = self.th.interp.natives[row as usize].method;
        let owner = TypeId::ALL.iter().find(|t| t.name() == module.text()).copied();
        if tag == Tag::BoundNative {
            let this = self.value()?;
            let of_class = self.th.interp.natives[row as usize].signature.starts_with("cls");
            let fits = match (method, owner) {
                (true, Some(_)) if of_class => this.as_ref().is_some_and(|c| c.is::<Class>()),
                (true, Some(t)) => self.th.is_a(&this, t),
                _ => false,
            };
            if !fits {
                return self.fail(&format!("{module}.{n} is bound to something else"));
            }
            let v = self.th.native(row, this);
            return self.end(v);
        }
        let place = match owner {
            Some(t) if method => Value::Obj(self.th.interp.class(&self.th.held, t).clone()),
            _ if module == name::BUILTINS => Value::Obj(self.th.interp.fixed(&self.th.held).builtins.clone()),
            // Constructors are in no module: only calling a class reaches them.
            _ if module.text() == "new" => return self.fail("a constructor without its class"),
            _ => self.module(module)?,
        };
        match self.th.find_attr(&place, n)? {
            Some(v) if v.as_ref().is_some_and(|r| r.kind() == Kind::Native) => Ok(v),
            _ => Ok(self.th.native(row, Value::Unbound)),
        }
    }

    pub fn descriptor(&mut self) -> Res<Value> {
        let (kind, t) = match self.byte()? {
            0 => (DescriptorKind::Property, TypeId::Property),
            1 => (DescriptorKind::ClassMethod, TypeId::ClassMethod),
            2 => (DescriptorKind::StaticMethod, TypeId::StaticMethod),
            _ => return self.fail("a descriptor of no kind"),
        };
        let d = Descriptor { kind, get: self.value()?, set: self.value()?, delete: self.value()?, doc: self.value()? };
        let d = Ref::new(&self.th.held, t.shape(), d);
        self.end(d.into())
    }

    /// A function; code that scripts cannot call by hand is refused (P3).
    pub fn function(&mut self) -> Res<Value> {
        let code = self.expect_code()?;
        let bound = code.frozen::<CodeObj>();
        if bound.code.flags.class_body || bound.code.name.starts_with('<') && &*bound.code.name != "<lambda>" {
            return self.fail("this is not the code of a function");
        }
        let (captures, params) = (bound.code.captures.len(), &bound.code.params);
        // Until its cells are there the function has unset ones: a cycle may call it.
        let unset = |_| Value::Obj(Ref::new(&self.th.held, TypeId::Cell.shape(), Cell(Value::Unbound)));
        let f = Function {
            code: code.clone(),
            module: bound.module.clone(),
            defaults: Value::None,
            kwdefaults: Value::None,
            closure: (0..captures).map(unset).collect(),
            name: Name::of(&bound.code.name),
            qualname: bound.code.qualname.clone(),
            doc: Value::None,
            annotations: Value::None,
            attrs: Vec::new(),
        };
        let f = Ref::new(&self.th.held, TypeId::Function.shape(), f);
        self.remember(f.clone().into());
        let (n, qualname) = (self.name()?, self.text()?);
        let (doc, defaults, kwdefaults, annotations) = (self.value()?, self.value()?, self.value()?, self.value()?);
        let closure = self.values()?;
        let attrs = self.pairs()?;
        let positional = params.positional as usize;
        let dict_or_none = |v: &Value| v.is_none() || v.as_ref().is_some_and(|d| d.is::<Dict>());
        if !(defaults.is_none() || tuple_items(&defaults).is_some_and(|d| d.len() <= positional))
            || !dict_or_none(&kwdefaults)
            || !dict_or_none(&annotations)
            || closure.len() != captures
            || closure.iter().any(|c| !c.as_ref().is_some_and(|c| c.is::<Cell>()))
        {
            return self.fail(&format!("a function that does not fit the code of {qualname}"));
        }
        let old = f.with::<Function, _>(&self.th.held, |f| {
            f.name = n;
            f.qualname = qualname.into();
            f.doc = doc;
            f.defaults = defaults;
            f.kwdefaults = kwdefaults;
            f.annotations = annotations;
            f.attrs = attrs;
            std::mem::replace(&mut f.closure, closure.into())
        });
        drop(old);
        Ok(f.into())
    }

    pub fn class(&mut self) -> Res<Value> {
        let (n, qualname, module) = (self.name()?, self.text()?, self.name()?);
        let bases = self.values()?;
        let mut names = Namespace::default();
        let (qualname, module) = (self.th.str(qualname), self.th.str(module.text()));
        names.set(name::QUALNAME, qualname);
        names.set(name::MODULE, module);
        let meta = match self.value()? {
            Value::None => None,
            Value::Obj(m) if m.is::<Class>() => Some(m),
            _ => return self.fail("a metaclass that is no class"),
        };
        let class = self.th.make_class(n, bases, names, meta)?;
        self.remember(class.clone().into());
        for (n, v) in self.pairs()? {
            let is_abstract = n == name::ABSTRACT && self.th.truth(&v)?;
            let old = class.with::<Class, _>(&self.th.held, |c| {
                c.has_del |= n == name::DEL;
                c.is_abstract |= is_abstract;
                c.names.set(n, v)
            });
            self.th.class_changed(n);
            drop(old);
        }
        Ok(class.into())
    }

    pub fn derived(&mut self) -> Res<Value> {
        let (class, plain) = (self.value()?, self.value()?);
        let class = match class {
            Value::Obj(c) if c.is::<Class>() && self.th.derives_value(&c) => c,
            _ => return self.fail("a value of a class that is derived from no immutable type"),
        };
        if !self.th.derivable(&class, &plain) {
            return self.fail("a value that is not of its class's type");
        }
        let made = self.th.derive(&class, plain);
        let made = self.end(made)?;
        let own = self.pairs()?;
        let Value::Obj(r) = &made else { return self.fail("a derived value that is no object") };
        self.set_own(r, own)?;
        Ok(made)
    }

    pub fn instance(&mut self, tag: Tag) -> Res<Value> {
        let class = match self.value()? {
            Value::Obj(c) if c.is::<Class>() => c,
            _ => return self.fail("an instance of no class"),
        };
        // Types that are closed have values of other forms, or none that a frame could describe.
        if !class.with::<Class, _>(&self.th.held, |c| c.subclassable) {
            return self.fail("an instance of a closed type");
        }
        let v = self.th.new_object(&class)?;
        let Value::Obj(r) = &v else { return self.fail("an instance of no class") };
        self.remember(v.clone());
        if r.kind() == Kind::Exception {
            self.exception(r)?
        } else {
            self.payload(r)?
        }
        if tag == Tag::Object {
            let own = self.pairs()?;
            self.set_own(r, own)?;
        } else {
            let state = self.value()?;
            if !state.is_none() {
                self.set_state(&v, state)?;
            }
        }
        Ok(v)
    }

    /// Fills a list, dict or set, also one of a derived class.
    pub fn payload(&mut self, r: &Ref) -> Res<()> {
        match r.kind() {
            Kind::List => {
                for _ in 0..self.count()? {
                    let v = self.value()?;
                    r.with::<List, _>(&self.th.held, |l| l.items.push(v));
                }
            }
            Kind::Deque => {
                let max = self.number()?.checked_sub(1).map(|max| max as usize);
                r.with::<Deque, _>(&self.th.held, |d| d.max = max);
                for _ in 0..self.count()? {
                    let v = self.value()?;
                    drop(r.with::<Deque, _>(&self.th.held, |d| d.push(v)));
                }
            }
            Kind::Set => {
                for _ in 0..self.count()? {
                    let v = self.value()?;
                    self.th.set_add(r, v)?;
                }
            }
            Kind::Dict => {
                for _ in 0..self.count()? {
                    let (k, v) = (self.value()?, self.value()?);
                    self.th.dict_set(r, k, v)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn exception(&mut self, r: &Ref) -> Res<()> {
        let (args, notes, mut extra, remote) = (self.value()?, self.value()?, self.pairs()?, self.value()?);
        let hide = self.byte()? != 0;
        let (cause, context) = (self.value()?, self.value()?);
        let is_exception = |v: &Value| v.is_none() || v.as_ref().is_some_and(|e| e.kind() == Kind::Exception);
        if !args.as_ref().is_some_and(|a| a.is::<Tuple>()) || !is_exception(&cause) || !is_exception(&context) {
            return self.fail("an exception without arguments, or in a chain of other things");
        }
        if !remote.is_none() {
            extra.retain(|(n, _)| n.text() != REMOTE_TRACEBACK);
            extra.push((Name::of(REMOTE_TRACEBACK), remote));
        }
        let old = r.with::<Exception, _>(&self.th.held, |e| {
            e.notes = notes;
            e.extra = extra;
            e.suppress_context = hide;
            let chain = (std::mem::replace(&mut e.cause, cause), std::mem::replace(&mut e.context, context));
            (std::mem::replace(&mut e.args, args), chain)
        });
        drop(old);
        Ok(())
    }

    /// `__setstate__`, else attributes from a dict, or from (dict or None, dict).
    fn set_state(&mut self, v: &Value, state: Value) -> Res<()> {
        if self.th.special(v, Name::of("__setstate__"), std::slice::from_ref(&state))?.is_some() {
            return Ok(());
        }
        let Value::Obj(r) = v else { return self.fail("state of something that has no attributes") };
        let parts = match tuple_items(&state) {
            Some([a, b]) => vec![a.clone(), b.clone()],
            _ => vec![state],
        };
        for part in parts.into_iter().filter(|p| !p.is_none()) {
            let Value::Obj(d) = &part else { return self.fail("state is not a dictionary") };
            if !d.is::<Dict>() {
                return self.fail("state is not a dictionary");
            }
            let mut own = Vec::new();
            for (k, v) in self.th.dict_items(d) {
                let k = self.th.expect_str(&k, "attribute name")?.to_string();
                own.push((Name::of(&k), v));
            }
            self.set_own(r, own)?;
        }
        Ok(())
    }

    /// Attributes of the object itself, past properties and `__setattr__`.
    fn set_own(&mut self, r: &Ref, own: Vec<(Name, Value)>) -> Res<()> {
        let class = self.th.class_of(r);
        let script = class.with::<Class, _>(&self.th.held, |c| c.from_script);
        for (n, v) in own {
            match r.kind() {
                Kind::Instance | Kind::List | Kind::Deque | Kind::Dict | Kind::Set | Kind::Exception if script => {
                    self.th.set_slot(r, n, v)
                }
                _ => self.th.set_attr_plain(&r.clone().into(), n, v)?,
            }
        }
        Ok(())
    }

    /// What `__reduce__` described: a call, then state, items and pairs.
    pub fn reduced(&mut self) -> Res<Value> {
        let (f, args) = (self.value()?, self.value()?);
        let Some(args) = tuple_items(&args).map(<[Value]>::to_vec) else {
            return self.fail("a call without arguments");
        };
        // A cycle has made it already if the end says so: then it is not made twice.
        let made = match self.number()? {
            0 => {
                let v = self.th.call(&f, &args)?;
                self.remember(v.clone());
                v
            }
            at => self.remembered(at - 1)?,
        };
        let state = self.value_or_unbound()?;
        if !state.is_unbound() {
            self.set_state(&made, state)?;
        }
        for v in self.values()? {
            self.th.call_method(&made, Name::of("append"), &[v])?;
        }
        for _ in 0..self.count()? {
            let (k, v) = (self.value()?, self.value()?);
            self.th.set_item(&made, &k, v)?;
        }
        Ok(made)
    }
}
