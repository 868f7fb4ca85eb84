//! Attributes where a script has its say: `__getattribute__`, `__getattr__`, `__class__ =`, `__slots__`, and what is
//! said when there is none.

use super::thread::{Raised, Res, Thread};
use crate::gil::off;
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::exception::Exception;
use crate::object::function::Function;
use crate::object::instance::Instance;
use crate::object::module::Module;
use crate::object::types::{Cell, Descriptor, List, Super};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};

/// More cached look-ups than this are forgotten when cycles are collected, so that classes that died can go.
const MANY_LOOKUPS: usize = 4096;

impl Thread {
    /// Does its class, or a base, define `__getattribute__`?
    pub(super) fn reads_by_hook(&self, class: &Ref) -> bool {
        class.with::<Class, _>(&self.held, |c| c.has_getattribute)
    }

    /// An attribute as scripts read it: `__getattribute__`, and `__getattr__` where that finds nothing.
    pub(super) fn attr_or_none(&mut self, obj: &Value, attr: Name) -> Res<Option<Value>> {
        let class = self.type_of(obj);
        let found = if self.reads_by_hook(&class) {
            let text = self.str(attr.text());
            self.special(obj, name::GETATTRIBUTE, &[text])
        } else {
            self.attr_plain(obj, &class, attr)
        };
        let scripted = matches!(obj, Value::Obj(r) if TypeId::of_shape(r.shape()).is_none());
        if !scripted || matches!(found, Ok(Some(_))) || attr == name::GETATTR {
            return found;
        }
        if found.is_err() {
            if !self.raised_is(TypeId::AttributeError) || self.lookup(&class, name::GETATTR).is_none() {
                return found;
            }
            drop(self.take_raised());
        }
        let text = self.str(attr.text());
        self.special(obj, name::GETATTR, &[text])
    }

    /// Can a data descriptor be read? One without `__get__` only catches writes.
    pub(super) fn can_get(&self, d: &Ref) -> bool {
        d.kind() != Kind::Instance || self.lookup(&self.class_of(d), name::GET).is_some()
    }

    /// What a classmethod is for a class: what it holds may be a descriptor itself.
    pub(super) fn bind_to_class(&mut self, d: &Descriptor, class: &Ref) -> Res<Value> {
        let (f, this) = (d.get.clone(), Value::from(class.clone()));
        let inner = matches!(&f, Value::Obj(r) if match r.kind() {
            Kind::Descriptor => true,
            Kind::Instance => self.lookup(&self.class_of(r), name::GET).is_some(),
            _ => false,
        });
        if inner { self.bind_found(f, &this, &self.class_of(class)) } else { Ok(self.method(f, this)) }
    }

    #[cold]
    pub(super) fn no_getter(&mut self, property: &Ref, obj: &Value, class: &Ref) -> Raised {
        let line = std::iter::once(class.clone()).chain(class.with::<Class, _>(&self.held, |c| c.mro.clone()));
        let is = |v: &Value| matches!(v, Value::Obj(r) if r.same(property));
        let mut names = line
            .filter_map(|c| c.with::<Class, _>(&self.held, |c| c.names.iter().find(|(_, v)| is(v)).map(|(n, _)| n)));
        let which = names.next().map_or(String::new(), |n| format!(" '{n}'"));
        let text = format!("property{which} of '{}' object has no getter", self.type_name(obj));
        self.raise(TypeId::AttributeError, text)
    }

