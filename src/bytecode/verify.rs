//! The verifier: code that passes cannot make the loop read outside its frame (B1).
//!
//! Operands check themselves (operand.rs); here are the rules that span several registers or
//! instructions: windows fit, jumps have the direction that their row demands, code does not run off its end.

use super::code::{Code, Const};
use super::isa::Instr::{self, *};
use super::operand::{Count, Fault};

/// Checks code and all code nested in its constants.
pub fn verify(code: &Code) -> Result<(), Fault> {
    let fail = |text: String| Err(Fault(format!("{}: {text}", code.qualname)));
    let n = code.instrs.len();
    if n == 0 || code.spans.len() != n {
        return fail(format!("{n} instructions, {} spans", code.spans.len()));
    }
    if code.captures.len() != code.capture_names.len() {
        return fail("captures and their names differ in number".into());
    }
    let p = &code.params;
    let held = p.positional as usize + p.kwonly as usize + p.star as usize + p.double_star as usize;
    if p.names.len() != held || held > code.registers as usize || p.posonly > p.positional {
        return fail(format!("{} parameter names for {held} parameters", p.names.len()));
    }
    for (at, i) in code.instrs.iter().enumerate() {
        i.check(code, at)?;
        if let Some((base, len)) = window(i, code)
            && base as usize + len > code.registers as usize
        {
            return fail(format!("window {base}+{len} at {at} of {} registers", code.registers));
        }
        direction(i, at)?;
    }
    if !matches!(
        code.instrs[n - 1],
        Return { .. }
            | ReturnNone {}
            | Jump { .. }
            | JumpBack { .. }
            | Raise { .. }
            | RaiseBare {}
            | Reraise { .. }
            | RaiseFrom { .. }
            | AssertFail { .. }
    ) {
        return fail("runs off its end".into());
    }
    for h in &code.handlers {
        if h.from > h.to || h.to as usize > n || h.target as usize >= n || h.exc >= code.registers {
            return fail(format!("handler {h:?}"));
        }
    }
    for c in &code.consts {
        if let Const::Code(inner) = c {
            if let Some(&r) = inner.captures.iter().find(|r| **r >= code.registers) {
                return fail(format!("{} captures register {r}", inner.qualname));
            }
            verify(inner)?;
        }
    }
    Ok(())
}

/// Number of arguments in a constant (n, names...).
fn named(code: &Code, k: u16) -> usize {
    match &code.consts[k as usize] {
        Const::Tuple(t) => match t.first() {
            Some(Const::Int(n)) if *n >= t.len() as i64 - 1 => *n as usize,
            _ => usize::MAX / 2,
        },
        _ => usize::MAX / 2,
    }
}

/// Number of registers of a constant (n, head, wheres, pair).
fn registers(code: &Code, k: u16) -> usize {
    match &code.consts[k as usize] {
        Const::Tuple(t) => match &**t {
            [Const::Int(n @ 0..), Const::Tuple(_), Const::Tuple(_), Const::Tuple(_)] => *n as usize,
            _ => usize::MAX / 2,
        },
        _ => usize::MAX / 2,
    }
}

/// The consecutive registers an instruction touches beyond its operands.
fn window(i: &Instr, code: &Code) -> Option<(u16, usize)> {
    Some(match *i {
        Call { base, n, .. } => (base.0, 1 + n.0 as usize),
        CallMethod { base, n, .. } => (base.0, 2 + n.0 as usize),
        CallKw { base, k, .. } => (base.0, 1 + named(code, k.0)),
        CallMethodKw { base, k, .. } => (base.0, 2 + named(code, k.0)),
        CallEx { base, .. } => (base.0, 3),
        Explain { base, k, .. } => (base.0, registers(code, k.0)),
        LoadMethod { dst, .. } => (dst.0, 2),
        BuildSlice { base, .. } => (base.0, 3),
        ForPrep { iter, .. } | ForEnter { iter, .. } | ForLoop { iter, .. } => (iter.0, 3),
        MakeFunction { base, .. } => (base.0, 2),
        BuildClass { base, n: Count::SPREAD, .. } => (base.0, 4),
        BuildClass { base, n, .. } => (base.0, 3 + n.0 as usize),
        BuildList { base, n, .. }
        | BuildTuple { base, n, .. }
        | BuildSet { base, n, .. }
        | BuildStr { base, n, .. }
        | Unpack { base, n, .. } => (base.0, n.0 as usize),
        BuildDict { base, n, .. } => (base.0, 2 * n.0 as usize),
        UnpackEx { base, n, .. } => (base.0, (n.0 >> 8) as usize + 1 + (n.0 & 255) as usize),
        _ => return None,
    })
}

/// Loops close with rows that check, all other jumps go forward: a loop without a safe point cannot be made.
fn direction(i: &Instr, at: usize) -> Result<(), Fault> {
    let (by, forward) = match *i {
        Jump { by } => (by.0, true),
        JumpBack { by } => (by.0, false),
        JumpIf { by, .. }
        | JumpIfNot { by, .. }
        | JumpIfNone { by, .. }
        | JumpIfNotNone { by, .. }
        | ForEnter { by, .. } => (by.0 as i32, true),
        UnlessLt { by, .. }
        | UnlessLe { by, .. }
        | UnlessEq { by, .. }
        | UnlessNe { by, .. }
        | UnlessGt { by, .. }
        | UnlessGe { by, .. } => (by.0 as i32, true),
        UnlessLtI { by, .. }
        | UnlessLeI { by, .. }
        | UnlessEqI { by, .. }
        | UnlessNeI { by, .. }
        | UnlessGtI { by, .. }
        | UnlessGeI { by, .. } => (by.0 as i32, true),
        LoopIf { by, .. } | ForLoop { by, .. } => (by.0 as i32, false),
        LoopLt { by, .. }
        | LoopLe { by, .. }
        | LoopEq { by, .. }
        | LoopNe { by, .. }
        | LoopGt { by, .. }
        | LoopGe { by, .. } => (by.0 as i32, false),
        LoopLtI { by, .. }
        | LoopLeI { by, .. }
        | LoopEqI { by, .. }
        | LoopNeI { by, .. }
        | LoopGtI { by, .. }
        | LoopGeI { by, .. } => (by.0 as i32, false),
        _ => return Ok(()),
    };
    if (by >= 0) == forward { Ok(()) } else { Err(Fault(format!("jump at {at} goes the wrong way"))) }
}
