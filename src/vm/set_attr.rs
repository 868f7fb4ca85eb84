//! Attributes: setting and deleting.

use super::attr::{IN_CLASS, cache_word};
use super::thread::{Raised, Res, Thread};
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::function::Function;
use crate::object::module::Module;
use crate::object::types::Descriptor;
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

impl Thread {
    pub fn set_attr(&mut self, obj: &Value, attr: Name, v: Value) -> Res<()> {
        let text = self.str(attr.text());
        if self.special(obj, name::SETATTR, &[text, v.clone()])?.is_some() {
            return Ok(());
        }
        self.set_attr_plain(obj, attr, v)
    }

    /// `object.__setattr__`: without asking the class's own `__setattr__`.
    pub fn set_attr_plain(&mut self, obj: &Value, attr: Name, v: Value) -> Res<()> {
        let Value::Obj(r) = obj else {
            return Err(self.read_only(obj, attr));
        };
        match r.kind() {
            Kind::Class => self.set_class_attr(r, attr, v),
            Kind::Module => {
                let old = r.with::<Module, _>(&self.held, |m| m.names.set(attr, v));
                drop(old);
                Ok(())
            }
            Kind::Function => self.set_function_attr(r, attr, v),
            Kind::Exception if self.set_exception_attr(r, attr, &v)? => Ok(()),
            _ => {
                let class = self.class_of(r);
                if let Some(Value::Obj(d)) = self.lookup(&class, attr)
                    && self.is_data_descriptor(&d)
                {
                    return self.set_through(&d, obj, attr, v);
                }
                if TypeId::of_shape(r.shape()).is_some() {
                    if r.kind() == Kind::Exception {
                        r.with::<Exception, _>(&self.held, |e| {
                            e.extra.retain(|(n, _)| *n != attr);
                            e.extra.push((attr, v));
                        });
                        return Ok(());
                    }
                    return Err(self.read_only(obj, attr));
                }
                if attr == name::CLASS {
                    return self.change_class(r, &v);
                }
                if attr == name::DICT {
                    return self.replace_names(r, &v);
                }
                if class.with::<Class, _>(&self.held, |c| c.only.as_ref().is_some_and(|o| !o.contains(&attr))) {
                    return Err(self.no_slot(obj, &class, attr));
                }
                self.set_slot(r, attr, v);
                Ok(())
            }
        }
    }

    #[cold]
    fn no_slot(&mut self, obj: &Value, class: &Ref, attr: Name) -> Raised {
        if self.lookup(class, attr).is_some() { self.read_only(obj, attr) } else { self.no_attribute(obj, attr) }
    }

    /// `obj.__dict__ = names`.
    fn replace_names(&mut self, r: &Ref, names: &Value) -> Res<()> {
        let items = match names {
            Value::Obj(d) if d.is::<Dict>() => self.dict_items(d),
            _ => {
                let got = self.type_name(names);
                return Err(self.type_error(format!("__dict__ must be set to a dictionary, not a '{got}'")));
            }
        };
        for (n, _) in self.instance_items(r) {
            drop(self.remove_slot(r, n));
        }
        for (k, v) in items {
            let Some(n) = super::make::text(&k).map(Name::of) else {
                return Err(self.type_error("Kit's attribute names are str"));
            };
            self.set_slot(r, n, v);
        }
        Ok(())
    }

    fn set_through(&mut self, d: &Ref, obj: &Value, attr: Name, v: Value) -> Res<()> {
        if let Some(p) = d.get::<Descriptor>() {
            let setter = p.set.clone();
            if setter.is_none() {
                if p.get.as_ref().is_some_and(|g| g.kind() == Kind::Native) {
                    let text = format!("attribute '{attr}' of '{}' objects is not writable", self.type_name(obj));
                    return Err(self.raise(TypeId::AttributeError, text));
                }
                let text = format!("property '{attr}' of '{}' object has no setter", self.type_name(obj));
                return Err(self.raise(TypeId::AttributeError, text));
            }
            return self.call(&setter, &[obj.clone(), v]).map(drop);
        }
        let class = self.class_of(d);
        match self.lookup(&class, name::SET) {
            Some(f) => self.call(&f, &[d.clone().into(), obj.clone(), v]).map(drop),
            None => Err(self.raise(TypeId::AttributeError, "__set__")),
        }
    }

    fn set_class_attr(&mut self, class: &Ref, attr: Name, v: Value) -> Res<()> {
        let (script, n) = class.with::<Class, _>(&self.held, |c| (c.from_script, c.name));
        if !script {
            return Err(self.type_error(format!("cannot set '{attr}' attribute of immutable type '{n}'")));
        }
        if matches!(attr, name::NAME | name::QUALNAME | name::MODULE) {
            return self.rename_class(class, attr, &v);
        }
        let shadows = matches!(&v, Value::Obj(d) if self.is_data_descriptor(d));
        if attr == name::ABSTRACT {
            let some = self.truth(&v)?;
            class.with::<Class, _>(&self.held, |c| c.is_abstract = some);
        }
        if attr == name::GETATTRIBUTE {
            self.hook_reads(class);
        }
        let old = class.with::<Class, _>(&self.held, |c| c.names.set(attr, v));
        self.class_changed(attr);
        if shadows || attr == name::GETATTRIBUTE {
            self.forget_slots();
        }
        drop(old);
        Ok(())
    }

