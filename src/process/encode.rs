//! Values to bytes: the walk, the memo, and the plain data types.

use super::parts::{LARGE, Parts};
use super::wire::{DEPTH_MAX, FRAME_MAX, MAGIC, Tag, VERSION, put_bytes, put_count, put_int};
use super::{Known, Mode, reach};
use crate::object::deque::Deque;
use crate::object::function::Native;
use crate::object::module::Module;
use crate::object::pure::int::IntVal;
use crate::object::types::*;
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::make::text;
use crate::vm::{Res, Thread};
use hashbrown::HashMap;
use indexmap::IndexSet;

type Fixed = foldhash::fast::FixedState;

/// One frame in the making.
pub(super) struct Encoder<'a> {
    pub th: &'a mut Thread,
    pub out: Vec<u8>,
    /// Long objects that stay out of `out`, with their place in it and their sum; `None`: none may.
    large: Option<Vec<(usize, Ref)>>,
    left_out: usize,
    pub mode: Mode,
    /// `__main__`, where it travels by value.
    pub main: Option<Ref>,
    /// Number of each remembered object, by address.
    memo: HashMap<usize, u32, Fixed>,
    /// The remembered objects: they live as long as their addresses are asked for.
    kept: Vec<Value>,
    names: IndexSet<Name, Fixed>,
    /// Globals of `__main__` that are in the frame, or said to be absent.
    pub sent: Known,
    /// Globals that code in the frame loads and that are not sent yet.
    wanted: Vec<Name>,
    depth: u32,
}

/// Where a frame was, to be cut back to (P4).
struct Mark {
    out: usize,
    kept: usize,
    names: usize,
}

/// The frame, and the globals of `__main__` that its receiver has.
pub(super) fn encode(th: &mut Thread, roots: &[Value], mode: Mode, known: Known) -> Res<(Parts, Known)> {
    let main = match mode {
        Mode::Fork | Mode::Task => {
            th.interp.modules.with(&th.held, |m| m.get(name::MAIN).and_then(|m| m.as_ref().cloned()))
        }
        _ => None,
    };
    let mut out = Vec::with_capacity(256);
    out.extend_from_slice(&MAGIC);
    out.push(VERSION);
    let mut e = Encoder {
        th,
        out,
        large: Some(Vec::new()),
        left_out: 0,
        mode,
        main,
        memo: HashMap::default(),
        kept: Vec::new(),
        names: IndexSet::default(),
        sent: known,
        wanted: Vec::new(),
        depth: 0,
    };
    let first = match &e.main {
        Some(main) if mode == Mode::Fork => reach::globals(e.th, main, roots),
        _ => Vec::new(),
    };
    e.globals(first)?;
    e.count(roots.len());
    for v in roots {
        e.value(v)?;
    }
    // What only code met on the way can name (a `__reduce__` that returns a lambda).
    let mut late = Vec::new();
    while !e.wanted.is_empty() {
        let more = std::mem::take(&mut e.wanted);
        late.extend(e.globals_apart(more)?);
    }
    e.count(late.len());
    for part in late {
        e.out.extend(part);
    }
    Ok((Parts::new(e.out, e.large.unwrap_or_default()), e.sent))
}

