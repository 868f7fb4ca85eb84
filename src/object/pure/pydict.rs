//! The table of a dict: entries in the order of insertion, and an index of their positions by hash.
//!
//! D1. `entries` holds every key once, in order; a removed one leaves a hole, so that positions of the others stay.
//! D2. Up to `SCAN_MAX` entries there is no index: hashes are compared one after another. Beyond, the index holds the
//!     position of every entry that is not a hole.
//! D3. `version` moves whenever a position may mean something else: a key added, removed, all cleared, holes closed. Replacing
//!     a value does not move it.
//! D4. Holes are closed when entries would grow while half of them are holes, and by `pop_last` at the end: amortised
//!     constant time for all operations.
//!
//! Equality of keys may run script code, which no callback under a borrow allows. So there are two ways in: `find_with` for
//! keys whose equality is plain, and `candidates` for the others: the caller copies out the entries with this hash, closes
//! the dict, compares, and starts again when `version` has moved. A position is good as long as the version is.
//!
//! Source: the idea of CPython's compact dict (`Objects/dictobject.c`); the index is hashbrown's.
//! Not here: equality of keys, messages, the check that a dict did not change while iterated (`len` tells the caller).

use hashbrown::HashTable;

/// Entries that are found by looking at all of them.
const SCAN_MAX: usize = 8;

#[derive(Clone, Debug)]
struct Entry<K, V> {
    hash: i64,
    key: K,
    value: V,
}

#[derive(Clone, Debug)]
pub struct PyDict<K, V> {
    entries: Vec<Option<Entry<K, V>>>,
    index: HashTable<u32>,
    live: usize,
    version: u64,
}

impl<K, V> Default for PyDict<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