    /// `obj.__class__ = class`.
    pub(super) fn change_class(&mut self, r: &Ref, v: &Value) -> Res<()> {
        let Some(class) = v.as_ref().filter(|c| c.is::<Class>()) else {
            let got = self.type_name(v);
            return Err(self.type_error(format!("__class__ must be set to a class, not '{got}' object")));
        };
        let old = self.class_of(r);
        let facts = |c: &mut Class| (c.from_script, c.instances, c.only.clone(), c.root, c.name, c.has_del);
        let (script, kind, only, root, name, del) = class.with::<Class, _>(&self.held, facts);
        let (_, old_kind, old_only, _, old_name, _) = old.with::<Class, _>(&self.held, facts);
        if !script {
            let text = "__class__ assignment only supported for mutable types or ModuleType subclasses";
            return Err(self.type_error(text));
        }
        if r.kind() != Kind::Instance || kind != old_kind || only != old_only {
            let text = format!("__class__ assignment: '{name}' object layout differs from '{old_name}'");
            return Err(self.type_error(text));
        }
        let items = self.instance_items(r);
        for (n, _) in &items {
            drop(self.remove_slot(r, *n));
        }
        let old = r.with::<Instance, _>(&self.held, |i| std::mem::replace(&mut i.class, class.clone()));
        r.set_shape(&self.held, root);
        for (n, v) in items {
            self.set_slot(r, n, v);
        }
        if del {
            r.speak_last(&self.held);
        }
        drop(old);
        Ok(())
    }

    /// Names in `__slots__` are not in `__dict__`.
    pub(super) fn leave_out_slots(&self, r: &Ref, items: &mut Vec<(Name, Value)>) {
        let class = self.class_of(r);
        if self.lookup(&class, name::SLOTS).is_none() {
            return;
        }
        let line = class.with::<Class, _>(&self.held, |c| c.mro.clone());
        for c in std::iter::once(&class).chain(&line) {
            let (own, n) = c.with::<Class, _>(&self.held, |c| (c.names.get(name::SLOTS).cloned(), c.name));
            let Some(own) = own else { continue };
            let listed = match &own {
                Value::Obj(l) if l.is::<List>() => l.with::<List, _>(&self.held, |l| l.items.clone()),
                _ => super::make::tuple_items(&own).map_or_else(|| vec![own.clone()], <[Value]>::to_vec),
            };
            let slots: Vec<Name> = listed.iter().filter_map(super::make::text).map(|t| slot_name(n, t)).collect();
            items.retain(|(n, _)| !slots.contains(n));
        }
    }

    /// Is it a slot of `__slots__` that has no value?
    pub(super) fn empty_slot(&self, r: &Ref, attr: Name) -> bool {
        r.kind() == Kind::Instance
            && self.class_of(r).with::<Class, _>(&self.held, |c| c.only.as_ref().is_some_and(|o| o.contains(&attr)))
    }

    /// A class has got `__getattribute__` after it was made: so have those derived from it.
    pub(super) fn hook_reads(&mut self, class: &Ref) {
        let interp = self.interp;
        let mut all = Vec::new();
        self.held.alone(|alone| {
            interp.heap.for_each(alone, |r| {
                if r.is::<Class>() {
                    all.push(r.clone());
                }
            });
        });
        for r in all {
            if self.is_subclass(&r, class) {
                r.with::<Class, _>(&self.held, |c| c.has_getattribute = true);
            }
        }
    }

    /// Collects dead cycles; how many objects they were. `all`: however little there is to gain (C2). While
    /// the lock is off lookups have another table, which others may be reading.
    pub fn collect_cycles(&mut self, all: bool) -> usize {
        let known = self.interp.lookups.with(&self.held, |l| l.values.len());
        if !off() && (all || known > MANY_LOOKUPS) {
            self.forget_slots();
            let old = self.interp.lookups.with(&self.held, |l| {
                l.index.clear();
                l.by_name.values_mut().for_each(|(_, places)| places.clear());
                std::mem::take(&mut l.values)
            });
            drop(old);
        }
        self.interp.heap.collect(&mut self.held)
    }

