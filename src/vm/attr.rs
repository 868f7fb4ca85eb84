//! Attributes: reading, setting, deleting, binding, and the one-word caches.
//!
//! A cache word is {shape: 32, place: 32}: place below `IN_CLASS` is a slot of the object, else a place
//! in the interpreter's table of look-ups (C1 in interp.rs), whose value is used unbound by method
//! calls. 0 is an empty cache: shape 0 is `object`'s, whose instances have no attributes.

use super::thread::{Res, Thread};
use crate::object::class::Class;
use crate::object::exception::Exception;
use crate::object::function::{Function, Method, Native};
use crate::object::instance::Instance;
use crate::object::module::Module;
use crate::object::types::{Cell, Descriptor, DescriptorKind, Super, View};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Places at or above this are in the table of look-ups.
pub const IN_CLASS: u32 = 1 << 31;

#[inline(always)]
pub fn cache_word(shape: u32, place: u32) -> u64 {
    (shape as u64) << 32 | place as u64
}

impl Thread {
    pub fn get_attr(&mut self, obj: &Value, attr: Name) -> Res<Value> {
        match self.attr_or_none(obj, attr)? {
            Some(v) => Ok(v),
            None => Err(self.no_attribute(obj, attr)),
        }
    }

    /// `object.__getattribute__`.
    pub fn get_attr_plain(&mut self, obj: &Value, attr: Name) -> Res<Value> {
        let class = self.type_of(obj);
        match self.attr_plain(obj, &class, attr)? {
            Some(v) => Ok(v),
            None => Err(self.no_attribute(obj, attr)),
        }
    }

    /// `None` when there is no such attribute, also when `__getattr__` says so.
    pub fn find_attr(&mut self, obj: &Value, attr: Name) -> Res<Option<Value>> {
        let r = self.attr_or_none(obj, attr);
        Ok(self.catch(r, TypeId::AttributeError)?.flatten())
    }

    /// `object.__getattribute__`: without the class's own hooks.
    pub(super) fn attr_plain(&mut self, obj: &Value, class: &Ref, attr: Name) -> Res<Option<Value>> {
        if let Value::Obj(r) = obj {
            match r.kind() {
                Kind::Class => return self.class_attr(r, attr),
                Kind::Super => return self.super_attr(r, attr),
                Kind::Module => return self.module_attr(r, attr),
                _ => {}
            }
        }
        // Every class has a doc of its own, if only None.
        let in_class = match attr {
            name::DOC => class.with::<Class, _>(&self.held, |c| c.names.get(attr).cloned()),
            _ => self.lookup(class, attr),
        };
        if let Some(Value::Obj(d)) = &in_class
            && self.is_data_descriptor(d)
            && self.can_get(d)
        {
            return self.bind_found(Value::Obj(d.clone()), obj, class).map(Some);
        }
        if let Value::Obj(r) = obj {
            if let Some(v) = self.slot_value(r, attr) {
                return Ok(Some(v));
            }
            if let Some(v) = self.own_attr(r, attr)? {
                return Ok(Some(v));
            }
        }
        if let Some(found) = in_class {
            return self.bind_found(found, obj, class).map(Some);
        }
        if attr == name::CLASS {
            return Ok(Some(class.clone().into()));
        }
        if attr == name::DOC {
            return Ok(Some(Value::None));
        }
        Ok(None)
    }

    /// Does it win over an instance's own attribute?
    pub(super) fn is_data_descriptor(&self, d: &Ref) -> bool {
        match d.kind() {
            Kind::Descriptor => d.frozen::<Descriptor>().kind == DescriptorKind::Property,
            Kind::Instance => {
                let class = self.class_of(d);
                self.lookup(&class, name::SET).is_some() || self.lookup(&class, name::DELETE).is_some()
            }
            _ => false,
        }
    }

