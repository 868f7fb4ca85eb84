//! Binary and unary operators.

use super::scripted;
use crate::object::pure::int::{self, IntRef, IntVal, Number};
use crate::object::pure::{self, float};
use crate::object::types::*;
use crate::object::{Kind, Name, Ref, TypeId, Value, name};
use crate::vm::make::{float_of, int_of, text};
use crate::vm::{Raised, Res, Thread};

macro_rules! operators {
    ($($id:ident $symbol:literal $shown:literal $method:ident $reflected:ident $inplace:ident;)*) => {
        /// A binary operator.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum BinOp { $($id),* }

        impl BinOp {
            pub const ALL: &'static [BinOp] = &[$(BinOp::$id),*];
            pub fn symbol(self) -> &'static str {
                match self { $(BinOp::$id => $symbol),* }
            }
            /// As error texts name it.
            fn shown(self) -> &'static str {
                match self { $(BinOp::$id => $shown),* }
            }
            pub fn method(self) -> Name {
                match self { $(BinOp::$id => name::$method),* }
            }
            /// The method of the right operand.
            pub fn reflected(self) -> Name {
                match self { $(BinOp::$id => name::$reflected),* }
            }
            pub fn inplace(self) -> Name {
                match self { $(BinOp::$id => name::$inplace),* }
            }
        }
    };
}

operators! {
    Add "+" "+" ADD RADD IADD;
    Sub "-" "-" SUB RSUB ISUB;
    Mul "*" "*" MUL RMUL IMUL;
    Div "/" "/" TRUEDIV RTRUEDIV ITRUEDIV;
    FloorDiv "//" "//" FLOORDIV RFLOORDIV IFLOORDIV;
    Mod "%" "%" MOD RMOD IMOD;
    Pow "**" "** or pow()" POW RPOW IPOW;
    MatMul "@" "@" MATMUL RMATMUL IMATMUL;
    BitAnd "&" "&" AND RAND IAND;
    BitOr "|" "|" OR ROR IOR;
    BitXor "^" "^" XOR RXOR IXOR;
    Shl "<<" "<<" LSHIFT RLSHIFT ILSHIFT;
    Shr ">>" ">>" RSHIFT RRSHIFT IRSHIFT;
}

/// Two small ints whose result is a small int again, or two floats; `None`: the long way.
#[inline(always)]
fn quick(op: BinOp, a: &Value, b: &Value) -> Option<Value> {
    match (a, b) {
        (Value::Int(x), Value::Int(y)) => {
            let (x, y) = (*x, *y);
            Some(Value::Int(match op {
                BinOp::Add => x.checked_add(y)?,
                BinOp::Sub => x.checked_sub(y)?,
                BinOp::Mul => x.checked_mul(y)?,
                BinOp::BitAnd => x & y,
                BinOp::BitOr => x | y,
                BinOp::BitXor => x ^ y,
                _ => return None,
            }))
        }
        (Value::Float(x), Value::Float(y)) => {
            let (x, y) = (x.get(), y.get());
            Some(Value::float(match op {
                BinOp::Add => x + y,
                BinOp::Sub => x - y,
                BinOp::Mul => x * y,
                BinOp::Div if y != 0.0 => x / y,
                _ => return None,
            }))
        }
        _ => None,
    }
}

