//! `_operator`: the operators as functions; what takes names or items is in `kit/operator.kit`.

use crate::natives;
use crate::object::Value;
use crate::vm::ops::arith::BinOp;
use crate::vm::ops::compare::CmpOp;
use crate::vm::{Call, Res};

natives! { pub OPERATOR, "_operator";
    /// How many items a builtin iterator has left; None if it does not know.
    holds _hint("it, /") = hint;
    /// a + b
    holds add("a, b, /") = add;
    /// a - b
    holds sub("a, b, /") = sub;
    /// a * b
    holds mul("a, b, /") = mul;
    /// a / b
    holds truediv("a, b, /") = truediv;
    /// a // b
    holds floordiv("a, b, /") = floordiv;
    /// a % b
    holds r#mod("a, b, /") = modulo;
    /// a ** b
    holds pow("a, b, /") = pow;
    /// a @ b
    holds matmul("a, b, /") = matmul;
    /// a & b
    holds and_("a, b, /") = and_;
    /// a | b
    holds or_("a, b, /") = or_;
    /// a ^ b
    holds xor("a, b, /") = xor;
    /// a << b
    holds lshift("a, b, /") = lshift;
    /// a >> b
    holds rshift("a, b, /") = rshift;
    /// a += b, and the result
    holds iadd("a, b, /") = iadd;
    /// a -= b, and the result
    holds isub("a, b, /") = isub;
    /// a *= b, and the result
    holds imul("a, b, /") = imul;
    /// a /= b, and the result
    holds itruediv("a, b, /") = itruediv;
    /// a //= b, and the result
    holds ifloordiv("a, b, /") = ifloordiv;
    /// a %= b, and the result
    holds imod("a, b, /") = imod;
    /// a **= b, and the result
    holds ipow("a, b, /") = ipow;
    /// a @= b, and the result
    holds imatmul("a, b, /") = imatmul;
    /// a &= b, and the result
    holds iand("a, b, /") = iand;
    /// a |= b, and the result
    holds ior("a, b, /") = ior;
    /// a ^= b, and the result
    holds ixor("a, b, /") = ixor;
    /// a <<= b, and the result
    holds ilshift("a, b, /") = ilshift;
    /// a >>= b, and the result
    holds irshift("a, b, /") = irshift;
    /// a < b
    holds lt("a, b, /") = lt;
    /// a <= b
    holds le("a, b, /") = le;
    /// a == b
    holds eq("a, b, /") = eq;
    /// a != b
    holds ne("a, b, /") = ne;
    /// a > b
    holds gt("a, b, /") = gt;
    /// a >= b
    holds ge("a, b, /") = ge;
    /// -a
    holds neg("a, /") = neg;
    /// +a
    holds pos("a, /") = pos;
    /// ~a
    holds invert("a, /") = invert;
    /// The absolute value.
    holds abs("a, /") = abs;
    /// not a
    holds not_("a, /") = not_;
    /// bool(a)
    holds truth("a, /") = truth;
    /// The int that `a` is as an index.
    holds index("a, /") = index;
    /// a[b]
    holds getitem("a, b, /") = getitem;
    /// a[b] = c
    holds setitem("a, b, c, /") = setitem;
    /// del a[b]
    holds delitem("a, b, /") = delitem;
    /// b in a
    holds contains("a, b, /") = contains;
    /// a is b
    holds is_("a, b, /") = is_;
    /// a is not b
    holds is_not("a, b, /") = is_not;
}

macro_rules! operators {
    ($method:ident $kind:ident: $($name:ident = $op:ident;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let (a, b) = (c.arg(0), c.arg(1));
            c.$method($kind::$op, &a, &b)
        }
    )*};
}
operators! { binary BinOp:
    add = Add; sub = Sub; mul = Mul; truediv = Div; floordiv = FloorDiv; modulo = Mod; pow = Pow;
    matmul = MatMul; and_ = BitAnd; or_ = BitOr; xor = BitXor; lshift = Shl; rshift = Shr;
}
operators! { inplace BinOp:
    iadd = Add; isub = Sub; imul = Mul; itruediv = Div; ifloordiv = FloorDiv; imod = Mod; ipow = Pow;
    imatmul = MatMul; iand = BitAnd; ior = BitOr; ixor = BitXor; ilshift = Shl; irshift = Shr;
}
operators! { compare CmpOp:
    lt = Lt; le = Le; eq = Eq; ne = Ne; gt = Gt; ge = Ge;
}

macro_rules! unary {
    ($($name:ident = $method:ident;)*) => {$(
        fn $name(c: &mut Call) -> Res<Value> {
            let a = c.arg(0);
            c.$method(&a)
        }
    )*};
}
unary! { neg = negative; pos = positive; invert = invert; abs = absolute; }

fn not_(c: &mut Call) -> Res<Value> {
    let a = c.arg(0);
    Ok(Value::bool(!c.truth(&a)?))
}
fn truth(c: &mut Call) -> Res<Value> {
    let a = c.arg(0);
    Ok(Value::bool(c.truth(&a)?))
}
fn index(c: &mut Call) -> Res<Value> {
    let a = c.arg(0);
    let i = c.index_int(&a)?;
    Ok(c.int(i))
}
fn getitem(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(0), c.arg(1));
    c.get_item(&a, &b)
}
fn setitem(c: &mut Call) -> Res<Value> {
    let (a, b, v) = (c.arg(0), c.arg(1), c.arg(2));
    c.set_item(&a, &b, v)?;
    Ok(Value::None)
}
fn delitem(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(0), c.arg(1));
    c.del_item(&a, &b)?;
    Ok(Value::None)
}
fn contains(c: &mut Call) -> Res<Value> {
    let (a, b) = (c.arg(0), c.arg(1));
    Ok(Value::bool(c.contains(&a, &b)?))
}
fn is_(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(c.arg(0).same(&c.arg(1))))
}
fn is_not(c: &mut Call) -> Res<Value> {
    Ok(Value::bool(!c.arg(0).same(&c.arg(1))))
}

fn hint(c: &mut Call) -> Res<Value> {
    let left = c.arg(0).as_ref().and_then(|r| c.items_left(r));
    Ok(left.map_or(Value::None, |n| Value::Int(n as i64)))
}