    /// What an attribute found in a class is for an instance.
    pub(super) fn bind_found(&mut self, found: Value, obj: &Value, class: &Ref) -> Res<Value> {
        let Value::Obj(r) = &found else {
            return Ok(found);
        };
        match r.kind() {
            Kind::Function => Ok(self.method(found, obj.clone())),
            Kind::Native => {
                let n = r.frozen::<Native>();
                if n.this.is_unbound() && self.interp.natives[n.row as usize].method {
                    Ok(self.native(n.row, obj.clone()))
                } else {
                    Ok(found)
                }
            }
            Kind::Descriptor => {
                let d = r.frozen::<Descriptor>();
                match d.kind {
                    DescriptorKind::StaticMethod => Ok(d.get.clone()),
                    DescriptorKind::ClassMethod => self.bind_to_class(d, class),
                    // The slot has been looked at before: it is empty.
                    DescriptorKind::Member => {
                        let attr = super::make::text(&d.get).map_or(name::NAME, Name::of);
                        Err(self.no_attribute(obj, attr))
                    }
                    DescriptorKind::Property => {
                        let f = d.get.clone();
                        if f.is_none() {
                            return Err(self.no_getter(r, obj, class));
                        }
                        self.call(&f, std::slice::from_ref(obj))
                    }
                }
            }
            Kind::Instance => {
                let of = self.class_of(r);
                match self.lookup(&of, name::GET) {
                    None => Ok(found),
                    Some(get) => self.call(&get, &[found.clone(), obj.clone(), class.clone().into()]),
                }
            }
            _ => Ok(found),
        }
    }

    /// An attribute of a class object.
    fn class_attr(&mut self, class: &Ref, attr: Name) -> Res<Option<Value>> {
        if let Some(v) = self.class_fact(class, attr) {
            return Ok(Some(v));
        }
        if let Some(found) = self.lookup(class, attr) {
            let Value::Obj(r) = &found else {
                return Ok(Some(found));
            };
            return Ok(Some(match r.kind() {
                Kind::Descriptor => {
                    let d = r.frozen::<Descriptor>();
                    match d.kind {
                        DescriptorKind::Property | DescriptorKind::Member => found,
                        DescriptorKind::StaticMethod => d.get.clone(),
                        DescriptorKind::ClassMethod => self.bind_to_class(d, class)?,
                    }
                }
                Kind::Instance => {
                    let of = self.class_of(r);
                    match self.lookup(&of, name::GET) {
                        None => found,
                        Some(get) => self.call(&get, &[found.clone(), Value::None, class.clone().into()])?,
                    }
                }
                _ => found,
            }));
        }
        let meta = self.class_of(class);
        if attr == name::CLASS {
            return Ok(Some(meta.into()));
        }
        // A method of the metaclass, such as `mro`.
        match self.lookup(&meta, attr) {
            Some(found) => self.bind_found(found, &class.clone().into(), &meta).map(Some),
            None => Ok(None),
        }
    }

    fn class_fact(&mut self, class: &Ref, attr: Name) -> Option<Value> {
        let (n, q, m, bases, mro) = class
            .with::<Class, _>(&self.held, |c| (c.name, c.qualname.clone(), c.module, c.bases.clone(), c.mro.clone()));
        let all = |head: Option<Ref>, rest: Vec<Ref>| head.into_iter().chain(rest).map(Value::Obj).collect::<Vec<_>>();
        Some(match attr {
            name::NAME => self.str(n.text()),
            name::QUALNAME => self.str(&q),
            name::MODULE => self.str(m.text()),
            name::BASES => self.tuple(all(None, bases)),
            name::MRO => self.tuple(all(Some(class.clone()), mro)),
            name::ANNOTATIONS => return self.class_annotations(class),
            name::DICT => self.live_dict(class),
            name::DOC => class.with::<Class, _>(&self.held, |c| c.names.get(name::DOC).cloned()).unwrap_or(Value::None),
            _ => return None,
        })
    }

    /// Of the class itself, not of those it derives from: a script class without any has an empty dict.
    fn class_annotations(&mut self, class: &Ref) -> Option<Value> {
        let (script, own) =
            class.with::<Class, _>(&self.held, |c| (c.from_script, c.names.get(name::ANNOTATIONS).cloned()));
        if own.is_some() || !script {
            return own;
        }
        let made: Value = self.dict().into();
        let old = class.with::<Class, _>(&self.held, |c| c.names.set(name::ANNOTATIONS, made.clone()));
        self.class_changed(name::ANNOTATIONS);
        drop(old);
        Some(made)
    }