    /// The names that a class object itself keeps.
    fn rename_class(&mut self, class: &Ref, attr: Name, v: &Value) -> Res<()> {
        let Some(t) = super::make::text(v) else {
            let (n, got) = (self.class_name(class), self.type_name(v));
            return Err(self.type_error(format!("can only assign string to {n}.{attr}, not '{got}'")));
        };
        class.with::<Class, _>(&self.held, |c| match attr {
            name::NAME => c.name = Name::of(t),
            name::QUALNAME => c.qualname = t.into(),
            _ => c.module = Name::of(t),
        });
        Ok(())
    }

    /// A data descriptor has appeared in a finished class: slots cached under its name would hide it.
    /// Rare, so all caches of all code go.
    pub(super) fn forget_slots(&mut self) {
        let interp = self.interp;
        self.held.alone(|alone| {
            interp.heap.for_each(alone, |r| {
                if let Some(code) = r.get::<CodeObj>() {
                    for c in &code.caches {
                        c.store(0, Relaxed);
                    }
                }
            });
        });
    }

    fn set_function_attr(&mut self, f: &Ref, attr: Name, v: Value) -> Res<()> {
        let text = super::make::text(&v).map(Box::<str>::from);
        let wrong = match attr {
            name::NAME | name::QUALNAME if text.is_none() => Some(format!("{attr} must be set to a string object")),
            name::CODE | name::MODULE if attr == name::CODE => Some("Kit cannot change a function's __code__".into()),
            _ => None,
        };
        if let Some(wrong) = wrong {
            return Err(self.type_error(wrong));
        }
        let old = f.with::<Function, _>(&self.held, |f| match (attr, text) {
            (name::NAME, Some(t)) => {
                f.name = Name::of(&t);
                Value::None
            }
            (name::QUALNAME, Some(t)) => {
                f.qualname = t;
                Value::None
            }
            (name::DOC, _) => std::mem::replace(&mut f.doc, v),
            (name::DEFAULTS, _) => std::mem::replace(&mut f.defaults, v),
            (name::KWDEFAULTS, _) => std::mem::replace(&mut f.kwdefaults, v),
            (name::ANNOTATIONS, _) => std::mem::replace(&mut f.annotations, v),
            _ => match f.attrs.iter_mut().find(|(n, _)| *n == attr) {
                Some((_, place)) => std::mem::replace(place, v),
                None => {
                    f.attrs.push((attr, v));
                    Value::None
                }
            },
        });
        drop(old);
        Ok(())
    }

    /// The fields that every exception has. False: the name is not one of them.
    fn set_exception_attr(&mut self, r: &Ref, attr: Name, v: &Value) -> Res<bool> {
        let v = v.clone();
        if matches!(attr, name::CAUSE | name::CONTEXT) && !v.is_none() && !self.is_a(&v, TypeId::BaseException) {
            let which = if attr == name::CAUSE { "cause" } else { "context" };
            return Err(self.type_error(format!("exception {which} must be None or derive from BaseException")));
        }
        let v = if attr == name::ARGS {
            let items = self.collect(&v)?;
            self.tuple(items)
        } else {
            v
        };
        let truth = if attr == name::SUPPRESS_CONTEXT { self.truth(&v)? } else { false };
        let old = r.with::<Exception, _>(&self.held, |e| {
            Some(match attr {
                name::CAUSE => {
                    e.suppress_context = true;
                    std::mem::replace(&mut e.cause, v)
                }
                name::CONTEXT => std::mem::replace(&mut e.context, v),
                name::ARGS => std::mem::replace(&mut e.args, v),
                name::NOTES => std::mem::replace(&mut e.notes, v),
                name::SUPPRESS_CONTEXT => {
                    e.suppress_context = truth;
                    Value::None
                }
                name::TRACEBACK => Value::None,
                _ => match e.extra.iter_mut().find(|(n, _)| *n == attr) {
                    Some((_, place)) => std::mem::replace(place, v),
                    None => return None,
                },
            })
        });
        Ok(old.is_some())
    }

    /// How CPython refuses to write depends on what stands in the class.
    fn cannot_write(&self, obj: &Value, attr: Name, class: &str) -> String {
        match (obj, attr.text()) {
            (Value::Int(_) | Value::Bool(_), "real" | "imag" | "numerator" | "denominator") => {
                format!("attribute '{attr}' of 'int' objects is not writable")
            }
            (Value::Float(_), "real" | "imag") => format!("attribute '{attr}' of 'float' objects is not writable"),
            _ => format!("'{class}' object attribute '{attr}' is read-only"),
        }
    }

