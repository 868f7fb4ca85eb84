//! The two rows of a thread, its registers and its frames, in one block of memory: registers grow upward from the
//! middle, frames downward. A thread that calls little touches one page of it; with a page for each row 10,000
//! sleeping threads took 40 MB more.
//!
//! W1 The block never moves, and neither row leaves its part: `len <= most`. W2 Below its `len` a row is initialised.
//! W3 `Frames` has no memory of its own: it lies beside the `Registers` that it was made with, and goes before them.
#![allow(unsafe_code)]

use super::frame::Frame;
use crate::object::Value;
use crate::world::alloc::PAGE;
use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

/// What the frames have of the page that both rows begin in.
const FRAMES_SHARE: usize = 1024;

/// The registers; they own the block.
pub struct Registers {
    block: NonNull<u8>,
    layout: Layout,
    first: *mut Value,
    len: usize,
    most: usize,
}

/// The frames, the outermost first: number n lies n + 1 places below the middle.
pub struct Frames {
    middle: *mut Frame,
    len: usize,
    most: usize,
}

/// Empty rows with room for so many registers and frames, which costs addresses only.
pub fn rows(values: usize, frames: usize) -> (Registers, Frames) {
    let below = (frames * size_of::<Frame>()).next_multiple_of(PAGE) + FRAMES_SHARE;
    let layout = Layout::from_size_align(below + values * size_of::<Value>(), PAGE).expect("a size in range");
    // SAFETY: the size is not zero.
    let Some(block) = NonNull::new(unsafe { alloc(layout) }) else { handle_alloc_error(layout) };
    // SAFETY: within the block; `below` is a multiple of both alignments.
    let middle = unsafe { block.as_ptr().add(below) };
    let registers = Registers { block, layout, first: middle.cast(), len: 0, most: values };
    (registers, Frames { middle: middle.cast(), len: 0, most: frames })
}

impl Registers {
    pub fn capacity(&self) -> usize {
        self.most
    }

    /// Makes registers exist, unset, up to `len`, which is within the capacity.
    pub fn grow_to(&mut self, len: usize) {
        assert!(len <= self.most, "the stack has room");
        while self.len < len {
            // SAFETY: W1.
            unsafe { self.first.add(self.len).write(Value::Unbound) };
            self.len += 1;
        }
    }

    /// Drops all values.
    pub fn clear(&mut self) {
        let all: *mut [Value] = &mut **self;
        self.len = 0;
        // SAFETY: W2; they are out of reach now.
        unsafe { all.drop_in_place() };
    }
}

impl Drop for Registers {
    fn drop(&mut self) {
        self.clear();
        // SAFETY: allocated with this layout, and ours.
        unsafe { dealloc(self.block.as_ptr(), self.layout) };
    }
}

impl Deref for Registers {
    type Target = [Value];
    #[inline(always)]
    fn deref(&self) -> &[Value] {
        // SAFETY: W1, W2.
        unsafe { std::slice::from_raw_parts(self.first, self.len) }
    }
}

impl DerefMut for Registers {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [Value] {
        // SAFETY: W1, W2.
        unsafe { std::slice::from_raw_parts_mut(self.first, self.len) }
    }
}

impl Frames {
    #[inline(always)]
    pub fn len(&self) -> usize {
        self.len
    }
    #[inline(always)]
    pub fn is_full(&self) -> bool {
        self.len == self.most
    }
    /// The innermost frame; for no frame at all nothing that may be read.
    #[inline(always)]
    pub fn top(&self) -> *mut Frame {
        // A frame's place: within the block, or its middle (W1).
        self.middle.wrapping_sub(self.len)
    }
    #[inline(always)]
    pub fn last(&self) -> Option<&Frame> {
        // SAFETY: W2.
        (self.len > 0).then(|| unsafe { &*self.top() })
    }
    #[inline(always)]
    pub fn last_mut(&mut self) -> Option<&mut Frame> {
        // SAFETY: W2.
        (self.len > 0).then(|| unsafe { &mut *self.top() })
    }
    #[inline(always)]
    pub fn push(&mut self, frame: Frame) {
        assert!(!self.is_full(), "the row of frames has room");
        // SAFETY: just checked.
        unsafe { self.push_unchecked(frame) };
    }
    /// # Safety
    /// The row is not full.
    #[inline(always)]
    pub unsafe fn push_unchecked(&mut self, frame: Frame) {
        self.len += 1;
        // SAFETY: W1.
        unsafe { self.top().write(frame) };
    }
    #[inline(always)]
    pub fn pop(&mut self) -> Option<Frame> {
        let frame = *self.last()?;
        self.len -= 1;
        Some(frame)
    }
    /// Takes the innermost away; where it lay it can be read until the next push.
    ///
    /// # Safety
    /// There is one.
    #[inline(always)]
    pub unsafe fn pop_unread(&mut self) {
        self.len -= 1;
    }
    /// From the outermost on.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Frame> {
        // SAFETY: W2; the innermost lies lowest.
        unsafe { std::slice::from_raw_parts(self.top(), self.len) }.iter().rev()
    }
    pub fn clear(&mut self) {
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vm::frame::FrameKind;

    #[test]
    fn both_rows_are_used_to_the_last_place() {
        let (mut registers, mut frames) = rows(1000, 300);
        assert_eq!((registers.first.addr() % PAGE, registers.first.cast::<Frame>()), (FRAMES_SHARE, frames.middle));
        assert!(frames.last().is_none() && frames.pop().is_none() && frames.iter().next().is_none());
        registers.grow_to(1000);
        for base in 0..300 {
            let (code, first) = (std::ptr::null(), std::ptr::null());
            frames.push(Frame { code, first, pc: 7, base, below: 0, dst: 0, kind: FrameKind::Script });
        }
        assert!(frames.is_full() && registers.iter().all(Value::is_unbound));
        registers.fill(Value::None);
        assert!(frames.iter().map(|f| f.base).eq(0..300) && frames.iter().all(|f| f.pc == 7));
        assert_eq!(frames.iter().next_back().map(|f| f.base), frames.last().map(|f| f.base));
        frames.last_mut().expect("a frame").base = 1;
        assert_eq!((frames.pop().map(|f| f.base), frames.len()), (Some(1), 299));
        assert!(registers.iter().all(Value::is_none));
        registers.clear();
        assert_eq!((registers.len(), registers.capacity()), (0, 1000));
    }
}