    fn super_attr(&mut self, r: &Ref, attr: Name) -> Res<Option<Value>> {
        let s = r.frozen::<Super>();
        let (Value::Obj(after), Value::Obj(of)) = (&s.class, &s.object_class) else {
            return Ok(None);
        };
        match attr.text() {
            "__thisclass__" => return Ok(Some(s.class.clone())),
            "__self_class__" => return Ok(Some(s.object_class.clone())),
            "__self__" => return Ok(Some(s.this.clone())),
            _ => {}
        }
        let order: Vec<Ref> =
            std::iter::once(of.clone()).chain(of.with::<Class, _>(&self.held, |c| c.mro.clone())).collect();
        let start = order.iter().position(|c| c.same(after)).map_or(order.len(), |i| i + 1);
        for c in &order[start..] {
            let found = c.with::<Class, _>(&self.held, |c| c.names.get(attr).cloned());
            if let Some(found) = found {
                let this = s.this.clone();
                // super() in a classmethod: `this` is the class itself.
                if this.as_ref().is_some_and(|t| t.same(of))
                    && let Value::Obj(f) = &found
                    && matches!(f.kind(), Kind::Function | Kind::Native)
                {
                    if attr == name::INIT_SUBCLASS
                        && let Some(n) = f.get::<Native>()
                    {
                        // A classmethod among the natives: it wants to know the class.
                        return Ok(Some(self.native(n.row, this)));
                    }
                    return Ok(Some(found));
                }
                return self.bind_found(found, &this, of).map(Some);
            }
        }
        if attr == name::CLASS {
            return Ok(Some(self.interp.class(&self.held, TypeId::Super).clone().into()));
        }
        Ok(None)
    }

    fn module_attr(&mut self, r: &Ref, attr: Name) -> Res<Option<Value>> {
        let found = r.with::<Module, _>(&self.held, |m| m.names.get(attr).cloned());
        if found.is_some() {
            return Ok(found);
        }
        Ok(match attr {
            name::DICT => Some(self.live_dict(r)),
            name::NAME => {
                let n = r.with::<Module, _>(&self.held, |m| m.name);
                Some(self.str(n.text()))
            }
            name::CLASS => Some(self.interp.class(&self.held, TypeId::Module).clone().into()),
            name::DOC => Some(Value::None),
            _ => return self.module_getattr(r, attr),
        })
    }

    /// `__getattr__` of a module (PEP 562).
    fn module_getattr(&mut self, r: &Ref, attr: Name) -> Res<Option<Value>> {
        let Some(f) = r.with::<Module, _>(&self.held, |m| m.names.get(name::GETATTR).cloned()) else {
            return Ok(None);
        };
        let asked = self.str(attr.text());
        self.call(&f, &[asked]).map(Some)
    }

    /// Attributes that an object's kind gives it, beside slots and class.
    fn own_attr(&mut self, r: &Ref, attr: Name) -> Res<Option<Value>> {
        match r.kind() {
            Kind::Function if matches!(attr, name::CLOSURE | name::GLOBALS) => Ok(self.function_place(r, attr)),
            Kind::Function => Ok(self.function_attr(r, attr)),
            Kind::Code => Ok(self.code_attr(r, attr)),
            Kind::Cell if attr.text() == "cell_contents" => {
                let v = r.with::<Cell, _>(&self.held, |c| c.0.clone());
                if v.is_unbound() { Err(self.value_error("Cell is empty")) } else { Ok(Some(v)) }
            }
            Kind::Method => {
                let m = r.frozen::<Method>();
                let (f, this) = (m.func.clone(), m.this.clone());
                match attr {
                    name::SELF_ATTR => Ok(Some(this)),
                    name::FUNC => Ok(Some(f)),
                    _ => self.attr_or_none(&f, attr),
                }
            }
            Kind::Native => {
                let n = r.frozen::<Native>();
                let row = self.interp.natives[n.row as usize];
                Ok(match attr {
                    name::NAME => Some(self.str(row.name)),
                    name::QUALNAME => Some(self.str(&if row.method { row.full_name() } else { row.name.to_string() })),
                    name::DOC => Some(self.str(row.doc.trim())),
                    n if n.text() == "__text_signature__" => Some(self.string(format!("({})", row.signature))),
                    name::MODULE => Some(self.str(row.module)),
                    name::SELF_ATTR if !n.this.is_unbound() => Some(n.this.clone()),
                    _ => None,
                })
            }
            Kind::Exception => Ok(self.exception_attr(r, attr)),
            _ if attr == name::DICT && TypeId::of_shape(r.shape()).is_none() && !self.has_only_slots(r) => {
                Ok(Some(self.live_dict(r)))
            }
            Kind::Descriptor => Ok(self.descriptor_attr(r, attr)),
            Kind::Slice => {
                let s = r.frozen::<crate::object::types::Slice>();
                Ok(match attr.text() {
                    "start" => Some(s.start.clone()),
                    "stop" => Some(s.stop.clone()),
                    "step" => Some(s.step.clone()),
                    _ => None,
                })
            }
            Kind::Range => {
                let x = *r.frozen::<crate::object::types::Range>();
                Ok(match attr.text() {
                    "start" => Some(Value::Int(x.start)),
                    "stop" => Some(Value::Int(x.stop)),
                    "step" => Some(Value::Int(x.step)),
                    _ => None,
                })
            }
            Kind::LongRange => Ok(self.long_range_attr(r, attr.text())),
            Kind::View if attr.text() == "mapping" => Ok(Some(r.frozen::<View>().dict.clone().into())),
            Kind::Generator => Ok(self.generator_attr(r, attr)),
            Kind::Awaiter if matches!(attr, name::NAME | name::QUALNAME) && r.shape() == TypeId::Sleep.shape() => {
                Ok(Some(self.str("sleep")))
            }
            Kind::Opaque => Ok(self.facts_attr(r, attr)),
            _ => Ok(None),
        }
    }

