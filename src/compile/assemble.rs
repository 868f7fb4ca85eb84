//! The instruction buffer: labels, jumps, protected ranges, and what is bound where.

use super::far;
use crate::bytecode::{Handler, Instr, Jump, LongJump, Reg};
use crate::source::Span;

/// A set of registers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bits(Vec<u64>);

impl Bits {
    pub fn new(len: usize) -> Bits {
        Bits(vec![0; len.div_ceil(64)])
    }
    pub fn has(&self, reg: Reg) -> bool {
        let at = reg.0 as usize;
        self.0.get(at / 64).is_some_and(|w| w >> (at % 64) & 1 == 1)
    }
    pub fn set(&mut self, reg: Reg) {
        if let Some(w) = self.0.get_mut(reg.0 as usize / 64) {
            *w |= 1 << (reg.0 % 64);
        }
    }
    pub fn clear(&mut self, reg: Reg) {
        if let Some(w) = self.0.get_mut(reg.0 as usize / 64) {
            *w &= !(1 << (reg.0 % 64));
        }
    }
    pub fn keep(&mut self, other: &Bits) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a &= b;
        }
    }
    pub fn remove(&mut self, other: &Bits) {
        for (a, b) in self.0.iter_mut().zip(&other.0) {
            *a &= !b;
        }
    }
}

/// A place in the code that jumps name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Label(u32);

#[derive(Default)]
struct Place {
    at: u32,
    /// What is bound on every way here; none while nobody jumps here.
    state: Option<Bits>,
}

/// A range under protection; it may have holes.
#[derive(Default)]
pub struct Region {
    open: Option<u32>,
    parts: Vec<(u32, u32)>,
}

impl Region {
    /// Does the range hold no instruction?
    pub fn is_empty(&self) -> bool {
        self.parts.iter().all(|(from, to)| from == to)
    }
}

/// The buffer of one block of code. Positions are instructions of the buffer; `finish` gives them
/// their final places.
pub struct Assembler {
    instrs: Vec<Instr>,
    spans: Vec<Span>,
    jumps: Vec<(u32, Label)>,
    places: Vec<Place>,
    handlers: Vec<Handler>,
    /// The variables that are certainly bound here (C4); none where control never comes (C3).
    pub state: Option<Bits>,
}

/// The final form.
pub struct Assembled {
    pub instrs: Vec<Instr>,
    pub spans: Vec<Span>,
    pub handlers: Vec<Handler>,
}

impl Assembler {
    pub fn new(state: Bits) -> Assembler {
        Assembler {
            instrs: Vec::new(),
            spans: Vec::new(),
            jumps: Vec::new(),
            places: Vec::new(),
            handlers: Vec::new(),
            state: Some(state),
        }
    }

    pub fn is_dead(&self) -> bool {
        self.state.is_none()
    }

    pub fn emit(&mut self, span: Span, instr: Instr) {
        if self.state.is_none() {
            return;
        }
        self.instrs.push(instr);
        self.spans.push(span);
        if ends(&instr) {
            self.state = None;
        }
    }

    /// A label that is bound later; jumps to it go forward.
    pub fn label(&mut self) -> Label {
        self.places.push(Place::default());
        Label(self.places.len() as u32 - 1)
    }

    /// A label of this place; jumps to it go backward.
    pub fn here(&mut self) -> Label {
        let label = self.label();
        self.places[label.0 as usize].at = self.instrs.len() as u32;
        label
    }

    /// A forward jump; its distance is filled in by `finish`.
    pub fn jump(&mut self, span: Span, instr: Instr, to: Label) {
        let Some(state) = &self.state else { return };
        match &mut self.places[to.0 as usize].state {
            Some(other) => other.keep(state),
            none => *none = Some(state.clone()),
        }
        self.jump_back(span, instr, to);
    }

    /// A backward jump to a label made by `here`.
    pub fn jump_back(&mut self, span: Span, instr: Instr, to: Label) {
        if self.state.is_some() {
            self.jumps.push((self.instrs.len() as u32, to));
            self.emit(span, instr);
        }
    }

    pub fn goto(&mut self, span: Span, to: Label) {
        self.jump(span, Instr::Jump { by: LongJump(0) }, to);
    }

    pub fn bind(&mut self, label: Label) {
        let place = &mut self.places[label.0 as usize];
        place.at = self.instrs.len() as u32;
        match (&mut self.state, place.state.take()) {
            (Some(now), Some(other)) => now.keep(&other),
            (now @ None, other) => *now = other,
            _ => {}
        }
    }

