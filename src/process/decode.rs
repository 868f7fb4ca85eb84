//! Bytes to values: the reader, the memo, and the plain data types.

use super::raise_pickle;
use super::wire::{DEPTH_MAX, Input, Malformed, Read, Tag};
use crate::object::pure::int::IntVal;
use crate::object::types::*;
use crate::object::{Name, Ref, TypeId, Value, name};
use crate::vm::make::int_of;
use crate::vm::thread::Raised;
use crate::vm::{Res, Thread};
use crate::world::alloc;
use num_bigint::BigInt;

/// One frame being read.
pub(super) struct Decoder<'a> {
    pub th: &'a mut Thread,
    input: Input<'a>,
    /// What is remembered, by number (P1).
    memo: Vec<Value>,
    names: Vec<Name>,
    depth: u32,
}

/// The roots of a frame; globals in it are set in `__main__` first. Runs script code where the frame names it.
pub fn decode(th: &mut Thread, bytes: &[u8]) -> Res<Vec<Value>> {
    let input = match Input::new(bytes) {
        Ok(input) => input,
        Err(e) => return Err(raise_pickle(th, "UnpicklingError", &e.0)),
    };
    let mut d = Decoder { th, input, memo: Vec::new(), names: Vec::new(), depth: 0 };
    d.globals()?;
    let roots = d.values()?;
    d.globals()?;
    match d.input.left() {
        0 => Ok(roots),
        n => d.fail(&format!("{n} bytes after the end of the pickle")),
    }
}

