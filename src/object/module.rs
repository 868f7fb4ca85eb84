//! Modules, and the name table that modules and classes share.
//!
//! M1: `version` changes whenever a name is added or removed, so a position found under one version is
//! valid as long as the version is. Versions start at 1 and differ between tables only by chance: a
//! cache belongs to code that is bound to one module. M2: with the lock off values that never die are also kept
//! in a table of the interpreter (`Lasting`), which is read without opening the module; a change of the name takes
//! it out of there before the module is closed. M3: a `stamp` is of one table only, and of one version of it: what reads
//! attributes of modules knows both by it.

use super::heap::{Lasting, Ref};
use super::kind::Trace;
use super::name::Name;
use super::types::trace_all;
use super::value::Value;
use hashbrown::HashMap;
use indexmap::IndexMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// The bit that all stamps have.
const STAMP: u32 = 1 << 31;

/// Ordered names with values.
pub struct Namespace {
    map: IndexMap<Name, Value, foldhash::fast::FixedState>,
    version: u32,
    /// 0 until somebody asks.
    stamp: u32,
    fixed: Option<Box<Copies>>,
}

/// Where values of names are kept besides (M2).
struct Copies {
    table: Arc<Lasting>,
    names: HashMap<Name, Kept, foldhash::fast::FixedState>,
}

#[derive(Default)]
struct Kept {
    own: Option<u32>,
    /// Places of modules that find the name here because they do not have it: builtins.
    elsewhere: Vec<u32>,
    /// Since it was first kept.
    changes: u32,
}

/// A name that changes more often than this is a variable, and is no longer kept.
const CHANGES_MAX: u32 = 3;

impl Copies {
    #[cold]
    fn changed(&mut self, name: Name) {
        if let Some(kept) = self.names.get_mut(&name) {
            kept.changes += 1;
            kept.own.iter().chain(&kept.elsewhere).for_each(|at| self.table.unset(*at));
        }
    }
}

impl Default for Namespace {
    fn default() -> Self {
        Namespace { map: IndexMap::default(), version: 1, stamp: 0, fixed: None }
    }
}

impl Namespace {
    pub fn version(&self) -> u32 {
        self.version
    }
    fn new_version(&mut self) {
        self.version = self.version.wrapping_add(1);
        self.stamp = 0;
    }
    /// The stamp of the present version (M3), with the top bit set; `None`: there are no more.
    pub fn stamp(&mut self) -> Option<u32> {
        static NEXT: AtomicU32 = AtomicU32::new(STAMP);
        if self.stamp == 0 {
            self.stamp = NEXT.fetch_update(Relaxed, Relaxed, |n| (n != u32::MAX).then_some(n + 1)).ok()?;
        }
        Some(self.stamp)
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
    /// Sets a name; gives back the old value, to be dropped after the object is closed.
    pub fn set(&mut self, name: Name, v: Value) -> Option<Value> {
        let old = self.map.insert(name, v);
        if let Some(fixed) = &mut self.fixed {
            fixed.changed(name);
        }
        if old.is_none() {
            self.new_version();
        }
        old
    }
    pub fn remove(&mut self, name: Name) -> Option<Value> {
        let old = self.map.shift_remove(&name);
        if let Some(fixed) = &mut self.fixed {
            fixed.changed(name);
        }
        if old.is_some() {
            self.new_version();
        }
        old
    }
    fn kept(&mut self, name: Name, table: &Arc<Lasting>) -> &mut Kept {
        let copies = || Box::new(Copies { table: table.clone(), names: HashMap::default() });
        self.fixed.get_or_insert_with(copies).names.entry(name).or_default()
    }
    /// The place under which the value of a name, or its absence, is kept (M2); `None`: it changes too often.
    pub fn place(&mut self, name: Name, table: &Arc<Lasting>) -> Option<u32> {
        let kept = self.kept(name, table);
        if kept.changes > CHANGES_MAX {
            return None;
        }
        if kept.own.is_none() {
            kept.own = table.reserve();
        }
        kept.own
    }
    /// The value of a name is kept under this place too, for another module that does not have the name.
    pub fn watch(&mut self, name: Name, table: &Arc<Lasting>, place: u32) {
        let elsewhere = &mut self.kept(name, table).elsewhere;
        if !elsewhere.contains(&place) {
            elsewhere.push(place);
        }
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
