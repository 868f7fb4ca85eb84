//! The table of dict: entries in insertion order, found through a hash table of their indices.
//!
//! Equality of keys may run script code, which no callback under a borrow allows. So there are two ways
//! in: `find_with` for keys whose equality is plain, and `candidates` for the others: the caller copies
//! out the entries with this hash, closes the dict, compares, and looks whether `version` has moved.

use hashbrown::HashTable;

struct Entry<K, V> {
    hash: u64,
    key: K,
    value: V,
}

pub struct PyDict<K, V> {
    index: HashTable<u32>,
    /// Holes are removed entries; compacted when they are the majority.
    entries: Vec<Option<Entry<K, V>>>,
    version: u64,
}

impl<K, V> Default for PyDict<K, V> {
    fn default() -> Self {
        PyDict {
            index: HashTable::new(),
            entries: Vec::new(),
            version: 0,
        }
    }
}

/// hashbrown takes its tag from the top bits, which small ints do not have.
fn mix(hash: i64) -> u64 {
    (hash as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

impl<K, V> PyDict<K, V> {
    pub fn len(&self) -> usize {
        self.index.len()
    }
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }
    /// Changes whenever a key is added or removed.
    pub fn version(&self) -> u64 {
        self.version
    }
    /// One past the last entry position; positions below it may be holes.
    pub fn slots(&self) -> usize {
        self.entries.len()
    }
    /// The position of a key whose equality is plain.
    #[inline]
    pub fn find_with(&self, hash: i64, mut eq: impl FnMut(&K) -> bool) -> Option<usize> {
        let hash = mix(hash);
        self.index
            .find(hash, |&i| {
                self.entries[i as usize]
                    .as_ref()
                    .is_some_and(|e| e.hash == hash && eq(&e.key))
            })
            .map(|&i| i as usize)
    }
    /// Positions of all keys with this hash.
    pub fn candidates(&self, hash: i64) -> Vec<usize> {
        let hash = mix(hash);
        self.index
            .iter_hash(hash)
            .map(|&i| i as usize)
            .filter(|&i| self.entries[i].as_ref().is_some_and(|e| e.hash == hash))
            .collect()
    }
    /// The entry at a position, unless it is a hole or beyond the end.
    #[inline]
    pub fn entry(&self, at: usize) -> Option<(&K, &V)> {
        self.entries.get(at)?.as_ref().map(|e| (&e.key, &e.value))
    }
    #[inline]
    pub fn value_mut(&mut self, at: usize) -> Option<&mut V> {
        self.entries.get_mut(at)?.as_mut().map(|e| &mut e.value)
    }
    /// Adds a key that is known to be absent; gives its position.
    pub fn push(&mut self, hash: i64, key: K, value: V) -> usize {
        let hash = mix(hash);
        if self.entries.len() == self.entries.capacity() && self.len() * 2 < self.entries.len() {
            self.compact();
        }
        let at = self.entries.len();
        self.entries.push(Some(Entry { hash, key, value }));
        let entries = &self.entries;
        self.index.insert_unique(hash, at as u32, |&i| {
            entries[i as usize].as_ref().map_or(0, |e| e.hash)
        });
        self.version += 1;
        at
    }
    /// Removes the entry at a position.
    pub fn remove(&mut self, at: usize) -> Option<(K, V)> {
        let e = self.entries.get_mut(at)?.take()?;
        if let Ok(found) = self.index.find_entry(e.hash, |&i| i as usize == at) {
            found.remove();
        }
        while let Some(None) = self.entries.last() {
            self.entries.pop();
        }
        self.version += 1;
        Some((e.key, e.value))
    }
    /// Removes the newest entry.
    pub fn pop_last(&mut self) -> Option<(K, V)> {
        self.remove(self.entries.len().checked_sub(1)?)
    }
    pub fn clear(&mut self) {
        self.index.clear();
        self.entries.clear();
        self.version += 1;
    }
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&K, &V)> {
        self.entries.iter().flatten().map(|e| (&e.key, &e.value))
    }
    fn compact(&mut self) {
        self.entries.retain(Option::is_some);
        self.index.clear();
        for (i, e) in self.entries.iter().flatten().enumerate() {
            let entries = &self.entries;
            self.index.insert_unique(e.hash, i as u32, |&i| {
                entries[i as usize].as_ref().map_or(0, |e| e.hash)
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PyDict;

    #[test]
    fn keeps_order_through_removal_and_compaction() {
        let mut d = PyDict::default();
        for i in 0..100 {
            d.push(i, i, i * 2);
        }
        for i in 0..99 {
            if i % 3 != 0 {
                let at = d.find_with(i, |k| *k == i).expect("present");
                assert_eq!(d.remove(at), Some((i, i * 2)));
            }
        }
        for i in 100..400 {
            d.push(i, i, 0);
        }
        let keys: Vec<i64> = d.iter().map(|(k, _)| *k).collect();
        let want: Vec<i64> = (0..99).filter(|i| i % 3 == 0).chain(99..400).collect();
        assert_eq!(keys, want);
        assert_eq!(d.len(), want.len());
        assert!(want.iter().all(|i| d.find_with(*i, |k| k == i).is_some()));
        assert!(d.find_with(1, |k| *k == 1).is_none());
        assert_eq!(d.pop_last(), Some((399, 0)));
    }
}