impl Decoder<'_> {
    #[cold]
    pub fn fail<T>(&mut self, text: &str) -> Res<T> {
        Err(raise_pickle(self.th, "UnpicklingError", text))
    }
    #[cold]
    pub fn raise(&mut self, e: Malformed) -> Raised {
        raise_pickle(self.th, "UnpicklingError", &e.0)
    }
    fn ok<T>(&mut self, r: Read<T>) -> Res<T> {
        r.map_err(|e| self.raise(e))
    }
    pub fn count(&mut self) -> Res<usize> {
        let r = self.input.count();
        self.ok(r)
    }
    pub fn number(&mut self) -> Res<u64> {
        let r = self.input.number();
        self.ok(r)
    }
    pub fn byte(&mut self) -> Res<u8> {
        let r = self.input.byte();
        self.ok(r)
    }
    pub fn remember(&mut self, v: Value) {
        self.memo.push(v);
    }
    pub fn remembered(&mut self, at: u64) -> Res<Value> {
        match usize::try_from(at).ok().and_then(|at| self.memo.get(at)) {
            Some(v) => Ok(v.clone()),
            None => self.fail(&format!("Memo value not found at index {at}")),
        }
    }
    /// The end of what is made after its contents: itself, or what a cycle has made of it (P1).
    pub fn end(&mut self, v: Value) -> Res<Value> {
        match self.number()? {
            0 => {
                self.remember(v.clone());
                Ok(v)
            }
            at => self.remembered(at - 1),
        }
    }
    pub fn name(&mut self) -> Res<Name> {
        match self.number()? {
            0 => {
                let n = Name::of(self.text()?);
                self.names.push(n);
                Ok(n)
            }
            at => match usize::try_from(at - 1).ok().and_then(|at| self.names.get(at)) {
                Some(n) => Ok(*n),
                None => self.fail("a name that is not in the pickle"),
            },
        }
    }
    /// Count and values. Room is made for what the frame can hold, not for what it says.
    pub fn values(&mut self) -> Res<Vec<Value>> {
        let n = self.count()?;
        let mut out = Vec::with_capacity(n.min(1 << 16));
        for _ in 0..n {
            out.push(self.value()?);
        }
        Ok(out)
    }
    pub fn pairs(&mut self) -> Res<Vec<(Name, Value)>> {
        let n = self.count()?;
        let mut out = Vec::with_capacity(n.min(1 << 16));
        for _ in 0..n {
            let name = self.name()?;
            out.push((name, self.value()?));
        }
        Ok(out)
    }

    /// Globals of `__main__`: set, or known to be absent (P4, P5).
    fn globals(&mut self) -> Res<()> {
        for _ in 0..self.count()? {
            let n = self.name()?;
            let Value::Obj(main) = self.module(name::MAIN)? else { return self.fail("__main__ is not a module") };
            match self.byte()? {
                0 => {
                    let why = self.text()?.into();
                    self.th.interp.absent.with(&self.th.held, |all| {
                        all.retain(|(m, have, _)| !(*have == n && m.same(&main)));
                        all.push((main, n, why));
                    });
                }
                _ => {
                    let v = self.value()?;
                    if v.is_unbound() || !main.is::<crate::object::module::Module>() {
                        return self.fail("a global without a value");
                    }
                    self.th.store_global(&main, n, v);
                }
            }
        }
        Ok(())
    }

    /// A value; `Unbound` where a cell may be unset, which elsewhere is refused.
    pub fn value(&mut self) -> Res<Value> {
        match self.value_or_unbound()? {
            Value::Unbound => self.fail("a value is missing"),
            v => Ok(v),
        }
    }

    pub fn value_or_unbound(&mut self) -> Res<Value> {
        if self.depth >= DEPTH_MAX.min(self.th.limit) {
            let text = "maximum recursion depth exceeded while unpickling an object";
            return Err(self.th.raise(TypeId::RecursionError, text));
        }
        let tag = self.input.tag();
        let tag = self.ok(tag)?;
        self.depth += 1;
        let v = self.tagged(tag);
        self.depth -= 1;
        v
    }

    fn tagged(&mut self, tag: Tag) -> Res<Value> {
        Ok(match tag {
            Tag::Unbound => Value::Unbound,
            Tag::None => Value::None,
            Tag::True => Value::TRUE,
            Tag::False => Value::FALSE,
            Tag::Ellipsis => self.th.interp.fixed(&self.th.held).ellipsis.clone(),
            Tag::NotImplemented => self.th.interp.fixed(&self.th.held).not_implemented.clone(),
            Tag::Int => {
                let i = self.input.int();
                Value::Int(self.ok(i)?)
            }
            Tag::Float => {
                let b = self.input.take(8);
                let b = self.ok(b)?;
                Value::float(f64::from_le_bytes(b.try_into().unwrap_or_default()))
            }
            Tag::Back => {
                let at = self.number()?;
                self.remembered(at)?
            }
            Tag::BigInt | Tag::Str | Tag::Bytes | Tag::ByteArray => self.blob(tag)?,
            Tag::Tuple | Tag::FrozenSet | Tag::Slice | Tag::Range | Tag::LongRange => self.fixed(tag)?,
            Tag::List | Tag::Deque | Tag::Dict | Tag::Set => self.container(tag)?,
            Tag::Module => {
                let n = self.name()?;
                self.module(n)?
            }
            Tag::Program => {
                let p = self.program()?;
                self.remember(p.clone().into());
                p.into()
            }
            Tag::Code => self.code()?.into(),
            Tag::Cell => {
                let cell = Ref::new(&self.th.held, TypeId::Cell.shape(), Cell(Value::Unbound));
                self.remember(cell.clone().into());
                let v = self.value_or_unbound()?;
                let old = cell.with::<Cell, _>(&self.th.held, |c| std::mem::replace(&mut c.0, v));
                drop(old);
                cell.into()
            }
            Tag::Builtin => self.builtin_type()?,
            Tag::Global => self.global()?,
            Tag::Native | Tag::BoundNative => self.native(tag)?,
            Tag::Method => {
                let (func, this) = (self.value()?, self.value()?);
                let m = self.th.method(func, this);
                self.end(m)?
            }
            Tag::Descriptor => self.descriptor()?,
            Tag::Function => self.function()?,
            Tag::Class => self.class()?,
            Tag::Object | Tag::Stateful => self.instance(tag)?,
            Tag::Derived => self.derived()?,
            Tag::Reduced => self.reduced()?,
        })
    }

    fn blob(&mut self, tag: Tag) -> Res<Value> {
        let v = if tag == Tag::Str {
            let t = self.text()?;
            self.th.str(t)
        } else {
            let b = self.input.blob();
            let b = self.ok(b)?;
            match tag {
                Tag::Bytes => self.th.bytes(alloc::copied(b)),
                Tag::ByteArray => self.th.bytearray(alloc::copied(b)),
                // What fits 64 bits is an `Int` always (V3), also when a frame says otherwise.
                _ => match BigInt::from_signed_bytes_le(b) {
                    i if i64::try_from(&i).is_ok() => return self.fail("a small int written as a large one"),
                    i => Ref::new(&self.th.held, TypeId::Int.shape(), BigIntObj::new(i)).into(),
                },
            }
        };
        self.remember(v.clone());
        Ok(v)
    }

    /// What never changes: made after its contents.
    fn fixed(&mut self, tag: Tag) -> Res<Value> {
        match tag {
            Tag::Tuple => {
                let items = self.values()?;
                let t = self.th.tuple(items);
                self.end(t)
            }
            Tag::FrozenSet => {
                let items = self.values()?;
                let s = self.th.new_set(items, true)?;
                self.end(s)
            }
            Tag::Slice => {
                let s = Slice { start: self.value()?, stop: self.value()?, step: self.value()? };
                let s = Ref::new(&self.th.held, TypeId::Slice.shape(), s);
                self.end(s.into())
            }
            Tag::LongRange => {
                let parts = [self.value()?, self.value()?, self.value()?];
                match int_of(&parts[2]) {
                    Some(step) if parts.iter().all(|p| int_of(p).is_some()) && !step.is_zero() => {}
                    _ => return self.fail("a range with a step of 0, or of no ints"),
                }
                let [start, stop, step] =
                    parts.each_ref().map(|p| int_of(p).map(|i| i.to_val()).unwrap_or(IntVal::Small(1)));
                let r = self.th.range_of(start, stop, step);
                self.end(r)
            }
            _ => {
                let parts =
                    [self.input.int(), self.input.int(), self.input.int()].into_iter().collect::<Read<Vec<i64>>>();
                let parts = self.ok(parts)?;
                if parts[2] == 0 {
                    return self.fail("a range with a step of 0");
                }
                let r = self.th.range(parts[0], parts[1], parts[2]);
                self.remember(r.clone());
                Ok(r)
            }
        }
    }

    fn container(&mut self, tag: Tag) -> Res<Value> {
        let r: Ref = match tag {
            Tag::List => match self.th.list(Vec::new()) {
                Value::Obj(r) => r,
                _ => return self.fail("a list"),
            },
            Tag::Deque => match self.th.new_deque(Default::default(), None) {
                Value::Obj(r) => r,
                _ => return self.fail("a deque"),
            },
            Tag::Dict => self.th.dict(),
            _ => self.th.set(),
        };
        self.remember(r.clone().into());
        self.payload(&r)?;
        Ok(r.into())
    }
}

impl<'a> Decoder<'a> {
    pub fn text(&mut self) -> Res<&'a str> {
        let r = self.input.text();
        self.ok(r)
    }
}
