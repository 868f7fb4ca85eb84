//! Constants: each value once, and what is computed at compile time.

use super::unit::LIMIT;
use crate::bytecode::{Const, K};
use crate::syntax::ast::*;
use foldhash::fast::FixedState;
use hashbrown::HashMap;
use num_bigint::BigInt;

/// The constants of one block.
#[derive(Default)]
pub struct Pool {
    consts: Vec<Const>,
    index: HashMap<Key, u16, FixedState>,
}

/// Equal keys are the same constant: 1, 1.0 and True are three.
#[derive(PartialEq, Eq, Hash)]
enum Key {
    None,
    Bool(bool),
    Int(i64),
    Big(BigInt),
    Float(u64),
    Str(Box<str>),
    Bytes(Box<[u8]>),
    Tuple(Box<[Key]>),
    FrozenSet(Box<[Key]>),
    Ellipsis,
}

fn key(c: &Const) -> Option<Key> {
    let all = |items: &[Const]| items.iter().map(key).collect::<Option<Box<[Key]>>>();
    Some(match c {
        Const::None => Key::None,
        Const::Bool(b) => Key::Bool(*b),
        Const::Int(i) => Key::Int(*i),
        Const::Big(i) => Key::Big(i.clone()),
        Const::Float(x) => Key::Float(x.to_bits()),
        Const::Str(s) => Key::Str(s.clone()),
        Const::Bytes(b) => Key::Bytes(b.clone()),
        Const::Tuple(items) => Key::Tuple(all(items)?),
        Const::FrozenSet(items) => Key::FrozenSet(all(items)?),
        Const::Ellipsis => Key::Ellipsis,
        Const::Code(_) => return None,
    })
}

impl Pool {
    pub fn len(&self) -> usize {
        self.consts.len()
    }

    pub fn add(&mut self, c: Const) -> K {
        let next = self.consts.len().min(LIMIT) as u16;
        if let Some(key) = key(&c) {
            let at = *self.index.entry(key).or_insert(next);
            if at != next {
                return K(at);
            }
        }
        self.consts.push(c);
        K(next)
    }

    pub fn into_consts(self) -> Box<[Const]> {
        self.consts.into()
    }
}

/// The value of an expression that is the same each time and cannot fail.
pub fn fold(ast: &Ast, e: E) -> Option<Const> {
    Some(match ast.expr(e) {
        Expr::None => Const::None,
        Expr::True => Const::Bool(true),
        Expr::False => Const::Bool(false),
        Expr::Ellipsis => Const::Ellipsis,
        Expr::Int(IntLit::Small(i)) => Const::Int(*i),
        Expr::Int(IntLit::Big(i)) => Const::Big((**i).clone()),
        Expr::Float(x) => Const::Float(*x),
        Expr::Str(s) => Const::Str(s.clone()),
        Expr::Bytes(b) => Const::Bytes(b.clone()),
        Expr::Name(name) if ast.name(*name) == "__debug__" => Const::Bool(true),
        Expr::Tuple(items) => Const::Tuple(fold_all(ast, items)?),
        Expr::Unary { op, operand } => unary(*op, fold(ast, *operand)?)?,
        Expr::Binary { op, left, right } => {
            let left = fold(ast, *left)?;
            binary(*op, left, fold(ast, *right)?)?
        }
        _ => return None,
    })
}

pub fn fold_all(ast: &Ast, items: &[E]) -> Option<Box<[Const]>> {
    items.iter().map(|&e| fold(ast, e)).collect()
}

fn unary(op: UnaryOp, c: Const) -> Option<Const> {
    Some(match (op, c) {
        (UnaryOp::Not, c) => Const::Bool(!truth(&c)?),
        (UnaryOp::Neg, Const::Int(i)) => Const::Int(i.checked_neg()?),
        (UnaryOp::Neg, Const::Big(i)) => match i64::try_from(-&i) {
            Ok(small) => Const::Int(small),
            Err(_) => Const::Big(-i),
        },
        (UnaryOp::Neg, Const::Float(x)) => Const::Float(-x),
        (UnaryOp::Pos, c @ (Const::Int(_) | Const::Float(_))) => c,
        (UnaryOp::Invert, Const::Int(i)) => Const::Int(!i),
        _ => return None,
    })
}

fn binary(op: BinOp, left: Const, right: Const) -> Option<Const> {
    match (left, right) {
        (Const::Int(a), Const::Int(b)) => ints(op, a, b),
        (Const::Float(a), Const::Float(b)) => floats(op, a, b),
        (Const::Int(a), Const::Float(b)) => floats(op, exact(a)?, b),
        (Const::Float(a), Const::Int(b)) => floats(op, a, exact(b)?),
        _ => None,
    }
}

/// An int as the float of the same value.
fn exact(i: i64) -> Option<f64> {
    (i.unsigned_abs() <= 1 << 53).then_some(i as f64)
}

fn ints(op: BinOp, a: i64, b: i64) -> Option<Const> {
    let value = match op {
        BinOp::Add => a.checked_add(b)?,
        BinOp::Sub => a.checked_sub(b)?,
        BinOp::Mul => a.checked_mul(b)?,
        BinOp::Div if b != 0 => return Some(Const::Float(exact(a)? / exact(b)?)),
        BinOp::FloorDiv if b != 0 => num_integer::Integer::div_floor(&a, &(b != -1).then_some(b)?),
        BinOp::Mod if b != 0 => num_integer::Integer::mod_floor(&a, &(b != -1).then_some(b)?),
        BinOp::Pow => a.checked_pow(u32::try_from(b).ok()?)?,
        BinOp::Shl if (0..63).contains(&b) => a.checked_mul(1i64.checked_shl(b as u32)?)?,
        BinOp::Shr if b >= 0 => a >> b.min(63),
        BinOp::BitAnd => a & b,
        BinOp::BitOr => a | b,
        BinOp::BitXor => a ^ b,
        _ => return None,
    };
    Some(Const::Int(value))
}

fn floats(op: BinOp, a: f64, b: f64) -> Option<Const> {
    Some(Const::Float(match op {
        BinOp::Add => a + b,
        BinOp::Sub => a - b,
        BinOp::Mul => a * b,
        BinOp::Div if b != 0.0 => a / b,
        _ => return None,
    }))
}

pub fn truth(c: &Const) -> Option<bool> {
    Some(match c {
        Const::None => false,
        Const::Bool(b) => *b,
        Const::Int(i) => *i != 0,
        Const::Big(_) | Const::Ellipsis => true,
        Const::Float(x) => *x != 0.0,
        Const::Str(s) => !s.is_empty(),
        Const::Bytes(b) => !b.is_empty(),
        Const::Tuple(items) | Const::FrozenSet(items) => !items.is_empty(),
        Const::Code(_) => return None,
    })
}