impl Encoder<'_> {
    pub fn tag(&mut self, t: Tag) {
        self.out.push(t as u8);
    }
    pub fn count(&mut self, n: usize) {
        put_count(&mut self.out, n as u64);
    }
    pub fn text(&mut self, t: &str) {
        put_bytes(&mut self.out, t.as_bytes());
    }
    pub fn name(&mut self, n: Name) {
        let (at, new) = self.names.insert_full(n);
        if new {
            self.count(0);
            self.text(n.text());
        } else {
            self.count(at + 1);
        }
    }
    pub fn pairs(&mut self, items: &[(Name, Value)]) -> Res<()> {
        self.count(items.len());
        for (n, v) in items {
            self.name(*n);
            self.value(v)?;
        }
        Ok(())
    }
    pub fn values(&mut self, items: &[Value]) -> Res<()> {
        self.count(items.len());
        items.iter().try_for_each(|v| self.value(v))
    }

    pub fn number_of(&self, r: &Ref) -> Option<u32> {
        self.memo.get(&r.address()).copied()
    }
    /// The object has its number from here on (P1).
    pub fn remember(&mut self, r: &Ref) {
        self.memo.insert(r.address(), self.kept.len() as u32);
        self.kept.push(r.clone().into());
    }
    /// The end of an object that is made after its contents, which may have made it already (P1).
    pub fn end(&mut self, r: &Ref) {
        match self.memo.get(&r.address()) {
            Some(&at) => self.count(at as usize + 1),
            None => {
                self.count(0);
                self.remember(r);
            }
        }
    }
    fn mark(&self) -> Mark {
        Mark { out: self.out.len(), kept: self.kept.len(), names: self.names.len() }
    }
    fn cut_back(&mut self, to: Mark) {
        self.out.truncate(to.out);
        for v in self.kept.drain(to.kept..) {
            if let Value::Obj(r) = &v {
                self.memo.remove(&r.address());
            }
        }
        self.names.truncate(to.names);
        self.depth = 0;
    }

    /// A name of `__main__` that the frame's code loads.
    pub fn want(&mut self, n: Name) {
        if !self.sent.contains(&n) && !self.wanted.contains(&n) {
            self.wanted.push(n);
        }
    }

    /// The globals of these names, those that exist.
    fn globals(&mut self, names: Vec<Name>) -> Res<()> {
        let parts = self.globals_apart(names)?;
        self.count(parts.len());
        for part in parts {
            self.out.extend(part);
        }
        Ok(())
    }

    /// The same, each as bytes of its own: their number is known only afterwards.
    fn globals_apart(&mut self, names: Vec<Name>) -> Res<Vec<Vec<u8>>> {
        let Some(main) = self.main.clone() else { return Ok(Vec::new()) };
        let outer = (std::mem::take(&mut self.out), self.large.take());
        let mut parts = Vec::new();
        for n in names {
            let v = main.with::<Module, _>(&self.th.held, |m| m.names.get(n).cloned());
            let Some(v) = v else { continue };
            if self.sent.insert(n) {
                self.global(n, &v)?;
                parts.push(std::mem::take(&mut self.out));
            }
        }
        (self.out, self.large) = outer;
        self.wanted.retain(|n| !self.sent.contains(n));
        Ok(parts)
    }

    /// One global: its value, or why it cannot travel (P4).
    fn global(&mut self, n: Name, v: &Value) -> Res<()> {
        self.name(n);
        let mark = self.mark();
        self.out.push(1);
        let Err(raised) = self.value(v) else { return Ok(()) };
        if self.th.ending.is_some() || !self.th.raised_is(TypeId::Exception) {
            return Err(raised);
        }
        let e = self.th.take_raised();
        self.cut_back(mark);
        let why = self.th.str_text(&e)?;
        self.out.push(0);
        self.text(&why);
        Ok(())
    }

    pub fn value(&mut self, v: &Value) -> Res<()> {
        match v {
            Value::Unbound => self.tag(Tag::Unbound),
            Value::None => self.tag(Tag::None),
            Value::Bool(b) => self.tag(if *b == 1 { Tag::True } else { Tag::False }),
            Value::Int(i) => {
                self.tag(Tag::Int);
                put_int(&mut self.out, *i);
            }
            Value::Float(x) => {
                self.tag(Tag::Float);
                self.out.extend_from_slice(&x.0.to_le_bytes());
            }
            Value::Obj(r) => match self.memo.get(&r.address()) {
                Some(&at) => {
                    self.tag(Tag::Back);
                    self.count(at as usize);
                }
                None => return self.deeper(r),
            },
        }
        Ok(())
    }

    fn deeper(&mut self, r: &Ref) -> Res<()> {
        if self.out.len() + self.left_out > FRAME_MAX {
            return Err(self.th.raise(TypeId::OverflowError, format!("a pickle of more than {FRAME_MAX} bytes")));
        }
        if self.depth >= DEPTH_MAX.min(self.th.limit) {
            let text = "maximum recursion depth exceeded while pickling an object";
            return Err(self.th.raise(TypeId::RecursionError, text));
        }
        self.depth += 1;
        let done = self.object(r);
        self.depth -= 1;
        done
    }

    /// An object that is not remembered yet.
    fn object(&mut self, r: &Ref) -> Res<()> {
        match r.kind() {
            _ if Derived::at(r).is_some() => self.derived(r)?,
            Kind::BigInt => self.blob(Tag::BigInt, r, &r.frozen::<BigIntObj>().big.to_signed_bytes_le()),
            Kind::Str => self.blob(Tag::Str, r, r.frozen::<Str>().text.as_bytes()),
            Kind::Bytes => self.blob(Tag::Bytes, r, &r.frozen::<Bytes>().0),
            Kind::ByteArray => {
                let b = r.with::<ByteArray, _>(&self.th.held, |b| b.0.clone());
                self.blob(Tag::ByteArray, r, &b);
            }
            Kind::Tuple => {
                self.tag(Tag::Tuple);
                self.values(&r.frozen::<Tuple>().0)?;
                self.end(r);
            }
            Kind::FrozenSet => {
                self.tag(Tag::FrozenSet);
                let items = self.th.set_items(r);
                self.values(&items)?;
                self.end(r);
            }
            Kind::Slice => {
                let s = r.frozen::<Slice>();
                self.fields(Tag::Slice, r, &[&s.start, &s.stop, &s.step])?;
            }
            Kind::Range => {
                let x = *r.frozen::<Range>();
                self.tag(Tag::Range);
                for i in [x.start, x.stop, x.step] {
                    put_int(&mut self.out, i);
                }
                self.remember(r);
            }
            Kind::LongRange => {
                let x = r.frozen::<LongRange>();
                let parts = [&x.start, &x.stop, &x.step].map(|i| self.th.int(IntVal::from(i.clone())));
                self.fields(Tag::LongRange, r, &[&parts[0], &parts[1], &parts[2]])?;
            }
            Kind::List | Kind::Deque | Kind::Dict | Kind::Set if TypeId::of_shape(r.shape()).is_some() => {
                self.tag(match r.kind() {
                    Kind::List => Tag::List,
                    Kind::Deque => Tag::Deque,
                    Kind::Dict => Tag::Dict,
                    _ => Tag::Set,
                });
                self.remember(r);
                self.payload(r)?;
            }
            Kind::List | Kind::Deque | Kind::Dict | Kind::Set | Kind::Instance | Kind::Exception => self.instance(r)?,
            Kind::Function => self.function(r)?,
            Kind::Class => self.class(r)?,
            Kind::Native => self.native(r)?,
            Kind::Method | Kind::Descriptor | Kind::Cell | Kind::Module => self.by_value(r)?,
            Kind::Opaque => self.opaque(r)?,
            _ => return Err(self.refuse(r)),
        }
        Ok(())
    }

    fn blob(&mut self, t: Tag, r: &Ref, b: &[u8]) {
        self.tag(t);
        match &mut self.large {
            Some(large) if b.len() >= LARGE && matches!(t, Tag::Bytes | Tag::Str) => {
                put_count(&mut self.out, b.len() as u64);
                large.push((self.out.len(), r.clone()));
                self.left_out += b.len();
            }
            _ => put_bytes(&mut self.out, b),
        }
        self.remember(r);
    }

    /// The values of something that is made of them.
    pub fn fields(&mut self, t: Tag, r: &Ref, fields: &[&Value]) -> Res<()> {
        self.tag(t);
        for v in fields {
            self.value(v)?;
        }
        self.end(r);
        Ok(())
    }

    /// What a list, dict or set holds, or an instance of a class derived from one.
    pub fn payload(&mut self, r: &Ref) -> Res<()> {
        match r.kind() {
            Kind::List => {
                let items = r.with::<List, _>(&self.th.held, |l| l.items.clone());
                self.values(&items)
            }
            Kind::Deque => {
                let max = r.with::<Deque, _>(&self.th.held, |d| d.max);
                self.count(max.map_or(0, |max| max + 1));
                let items = self.th.deque_items(r);
                self.values(&items)
            }
            Kind::Set => {
                let items = self.th.set_items(r);
                self.values(&items)
            }
            Kind::Dict => {
                let items = self.th.dict_items(r);
                self.count(items.len());
                for (k, v) in &items {
                    self.value(k)?;
                    self.value(v)?;
                }
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn native(&mut self, r: &Ref) -> Res<()> {
        let n = r.frozen::<Native>();
        let row = self.th.interp.natives[n.row as usize];
        let bound = !n.this.is_unbound();
        self.tag(if bound { Tag::BoundNative } else { Tag::Native });
        self.name(Name::of(row.module));
        self.name(Name::of(row.name));
        if bound {
            self.value(&n.this)?;
            self.end(r);
        }
        Ok(())
    }

    fn opaque(&mut self, r: &Ref) -> Res<()> {
        match TypeId::of_shape(r.shape()) {
            Some(TypeId::Ellipsis) => self.tag(Tag::Ellipsis),
            Some(TypeId::NotImplementedType) => self.tag(Tag::NotImplemented),
            _ => return Err(self.refuse(r)),
        }
        Ok(())
    }

    /// TypeError: what this is cannot travel.
    #[cold]
    pub fn refuse(&mut self, r: &Ref) -> crate::vm::Raised {
        let n = self.th.type_name(&r.clone().into());
        let shown = C_NAMES.iter().find(|(kit, _)| *kit == n).map_or(n, |(_, c)| *c);
        self.th.type_error(format!("cannot pickle '{shown}' object"))
    }

    /// The text of an attribute, where it is one.
    pub fn text_attr(&mut self, v: &Value, attr: Name) -> Res<Option<String>> {
        Ok(self.th.find_attr(v, attr)?.and_then(|t| text(&t).map(str::to_string)))
    }
}

/// Types that CPython makes of others: its event is an instance that holds a lock.
const C_NAMES: &[(&str, &str)] = &[("Event", "_thread.lock")];