    fn descriptor_attr(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        let d = r.frozen::<Descriptor>();
        if d.kind == DescriptorKind::Member {
            return match attr.text() {
                "__name__" => Some(d.get.clone()),
                "__objclass__" => Some(d.set.clone()),
                "__qualname__" => {
                    let class = d.set.as_ref().map(|c| c.with::<Class, _>(&self.held, |c| c.qualname.clone()));
                    let text = format!("{}.{}", class.unwrap_or_default(), super::make::text(&d.get).unwrap_or(""));
                    Some(self.string(text))
                }
                _ => None,
            };
        }
        match attr.text() {
            "fget" | "__func__" | "__wrapped__" => Some(d.get.clone()),
            "fset" => Some(d.set.clone()),
            "fdel" => Some(d.delete.clone()),
            "__doc__" => Some(d.doc.clone()),
            _ => None,
        }
    }

    fn function_attr(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        enum Got {
            Value(Value),
            Text(String),
            NameOf(Ref),
            Names,
            Empty,
            Nothing,
        }
        if matches!(attr, name::DOC | name::CODE) {
            // The library's own text compiles, so there is no error to tell of here.
            self.whole_code(r).ok()?;
        }
        let got = r.with::<Function, _>(&self.held, |f| match attr {
            name::NAME => Got::Text(f.name.text().into()),
            name::QUALNAME => Got::Text(f.qualname.to_string()),
            name::DOC => Got::Value(f.doc.clone()),
            name::DEFAULTS => Got::Value(f.defaults.clone()),
            name::KWDEFAULTS => Got::Value(f.kwdefaults.clone()),
            name::ANNOTATIONS if f.annotations.is_none() => Got::Empty,
            name::ANNOTATIONS => Got::Value(f.annotations.clone()),
            name::CODE => Got::Value(f.code.clone().into()),
            name::DICT => Got::Names,
            name::MODULE => Got::NameOf(f.module.clone()),
            _ => f.attrs.iter().find(|(n, _)| *n == attr).map_or(Got::Nothing, |(_, v)| Got::Value(v.clone())),
        });
        match got {
            Got::Value(v) => Some(v),
            Got::Text(t) => Some(self.str(&t)),
            Got::NameOf(module) => {
                let n = module.with::<Module, _>(&self.held, |m| m.name);
                Some(self.str(n.text()))
            }
            Got::Names => Some(self.live_dict(r)),
            Got::Empty => {
                let d: Value = self.dict().into();
                r.with::<Function, _>(&self.held, |f| f.annotations = d.clone());
                Some(d)
            }
            Got::Nothing => None,
        }
    }

