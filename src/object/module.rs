//! Modules, and the name table that modules and classes share.
//!
//! M1: `version` changes whenever a name is added or removed, so a position found under one version is
//! valid as long as the version is. Versions start at 1 and differ between tables only by chance: a
//! cache belongs to code that is bound to one module.

use super::heap::Ref;
use super::kind::Trace;
use super::name::Name;
use super::types::trace_all;
use super::value::Value;
use indexmap::IndexMap;

/// Ordered names with values.
pub struct Namespace {
    map: IndexMap<Name, Value, foldhash::fast::FixedState>,
    version: u32,
}

impl Default for Namespace {
    fn default() -> Self {
        Namespace { map: IndexMap::default(), version: 1 }
    }
}

impl Namespace {
    pub fn version(&self) -> u32 {
        self.version
    }
    pub fn get(&self, name: Name) -> Option<&Value> {
        self.map.get(&name)
    }
    /// Position of a name, valid under the present version (M1).
    pub fn position(&self, name: Name) -> Option<u32> {
        self.map.get_index_of(&name).map(|i| i as u32)
    }
    /// The value at a position found under the present version.
    #[inline(always)]
    pub fn at(&self, position: u32) -> Option<&Value> {
        self.map.get_index(position as usize).map(|(_, v)| v)
    }
    #[inline(always)]
    pub fn at_mut(&mut self, position: u32) -> &mut Value {
        &mut self.map[position as usize]
    }
    /// Room for `more` names.
    pub fn reserve(&mut self, more: usize) {
        self.map.reserve_exact(more);
    }
    /// Sets a name; gives back the old value, to be dropped after the object is closed.
    pub fn set(&mut self, name: Name, v: Value) -> Option<Value> {
        let old = self.map.insert(name, v);
        if old.is_none() {
            self.version = self.version.wrapping_add(1);
        }
        old
    }
    pub fn remove(&mut self, name: Name) -> Option<Value> {
        let old = self.map.shift_remove(&name);
        if old.is_some() {
            self.version = self.version.wrapping_add(1);
        }
        old
    }
    pub fn iter(&self) -> impl Iterator<Item = (Name, &Value)> {
        self.map.iter().map(|(n, v)| (*n, v))
    }
    pub fn len(&self) -> usize {
        self.map.len()
    }
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }
}

impl Trace for Namespace {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        for v in self.map.values() {
            trace_all(std::slice::from_ref(v), f);
        }
    }
    fn clear(&mut self) {
        self.map.clear();
    }
}

pub struct Module {
    pub name: Name,
    pub names: Namespace,
}

impl Trace for Module {
    fn trace(&self, f: &mut dyn FnMut(&Ref)) {
        self.names.trace(f);
    }
    fn clear(&mut self) {
        self.names.clear();
    }
}
