//! Instances of script classes: a class word, then slots in the same block.
//!
//! The header's shape says which attribute lies in which slot. Slots beyond `cap` (attributes that no
//! earlier instance of the class had) go to `more`. `cap` is what the class has learnt its instances need.
#![allow(unsafe_code)]

use super::heap::Ref;
use super::kind::Trace;
use super::value::Value;

#[repr(C, align(8))]
pub struct Instance {
    pub class: Ref,
    /// Slots beyond `cap`, in order.
    pub more: Option<Box<Vec<Value>>>,
    /// Number of slots that follow this struct.
    pub cap: u16,
}

impl Instance {
    pub(crate) fn new(class: Ref, cap: u16) -> Instance {
        Instance { class, more: None, cap }
    }
    /// The first trailing slot.
    #[inline(always)]
    pub(crate) fn slots(this: *mut Instance) -> *mut Value {
        this.wrapping_add(1) as *mut Value
    }
    /// All trailing slots.
    ///
    /// # Safety
    /// `this` is a live instance made by `Ref::new_instance` that nobody else has open.
    pub(crate) unsafe fn slot_row<'a>(this: *mut Instance) -> &'a mut [Value] {
        // SAFETY: the block holds `cap` values after the struct (H3).
        unsafe { std::slice::from_raw_parts_mut(Instance::slots(this), (*this).cap as usize) }
    }
}

impl Trace for Instance {
    // The trailing slots are visited by heap.rs, which knows the block.
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        f(&self.class);
        if let Some(more) = &self.more {
            super::types::trace_all(more, f);
        }
    }
    fn clear(&mut self) {
        self.more = None;
    }
}
