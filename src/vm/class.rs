//! Classes at run time: making them, finding attributes along their order, asking what a value is.

use super::interp::Fundamentals;
use super::native::NativeRow;
use super::thread::{Res, Thread};
use crate::bytecode::{Instr, Reg};
use crate::gil::{Held, off};
use crate::object::class::Class;
use crate::object::code::CodeObj;
use crate::object::deque::Deque;
use crate::object::dict::Dict;
use crate::object::exception::Exception;
use crate::object::function::Function;
use crate::object::module::{Module, Namespace};
use crate::object::opaque::Opaque;
use crate::object::types::{
    AttrBody, Attrs, BigIntObj, Bytes, Derived, Descriptor, DescriptorKind, FloatObj, FrozenSet, List, Set, Str, Tuple,
};
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use std::sync::atomic::{AtomicU16, Ordering::Relaxed};

/// Makes what every interpreter has.
pub struct Classes;

impl Classes {
    pub(super) fn fundamentals(held: &Held, natives: &[&NativeRow]) -> Fundamentals {
        let mut classes: Vec<Ref> = Vec::with_capacity(TypeId::COUNT);
        for &t in TypeId::ALL {
            let mut mro = Vec::new();
            let mut at = t;
            while at != TypeId::Object {
                at = at.base();
                mro.push(classes[at as usize].clone());
            }
            let mut bases: Vec<Ref> = mro.first().cloned().into_iter().collect();
            if let Some(second) = t.second_base() {
                bases.push(classes[second as usize].clone());
                mro.insert(1, classes[second as usize].clone());
            }
            let class = Class {
                name: Name::of(t.name()),
                qualname: t.name().into(),
                module: Name::of_static(t.module()),
                bases,
                mro,
                names: Namespace::default(),
                instances: t.kind(),
                root: t.shape(),
                slots_hint: AtomicU16::new(0),
                plain_init: None,
                has_del: false,
                has_getattribute: false,
                meta: None,
                is_abstract: false,
                only: None,
                from_script: false,
                subclassable: t.is_open(),
            };
            let r = Ref::new(held, TypeId::Type.shape(), class);
            r.immortalize(held);
            classes.push(r);
        }
        let immortal = |r: Ref| -> Value {
            r.immortalize(held);
            r.into()
        };
        let opaque =
            |t: TypeId| immortal(Ref::new(held, t.shape(), Opaque { state: Box::new(()), attrs: Attrs::default() }));
        let text = |s: String| immortal(Ref::new(held, TypeId::Str.shape(), Str::new(s)));
        let builtins =
            Ref::new(held, TypeId::Module.shape(), Module { name: name::BUILTINS, names: Namespace::default() });
        builtins.immortalize(held);
        let makers: Vec<(u32, &str)> =
            (0u32..).zip(natives).filter(|(_, r)| r.module == "new").map(|(i, r)| (i, r.name)).collect();
        Fundamentals {
            classes,
            builtins,
            not_implemented: opaque(TypeId::NotImplementedType),
            ellipsis: opaque(TypeId::Ellipsis),
            empty_tuple: immortal(Ref::new(held, TypeId::Tuple.shape(), Tuple(Box::new([]), Derived::default()))),
            empty_str: text(String::new()),
            makers: TypeId::ALL
                .iter()
                .map(|t| makers.iter().find(|(_, name)| *name == t.name()).map(|(row, _)| *row))
                .collect(),
            chars: (0..256u32).map(|c| text(char::from(c as u8).to_string())).collect(),
        }
    }
}

/// Classes of the library that CPython has in C, whose errors call them by their whole name.
const TOLD_WITH_MODULE: &[&str] = &[
    "collections.OrderedDict",
    "collections.defaultdict",
    "datetime.date",
    "datetime.datetime",
    "datetime.time",
    "datetime.timedelta",
    "datetime.timezone",
    "datetime.tzinfo",
    "functools.KeyWrapper",
    "functools.partial",
    "re.Match",
    "re.Pattern",
];

