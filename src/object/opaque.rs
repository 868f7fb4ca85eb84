//! Objects whose state only their module knows: locks, events, files.

use super::heap::Ref;
use super::kind::Trace;
use super::types::Attrs;
use std::any::Any;

/// The state, reached by `downcast`, and attributes when a script class derives from the type.
/// The state holds no references to objects; what must refer to values is written in Kit or is a kind.
pub struct Opaque {
    pub state: Box<dyn Any + Send>,
    pub attrs: Attrs,
}

impl Trace for Opaque {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        self.attrs.trace(f);
    }
    fn clear(&mut self) {
        self.attrs.clear();
    }
}
