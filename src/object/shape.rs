//! Shapes: which attribute of an object lies in which slot.
//!
//! S1: a shape, once published, never changes and its number is never used again, so {shape, slot} in a
//! cache word cannot become false. S2: numbers below `TypeId::COUNT` are the root shapes of the builtin
//! types (ty.rs). A shape grows by transitions, one per added name; deletion of an attribute moves the
//! object to the shape that has the remaining names in their order.

use super::heap::ShapeId;
use super::name::Name;
use hashbrown::{HashMap, HashTable};
use std::hash::BuildHasher;

type Fixed = foldhash::fast::FixedState;

#[derive(Default)]
struct Shape {
    /// The root this shape grew from.
    root: ShapeId,
    names: Vec<Name>,
    slots: HashMap<Name, u32, Fixed>,
    /// By name: the shape without it if this one has it, else the shape with it added.
    next: HashMap<Name, ShapeId, Fixed>,
}

/// All shapes of one interpreter.
pub struct Shapes {
    all: Vec<Shape>,
    /// The shapes that have names, by root and names: whatever way leads to the same names in the same order
    /// leads to the same shape, so that adding and deleting in turns makes no shapes without end.
    known: HashTable<ShapeId>,
}

impl Shapes {
    /// With `builtin` root shapes already there.
    pub fn new(builtin: usize) -> Shapes {
        let all = (0..builtin).map(|i| Shape { root: i as u32, ..Shape::default() }).collect();
        Shapes { all, known: HashTable::new() }
    }
    /// A fresh root for a new class.
    pub fn new_root(&mut self) -> ShapeId {
        let id = self.all.len() as ShapeId;
        self.all.push(Shape { root: id, ..Shape::default() });
        id
    }
    pub fn root(&self, s: ShapeId) -> ShapeId {
        self.all[s as usize].root
    }
    /// The slot of `name` in objects of shape `s`.
    pub fn slot(&self, s: ShapeId, name: Name) -> Option<u32> {
        self.all[s as usize].slots.get(&name).copied()
    }
    /// Names in slot order.
    pub fn names(&self, s: ShapeId) -> &[Name] {
        &self.all[s as usize].names
    }
    /// The shape with `name` added; its slot is the former number of names.
    pub fn with(&mut self, s: ShapeId, name: Name) -> ShapeId {
        let from = &self.all[s as usize];
        debug_assert!(!from.slots.contains_key(&name), "a name is added once");
        if let Some(&n) = from.next.get(&name) {
            return n;
        }
        let mut names = from.names.clone();
        names.push(name);
        let id = self.shape_of(from.root, names);
        self.all[s as usize].next.insert(name, id);
        id
    }
    /// The shape without `name`; the slots after it move down by one.
    pub fn without(&mut self, s: ShapeId, name: Name) -> ShapeId {
        let from = &self.all[s as usize];
        if let Some(&n) = from.next.get(&name) {
            return n;
        }
        let names: Vec<Name> = from.names.iter().copied().filter(|n| *n != name).collect();
        let id = if names.is_empty() { from.root } else { self.shape_of(from.root, names) };
        self.all[s as usize].next.insert(name, id);
        id
    }
    fn shape_of(&mut self, root: ShapeId, names: Vec<Name>) -> ShapeId {
        let all = &self.all;
        let hash = |root: ShapeId, names: &[Name]| Fixed::default().hash_one((root, names));
        let same = |id: &ShapeId| all[*id as usize].root == root && all[*id as usize].names == names;
        let wanted = hash(root, &names);
        if let Some(&id) = self.known.find(wanted, same) {
            return id;
        }
        let id = all.len() as ShapeId;
        self.known.insert_unique(wanted, id, |id| hash(all[*id as usize].root, &all[*id as usize].names));
        let slots = names.iter().enumerate().map(|(slot, n)| (*n, slot as u32)).collect();
        self.all.push(Shape { root, names, slots, next: HashMap::default() });
        id
    }
}