    /// `locals()`: of a module its globals; of a class body its names; of a function a copy of its variables.
    pub fn local_names(&mut self) -> Res<Value> {
        let Some((base, func_at)) = self.frames.last().map(|f| (f.base, f.func_at())) else {
            return Ok(self.dict().into());
        };
        let Some(func) = self.function_at(func_at) else { return Ok(self.dict().into()) };
        let (code, module) = func.with::<Function, _>(&self.held, |f| (f.code.clone(), f.module.clone()));
        let code = code.frozen::<CodeObj>().code.clone();
        if code.flags.class_body {
            let Value::Obj(names) = self.reg(base) else { return Ok(self.dict().into()) };
            let items = names.with::<Module, _>(&self.held, |m| m.names.iter().map(|(n, v)| (n, v.clone())).collect());
            return Ok(self.names_dict(items));
        }
        if &*code.name == "<module>" {
            return self.get_attr(&module.into(), name::DICT);
        }
        let cells = code.cells();
        let mut items = Vec::new();
        for (at, n) in code.locals.iter().enumerate() {
            let mut v = self.reg(base + at as u32);
            if let Value::Obj(c) = &v
                && c.is::<Cell>()
                && (cells.contains(&(at as u16)) || code.capture_names.contains(n))
            {
                v = c.with::<Cell, _>(&self.held, |c| c.0.clone());
            }
            if !n.is_empty() && !v.is_unbound() {
                items.push((Name::of(n), v));
            }
        }
        Ok(self.names_dict(items))
    }

    /// A field that a builtin class of exceptions has although nothing has set it: None, or one of the arguments.
    #[cold]
    pub(super) fn exception_field(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        type Fields = &'static [(&'static str, Option<usize>)];
        const FIELDS: &[(TypeId, Fields)] = &[
            (TypeId::OSError, &[("errno", None), ("strerror", None), ("filename", None), ("filename2", None)]),
            (TypeId::ImportError, &[("msg", Some(0)), ("name", None), ("path", None)]),
            (
                TypeId::SyntaxError,
                &[("msg", Some(0)), ("filename", None), ("lineno", None), ("offset", None), ("text", None)],
            ),
            (TypeId::NameError, &[("name", None)]),
            (TypeId::AttributeError, &[("name", None), ("obj", None)]),
            (TypeId::UnicodeDecodeError, UNICODE),
            (TypeId::UnicodeEncodeError, UNICODE),
        ];
        const UNICODE: Fields =
            &[("encoding", Some(0)), ("object", Some(1)), ("start", Some(2)), ("end", Some(3)), ("reason", Some(4))];
        let this = Value::Obj(r.clone());
        let of = FIELDS.iter().filter(|(t, _)| self.is_a(&this, *t));
        let (_, at) = of.flat_map(|(_, fields)| *fields).find(|(n, _)| *n == attr.text())?;
        let args = r.with::<Exception, _>(&self.held, |e| e.args.clone());
        Some(at.and_then(|at| super::make::tuple_items(&args)?.get(at).cloned()).unwrap_or(Value::None))
    }

    #[cold]
    pub(super) fn no_attribute(&mut self, obj: &Value, attr: Name) -> Raised {
        let text = match obj {
            Value::Obj(r) if r.is::<Class>() => {
                format!("type object '{}' has no attribute '{attr}'", self.class_name(r))
            }
            Value::Obj(r) if r.is::<Module>() => {
                let n = r.with::<Module, _>(&self.held, |m| m.name);
                format!("module '{n}' has no attribute '{attr}'")
            }
            Value::Obj(r) if r.is::<Super>() => format!("'super' object has no attribute '{attr}'"),
            _ => format!("'{}' object has no attribute '{attr}'", self.type_name(obj)),
        };
        let n = self.str(attr.text());
        self.raise_extra(TypeId::AttributeError, text, vec![(name::NAME_ATTR, n), (name::OBJ, obj.clone())])
    }
}

/// The name under which a slot is kept: private names belong to their class.
pub(super) fn slot_name(class: Name, t: &str) -> Name {
    let hidden = t.starts_with("__") && !t.ends_with("__");
    if hidden { Name::of(&format!("_{}{t}", class.text().trim_start_matches('_'))) } else { Name::of(t) }
}
