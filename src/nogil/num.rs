//! Numbers whose type is known only when they are there (N2): Python's operators on them.

use crate::object::pure::int::{self, IntRef, IntVal, Number};
use crate::object::pure::{PureError, Result, float};
use crate::syntax::ast::{BinOp, CmpOp, UnaryOp};
use std::cmp::Ordering;

/// What a function without the lock computes with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Num {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
}

/// An int that leaves 64 bits, in words that say which rule that is.
pub fn overflow(what: &str) -> PureError {
    PureError::overflow(format!("the result of '{what}' does not fit in the 64 bits of an int of a nogil function"))
}

fn whole(i: IntVal, what: &str) -> Result<Num> {
    match i {
        IntVal::Small(i) => Ok(Num::Int(i)),
        IntVal::Big(_) => Err(overflow(what)),
    }
}

impl Num {
    pub fn type_name(self) -> &'static str {
        match self {
            Num::None => "NoneType",
            Num::Bool(_) => "bool",
            Num::Int(_) => "int",
            Num::Float(_) => "float",
        }
    }
    pub fn truth(self) -> bool {
        match self {
            Num::None => false,
            Num::Bool(b) => b,
            Num::Int(i) => i != 0,
            Num::Float(x) => x != 0.0,
        }
    }
    fn int(self) -> Option<i64> {
        match self {
            Num::Bool(b) => Some(i64::from(b)),
            Num::Int(i) => Some(i),
            _ => None,
        }
    }
    /// As an argument of a function of floats.
    pub fn real(self) -> Result<f64> {
        match self {
            Num::Float(x) => Ok(x),
            Num::None => Err(PureError::type_("must be real number, not NoneType")),
            n => Ok(n.int().unwrap_or(0) as f64),
        }
    }
    /// As an index, a shift, an argument of `range`.
    pub fn index(self) -> Result<i64> {
        let wrong = || PureError::type_(format!("'{}' object cannot be interpreted as an integer", self.type_name()));
        self.int().ok_or_else(wrong)
    }
    /// `int(x)`.
    pub fn to_int(self) -> Result<i64> {
        match self {
            Num::Float(x) => int::from_float(x)?.borrow().to_i64().ok_or_else(|| overflow("int()")),
            Num::None => Err(PureError::type_(
                "int() argument must be a string, a bytes-like object or a real number, not 'NoneType'",
            )),
            n => Ok(n.int().unwrap_or(0)),
        }
    }
    /// `float(x)`.
    pub fn to_float(self) -> Result<f64> {
        match self {
            Num::None => Err(PureError::type_("float() argument must be a string or a real number, not 'NoneType'")),
            n => n.real(),
        }
    }
    /// `abs(x)`.
    pub fn abs(self) -> Result<Num> {
        match self {
            Num::Float(x) => Ok(Num::Float(x.abs())),
            Num::None => Err(PureError::type_("bad operand type for abs(): 'NoneType'")),
            n => n.int().and_then(i64::checked_abs).map(Num::Int).ok_or_else(|| overflow("abs()")),
        }
    }
}

fn unsupported(op: &str, a: Num, b: Num) -> PureError {
    let shown = if op == "**" { "** or pow()" } else { op };
    PureError::type_(format!("unsupported operand type(s) for {shown}: '{}' and '{}'", a.type_name(), b.type_name()))
}

/// `a op b`.
pub fn binary(op: BinOp, a: Num, b: Num) -> Result<Num> {
    if let (Num::Bool(x), Num::Bool(y)) = (a, b) {
        match op {
            BinOp::BitAnd => return Ok(Num::Bool(x & y)),
            BinOp::BitOr => return Ok(Num::Bool(x | y)),
            BinOp::BitXor => return Ok(Num::Bool(x ^ y)),
            _ => {}
        }
    }
    if let (Some(x), Some(y)) = (a.int(), b.int()) {
        return ints(op, x, y);
    }
    if matches!(a, Num::None) || matches!(b, Num::None) {
        return Err(unsupported(op.text(), a, b));
    }
    let (x, y) = (a.real()?, b.real()?);
    Ok(Num::Float(match op {
        BinOp::Add => x + y,
        BinOp::Sub => x - y,
        BinOp::Mul => x * y,
        BinOp::Div => float::true_div(x, y)?,
        BinOp::FloorDiv => float::floor_div(x, y)?,
        BinOp::Mod => float::modulo(x, y)?,
        BinOp::Pow => float::pow(x, y)?,
        _ => return Err(unsupported(op.text(), a, b)),
    }))
}