impl Thread {
    /// The class of a value.
    pub fn type_of(&self, v: &Value) -> Ref {
        let t = match v {
            Value::Obj(r) => return self.class_of(r),
            Value::Unbound | Value::None => TypeId::NoneType,
            Value::Bool(_) => TypeId::Bool,
            Value::Int(_) => TypeId::Int,
            Value::Float(_) => TypeId::Float,
        };
        self.interp.class(&self.held, t).clone()
    }

    /// The class of an object.
    pub fn class_of(&self, r: &Ref) -> Ref {
        let held = &self.held;
        let own = |a: &Attrs| a.0.as_ref().map(|b| b.class.clone());
        let own = match r.kind() {
            Kind::Instance => r.instance_class(),
            Kind::Class if r.shape() as usize >= TypeId::COUNT => r.with::<Class, _>(held, |c| c.meta.clone()),
            Kind::List => r.with::<List, _>(held, |x| own(&x.attrs)),
            Kind::Dict => r.with::<Dict, _>(held, |x| own(&x.attrs)),
            Kind::Set => r.with::<Set, _>(held, |x| own(&x.attrs)),
            Kind::Deque => r.with::<Deque, _>(held, |x| own(&x.attrs)),
            Kind::Exception => r.with::<Exception, _>(held, |x| own(&x.attrs)),
            Kind::Opaque => r.with::<Opaque, _>(held, |x| own(&x.attrs)),
            _ => Derived::at(r).map(|d| d.class.clone()),
        };
        own.unwrap_or_else(|| self.interp.class(held, TypeId::of_shape(r.shape()).unwrap_or(TypeId::Object)).clone())
    }

    /// The builtin type of a value whose class is builtin.
    pub fn builtin_type(&self, v: &Value) -> Option<TypeId> {
        match v {
            Value::Obj(r) => TypeId::of_shape(r.shape()),
            Value::Unbound | Value::None => Some(TypeId::NoneType),
            Value::Bool(_) => Some(TypeId::Bool),
            Value::Int(_) => Some(TypeId::Int),
            Value::Float(_) => Some(TypeId::Float),
        }
    }