/// Hashes of small ints are the ints; the index wants the bits spread.
fn spread(hash: i64) -> u64 {
    (hash as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(26)
}

impl<K, V> PyDict<K, V> {
    pub const fn new() -> Self {
        PyDict { entries: Vec::new(), index: HashTable::new(), live: 0, version: 0 }
    }

    pub fn with_capacity(entries: usize) -> Self {
        let mut dict = Self::new();
        dict.entries.reserve(entries);
        dict
    }

    pub fn len(&self) -> usize {
        self.live
    }

    pub fn is_empty(&self) -> bool {
        self.live == 0
    }

    /// D3.
    pub fn version(&self) -> u64 {
        self.version
    }

    fn indexed(&self) -> bool {
        self.entries.len() > SCAN_MAX
    }

    /// The position of a key whose equality is plain.
    #[inline]
    pub fn find_with(&self, hash: i64, mut same: impl FnMut(&K) -> bool) -> Option<usize> {
        if !self.indexed() {
            return self
                .entries
                .iter()
                .position(|entry| entry.as_ref().is_some_and(|entry| entry.hash == hash && same(&entry.key)));
        }
        let found = self.index.find(spread(hash), |at| {
            let entry = self.entries[*at as usize].as_ref();
            entry.is_some_and(|entry| entry.hash == hash && same(&entry.key))
        });
        found.map(|at| *at as usize)
    }

    /// Positions of all keys with this hash, the first added first.
    pub fn candidates(&self, hash: i64) -> Vec<usize> {
        let is = |at: &usize| self.hash_at(*at) == Some(hash);
        if !self.indexed() {
            return (0..self.entries.len()).filter(is).collect();
        }
        let mut found: Vec<usize> = self.index.iter_hash(spread(hash)).map(|at| *at as usize).filter(is).collect();
        found.sort_unstable();
        found
    }

    /// The entry at a position, unless it is a hole or beyond the end.
    #[inline]
    pub fn entry(&self, at: usize) -> Option<(&K, &V)> {
        let entry = self.entries.get(at)?.as_ref()?;
        Some((&entry.key, &entry.value))
    }

    pub fn value_mut(&mut self, at: usize) -> Option<&mut V> {
        self.entries.get_mut(at)?.as_mut().map(|entry| &mut entry.value)
    }

    pub fn hash_at(&self, at: usize) -> Option<i64> {
        self.entries.get(at)?.as_ref().map(|entry| entry.hash)
    }

    /// Adds a key that is known to be missing.
    pub fn push(&mut self, hash: i64, key: K, value: V) -> usize {
        if self.entries.len() == self.entries.capacity() && self.live * 2 < self.entries.len() {
            self.close_holes();
        }
        let at = self.entries.len();
        self.entries.push(Some(Entry { hash, key, value }));
        self.live += 1;
        self.version += 1;
        if at == SCAN_MAX {
            self.build_index();
        } else if at > SCAN_MAX {
            self.index_at(at, hash);
        }
        at
    }

    fn index_at(&mut self, at: usize, hash: i64) {
        let entries = &self.entries;
        self.index.insert_unique(spread(hash), at as u32, |at| {
            // D2: the index names no hole.
            entries[*at as usize].as_ref().map_or(0, |entry| spread(entry.hash))
        });
    }

    fn build_index(&mut self) {
        self.index.clear();
        for at in 0..self.entries.len() {
            if let Some(entry) = &self.entries[at] {
                self.index_at(at, entry.hash);
            }
        }
    }

    fn close_holes(&mut self) {
        self.entries.retain(Option::is_some);
        self.version += 1;
        if self.indexed() {
            self.build_index();
        } else {
            self.index.clear();
        }
    }

    /// The value of a key, which is added with `make` when it is missing; for keys the closure can tell.
    pub fn get_or_insert(&mut self, hash: i64, same: impl FnMut(&K) -> bool, make: impl FnOnce() -> (K, V)) -> &mut V {
        let at = match self.find_with(hash, same) {
            Some(at) => at,
            None => {
                let (key, value) = make();
                self.push(hash, key, value)
            }
        };
        match &mut self.entries[at] {
            Some(entry) => &mut entry.value,
            None => unreachable!("a position just found or filled is no hole"),
        }
    }

    /// Takes an entry out of its position.
    pub fn remove(&mut self, at: usize) -> Option<(K, V)> {
        let hash = self.hash_at(at)?;
        if self.indexed()
            && let Ok(found) = self.index.find_entry(spread(hash), |other| *other as usize == at)
        {
            found.remove();
        }
        let entry = self.entries[at].take()?;
        self.live -= 1;
        self.version += 1;
        Some((entry.key, entry.value))
    }

    /// The entry added last (`popitem`).
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        let at = self.entries.iter().rposition(Option::is_some)?;
        let was_indexed = self.indexed();
        let entry = self.remove(at);
        self.entries.truncate(at);
        // D2: a table that falls to scanning size forgets its index.
        if was_indexed && !self.indexed() {
            self.index.clear();
        }
        entry
    }

    /// Empties the table; the entries come back, to be dropped with the table closed.
    pub fn clear(&mut self) -> Self {
        let version = self.version + 1;
        std::mem::replace(self, PyDict { version, ..Self::new() })
    }

    /// The first entry at or after `cursor`, and the cursor behind it. Entries added meanwhile are seen; whether the dict may
    /// change at all is the caller's to say.
    pub fn next(&self, cursor: usize) -> Option<(usize, &K, &V)> {
        let (at, entry) =
            self.entries.iter().enumerate().skip(cursor).find_map(|(at, entry)| Some((at, entry.as_ref()?)))?;
        Some((at + 1, &entry.key, &entry.value))
    }

    /// The last entry before `cursor`, and its position, which is the cursor before it. Begins with `slots()`.
    pub fn prev(&self, cursor: usize) -> Option<(usize, &K, &V)> {
        let before = &self.entries[..cursor.min(self.entries.len())];
        let (at, entry) = before.iter().enumerate().rev().find_map(|(at, entry)| Some((at, entry.as_ref()?)))?;
        Some((at, &entry.key, &entry.value))
    }

    /// One past the last position; positions below it may be holes.
    pub fn slots(&self) -> usize {
        self.entries.len()
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().flatten().map(|entry| (&entry.key, &entry.value))
    }

    /// Entries with their hashes, in order.
    pub fn hashed(&self) -> impl DoubleEndedIterator<Item = (i64, &K, &V)> {
        self.entries.iter().flatten().map(|entry| (entry.hash, &entry.key, &entry.value))
    }

    /// The entries, in order, by value.
    pub fn into_entries(self) -> impl Iterator<Item = (i64, K, V)> {
        self.entries.into_iter().flatten().map(|entry| (entry.hash, entry.key, entry.value))
    }
}