    fn exception_attr(&mut self, r: &Ref, attr: Name) -> Option<Value> {
        if attr == name::DICT {
            return Some(self.live_dict(r));
        }
        if attr == name::TRACEBACK {
            return Some(self.traceback_of(r));
        }
        r.with::<Exception, _>(&self.held, |e| match attr {
            name::ARGS => Some(e.args.clone()),
            name::CAUSE => Some(e.cause.clone()),
            name::CONTEXT => Some(e.context.clone()),
            name::SUPPRESS_CONTEXT => Some(Value::bool(e.suppress_context)),
            name::NOTES if !e.notes.is_none() => Some(e.notes.clone()),
            _ => e.extra.iter().find(|(n, _)| *n == attr).map(|(_, v)| v.clone()),
        })
        .or_else(|| self.exception_field(r, attr))
    }

    /// A name that a module has, by the cache word {stamp, position} of its site (M3). Shapes do not have a stamp's
    /// top bit, so a site may see modules and instances.
    fn module_name(&self, obj: &Value, attr: Name, cache: &AtomicU64) -> Option<Value> {
        let Value::Obj(r) = obj else { return None };
        if r.kind() != Kind::Module || TypeId::of_shape(r.shape()).is_none() {
            return None;
        }
        r.with::<Module, _>(&self.held, |m| {
            let (word, stamp) = (cache.load(Relaxed), m.names.stamp()?);
            if (word >> 32) as u32 == stamp {
                return m.names.at(word as u32).cloned();
            }
            let position = m.names.position(attr)?;
            cache.store(cache_word(stamp, position), Relaxed);
            m.names.at(position).cloned()
        })
    }

    /// Reads an attribute and fills the cache of its site.
    pub(super) fn load_attr(&mut self, obj: &Value, attr: Name, cache: &AtomicU64) -> Res<Value> {
        if let Some(v) = self.module_name(obj, attr, cache) {
            return Ok(v);
        }
        if let Value::Obj(r) = obj
            && r.kind() == Kind::Instance
        {
            let shape = r.shape();
            let slot = self.interp.shapes.with(&self.held, |s| s.slot(shape, attr));
            let class = self.class_of(r);
            if let Some(slot) = slot
                && !self.reads_by_hook(&class)
            {
                let shadowed = matches!(self.lookup(&class, attr), Some(Value::Obj(d)) if self.is_data_descriptor(&d));
                if !shadowed && let Some(v) = self.slot_value(r, attr) {
                    cache.store(cache_word(shape, slot), Relaxed);
                    return Ok(v);
                }
            }
        }
        self.get_attr(obj, attr)
    }

    /// For a method call: the function and what it is to be called on, or the attribute alone.
    pub(super) fn load_method(&mut self, obj: &Value, attr: Name, cache: &AtomicU64) -> Res<(Value, Option<Value>)> {
        if let Some(v) = self.module_name(obj, attr, cache) {
            return Ok((v, None));
        }
        let plain = match obj {
            Value::Obj(r) => !matches!(r.kind(), Kind::Class | Kind::Super | Kind::Module),
            _ => true,
        };
        if plain {
            let class = self.type_of(obj);
            if !self.reads_by_hook(&class)
                && let Some((found, place)) = self.lookup_place(&class, attr)
                && let Value::Obj(f) = &found
                && self.binds_to_first(f)
            {
                let own = match obj {
                    Value::Obj(r) => {
                        if let Some(v) = self.slot_value(r, attr) {
                            return Ok((v, None));
                        }
                        self.own_attr(r, attr)?
                    }
                    _ => None,
                };
                if let Some(v) = own {
                    return Ok((v, None));
                }
                if let (Some(place), Value::Obj(r)) = (place, obj) {
                    cache.store(cache_word(r.shape(), IN_CLASS | place), Relaxed);
                }
                return Ok((found, Some(obj.clone())));
            }
        }
        self.get_attr(obj, attr).map(|v| (v, None))
    }

    /// A plain function or builtin method: binding it is passing the object first.
    fn binds_to_first(&self, f: &Ref) -> bool {
        match f.kind() {
            Kind::Function => true,
            Kind::Native => {
                let n = f.frozen::<Native>();
                n.this.is_unbound() && self.interp.natives[n.row as usize].method
            }
            _ => false,
        }
    }

    /// The shape of the instance determines all attributes: used by tests.
    pub fn shape_of(&self, v: &Value) -> Option<u32> {
        v.as_ref().filter(|r| r.is::<Instance>()).map(|r| r.shape())
    }
}
