//! The kinds of operand: each knows how it is checked and shown.

use super::code::Code;

/// Why code was refused by the verifier.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault(pub String);

/// An operand of an instruction.
pub trait Operand: Copy {
    /// Is it in bounds for this code at this place?
    fn check(self, code: &Code, at: usize) -> Result<(), Fault>;
    /// As the disassembly shows it.
    fn show(self, code: &Code, at: usize) -> String;
}

/// A register of the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash, PartialOrd, Ord)]
pub struct Reg(pub u16);

/// Index of a constant.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct K(pub u16);

/// Index of a site: a name with a cache word of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Site(pub u16);

/// A small int written in the instruction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Imm(pub i16);

/// A number of registers, arguments or items.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Count(pub u16);

impl Count {
    /// Of the bases of a class: they lie in a list, one register, because how many they are is not known.
    pub const SPREAD: Count = Count(u16::MAX);
}

/// Index of a captured cell of the running function.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Capture(pub u16);

/// A jump relative to the next instruction, within 32,767.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Jump(pub i16);

/// A jump relative to the next instruction, any distance.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LongJump(pub i32);

fn need(ok: bool, what: impl FnOnce() -> String) -> Result<(), Fault> {
    if ok { Ok(()) } else { Err(Fault(what())) }
}

fn lands(code: &Code, at: usize, by: i64) -> Result<(), Fault> {
    let to = at as i64 + 1 + by;
    need(to >= 0 && (to as usize) < code.instrs.len(), || format!("jump at {at} leaves the code"))
}

impl Operand for Reg {
    fn check(self, code: &Code, at: usize) -> Result<(), Fault> {
        need(self.0 < code.registers, || format!("register {} at {at} of {}", self.0, code.registers))
    }
    fn show(self, code: &Code, _at: usize) -> String {
        match code.locals.get(self.0 as usize) {
            Some(n) if !n.is_empty() => format!("r{}({n})", self.0),
            _ => format!("r{}", self.0),
        }
    }
}

impl Operand for K {
    fn check(self, code: &Code, at: usize) -> Result<(), Fault> {
        need((self.0 as usize) < code.consts.len(), || format!("constant {} at {at}", self.0))
    }
    fn show(self, code: &Code, _at: usize) -> String {
        format!("{}", code.consts[self.0 as usize])
    }
}

impl Operand for Site {
    fn check(self, code: &Code, at: usize) -> Result<(), Fault> {
        need((self.0 as usize) < code.sites.len(), || format!("site {} at {at}", self.0))
    }
    fn show(self, code: &Code, _at: usize) -> String {
        format!(".{}", code.sites[self.0 as usize])
    }
}

impl Operand for Imm {
    fn check(self, _code: &Code, _at: usize) -> Result<(), Fault> {
        Ok(())
    }
    fn show(self, _code: &Code, _at: usize) -> String {
        format!("#{}", self.0)
    }
}

impl Operand for Count {
    fn check(self, _code: &Code, _at: usize) -> Result<(), Fault> {
        Ok(())
    }
    fn show(self, _code: &Code, _at: usize) -> String {
        format!("x{}", self.0)
    }
}

impl Operand for Capture {
    fn check(self, code: &Code, at: usize) -> Result<(), Fault> {
        need((self.0 as usize) < code.captures.len(), || format!("capture {} at {at}", self.0))
    }
    fn show(self, code: &Code, _at: usize) -> String {
        format!("^{}", code.capture_names[self.0 as usize])
    }
}

impl Operand for Jump {
    fn check(self, code: &Code, at: usize) -> Result<(), Fault> {
        lands(code, at, self.0 as i64)
    }
    fn show(self, _code: &Code, at: usize) -> String {
        format!("-> {}", at as i64 + 1 + self.0 as i64)
    }
}

impl Operand for LongJump {
    fn check(self, code: &Code, at: usize) -> Result<(), Fault> {
        lands(code, at, self.0 as i64)
    }
    fn show(self, _code: &Code, at: usize) -> String {
        format!("-> {}", at as i64 + 1 + self.0 as i64)
    }
}