impl<K: Clone, V: Clone> PyDict<K, V> {
    /// `dict.copy()`: the same entries in the same order, without holes.
    pub fn copy(&self) -> Self {
        let mut copy = self.clone();
        if copy.live < copy.entries.len() {
            copy.close_holes();
        }
        copy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(dict: &PyDict<i64, i64>, key: i64) -> Option<usize> {
        dict.find_with(key % 7, |other| *other == key)
    }

    fn keys(dict: &PyDict<i64, i64>) -> Vec<i64> {
        dict.iter().map(|(key, _)| *key).collect()
    }

    /// Against a plain vector, with few hashes, through all operations.
    #[test]
    fn agrees_with_a_list_of_pairs() {
        let mut dict = PyDict::new();
        let mut list: Vec<(i64, i64)> = Vec::new();
        let mut seed = 1u64;
        for step in 0..20_000 {
            seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let key = (seed >> 33) as i64 % 40;
            let before = dict.version();
            match (seed >> 60, at(&dict, key)) {
                (0, _) => assert_eq!(dict.pop_last(), list.pop()),
                (1..=6, found) => {
                    let at = list.iter().position(|pair| pair.0 == key);
                    assert_eq!(found.and_then(|at| dict.remove(at)), at.map(|at| list.remove(at)));
                }
                (7, _) if step % 50 == 0 => {
                    list.clear();
                    dict.clear();
                }
                (_, Some(at)) => {
                    *dict.value_mut(at).unwrap() = step;
                    list.iter_mut().find(|pair| pair.0 == key).unwrap().1 = step;
                    assert_eq!(dict.version(), before);
                }
                (_, None) => {
                    dict.push(key % 7, key, step);
                    list.push((key, step));
                    assert_ne!(dict.version(), before);
                }
            }
            assert_eq!(dict.len(), list.len());
            assert!(dict.iter().map(|(k, v)| (*k, *v)).eq(list.iter().copied()));
        }
        assert_eq!(keys(&dict.copy()), keys(&dict));
    }

    #[test]
    fn candidates_have_the_hash() {
        let mut dict = PyDict::new();
        for key in 0..20 {
            dict.push(key % 2, key, ());
            let odd: Vec<usize> = (0..=key as usize).filter(|at| at % 2 == 1).collect();
            assert_eq!(dict.candidates(1), odd);
        }
        assert!(dict.candidates(5).is_empty());
    }

    #[test]
    fn cursors_survive_removal() {
        let mut dict = PyDict::new();
        for key in 0..12 {
            dict.push(key, key, key);
        }
        let (mut cursor, mut seen) = (0, Vec::new());
        while let Some((next, key, _)) = dict.next(cursor) {
            seen.push(*key);
            let odd = key + 1;
            cursor = next;
            if let Some(at) = dict.find_with(odd, |key| *key == odd) {
                dict.remove(at);
            }
        }
        assert_eq!(seen, [0, 2, 4, 6, 8, 10]);
        let (mut cursor, mut back) = (dict.slots(), Vec::new());
        while let Some((before, key, _)) = dict.prev(cursor) {
            back.push(*key);
            cursor = before;
        }
        assert_eq!(back, [10, 8, 6, 4, 2, 0]);
    }

    #[test]
    fn get_or_insert_adds_once() {
        let mut dict = PyDict::new();
        *dict.get_or_insert(3, |key| *key == "a", || ("a", 0)) += 1;
        *dict.get_or_insert(3, |key| *key == "a", || ("a", 0)) += 1;
        assert_eq!(dict.hashed().collect::<Vec<_>>(), [(3, &"a", &2)]);
        assert_eq!(dict.into_entries().count(), 1);
    }
}