    pub fn is_bound(&self, reg: Reg) -> bool {
        self.state.as_ref().is_none_or(|s| s.has(reg))
    }

    pub fn set_bound(&mut self, reg: Reg) {
        if let Some(state) = &mut self.state {
            state.set(reg);
        }
    }

    pub fn clear_bound(&mut self, reg: Reg) {
        if let Some(state) = &mut self.state {
            state.clear(reg);
        }
    }

    /// Forgets what may be deleted by a way that this walk has not seen yet.
    pub fn forget(&mut self, fragile: &Bits) {
        if let Some(state) = &mut self.state {
            state.remove(fragile);
        }
    }

    pub fn resume(&mut self, region: &mut Region) {
        region.open = Some(self.instrs.len() as u32);
    }

    pub fn suspend(&mut self, region: &mut Region) {
        if let Some(from) = region.open.take() {
            region.parts.push((from, self.instrs.len() as u32));
        }
    }

    /// The exceptions of the region arrive here, in `exc`. Inner regions must come before outer ones.
    pub fn handle(&mut self, region: &Region, exc: Reg) {
        let target = self.instrs.len() as u32;
        for &(from, to) in region.parts.iter().filter(|(from, to)| from < to) {
            self.handlers.push(Handler { from, to, target, exc: exc.0 });
        }
    }

    /// Places everything: drops jumps to the next instruction, spells out the jumps that go far, and
    /// puts a `Check` after each instruction if `every`, but not inside what must be one step.
    pub fn finish(self, every: bool) -> Assembled {
        let count = self.instrs.len();
        let mut size = vec![1u32; count];
        let mut target = vec![u32::MAX; count];
        for &(at, label) in &self.jumps {
            target[at as usize] = self.places[label.0 as usize].at;
        }
        for at in (0..count).rev() {
            if matches!(self.instrs[at], Instr::Jump { .. }) && (at + 1..target[at] as usize).all(|i| size[i] == 0) {
                size[at] = 0;
            }
        }
        let checked = |at: usize, size: &[u32]| {
            let instr = &self.instrs[at];
            every && size[at] > 0 && !ends(instr) && !is_joined(instr)
        };
        let mut pos = vec![0u32; count + 1];
        loop {
            for at in 0..count {
                pos[at + 1] = pos[at] + size[at] + checked(at, &size) as u32;
            }
            let mut grown = false;
            for &(at, _) in &self.jumps {
                let at = at as usize;
                let by = pos[target[at] as usize].abs_diff(pos[at]);
                if by > far::NEAR && size[at] == 1 && !ends(&self.instrs[at]) {
                    size[at] = far::size(&self.instrs[at]);
                    grown = true;
                }
            }
            if !grown {
                break;
            }
        }
        let mut out = Assembled { instrs: Vec::new(), spans: Vec::new(), handlers: self.handlers };
        for at in 0..count {
            let before = out.instrs.len();
            if target[at] == u32::MAX {
                out.instrs.push(self.instrs[at]);
            } else if size[at] > 0 {
                let by = pos[target[at] as usize] as i32 - pos[at] as i32 - 1;
                far::place(self.instrs[at], by, size[at], &mut out.instrs);
            }
            if checked(at, &size) {
                out.instrs.push(Instr::Check {});
            }
            let made = out.instrs.len() - before;
            out.spans.extend(std::iter::repeat_n(self.spans[at], made));
        }
        for h in &mut out.handlers {
            h.from = pos[h.from as usize];
            h.to = pos[h.to as usize];
            h.target = pos[h.target as usize];
        }
        out.handlers.retain(|h| h.from < h.to);
        out
    }
}

/// A jump whose distance is filled in later.
pub const LATER: Jump = Jump(0);

/// Is it one step with the next instruction? Nothing may be raised between the two: the handler that
/// is being entered or left, or the `__exit__` that must run, would be missed.
fn is_joined(instr: &Instr) -> bool {
    matches!(
        instr,
        Instr::EnterHandler { .. } | Instr::ExitHandler { .. } | Instr::Unset { .. } | Instr::WithEnter { .. }
    )
}

/// Does control never go on after it?
fn ends(instr: &Instr) -> bool {
    matches!(
        instr,
        Instr::Return { .. }
            | Instr::ReturnNone {}
            | Instr::Jump { .. }
            | Instr::JumpBack { .. }
            | Instr::Raise { .. }
            | Instr::RaiseFrom { .. }
            | Instr::RaiseBare {}
            | Instr::Reraise { .. }
            | Instr::AssertFail { .. }
    )
}