    #[cold]
    fn read_only(&mut self, obj: &Value, attr: Name) -> Raised {
        let class = self.type_of(obj);
        let n = self.class_name(&class);
        if self.lookup(&class, attr).is_some() {
            return self.raise(TypeId::AttributeError, self.cannot_write(obj, attr, n.text()));
        }
        if matches!(obj, Value::Obj(r) if matches!(r.kind(), Kind::Slice | Kind::Range | Kind::LongRange))
            && matches!(attr.text(), "start" | "stop" | "step")
        {
            return self.raise(TypeId::AttributeError, "readonly attribute");
        }
        self.no_attribute(obj, attr)
    }

    pub fn del_attr(&mut self, obj: &Value, attr: Name) -> Res<()> {
        if self.has_special(obj, name::DELATTR) {
            let text = self.str(attr.text());
            if self.special(obj, name::DELATTR, &[text])?.is_some() {
                return Ok(());
            }
        }
        self.del_attr_plain(obj, attr)
    }

    /// `object.__delattr__`.
    pub fn del_attr_plain(&mut self, obj: &Value, attr: Name) -> Res<()> {
        let Value::Obj(r) = obj else {
            return Err(self.read_only(obj, attr));
        };
        let old = match r.kind() {
            Kind::Class => {
                let (script, n) = r.with::<Class, _>(&self.held, |c| (c.from_script, c.name));
                if !script {
                    return Err(self.type_error(format!("cannot delete '{attr}' attribute of immutable type '{n}'")));
                }
                let old = r.with::<Class, _>(&self.held, |c| c.names.remove(attr));
                self.class_changed(attr);
                old
            }
            Kind::Module => r.with::<Module, _>(&self.held, |m| m.names.remove(attr)),
            Kind::Function => r.with::<Function, _>(&self.held, |f| {
                let at = f.attrs.iter().position(|(n, _)| *n == attr)?;
                Some(f.attrs.remove(at).1)
            }),
            _ => {
                let class = self.class_of(r);
                if let Some(Value::Obj(d)) = self.lookup(&class, attr)
                    && self.is_data_descriptor(&d)
                {
                    return self.delete_through(&d, obj, attr);
                }
                self.remove_slot(r, attr)
            }
        };
        match old {
            Some(_) => Ok(()),
            None => Err(match obj {
                Value::Obj(r) if r.is::<Class>() => {
                    let n = self.class_name(r);
                    self.raise(TypeId::AttributeError, format!("type object '{n}' has no attribute '{attr}'"))
                }
                Value::Obj(r) if self.empty_slot(r, attr) => self.raise(TypeId::AttributeError, attr.text()),
                _ => self.no_attribute(obj, attr),
            }),
        }
    }

    fn delete_through(&mut self, d: &Ref, obj: &Value, attr: Name) -> Res<()> {
        if let Some(p) = d.get::<Descriptor>() {
            let f = p.delete.clone();
            if f.is_none() {
                let text = format!("property '{attr}' of '{}' object has no deleter", self.type_name(obj));
                return Err(self.raise(TypeId::AttributeError, text));
            }
            return self.call(&f, std::slice::from_ref(obj)).map(drop);
        }
        let class = self.class_of(d);
        match self.lookup(&class, name::DELETE) {
            Some(f) => self.call(&f, &[d.clone().into(), obj.clone()]).map(drop),
            None => Err(self.raise(TypeId::AttributeError, "__delete__")),
        }
    }

    /// Sets an attribute and fills the cache of its site: with the slot where it was there before, else
    /// with the shape that the instance has grown to.
    pub(super) fn store_attr(&mut self, obj: &Value, attr: Name, v: Value, cache: &AtomicU64) -> Res<()> {
        let before = obj.as_ref().map_or(0, |r| r.shape());
        self.set_attr(obj, attr, v)?;
        let Value::Obj(r) = obj else { return Ok(()) };
        if r.kind() != Kind::Instance {
            return Ok(());
        }
        let after = r.shape();
        let Some(slot) = self.interp.shapes.with(&self.held, |s| s.slot(after, attr)) else { return Ok(()) };
        let class = self.class_of(r);
        let hooked =
            self.lookup(&class, name::SETATTR).is_some_and(|f| f.as_ref().is_some_and(|f| f.kind() != Kind::Native));
        let shadowed = matches!(self.lookup(&class, attr), Some(Value::Obj(d)) if self.is_data_descriptor(&d));
        if hooked || shadowed {
            return Ok(());
        }
        if after == before {
            cache.store(cache_word(after, slot), Relaxed);
        } else if self.interp.shapes.with(&self.held, |s| s.with(before, attr)) == after {
            self.interp.sizes.put(after, slot as usize + 1);
            cache.store(cache_word(before, IN_CLASS | after), Relaxed);
        }
        Ok(())
    }
}