impl Thread {
    /// `a op b`.
    #[inline]
    pub fn binary(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Value> {
        match quick(op, a, b) {
            Some(v) => Ok(v),
            None => self.binary_slow(op, a, b),
        }
    }

    #[inline(never)]
    fn binary_slow(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Value> {
        match self.binary_or_none(op, a, b)? {
            Some(v) => Ok(v),
            None => Err(self.unsupported(op, false, a, b)),
        }
    }

    fn binary_or_none(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Option<Value>> {
        // `str % x` is str's own before it is x's `__rmod__`.
        let formats = op == BinOp::Mod && text(a).is_some();
        if !formats && (scripted(a) || scripted(b)) {
            let found = self.binary_scripted(op.method(), op.reflected(), a, b)?;
            if found.is_some() {
                return Ok(found);
            }
        }
        match self.base_binary(op, a, b)? {
            None if op == BinOp::BitOr => Ok(self.union_of(a, b)),
            found => Ok(found),
        }
    }

    /// Script methods of the two operands: the reflected one of a subclass that overrides it first.
    fn binary_scripted(&mut self, method: Name, reflected: Name, a: &Value, b: &Value) -> Res<Option<Value>> {
        let (ta, tb) = (self.type_of(a), self.type_of(b));
        let other_class = !ta.same(&tb);
        let mut asked = false;
        if other_class && self.has_special(b, reflected) && self.is_subclass(&tb, &ta) {
            let (mine, its) = (self.lookup(&ta, reflected), self.lookup(&tb, reflected));
            let overrides = match (mine, its) {
                (Some(m), Some(i)) => !m.same(&i),
                _ => true,
            };
            if overrides {
                asked = true;
                if let Some(v) = self.ask(b, reflected, a)? {
                    return Ok(Some(v));
                }
            }
        }
        if let Some(v) = self.ask(a, method, b)? {
            return Ok(Some(v));
        }
        if other_class && !asked { self.ask(b, reflected, a) } else { Ok(None) }
    }

    /// What the builtin types do, without script methods of the two; `None`: NotImplemented.
    pub fn base_binary(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Option<Value>> {
        if let Some(v) = quick(op, a, b) {
            return Ok(Some(v));
        }
        match (int_of(a), int_of(b)) {
            (Some(x), Some(y)) => return self.ints(op, a, b, x, y),
            (Some(x), None) if float_of(b).is_some() => {
                let x = int::to_float(x);
                let (x, y) = (self.pure(x)?, float_of(b).unwrap_or(0.0));
                return self.floats(op, x, y);
            }
            (None, Some(y)) if float_of(a).is_some() => {
                let y = int::to_float(y);
                let (x, y) = (float_of(a).unwrap_or(0.0), self.pure(y)?);
                return self.floats(op, x, y);
            }
            _ => {}
        }
        if let (Some(x), Some(y)) = (float_of(a), float_of(b)) {
            return self.floats(op, x, y);
        }
        match op {
            BinOp::Add => self.concat(a, b),
            BinOp::Mul => self.repeat(a, b),
            BinOp::Mod if text(a).is_some() || self.bytes_like(a).is_some() => self.percent(a, b).map(Some),
            BinOp::BitOr if is_dict(a) && is_dict(b) => self.dict_union(a, b).map(Some),
            _ => self.set_binary(op, a, b),
        }
    }

    fn ints(&mut self, op: BinOp, a: &Value, b: &Value, x: IntRef, y: IntRef) -> Res<Option<Value>> {
        if let (Value::Bool(p), Value::Bool(q)) = (a, b) {
            match op {
                BinOp::BitAnd => return Ok(Some(Value::Bool(p & q))),
                BinOp::BitOr => return Ok(Some(Value::Bool(p | q))),
                BinOp::BitXor => return Ok(Some(Value::Bool(p ^ q))),
                _ => {}
            }
        }
        let out = match op {
            BinOp::Add => int::add(x, y),
            BinOp::Sub => int::sub(x, y),
            BinOp::Mul => int::mul(x, y),
            BinOp::BitAnd => int::and(x, y),
            BinOp::BitOr => int::or(x, y),
            BinOp::BitXor => int::xor(x, y),
            BinOp::FloorDiv => self.pure(int::floor_div(x, y))?,
            BinOp::Mod => self.pure(int::modulo(x, y))?,
            BinOp::Shl => self.pure(int::shl(x, y))?,
            BinOp::Shr => self.pure(int::shr(x, y))?,
            BinOp::Div => {
                return self.pure(int::true_div(x, y)).map(|x| Some(Value::float(x)));
            }
            BinOp::Pow => match self.pure(int::pow(x, y))? {
                Number::Int(i) => i,
                Number::Float(x) => return Ok(Some(Value::float(x))),
            },
            BinOp::MatMul => return Ok(None),
        };
        Ok(Some(self.int(out)))
    }

    fn floats(&mut self, op: BinOp, x: f64, y: f64) -> Res<Option<Value>> {
        let out = match op {
            BinOp::Add => x + y,
            BinOp::Sub => x - y,
            BinOp::Mul => x * y,
            BinOp::Div => self.pure(float::true_div(x, y))?,
            BinOp::FloorDiv => self.pure(float::floor_div(x, y))?,
            BinOp::Mod => self.pure(float::modulo(x, y))?,
            BinOp::Pow => self.pure(float::pow(x, y))?,
            _ => return Ok(None),
        };
        Ok(Some(Value::float(out)))
    }

    fn concat(&mut self, a: &Value, b: &Value) -> Res<Option<Value>> {
        if matches!(a, Value::Obj(r) if r.kind() == Kind::Deque) {
            return self.deque_concat(a, b).map(Some);
        }
        let (Value::Obj(x), Value::Obj(y)) = (a, b) else {
            return Ok(None);
        };
        Ok(Some(match (x.kind(), y.kind()) {
            (Kind::Str, Kind::Str) => {
                let (p, q) = (&x.frozen::<Str>().text, &y.frozen::<Str>().text);
                if p.is_empty() && !scripted(b) {
                    return Ok(Some(b.clone()));
                }
                if q.is_empty() && !scripted(a) {
                    return Ok(Some(a.clone()));
                }
                self.room(p.len() + q.len())?;
                let mut out = String::with_capacity(p.len() + q.len());
                out.push_str(p);
                out.push_str(q);
                self.string(out)
            }
            (Kind::List, Kind::List) => {
                self.room_for(self.base_length(x).unwrap_or(0) + self.base_length(y).unwrap_or(0))?;
                let mut items = x.with::<List, _>(&self.held, |l| l.items.clone());
                y.with::<List, _>(&self.held, |l| items.extend_from_slice(&l.items));
                self.list(items)
            }
            (Kind::Tuple, Kind::Tuple) => {
                let (p, q) = (&x.frozen::<Tuple>().0, &y.frozen::<Tuple>().0);
                if p.is_empty() && !scripted(b) {
                    return Ok(Some(b.clone()));
                }
                if q.is_empty() && !scripted(a) {
                    return Ok(Some(a.clone()));
                }
                self.room_for(p.len() + q.len())?;
                let items = p.iter().chain(q.iter()).cloned().collect();
                self.tuple(items)
            }
            (Kind::Bytes, Kind::Bytes | Kind::ByteArray) => {
                self.room(self.base_length(x).unwrap_or(0) + self.base_length(y).unwrap_or(0))?;
                let out = [self.bytes_copy(x), self.bytes_copy(y)].concat();
                self.bytes(out)
            }
            (Kind::ByteArray, Kind::Bytes | Kind::ByteArray) => {
                self.room(self.base_length(x).unwrap_or(0) + self.base_length(y).unwrap_or(0))?;
                let out = [self.bytes_copy(x), self.bytes_copy(y)].concat();
                self.bytearray(out)
            }
            _ => return Ok(None),
        }))
    }

    /// `sequence * n` and `n * sequence`.
    fn repeat(&mut self, a: &Value, b: &Value) -> Res<Option<Value>> {
        let (seq, times) = match (repeatable(a), repeatable(b)) {
            (Some(r), _) => (r, b),
            (None, Some(r)) => (r, a),
            _ => return Ok(None),
        };
        let times = match self.try_index(times)? {
            None => return Ok(None),
            Some(IntVal::Small(n)) => n.max(0) as usize,
            Some(_) => return Err(self.does_not_fit(times, TypeId::OverflowError)),
        };
        self.repeat_object(&seq.clone(), times).map(Some)
    }

    fn repeat_object(&mut self, seq: &Ref, times: usize) -> Res<Value> {
        let len = self.base_length(seq).unwrap_or(0);
        if len.saturating_mul(times) > 1 << 31 {
            return Err(self.raise_with(TypeId::MemoryError, Vec::new()));
        }
        if seq.kind() == Kind::Deque {
            let new = self.deque_copy(&seq.clone().into())?;
            if let Value::Obj(r) = &new
                && r.kind() == Kind::Deque
            {
                self.deque_repeat(r, times)?;
            }
            return Ok(new);
        }
        match seq.kind() {
            Kind::List | Kind::Tuple => self.room_for(len * times)?,
            _ => self.room(len * times)?,
        }
        match seq.kind() {
            Kind::Str => {
                if times == 1 && (seq.shape() as usize) < TypeId::COUNT {
                    return Ok(seq.clone().into());
                }
                let out = pure::text::repeat(&seq.frozen::<Str>().text, times as i64);
                let out = self.pure(out)?;
                Ok(self.string(out))
            }
            Kind::Tuple => {
                if times == 1 && (seq.shape() as usize) < TypeId::COUNT {
                    return Ok(seq.clone().into());
                }
                let out = cycle(&seq.frozen::<Tuple>().0, times);
                Ok(self.tuple(out))
            }
            Kind::List => {
                let out = seq.with::<List, _>(&self.held, |l| cycle(&l.items, times));
                Ok(self.list(out))
            }
            Kind::Bytes => {
                let out = seq.frozen::<Bytes>().0.repeat(times);
                Ok(self.bytes(out))
            }
            _ => {
                let out = self.bytes_copy(seq).repeat(times);
                Ok(self.bytearray(out))
            }
        }
    }

    /// `a | b` of dicts.
    fn dict_union(&mut self, a: &Value, b: &Value) -> Res<Value> {
        let out = self.dict();
        self.dict_update(&out, a)?;
        self.dict_update(&out, b)?;
        Ok(out.into())
    }

    /// `a op= b`: the value that `a`'s place gets.
    pub fn inplace(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Value> {
        if let Some(v) = quick(op, a, b) {
            return Ok(v);
        }
        if scripted(a)
            && let Some(v) = self.ask(a, op.inplace(), b)?
        {
            return Ok(v);
        }
        if let Some(v) = self.base_inplace(op, a, b)? {
            return Ok(v);
        }
        match self.binary_or_none(op, a, b)? {
            Some(v) => Ok(v),
            None => Err(self.unsupported(op, true, a, b)),
        }
    }

    /// What a builtin type does in place; `None`: nothing of its own.
    pub fn base_inplace(&mut self, op: BinOp, a: &Value, b: &Value) -> Res<Option<Value>> {
        let Value::Obj(r) = a else {
            return Ok(None);
        };
        match (r.kind(), op) {
            (Kind::List, BinOp::Add) => self.list_extend(r, b)?,
            (Kind::Deque, BinOp::Add) => self.deque_extend(r, b, false)?,
            (Kind::Deque, BinOp::Mul) => {
                let Some(IntVal::Small(n)) = self.try_index(b)? else {
                    return Ok(None);
                };
                self.deque_repeat(r, n.max(0) as usize)?;
            }
            (Kind::List | Kind::ByteArray, BinOp::Mul) => {
                let Some(IntVal::Small(n)) = self.try_index(b)? else {
                    return Ok(None);
                };
                let out = self.repeat_object(r, n.max(0) as usize)?;
                let Value::Obj(out) = out else {
                    return Ok(None);
                };
                if r.is::<List>() {
                    let new = out.with::<List, _>(&self.held, |l| std::mem::take(&mut l.items));
                    let old = r.with::<List, _>(&self.held, |l| std::mem::replace(&mut l.items, new));
                    drop(old);
                } else {
                    let new = self.bytes_copy(&out);
                    r.with::<ByteArray, _>(&self.held, |b| b.0 = new);
                }
            }
            (Kind::ByteArray, BinOp::Add) => {
                let Some(more) = self.bytes_like(b) else {
                    let name = self.type_name(b);
                    return Err(self.type_error(format!("can't concat {name} to bytearray")));
                };
                self.room(self.base_length(r).unwrap_or(0).saturating_add(more.len()))?;
                r.with::<ByteArray, _>(&self.held, |b| b.0.extend(more));
            }
            (Kind::Dict, BinOp::BitOr) => self.dict_update(r, b)?,
            (Kind::Set, _) => return self.set_inplace(op, a, b),
            _ => return Ok(None),
        }
        Ok(Some(a.clone()))
    }

    /// `list.extend(v)` and `list += v`.
    pub fn list_extend(&mut self, list: &Ref, v: &Value) -> Res<()> {
        if let Value::Obj(r) = v
            && !scripted(v)
            && matches!(r.kind(), Kind::List | Kind::Tuple | Kind::Range | Kind::Dict | Kind::Set)
        {
            let items = self.collect(v)?;
            self.room_for(self.base_length(list).unwrap_or(0).saturating_add(items.len()))?;
            list.with::<List, _>(&self.held, |l| l.items.extend(items));
            return Ok(());
        }
        // Items come one by one: what a generator has given before it raises stays.
        let it = self.iter(v)?;
        while let Some(v) = self.next(&it)? {
            list.with::<List, _>(&self.held, |l| l.items.push(v));
        }
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn unsupported(&mut self, op: BinOp, inplace: bool, a: &Value, b: &Value) -> Raised {
        let (x, y) = (self.type_name(a), self.type_name(b));
        let kind = |v: &Value| v.as_ref().map(|r| r.kind());
        let text = match (op, kind(a), kind(b)) {
            (BinOp::Add, Some(k @ (Kind::Str | Kind::List | Kind::Tuple)), _) => {
                let name = match k {
                    Kind::Str => "str",
                    Kind::List => "list",
                    _ => "tuple",
                };
                format!("can only concatenate {name} (not \"{y}\") to {name}")
            }
            (BinOp::Add, Some(Kind::Bytes | Kind::ByteArray), _) => {
                format!("can't concat {y} to {x}")
            }
            (BinOp::Mul, ..) if repeatable(a).is_some() => {
                format!("can't multiply sequence by non-int of type '{y}'")
            }
            (BinOp::Mul, ..) if repeatable(b).is_some() => {
                format!("can't multiply sequence by non-int of type '{x}'")
            }
            _ => {
                let shown = if inplace { format!("{}=", op.symbol()) } else { op.shown().to_string() };
                format!("unsupported operand type(s) for {shown}: '{x}' and '{y}'")
            }
        };
        self.type_error(text)
    }

    /// `-v`.
    #[inline]
    pub fn negative(&mut self, v: &Value) -> Res<Value> {
        match v {
            Value::Int(i) if *i != i64::MIN => Ok(Value::Int(-i)),
            Value::Float(x) => Ok(Value::float(-x.get())),
            _ => self.unary(v, name::NEG, "-", int::neg),
        }
    }

    /// `+v`.
    pub fn positive(&mut self, v: &Value) -> Res<Value> {
        match v {
            Value::Int(_) | Value::Float(_) => Ok(v.clone()),
            _ => self.unary(v, name::POS, "+", |a| a.to_val()),
        }
    }

    /// `~v`.
    pub fn invert(&mut self, v: &Value) -> Res<Value> {
        self.unary(v, name::INVERT, "~", int::invert)
    }

    /// `abs(v)`.
    pub fn absolute(&mut self, v: &Value) -> Res<Value> {
        if let Some(out) = self.special(v, name::ABS, &[])? {
            return Ok(out);
        }
        match (int_of(v), float_of(v)) {
            (Some(i), _) => {
                let out = int::abs(i);
                Ok(self.int(out))
            }
            (None, Some(x)) => Ok(Value::float(x.abs())),
            _ => {
                let name = self.type_name(v);
                Err(self.type_error(format!("bad operand type for abs(): '{name}'")))
            }
        }
    }

    fn unary(&mut self, v: &Value, method: Name, symbol: &str, of_int: fn(IntRef) -> IntVal) -> Res<Value> {
        if let Some(out) = self.special(v, method, &[])? {
            return Ok(out);
        }
        match (int_of(v), float_of(v)) {
            (Some(i), _) => {
                let out = of_int(i);
                Ok(self.int(out))
            }
            (None, Some(x)) if symbol == "-" => Ok(Value::float(-x)),
            (None, Some(x)) if symbol == "+" => Ok(Value::float(x)),
            _ => {
                let name = self.type_name(v);
                Err(self.type_error(format!("bad operand type for unary {symbol}: '{name}'")))
            }
        }
    }

    /// `divmod(a, b)`.
    pub fn divmod(&mut self, a: &Value, b: &Value) -> Res<Value> {
        if let (Some(x), Some(y)) = (int_of(a), int_of(b)) {
            let (q, r) = self.pure(int::div_mod(x, y))?;
            let pair = vec![self.int(q), self.int(r)];
            return Ok(self.tuple(pair));
        }
        let number = |v: &Value| float_of(v).is_some() || int_of(v).is_some();
        if number(a) && number(b) {
            let (x, y) = (self.to_float(a)?, self.to_float(b)?);
            let (q, r) = self.pure(float::div_mod(x, y))?;
            return Ok(self.tuple(vec![Value::float(q), Value::float(r)]));
        }
        match self.binary_scripted(name::DIVMOD, name::RDIVMOD, a, b)? {
            Some(v) => Ok(v),
            None => {
                let (x, y) = (self.type_name(a), self.type_name(b));
                Err(self.type_error(format!("unsupported operand type(s) for divmod(): '{x}' and '{y}'")))
            }
        }
    }

    /// `pow(a, b, modulus)`; a modulus of None is `a ** b`.
    pub fn power(&mut self, a: &Value, b: &Value, modulus: &Value) -> Res<Value> {
        if matches!(modulus, Value::None | Value::Unbound) {
            return self.binary(BinOp::Pow, a, b);
        }
        if let (Some(x), Some(y), Some(m)) = (int_of(a), int_of(b), int_of(modulus)) {
            let out = self.pure(int::pow_mod(x, y, m))?;
            return Ok(self.int(out));
        }
        if scripted(a)
            && let Some(v) = self.special(a, name::POW, &[b.clone(), modulus.clone()])?
            && !self.is_not_implemented(&v)
        {
            return Ok(v);
        }
        let number = |v: &Value| float_of(v).is_some() || int_of(v).is_some();
        if number(a) && number(b) && number(modulus) {
            return Err(self.type_error("pow() 3rd argument not allowed unless all arguments are integers"));
        }
        let (x, y, z) = (self.type_name(a), self.type_name(b), self.type_name(modulus));
        Err(self.type_error(format!("unsupported operand type(s) for ** or pow(): '{x}', '{y}', '{z}'")))
    }
}

fn is_dict(v: &Value) -> bool {
    v.as_ref().is_some_and(|r| r.kind() == Kind::Dict)
}

fn repeatable(v: &Value) -> Option<&Ref> {
    let r = v.as_ref()?;
    matches!(r.kind(), Kind::Str | Kind::List | Kind::Tuple | Kind::Bytes | Kind::ByteArray | Kind::Deque).then_some(r)
}

fn cycle(items: &[Value], times: usize) -> Vec<Value> {
    let mut out = Vec::with_capacity(items.len() * times);
    for _ in 0..times {
        out.extend_from_slice(items);
    }
    out
}
