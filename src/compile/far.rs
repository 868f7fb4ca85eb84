//! Distances of jumps, and the long form of those that do not fit 16 bits.

use crate::bytecode::Instr::{self, *};
use crate::bytecode::{Jump as Near, LongJump};

/// Jumps up to here fit, with room for the instructions that a long form adds.
pub const NEAR: u32 = 32_000;

/// Number of instructions of the long form of a conditional jump.
pub fn size(instr: &Instr) -> u32 {
    if turned(*instr).is_some() { 2 } else { 3 }
}

/// Writes a jump that goes `by`, counted from the instruction after the first one written.
pub fn place(instr: Instr, by: i32, size: u32, out: &mut Vec<Instr>) {
    match size {
        1 => out.push(with(instr, by)),
        2 => {
            let turned = turned(instr).unwrap_or(instr);
            out.push(with(turned, 1));
            out.push(JumpBack { by: LongJump(by - 1) });
        }
        _ => {
            out.push(with(instr, 1));
            out.push(Jump { by: LongJump(1) });
            out.push(Jump { by: LongJump(by - 2) });
        }
    }
}

/// The same jump with its distance. A distance that does not fit becomes one that the verifier refuses.
fn with(mut instr: Instr, distance: i32) -> Instr {
    let near = Near(i16::try_from(distance).unwrap_or(i16::MIN));
    match &mut instr {
        Jump { by } | JumpBack { by } => *by = LongJump(distance),
        JumpIf { by, .. }
        | JumpIfNot { by, .. }
        | JumpIfNone { by, .. }
        | JumpIfNotNone { by, .. }
        | UnlessLt { by, .. }
        | UnlessLe { by, .. }
        | UnlessEq { by, .. }
        | UnlessNe { by, .. }
        | UnlessGt { by, .. }
        | UnlessGe { by, .. }
        | UnlessLtI { by, .. }
        | UnlessLeI { by, .. }
        | UnlessEqI { by, .. }
        | UnlessNeI { by, .. }
        | UnlessGtI { by, .. }
        | UnlessGeI { by, .. }
        | LoopIf { by, .. }
        | LoopLt { by, .. }
        | LoopLe { by, .. }
        | LoopEq { by, .. }
        | LoopNe { by, .. }
        | LoopGt { by, .. }
        | LoopGe { by, .. }
        | LoopLtI { by, .. }
        | LoopLeI { by, .. }
        | LoopEqI { by, .. }
        | LoopNeI { by, .. }
        | LoopGtI { by, .. }
        | LoopGeI { by, .. }
        | ForEnter { by, .. }
        | ForLoop { by, .. } => *by = near,
        _ => {}
    }
    instr
}

/// For a jump that closes a loop: the forward jump that leaves when it would not be taken.
fn turned(instr: Instr) -> Option<Instr> {
    let by = Near(0);
    Some(match instr {
        LoopIf { src, .. } => JumpIfNot { src, by },
        LoopLt { a, b, .. } => UnlessLt { a, b, by },
        LoopLe { a, b, .. } => UnlessLe { a, b, by },
        LoopEq { a, b, .. } => UnlessEq { a, b, by },
        LoopNe { a, b, .. } => UnlessNe { a, b, by },
        LoopGt { a, b, .. } => UnlessGt { a, b, by },
        LoopGe { a, b, .. } => UnlessGe { a, b, by },
        LoopLtI { a, b, .. } => UnlessLtI { a, b, by },
        LoopLeI { a, b, .. } => UnlessLeI { a, b, by },
        LoopEqI { a, b, .. } => UnlessEqI { a, b, by },
        LoopNeI { a, b, .. } => UnlessNeI { a, b, by },
        LoopGtI { a, b, .. } => UnlessGtI { a, b, by },
        LoopGeI { a, b, .. } => UnlessGeI { a, b, by },
        ForLoop { iter, dst, .. } => ForEnter { iter, dst, by },
        _ => return None,
    })
}