fn ints(op: BinOp, x: i64, y: i64) -> Result<Num> {
    let (a, b) = (IntRef::Small(x), IntRef::Small(y));
    let out = match op {
        BinOp::Add => int::add(a, b),
        BinOp::Sub => int::sub(a, b),
        BinOp::Mul => int::mul(a, b),
        BinOp::BitAnd => int::and(a, b),
        BinOp::BitOr => int::or(a, b),
        BinOp::BitXor => int::xor(a, b),
        BinOp::FloorDiv => int::floor_div(a, b)?,
        BinOp::Mod => int::modulo(a, b)?,
        BinOp::Shl if x != 0 && y > 64 => return Err(overflow("<<")),
        BinOp::Shl => int::shl(a, b)?,
        BinOp::Shr => int::shr(a, b)?,
        BinOp::Div => return int::true_div(a, b).map(Num::Float),
        BinOp::Pow if y > 64 && x.unsigned_abs() > 1 => return Err(overflow("**")),
        BinOp::Pow => match int::pow(a, b)? {
            Number::Int(i) => i,
            Number::Float(x) => return Ok(Num::Float(x)),
        },
        BinOp::MatMul => return Err(unsupported("@", Num::Int(x), Num::Int(y))),
    };
    whole(out, op.text())
}

/// `op a`.
pub fn unary(op: UnaryOp, a: Num) -> Result<Num> {
    let wrong = || PureError::type_(format!("bad operand type for unary {}: '{}'", op.text(), a.type_name()));
    match (op, a) {
        (UnaryOp::Not, a) => Ok(Num::Bool(!a.truth())),
        (UnaryOp::Neg, Num::Float(x)) => Ok(Num::Float(-x)),
        (UnaryOp::Pos, Num::Float(x)) => Ok(Num::Float(x)),
        (op, a) => {
            let x = a.int().ok_or_else(wrong)?;
            match op {
                UnaryOp::Neg => x.checked_neg().map(Num::Int).ok_or_else(|| overflow("-")),
                UnaryOp::Invert => Ok(Num::Int(!x)),
                _ => Ok(Num::Int(x)),
            }
        }
    }
}

/// The order of two numbers; `None` beside NaN.
fn order(a: Num, b: Num) -> Option<Ordering> {
    match (a, b) {
        (Num::Float(x), Num::Float(y)) => x.partial_cmp(&y),
        (Num::Float(x), b) => int::cmp_float(IntRef::Small(b.int()?), x).map(Ordering::reverse),
        (a, Num::Float(y)) => int::cmp_float(IntRef::Small(a.int()?), y),
        (a, b) => Some(a.int()?.cmp(&b.int()?)),
    }
}

/// `a op b` of a comparison.
pub fn compare(op: CmpOp, a: Num, b: Num) -> Result<bool> {
    let none = (matches!(a, Num::None), matches!(b, Num::None));
    match op {
        CmpOp::Is => return Ok(same(a, b)),
        CmpOp::IsNot => return Ok(!same(a, b)),
        CmpOp::Eq if none.0 || none.1 => return Ok(none.0 && none.1),
        CmpOp::NotEq if none.0 || none.1 => return Ok(!(none.0 && none.1)),
        _ => {}
    }
    if none.0 || none.1 {
        let (a, b) = (a.type_name(), b.type_name());
        let op = op.text();
        return Err(PureError::type_(format!("'{op}' not supported between instances of '{a}' and '{b}'")));
    }
    let found = order(a, b);
    Ok(match op {
        CmpOp::Eq => found == Some(Ordering::Equal),
        CmpOp::NotEq => found != Some(Ordering::Equal),
        CmpOp::Lt => found == Some(Ordering::Less),
        CmpOp::LtE => matches!(found, Some(Ordering::Less | Ordering::Equal)),
        CmpOp::Gt => found == Some(Ordering::Greater),
        _ => matches!(found, Some(Ordering::Greater | Ordering::Equal)),
    })
}

fn same(a: Num, b: Num) -> bool {
    match (a, b) {
        (Num::None, Num::None) => true,
        (Num::Bool(x), Num::Bool(y)) => x == y,
        (Num::Int(x), Num::Int(y)) => x == y,
        (Num::Float(x), Num::Float(y)) => x.to_bits() == y.to_bits(),
        _ => false,
    }
}
