//! Finding attributes along the order of classes, and the table of what was found (C1 in interp.rs).
//!
//! With the lock off an attribute that never dies is kept a second time where the loop reads it without
//! opening the table: `Interp::methods`, under the same place.

use super::interp::Lookups;
use super::thread::Thread;
use crate::gil::off;
use crate::object::class::Class;
use crate::object::{Name, Ref, Value};
use std::sync::atomic::Ordering::Relaxed;

/// How often attributes of one name may be set on classes before the name is no longer cached (C1).
const VOLATILE: u32 = 16;

impl Thread {
    /// An attribute of a class, found along its order of look-up; not bound.
    pub fn lookup(&self, class: &Ref, name: Name) -> Option<Value> {
        self.lookup_place(class, name).map(|(v, _)| v)
    }

    /// The same with its place in the table of look-ups, where it is cached.
    pub(super) fn lookup_place(&self, class: &Ref, name: Name) -> Option<(Value, Option<u32>)> {
        let held = &self.held;
        let root = class.with::<Class, _>(held, |c| c.root);
        let known = self.interp.lookups.with(held, |l| {
            let at = *l.index.get(&(root, name)).ok_or(l.changes)?;
            let v = l.values[at as usize].clone();
            if v.is_unbound() { Err(l.changes) } else { Ok((v, Some(at))) }
        });
        let changes = match known {
            Ok(known) => return Some(known),
            Err(changes) => changes,
        };
        let found = self.walk(class, name)?;
        let at = self.interp.lookups.with(held, |l| {
            // With the lock off a class may have changed between, or another thread may have been faster.
            if l.changes != changes || l.index.contains_key(&(root, name)) {
                return None;
            }
            let at = remember(l, root, name, found.clone())?;
            if off() && found.as_ref().is_some() {
                self.interp.methods.put(held, at, &found);
            }
            Some(at)
        });
        Some((found, at))
    }

    /// The look-up itself, without cache.
    fn walk(&self, class: &Ref, name: Name) -> Option<Value> {
        let held = &self.held;
        let own = class.with::<Class, _>(held, |c| match c.names.get(name) {
            Some(v) => Ok(v.clone()),
            None => Err(c.mro.clone()),
        });
        match own {
            Ok(v) => Some(v),
            Err(mro) => mro.iter().find_map(|c| c.with::<Class, _>(held, |c| c.names.get(name).cloned())),
        }
    }

    /// With the lock off: how often class attributes have changed so far.
    pub(super) fn class_changes(&self) -> u64 {
        if off() { self.interp.lookups.with(&self.held, |l| l.changes) } else { 0 }
    }

    /// With the lock off: calling this class may go straight to its plain `__init__`, found when class attributes
    /// had changed so often.
    pub(super) fn keep_init(&self, class: &Ref, root: u32, init: &Value, changes: u64) {
        if off() && class.is_immortal() && self.interp.inits.get(&self.held, root).is_none() {
            self.interp.lookups.with(&self.held, |l| {
                if l.changes == changes && self.interp.inits.put(&self.held, root, init) {
                    l.inits.push(root);
                }
            });
        }
    }

    /// An attribute of a class was set or deleted: what was found under this name is found anew (C1).
    pub fn class_changed(&mut self, name: Name) {
        if matches!(name, crate::object::name::INIT | crate::object::name::NEW) {
            self.interp.init_epoch.fetch_add(1, Relaxed);
        }
        let dead = self.interp.lookups.with(&self.held, |l| {
            l.changes += 1;
            if matches!(name, crate::object::name::INIT | crate::object::name::NEW) {
                l.inits.drain(..).for_each(|root| self.interp.inits.unset(root));
            }
            let Some((changes, places)) = l.by_name.get_mut(&name) else {
                l.by_name.insert(name, (1, Vec::new()));
                return Vec::new();
            };
            *changes += 1;
            let places = std::mem::take(places);
            places
                .into_iter()
                .map(|(root, at)| {
                    l.index.remove(&(root, name));
                    self.interp.methods.unset(at);
                    l.values[at as usize].take()
                })
                .collect()
        });
        drop(dead);
    }
}

fn remember(l: &mut Lookups, root: u32, name: Name, v: Value) -> Option<u32> {
    let (changes, places) = l.by_name.entry(name).or_default();
    if *changes >= VOLATILE {
        return None;
    }
    let at = l.values.len() as u32;
    l.values.push(v);
    l.index.insert((root, name), at);
    places.push((root, at));
    Some(at)
}
