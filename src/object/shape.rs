//! Shapes: which attribute of an object lies in which slot.
//!
//! S1: a shape, once published, never changes and its number is never used again, so {shape, slot} in a
//! cache word cannot become false. S2: numbers below `TypeId::COUNT` are the root shapes of the builtin
//! types (ty.rs). A shape grows by transitions, one per added name; deletion of an attribute moves the
//! object to the shape that has the remaining names in their order.

use super::heap::ShapeId;
use super::name::Name;
use hashbrown::HashMap;

type Fixed = foldhash::fast::FixedState;

#[derive(Default)]
struct Shape {
    /// The root this shape grew from.
    root: ShapeId,
    names: Vec<Name>,
    slots: HashMap<Name, u32, Fixed>,
    next: HashMap<Name, ShapeId, Fixed>,
}

/// All shapes of one interpreter.
pub struct Shapes(Vec<Shape>);

impl Shapes {
    /// With `builtin` root shapes already there.
    pub fn new(builtin: usize) -> Shapes {
        Shapes((0..builtin).map(|i| Shape { root: i as u32, ..Shape::default() }).collect())
    }
    /// A fresh root for a new class.
    pub fn new_root(&mut self) -> ShapeId {
        let id = self.0.len() as ShapeId;
        self.0.push(Shape { root: id, ..Shape::default() });
        id
    }
    pub fn root(&self, s: ShapeId) -> ShapeId {
        self.0[s as usize].root
    }
    /// The slot of `name` in objects of shape `s`.
    pub fn slot(&self, s: ShapeId, name: Name) -> Option<u32> {
        self.0[s as usize].slots.get(&name).copied()
    }
    /// Names in slot order.
    pub fn names(&self, s: ShapeId) -> &[Name] {
        &self.0[s as usize].names
    }
    /// The shape with `name` added; its slot is the former number of names.
    pub fn with(&mut self, s: ShapeId, name: Name) -> ShapeId {
        if let Some(&n) = self.0[s as usize].next.get(&name) {
            return n;
        }
        let from = &self.0[s as usize];
        let (mut names, mut slots) = (from.names.clone(), from.slots.clone());
        slots.insert(name, names.len() as u32);
        names.push(name);
        let root = from.root;
        let id = self.0.len() as ShapeId;
        self.0.push(Shape { root, names, slots, next: HashMap::default() });
        self.0[s as usize].next.insert(name, id);
        id
    }
    /// The shape without `name`; the slots after it move down by one.
    pub fn without(&mut self, s: ShapeId, name: Name) -> ShapeId {
        let names: Vec<Name> = self.0[s as usize].names.iter().copied().filter(|n| *n != name).collect();
        let mut at = self.0[s as usize].root;
        for n in names {
            at = self.with(at, n);
        }
        at
    }
}
