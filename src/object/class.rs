//! Classes: names, bases, order of look-up, and what their instances are made of.

use super::heap::{Ref, ShapeId};
use super::kind::{Kind, Trace};
use super::module::Namespace;
use super::name::Name;
use std::sync::atomic::AtomicU16;

pub struct Class {
    pub name: Name,
    pub qualname: Box<str>,
    pub module: Name,
    pub bases: Vec<Ref>,
    /// C3 order without the class itself (which would be a cycle).
    pub mro: Vec<Ref>,
    pub names: Namespace,
    /// Payload of its instances.
    pub instances: Kind,
    /// Shape of an instance without attributes.
    pub root: ShapeId,
    /// Trailing slots a new instance gets: the most that any instance has needed so far.
    pub slots_hint: AtomicU16,
    /// A script function `__init__` of a class without `__new__`, with the epoch of interp.rs in which it
    /// was found: calling the class needs no look-up.
    pub plain_init: Option<(u32, Ref)>,
    /// It or a base defines `__del__`.
    pub has_del: bool,
    /// It or a base defines `__getattribute__`.
    pub has_getattribute: bool,
    /// `ABCMeta` or `EnumMeta`: the library's class whose methods this class object has; `None`: `type`.
    pub meta: Option<Ref>,
    /// It has abstract methods: it makes no instances.
    pub is_abstract: bool,
    /// The only attributes its instances may have: `__slots__` of it and of all its bases.
    pub only: Option<Box<[Name]>>,
    /// Defined by a script (its attributes may be set).
    pub from_script: bool,
    /// May a script class derive from it?
    pub subclassable: bool,
}

impl Trace for Class {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        self.bases.iter().for_each(&mut *f);
        self.mro.iter().for_each(&mut *f);
        self.meta.iter().for_each(&mut *f);
        self.names.trace(f);
        if let Some((_, init)) = &self.plain_init {
            f(init);
        }
    }
    fn clear(&mut self) {
        self.names.clear();
        self.plain_init = None;
    }
}
