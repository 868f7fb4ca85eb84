//! Which instruction an operator becomes.

use crate::bytecode::{Imm, Instr, Reg};
use crate::syntax::ast::{BinOp, CmpOp};

use super::assemble::LATER;

/// `dst = a op b`
pub fn binary(op: BinOp, dst: Reg, a: Reg, b: Reg) -> Instr {
    match op {
        BinOp::Add => Instr::Add { dst, a, b },
        BinOp::Sub => Instr::Sub { dst, a, b },
        BinOp::Mul => Instr::Mul { dst, a, b },
        BinOp::Div => Instr::Div { dst, a, b },
        BinOp::FloorDiv => Instr::FloorDiv { dst, a, b },
        BinOp::Mod => Instr::Mod { dst, a, b },
        BinOp::Pow => Instr::Pow { dst, a, b },
        BinOp::MatMul => Instr::MatMul { dst, a, b },
        BinOp::BitAnd => Instr::BitAnd { dst, a, b },
        BinOp::BitOr => Instr::BitOr { dst, a, b },
        BinOp::BitXor => Instr::BitXor { dst, a, b },
        BinOp::Shl => Instr::Shl { dst, a, b },
        BinOp::Shr => Instr::Shr { dst, a, b },
    }
}

/// `dst = a op b` with a small int in the instruction, if there is a row for it.
pub fn binary_small(op: BinOp, dst: Reg, a: Reg, b: Imm) -> Option<Instr> {
    Some(match op {
        BinOp::Add => Instr::AddI { dst, a, b },
        BinOp::Sub => Instr::SubI { dst, a, b },
        BinOp::Mul => Instr::MulI { dst, a, b },
        BinOp::FloorDiv => Instr::FloorDivI { dst, a, b },
        BinOp::Mod => Instr::ModI { dst, a, b },
        _ => return None,
    })
}

/// `a op= b` into dst
pub fn augmented(op: BinOp, dst: Reg, a: Reg, b: Reg) -> Instr {
    match op {
        BinOp::Add => Instr::IAdd { dst, a, b },
        BinOp::Sub => Instr::ISub { dst, a, b },
        BinOp::Mul => Instr::IMul { dst, a, b },
        BinOp::Div => Instr::IDiv { dst, a, b },
        BinOp::FloorDiv => Instr::IFloorDiv { dst, a, b },
        BinOp::Mod => Instr::IMod { dst, a, b },
        BinOp::Pow => Instr::IPow { dst, a, b },
        BinOp::MatMul => Instr::IMatMul { dst, a, b },
        BinOp::BitAnd => Instr::IBitAnd { dst, a, b },
        BinOp::BitOr => Instr::IBitOr { dst, a, b },
        BinOp::BitXor => Instr::IBitXor { dst, a, b },
        BinOp::Shl => Instr::IShl { dst, a, b },
        BinOp::Shr => Instr::IShr { dst, a, b },
    }
}

/// `a op= b` with a small int, if there is a row for it.
pub fn augmented_small(op: BinOp, dst: Reg, a: Reg, b: Imm) -> Option<Instr> {
    Some(match op {
        BinOp::Add => Instr::IAddI { dst, a, b },
        BinOp::Sub => Instr::ISubI { dst, a, b },
        _ => return None,
    })
}

/// `dst = a op b`
pub fn compare(op: CmpOp, dst: Reg, a: Reg, b: Reg) -> Instr {
    match op {
        CmpOp::Eq => Instr::Eq { dst, a, b },
        CmpOp::NotEq => Instr::Ne { dst, a, b },
        CmpOp::Lt => Instr::Lt { dst, a, b },
        CmpOp::LtE => Instr::Le { dst, a, b },
        CmpOp::Gt => Instr::Gt { dst, a, b },
        CmpOp::GtE => Instr::Ge { dst, a, b },
        CmpOp::Is => Instr::Is { dst, a, b },
        CmpOp::IsNot => Instr::IsNot { dst, a, b },
        CmpOp::In => Instr::In { dst, a, b },
        CmpOp::NotIn => Instr::NotIn { dst, a, b },
    }
}

/// Is there a fused jump for it?
pub fn fuses(op: CmpOp) -> bool {
    unless(op, Reg(0), Reg(0)).is_some()
}

/// Jumps forward unless `a op b`.
pub fn unless(op: CmpOp, a: Reg, b: Reg) -> Option<Instr> {
    let by = LATER;
    Some(match op {
        CmpOp::Eq => Instr::UnlessEq { a, b, by },
        CmpOp::NotEq => Instr::UnlessNe { a, b, by },
        CmpOp::Lt => Instr::UnlessLt { a, b, by },
        CmpOp::LtE => Instr::UnlessLe { a, b, by },
        CmpOp::Gt => Instr::UnlessGt { a, b, by },
        CmpOp::GtE => Instr::UnlessGe { a, b, by },
        _ => return None,
    })
}

pub fn unless_small(op: CmpOp, a: Reg, b: Imm) -> Option<Instr> {
    let by = LATER;
    Some(match op {
        CmpOp::Eq => Instr::UnlessEqI { a, b, by },
        CmpOp::NotEq => Instr::UnlessNeI { a, b, by },
        CmpOp::Lt => Instr::UnlessLtI { a, b, by },
        CmpOp::LtE => Instr::UnlessLeI { a, b, by },
        CmpOp::Gt => Instr::UnlessGtI { a, b, by },
        CmpOp::GtE => Instr::UnlessGeI { a, b, by },
        _ => return None,
    })
}

/// Jumps backward while `a op b`.
pub fn looped(op: CmpOp, a: Reg, b: Reg) -> Option<Instr> {
    let by = LATER;
    Some(match op {
        CmpOp::Eq => Instr::LoopEq { a, b, by },
        CmpOp::NotEq => Instr::LoopNe { a, b, by },
        CmpOp::Lt => Instr::LoopLt { a, b, by },
        CmpOp::LtE => Instr::LoopLe { a, b, by },
        CmpOp::Gt => Instr::LoopGt { a, b, by },
        CmpOp::GtE => Instr::LoopGe { a, b, by },
        _ => return None,
    })
}

pub fn looped_small(op: CmpOp, a: Reg, b: Imm) -> Option<Instr> {
    let by = LATER;
    Some(match op {
        CmpOp::Eq => Instr::LoopEqI { a, b, by },
        CmpOp::NotEq => Instr::LoopNeI { a, b, by },
        CmpOp::Lt => Instr::LoopLtI { a, b, by },
        CmpOp::LtE => Instr::LoopLeI { a, b, by },
        CmpOp::Gt => Instr::LoopGtI { a, b, by },
        CmpOp::GtE => Instr::LoopGeI { a, b, by },
        _ => return None,
    })
}