    /// The name of a value's class, as error texts show it.
    pub fn type_name(&self, v: &Value) -> &'static str {
        if let Some(t) = self.builtin_type(v) {
            return t.full_name();
        }
        let class = self.type_of(v);
        let (own, module) = class.with::<Class, _>(&self.held, |c| (c.name.text(), c.names.get(name::MODULE).cloned()));
        let module = module.as_ref().and_then(super::make::text).unwrap_or_default();
        let told = |full: &&&str| full.strip_suffix(own).and_then(|m| m.strip_suffix('.')) == Some(module);
        match module {
            "__main__" | "" => own,
            _ => TOLD_WITH_MODULE.iter().find(told).map_or(own, |full| full),
        }
    }
    pub fn class_name(&self, class: &Ref) -> Name {
        class.with::<Class, _>(&self.held, |c| c.name)
    }

    /// The builtin type that a builtin class object stands for.
    pub fn type_id(&self, class: &Ref) -> Option<TypeId> {
        class
            .try_with::<Class, _>(&self.held, |c| if c.from_script { None } else { TypeId::of_shape(c.root) })
            .flatten()
    }

    /// Is the value an instance of this builtin type or of a class derived from it?
    pub fn is_a(&self, v: &Value, t: TypeId) -> bool {
        if let Some(own) = self.builtin_type(v) {
            return own.derives(t);
        }
        let class = self.type_of(v);
        let want = self.interp.class(&self.held, t);
        self.is_subclass(&class, want)
    }

    pub fn is_subclass(&self, a: &Ref, b: &Ref) -> bool {
        a.same(b) || a.with::<Class, _>(&self.held, |c| c.mro.iter().any(|m| m.same(b)))
    }

    /// `isinstance`; TypeError when the second operand is neither class nor tuple of classes.
    pub fn is_instance(&mut self, v: &Value, class: &Value) -> Res<bool> {
        let of = self.type_of(v);
        let wrong = "isinstance() arg 2 must be a type, a tuple of types, or a union";
        if self.subclass_check(&of, class, wrong)? {
            return Ok(true);
        }
        self.meta_check(class, name::INSTANCECHECK, v)
    }

    /// Asks the metaclass of a class, or of one in a tuple of classes, whether `v` belongs to it.
    pub fn meta_check(&mut self, class: &Value, check: Name, v: &Value) -> Res<bool> {
        if let Some(row) = super::make::tuple_items(class) {
            for c in row {
                if self.guarded("", |th| th.meta_check(c, check, v))? {
                    return Ok(true);
                }
            }
            return Ok(false);
        }
        match self.special(class, check, std::slice::from_ref(v))? {
            Some(answer) => self.truth(&answer),
            None => Ok(false),
        }
    }

    /// Is `of` derived from a class or one of a tuple of classes?
    pub fn subclass_check(&mut self, of: &Ref, class: &Value, wrong: &str) -> Res<bool> {
        match class {
            Value::Obj(c) if c.is::<Class>() => Ok(self.is_subclass(of, c)),
            Value::Obj(t) if t.is::<Tuple>() => {
                for c in &t.frozen::<Tuple>().0 {
                    if self.guarded(" in __subclasscheck__", |th| th.subclass_check(of, c, wrong))? {
                        return Ok(true);
                    }
                }
                Ok(false)
            }
            v if self.is_generic_alias(v) => {
                let (what, _) = wrong.split_once(' ').unwrap_or((wrong, ""));
                Err(self.type_error(format!("{what} argument 2 cannot be a parameterized generic")))
            }
            _ => Err(self.type_error(wrong)),
        }
    }

    /// An attribute of the class of `v`, unbound: where the interpreter looks for dunder methods.
    pub fn lookup_special(&self, v: &Value, name: Name) -> Option<Value> {
        let class = self.type_of(v);
        self.lookup(&class, name)
    }

    /// Calls the dunder method `name` that a script class of `v` defines, with `v` and `args`.
    /// `None`: the class is builtin, or the method found is a builtin one.
    pub fn special(&mut self, v: &Value, name: Name, args: &[Value]) -> Res<Option<Value>> {
        let Value::Obj(r) = v else { return Ok(None) };
        if TypeId::of_shape(r.shape()).is_some() {
            return Ok(None);
        }
        let class = self.class_of(r);
        match self.lookup(&class, name) {
            None => Ok(None),
            Some(Value::Obj(f)) if f.kind() == Kind::Native => Ok(None),
            Some(f) => {
                let f = self.bind_found(f, v, &class)?;
                self.call(&f, args).map(Some)
            }
        }
    }

    /// A new object of a class without running `__init__`: for builtin constructors and `__new__`.
    pub fn new_object(&mut self, class: &Ref) -> Res<Value> {
        let (kind, root, hint, script, name, del) = class.with::<Class, _>(&self.held, |c| {
            (c.instances, c.root, c.slots_hint.load(Relaxed), c.from_script, c.name, c.has_del)
        });
        let attrs = || Attrs(script.then(|| Box::new(AttrBody { class: class.clone(), slots: Vec::new() })));
        let held = &self.held;
        Ok(match kind {
            Kind::Instance => {
                let r = Ref::new_instance(held, root, class.clone(), hint);
                if del {
                    r.speak_last(held);
                }
                r.into()
            }
            Kind::List => Ref::new(held, root, List { items: Vec::new(), attrs: attrs() }).into(),
            Kind::Dict => Ref::new(held, root, Dict { attrs: attrs(), ..Dict::default() }).into(),
            Kind::Set => Ref::new(held, root, Set { attrs: attrs(), ..Set::default() }).into(),
            Kind::Deque => Ref::new(held, root, Deque { attrs: attrs(), ..Deque::default() }).into(),
            Kind::Exception => {
                let args = self.interp.fixed(held).empty_tuple.clone();
                let e = Exception {
                    args,
                    cause: Value::None,
                    context: Value::None,
                    suppress_context: false,
                    trail: Vec::new(),
                    extra: Vec::new(),
                    notes: Value::None,
                    attrs: attrs(),
                };
                Ref::new(held, root, e).into()
            }
            _ => return Err(self.type_error(format!("cannot create '{name}' instances"))),
        })
    }

    /// Are its instances values of a type that never changes, with a class and attributes of their own?
    pub fn derives_value(&self, class: &Ref) -> bool {
        class.with::<Class, _>(&self.held, |c| c.from_script && is_value_kind(c.instances))
    }

    /// `__new__` of a builtin type for a class derived from it: makes a plain value of the arguments and
    /// gives it the class.
    pub fn new_value(&mut self, class: &Ref, args: &[Value], kw: &[(Name, Value)]) -> Res<Value> {
        let base = self.base_type(class);
        let plain: Value = self.interp.class(&self.held, base).clone().into();
        let v = self.call_kw(&plain, args, kw)?;
        Ok(self.derive(class, v))
    }

    /// Whether a plain value is of the type that `class` derives from.
    pub fn derivable(&self, class: &Ref, v: &Value) -> bool {
        let base = self.interp.class(&self.held, self.base_type(class)).clone();
        self.type_of(v).same(&base)
    }

    /// The plain value of an instance of a class derived from an immutable type.
    pub fn underived(&mut self, r: &Ref) -> Value {
        match r.kind() {
            Kind::BigInt => match r.frozen::<BigIntObj>() {
                BigIntObj { small: Some(i), .. } => Value::Int(*i),
                b => Ref::new(&self.held, TypeId::Int.shape(), BigIntObj::new(b.big.clone())).into(),
            },
            Kind::Float => Value::float(r.frozen::<FloatObj>().x),
            Kind::Str => self.str(&r.frozen::<Str>().text),
            Kind::Bytes => self.bytes(&*r.frozen::<Bytes>().0),
            Kind::Tuple => self.tuple(r.frozen::<Tuple>().0.to_vec()),
            Kind::FrozenSet if r.shape() != TypeId::FrozenSet.shape() => {
                let s = FrozenSet { table: r.frozen::<FrozenSet>().table.clone(), ..Default::default() };
                Ref::new(&self.held, TypeId::FrozenSet.shape(), s).into()
            }
            _ => r.clone().into(),
        }
    }

    /// A copy of a plain value as an instance of a class derived from its type.
    pub fn derive(&mut self, class: &Ref, v: Value) -> Value {
        let (root, derived, held) =
            (class.with::<Class, _>(&self.held, |c| c.root), Derived::of(class.clone()), &self.held);
        match &v {
            Value::Float(x) => Ref::new(held, root, FloatObj { x: x.get(), derived }).into(),
            Value::Int(i) => {
                let int = BigIntObj { small: Some(*i), derived, ..BigIntObj::new(Default::default()) };
                Ref::new(held, root, int).into()
            }
            Value::Obj(r) => match r.kind() {
                Kind::BigInt => {
                    let int = BigIntObj { derived, ..BigIntObj::new(r.frozen::<BigIntObj>().big.clone()) };
                    Ref::new(held, root, int).into()
                }
                Kind::Str => {
                    let mut text = Str::new(r.frozen::<Str>().text.clone());
                    text.derived = derived;
                    Ref::new(held, root, text).into()
                }
                Kind::Bytes => Ref::new(held, root, Bytes(r.frozen::<Bytes>().0.clone(), derived)).into(),
                Kind::Tuple => Ref::new(held, root, Tuple(r.frozen::<Tuple>().0.clone(), derived)).into(),
                Kind::FrozenSet => {
                    let s = FrozenSet { table: r.frozen::<FrozenSet>().table.clone(), derived, ..Default::default() };
                    Ref::new(held, root, s).into()
                }
                _ => v,
            },
            _ => v,
        }
    }

    /// The builtin type whose payload instances of a script class have.
    pub(super) fn base_type(&self, class: &Ref) -> TypeId {
        let mro = class.with::<Class, _>(&self.held, |c| c.mro.clone());
        mro.iter().find_map(|c| self.type_id(c)).unwrap_or(TypeId::Object)
    }

    /// A class from the namespace that its body filled.
    pub fn make_class(&mut self, name: Name, bases: Vec<Value>, mut names: Namespace, meta: Option<Ref>) -> Res<Ref> {
        let mut base_refs = Vec::new();
        for b in bases {
            match b {
                Value::Obj(r) if r.is::<Class>() => base_refs.push(r),
                other => {
                    let got = self.repr(&other)?;
                    return Err(self.type_error(format!("Kit cannot derive a class from {got}: it is not a class")));
                }
            }
        }
        if base_refs.is_empty() {
            base_refs.push(self.interp.class(&self.held, TypeId::Object).clone());
        }
        let kind = self.layout_of_bases(&base_refs)?;
        let meta = meta.or_else(|| self.meta_of_bases(&base_refs));
        let mro = self.linearize(&base_refs)?;
        let only = self.only_slots(name, &mro, &names)?;
        let module = match names.get(name::MODULE).and_then(super::make::text) {
            Some(m) => Name::of(m),
            None => name::MAIN,
        };
        let qualname: Box<str> = match names.get(name::QUALNAME).and_then(super::make::text) {
            Some(q) => q.into(),
            None => name.text().into(),
        };
        drop(names.remove(name::QUALNAME));
        let root = self.interp.shapes.with(&self.held, |s| s.new_root());
        let slots_hint = self.slots_of_init(&names);
        let has_del =
            names.get(name::DEL).is_some() || mro.iter().any(|c| c.with::<Class, _>(&self.held, |c| c.has_del));
        let hook = names.get(name::GETATTRIBUTE).is_some_and(|f| f.as_ref().is_some_and(|f| f.kind() != Kind::Native));
        let has_getattribute = hook || mro.iter().any(|c| self.reads_by_hook(c));
        let class = Class {
            name,
            qualname,
            module,
            bases: base_refs,
            mro,
            names,
            instances: kind,
            root,
            slots_hint: AtomicU16::new(slots_hint),
            plain_init: None,
            has_del,
            has_getattribute,
            meta: meta.clone(),
            is_abstract: false,
            only,
            from_script: true,
            subclassable: true,
        };
        let shape = meta.map_or(TypeId::Type.shape(), |m| m.with::<Class, _>(&self.held, |m| m.root));
        let lasting = lasting(&class.qualname);
        let class = Ref::new(&self.held, shape, class);
        self.add_members(&class)?;
        if lasting {
            class.immortalize(&self.held);
            class.with::<Class, _>(&self.held, |c| {
                for (_, v) in c.names.iter() {
                    if let Value::Obj(r) = v
                        && matches!(r.kind(), Kind::Function | Kind::Descriptor | Kind::Native)
                    {
                        r.immortalize(&self.held);
                    }
                }
            });
        }
        Ok(class)
    }

    /// What `__slots__` of a class says, for a class that has got its names after it was made.
    pub fn settle_slots(&mut self, class: &Ref) -> Res<()> {
        let facts = |c: &mut Class| (c.name, c.mro.clone(), c.names.get(name::SLOTS).cloned());
        let (own, mro, slots) = class.with::<Class, _>(&self.held, facts);
        let Some(slots) = slots else { return Ok(()) };
        let mut names = Namespace::default();
        names.set(name::SLOTS, slots);
        let only = self.only_slots(own, &mro, &names)?;
        class.with::<Class, _>(&self.held, |c| c.only = only);
        self.add_members(class)
    }

    /// Each of a class's own slots as an attribute of the class: `C.x` is `<member 'x' of 'C' objects>`.
    fn add_members(&mut self, class: &Ref) -> Res<()> {
        let listed = class.with::<Class, _>(&self.held, |c| c.names.get(name::SLOTS).cloned());
        let Some(slots) = listed else { return Ok(()) };
        let own = self.class_name(class);
        let listed = if super::make::text(&slots).is_some() { vec![slots] } else { self.collect(&slots)? };
        for v in listed {
            let slot = super::hooks::slot_name(own, super::make::text(&v).unwrap_or_default());
            if matches!(slot.text(), "__dict__" | "__weakref__") {
                continue;
            }
            let (get, set) = (self.str(slot.text()), class.clone().into());
            let member = Descriptor { kind: DescriptorKind::Member, get, set, delete: Value::None, doc: Value::None };
            let member = Ref::new(&self.held, TypeId::Member.shape(), member);
            let old = class.with::<Class, _>(&self.held, |c| c.names.set(slot, member.into()));
            drop(old);
        }
        Ok(())
    }

    /// The attributes that `__slots__` of a new class and its bases allow; `None`: any.
    fn only_slots(&mut self, class: Name, mro: &[Ref], names: &Namespace) -> Res<Option<Box<[Name]>>> {
        let Some(slots) = names.get(name::SLOTS).cloned() else { return Ok(None) };
        let listed = if super::make::text(&slots).is_some() { vec![slots] } else { self.collect(&slots)? };
        let mut only = Vec::new();
        for v in &listed {
            let Some(t) = super::make::text(v) else {
                let got = self.type_name(v);
                return Err(self.type_error(format!("__slots__ items must be strings, not '{got}'")));
            };
            if !crate::object::pure::text::is_identifier(t) {
                return Err(self.type_error("__slots__ must be identifiers"));
            }
            if names.get(Name::of(t)).is_some() {
                return Err(self.value_error(format!("'{t}' in __slots__ conflicts with class variable")));
            }
            only.push(super::hooks::slot_name(class, t));
        }
        for base in mro {
            let (script, more) = base.with::<Class, _>(&self.held, |c| (c.from_script, c.only.clone()));
            match more {
                Some(more) => only.extend(more),
                None if script => return Ok(None),
                None => {}
            }
        }
        if only.contains(&name::DICT) {
            return Ok(None);
        }
        Ok(Some(only.into()))
    }

    /// Is it an instance of a class with `__slots__` and no `__dict__`?
    pub(super) fn has_only_slots(&self, r: &Ref) -> bool {
        self.class_of(r).with::<Class, _>(&self.held, |c| c.only.is_some())
    }

    /// The most derived of the bases' metaclasses, where it is not `type`.
    fn meta_of_bases(&self, bases: &[Ref]) -> Option<Ref> {
        let metas = bases.iter().filter_map(|b| b.with::<Class, _>(&self.held, |c| c.meta.clone()));
        metas.reduce(|a, b| if self.is_subclass(&b, &a) { b } else { a })
    }

    /// A guess at the slots of the first instance: the attributes that `__init__` sets on its first parameter.
    fn slots_of_init(&self, names: &Namespace) -> u16 {
        let Some(Value::Obj(f)) = names.get(name::INIT) else { return 0 };
        let code = f.try_with::<Function, _>(&self.held, |f| f.code.clone());
        let Some(code) = code else { return 0 };
        let code = &code.frozen::<CodeObj>().code;
        let mut set: Vec<&str> = code
            .instrs
            .iter()
            .filter_map(|i| match i {
                Instr::StoreAttr { obj: Reg(0), name, .. } => Some(&*code.sites[name.0 as usize]),
                _ => None,
            })
            .collect();
        set.sort_unstable();
        set.dedup();
        set.len().min(64) as u16
    }

    /// The one payload that all bases agree on.
    fn layout_of_bases(&mut self, bases: &[Ref]) -> Res<Kind> {
        let mut kind = Kind::Instance;
        for b in bases {
            let (k, open, name) = b.with::<Class, _>(&self.held, |c| (c.instances, c.subclassable, c.name));
            let k = if k == Kind::Descriptor && open { Kind::Instance } else { k };
            // The library's own metaclasses.
            let open = open || (k == Kind::Class && self.in_library());
            if !open {
                let text = match name.text() {
                    n @ ("bool" | "NoneType" | "function" | "range" | "slice") => {
                        format!("type '{n}' is not an acceptable base type")
                    }
                    n => format!("Kit cannot derive a class from '{n}'"),
                };
                return Err(self.type_error(text));
            }
            if k != Kind::Instance {
                if kind != Kind::Instance && kind != k {
                    return Err(self.type_error("multiple bases have instance lay-out conflict"));
                }
                kind = k;
            }
        }
        Ok(kind)
    }
}

/// With the lock off functions and classes of a module's own level never die, as in CPython 3.13t: threads
/// share them, and counting them would make threads wait for each other.
pub(super) fn lasting(qualname: &str) -> bool {
    off() && !qualname.contains('<')
}

/// Payloads of values that never change.
fn is_value_kind(k: Kind) -> bool {
    matches!(k, Kind::BigInt | Kind::Float | Kind::Str | Kind::Bytes | Kind::Tuple | Kind::FrozenSet)
}
